"""Which hosts may be spoken to: credentials go to these and to no others."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from wsops import redact

_SUFFIXES = (".myhuaweicloud.com", ".myhuaweicloud.eu")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*\Z")


def checked_endpoint(url: str, key: str, allowed_hosts: tuple[str, ...] = ()) -> str:
    """Give the endpoint without a trailing slash if credentials may be sent to it.

    Only https, to hosts of Huawei Cloud or hosts named in `allowed_hosts`; plain http to loopback
    addresses alone.

    Raises:
        ValueError: the URL is anything else.
    """
    shown = redact.without_password(url)[:80]
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    odd = set("@?#\\ ").intersection(url) or not (url.isascii() and url.isprintable())
    plain = parts.scheme in {"http", "https"} and parts.path in {"", "/"} and not odd
    loopback = is_loopback(host)
    if not plain or not (loopback or _HOST.match(host)):
        msg = f"{key} {shown!r} is not of the form https://host or http://127.0.0.1:port"
        raise ValueError(msg)
    if not loopback and parts.scheme != "https":
        msg = f"{key} {shown!r} is not https; plain http is for loopback addresses alone"
        raise ValueError(msg)
    if not (loopback or host.endswith(_SUFFIXES) or host in allowed_hosts):
        msg = (
            f"{key}: {host[:80]!r} is not a host of Huawei Cloud; if you trust it with your "
            "credentials, name it in allowed_hosts of your own configuration folder"
        )
        raise ValueError(msg)
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by its name or its address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
