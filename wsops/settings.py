"""Settings: what may be configured, where each value came from, and which hosts may be spoken to.

Precedence: arguments, environment (`WSOPS_…`), `wsops.toml` in the working directory, `wsops.toml`
in the user's configuration folder, defaults. A file holds named profiles:

    default_profile = "prod"

    [profiles.prod]
    region = "ap-southeast-3"
    user = "ops"
    domain = "example"

    [profiles.prod.limits]
    max_desktops = 200
"""

from __future__ import annotations

import getpass
import ipaddress
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, NoDecode, SettingsConfigDict

from wsops import redact
from wsops.errors import SettingsError
from wsops.models import ID_PATTERN

FILE_NAME = "wsops.toml"
_FILE_CAP = 1 << 20
_SUFFIXES = (".myhuaweicloud.com", ".myhuaweicloud.eu")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*\Z")
_REGION = re.compile(r"[a-z][a-z0-9-]{0,62}\Z")
_SECRETS = ("token", "password")

Seconds = Annotated[float, Field(ge=0)]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Limits(_Group):
    """What a request may hold, and how much a rollout may touch.

    `delay_max` in minutes and `message_max` in characters are from the API definitions of 2025;
    the first published contract has neither, hence they are keys.
    """

    delay_max: int = Field(15, ge=0)
    message_max: int = Field(400, ge=0)
    max_desktops: int | None = Field(None, ge=1)
    max_errors_share: float = Field(0.02, ge=0, le=1)
    max_errors_least: int = Field(3, ge=0)
    plan_hours: float = Field(12, gt=0, le=12)


class Features(_Group):
    """What the region can do, where it is known; "auto" asks with a read.

    `handle_type`: whether the region knows handle_type. `desktop_ids`: whether it honours a list
    of desktops in a rebuild of a pool (never guessed). `image_filter`: whether its
    inconsistent_type filter may be trusted to save traffic.
    """

    handle_type: Literal["auto", "yes", "no"] = "auto"
    desktop_ids: bool = False
    image_filter: Literal["auto", "no"] = "auto"


class Polling(_Group):
    """How often to look at a job, how long to wait for what; all in seconds."""

    first: Seconds = 8
    factor: float = Field(1.25, ge=1)
    longest: Seconds = 60
    jitter: float = Field(0.2, ge=0, le=1)
    not_found_times: int = Field(5, ge=0)
    not_found_seconds: Seconds = 120
    stall_after: Seconds = 1800
    base_deadline: Seconds = 3600
    per_desktop: Seconds = 120
    verify_every: Seconds = 10
    verify_within: Seconds = 300
    reconcile_every: Seconds = 15
    reconcile_within: Seconds = 60
    settle_seconds: Seconds = 600
    settle_reads: int = Field(3, ge=1)


class Pace(_Group):
    """How fast the service may be asked.

    The official limit is 200 requests a second and API; nothing is published for Workspace.
    """

    reads_per_second: float = Field(50, gt=0)
    workers: int = Field(32, ge=1, le=64)
    write_every: Seconds = 6
    throttled_wait: Seconds = 65
    call_deadline: Seconds = 60
    connect_timeout: Seconds = 10


class Settings(BaseSettings):
    """All settings of one profile; frozen."""

    model_config = SettingsConfigDict(
        env_prefix="WSOPS_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    profile: str = "default"
    region: str = ""
    project_id: str = ""
    endpoint: str = ""
    iam_endpoint: str = ""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    auth: Literal["auto", "token", "password", "aksk"] = "auto"
    token: SecretStr | None = None
    user: str = ""
    password: SecretStr | None = None
    domain: str = ""
    instance_metadata: bool = False
    journal: str = ""
    ca_bundle: Path | None = None
    operator: str = ""
    limits: Limits = Limits()
    features: Features = Features()
    polling: Polling = Polling()
    pace: Pace = Pace()

    @model_validator(mode="before")
    @classmethod
    def _derive(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Fill the endpoints from the region, and the operator from the log-in name."""
        hosts = data.get("allowed_hosts", ())
        if isinstance(hosts, str):
            hosts = tuple(host.strip() for host in hosts.split(",") if host.strip())
        region = data.get("region") or ""
        listed = hosts if isinstance(hosts, tuple | list) else (hosts,)
        texts = (region, data.get("endpoint") or "", data.get("iam_endpoint") or "", *listed)
        if not all(isinstance(text, str) for text in texts):
            return data  # the types of the fields say it better
        if region and not _REGION.match(region):
            msg = f"region {region[:40]!r} is not a region name, such as ap-southeast-3"
            raise ValueError(msg)
        for key, service in (("endpoint", "workspace"), ("iam_endpoint", "iam")):
            given = data.get(key) or (
                f"https://{service}.{region}.myhuaweicloud.com" if region else ""
            )
            data[key] = checked_endpoint(given, key, tuple(hosts)) if given else ""
        data["allowed_hosts"] = tuple(hosts)
        data["operator"] = data.get("operator") or _login_name()
        return data

    @model_validator(mode="after")
    def _complete(self) -> Settings:
        if not self.endpoint:
            msg = "neither region nor endpoint is set; try `wsops simulate`, or set WSOPS_REGION"
            raise ValueError(msg)
        if self.project_id and not ID_PATTERN.match(self.project_id):
            msg = f"project_id {self.project_id[:40]!r} is not an ID"
            raise ValueError(msg)
        return self

    @property
    def environment(self) -> str:
        """SIMULATOR where the endpoint is plain http on loopback, PRODUCTION everywhere else."""
        return "SIMULATOR" if self.endpoint.startswith("http://") else "PRODUCTION"

    @property
    def journal_place(self) -> str:
        """The journal's path or URL; by default a file in the user's state folder."""
        return self.journal or str(Path(platformdirs.user_state_dir("wsops")) / "journal.sqlite")


def load(profile: str | None = None, **overrides: Any) -> Settings:  # noqa: ANN401
    """Read the settings of a profile.

    Raises:
        SettingsError: a file is unreadable, a key unknown or wrong, a profile missing, a host not
            allowed, or a file with secrets is readable by others.
    """
    return load_with_origins(profile, **overrides)[0]


def load_with_origins(
    profile: str | None = None,
    **overrides: Any,  # noqa: ANN401
) -> tuple[Settings, dict[str, str]]:
    """Read the settings, and for each key where its value came from."""
    given = {key: value for key, value in overrides.items() if value is not None}
    name = profile or os.environ.get("WSOPS_PROFILE") or ""
    name, files = _profile_layers(name)
    given["profile"] = name

    class Layered(Settings):
        @classmethod
        def settings_customise_sources(cls, settings_cls, init_settings, env_settings, **_):  # type: ignore[no-untyped-def,override] # noqa: ANN001,ANN003,ANN206
            layers = [InitSettingsSource(settings_cls, values) for _, values in files]
            return (init_settings, env_settings, *layers)

    try:
        settings = Layered(**given)
    except ValueError as error:
        raise SettingsError(_first_problem(error)) from None
    for secret in (settings.token, settings.password):
        redact.register(secret.get_secret_value() if secret else None)
    return settings, _origins(given, files)


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
    loopback = _loopback(host)
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


def user_file() -> Path:
    """Give the place of the user's own wsops.toml."""
    return Path(platformdirs.user_config_dir("wsops")) / FILE_NAME


def refuse_if_open_to_others(path: Path) -> None:
    """Refuse a file with secrets that its group or others may read.

    Raises:
        SettingsError: they may; names the command that mends it.
    """
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        msg = f"{path} holds credentials and is readable by others"
        raise SettingsError(msg, remedy=f"chmod 600 {path}")


def _profile_layers(name: str) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """Find a profile in both files; the working directory's layer comes first."""
    places = [(Path.cwd() / FILE_NAME, False), (user_file(), True)]
    files = [(path, _read(path), trusted) for path, trusted in places if path.is_file()]
    name = name or next((d["default_profile"] for _, d, _ in files if "default_profile" in d), "")
    known: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for path, data, trusted in files:
        for profile, values in data.get("profiles", {}).items():
            if not trusted and "allowed_hosts" in values:
                msg = f"{path}: allowed_hosts may only stand in your own {user_file()}"
                raise SettingsError(msg)
            if any(key in values for key in _SECRETS):
                refuse_if_open_to_others(path)
            known.setdefault(profile, []).append((str(path), values))
    if name and name != "default" and name not in known:
        there = ", ".join(sorted(known)) or "none"
        msg = f"profile {name!r} is not in {FILE_NAME} (known: {there})"
        raise SettingsError(msg)
    return name or "default", known.get(name or "default", [])


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _FILE_CAP:
            msg = f"{path} is larger than 1 MiB; that is not a settings file"
            raise SettingsError(msg)
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{path} cannot be read: {str(error)[:200]}"
        raise SettingsError(msg) from None
    strange = set(data) - {"default_profile", "profiles"}
    profiles = data.get("profiles", {})
    tables = isinstance(profiles, dict) and all(isinstance(v, dict) for v in profiles.values())
    if strange or not tables or not isinstance(data.get("default_profile", ""), str):
        msg = f"{path}: expected default_profile and [profiles.NAME] tables, found {sorted(data)}"
        raise SettingsError(msg)
    return data


def _origins(given: dict[str, Any], files: list[tuple[str, dict[str, Any]]]) -> dict[str, str]:
    origins = {}
    for key in Settings.model_fields:
        variable = f"WSOPS_{key.upper()}"
        in_file = next((path for path, values in files if key in values), None)
        nested = any(name.startswith(f"{variable}__") for name in os.environ)
        if key in given and key != "profile":
            origins[key] = "argument"
        elif os.environ.get(variable) or nested:
            origins[key] = variable
        else:
            origins[key] = in_file or "default"
    return origins


def _first_problem(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)  # a variable that is not JSON
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    text = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        text = "no such setting"
    return f"{where}: {text}" if where else text


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
