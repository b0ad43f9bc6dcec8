"""JupyterLab as a child process: on loopback, behind a token, without a word to the outside.

What the user's own Jupyter configuration says is kept, but for address, token, origins, extension
manager and news, which are ours here; the settings of the interface stay the user's, over our
defaults. Nothing is written into either.
"""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wsops import tethered
from wsops.errors import SettingsError, WsopsError
from wsops.files import write_private
from wsops.gallery import FIRST

_READY_WITHIN = 90.0
_EVERY = 0.05
_TOLD = 600  # characters of a log
_WARNINGS = 30
_TOKEN_VARIABLES = ("JUPYTER_TOKEN", "JUPYTER_TOKEN_FILE")
_ANNOUNCEMENTS = "@jupyterlab/apputils-extension:announcements"
_DEFAULTS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    # Else what a server sent could put a button that runs commands into an output.
    "@jupyterlab/apputils-extension:sanitizer": {"allowCommandLinker": False},
}


@dataclass(frozen=True)
class Opening:
    """The folder to open, and where to listen; port 0 takes a free one."""

    folder: Path
    ip: str = "127.0.0.1"
    port: int = 0
    certfile: Path | None = None
    keyfile: Path | None = None

    @property
    def encrypted(self) -> bool:
        """Whether it speaks TLS."""
        return self.certfile is not None and self.keyfile is not None

    @property
    def path(self) -> str:
        """The path of the address that shows the first notebook, or the folder without it."""
        return f"/lab/tree/{FIRST}" if (self.folder / FIRST).is_file() else "/lab"


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that answers; `url` holds the token, and `pid` is the server's process."""

    url: str
    token: str
    port: int
    pid: int
    _process: subprocess.Popen[bytes]
    _log: Path

    def wait(self) -> None:
        """Wait until the server ends, as by its menu File, Shut Down.

        Raises:
            WsopsError: it ended otherwise than by itself; says what it said last.
        """
        if self._process.wait() != 0:
            msg = f"JupyterLab ended with {self._process.returncode}: {_tail(self._log)}"
            raise WsopsError(msg, remedy="start it again; what was saved is there")


def checked(opening: Opening) -> Opening:
    """Give the opening with its address as a number.

    Raises:
        SettingsError: the folder is none, the address is none, or others could reach it without
            TLS.
    """
    if not opening.folder.is_dir():
        msg = f"{opening.folder} is not a folder"
        raise SettingsError(msg, remedy=f"`wsops init {opening.folder}` makes it, with notebooks")
    ip = "127.0.0.1" if opening.ip == "localhost" else opening.ip
    try:
        loopback = ipaddress.ip_address(ip).is_loopback
    except ValueError:
        msg = f"--ip {opening.ip!r} is not an IP address"
        raise SettingsError(msg, remedy="give 127.0.0.1, or leave --ip out") from None
    if not loopback and not opening.encrypted:
        msg = f"--ip {ip} can be reached by others, who would see the token: that needs TLS"
        remedy = "give --certfile and --keyfile, or stay on 127.0.0.1 and use `ssh -L`"
        raise SettingsError(msg, remedy=remedy)
    return replace(opening, ip=ip)


def chosen_token() -> str:
    """Give the token of JUPYTER_TOKEN, or a random one where that is not set.

    Raises:
        SettingsError: JUPYTER_TOKEN is set and empty, which would switch the token off.
    """
    token = os.environ.get("JUPYTER_TOKEN")
    if token is None:
        return secrets.token_urlsafe(32)
    if not token.strip():
        msg = "JUPYTER_TOKEN is empty: everybody on this machine could run code as you"
        raise SettingsError(msg, remedy="unset JUPYTER_TOKEN; wsops makes a random token")
    return token


@contextmanager
def jupyterlab(opening: Opening, environment: Mapping[str, str], *, browser: bool) -> Iterator[Lab]:
    """Run JupyterLab for the block; the kernels get `environment`.

    The token is in a private file and in the URL, never among the arguments or in the environment.

    Raises:
        SettingsError: the address, the folder or the token is refused.
        WsopsError: it did not start; says what it said.
    """
    opening, token = checked(opening), chosen_token()
    with tempfile.TemporaryDirectory(prefix="wsops-lab-", ignore_cleanup_errors=True) as private:
        own = Path(private)
        config = _write_settings(own, opening, token, browser=browser)
        log = own / "jupyter.log"
        with log.open("wb") as errors:
            process = tethered.start(
                ["wsops.labapp", "--config", str(config)],
                env=_jupyter_environment(environment, own),
                cwd=opening.folder,
                stderr=errors,
            )
        try:
            port = _answering(process, opening.ip, own / "runtime", log)
            yield Lab(_url(opening, port, token), token, port, process.pid, process, log)
        finally:
            tethered.end(process)


def _write_settings(own: Path, opening: Opening, token: str, *, browser: bool) -> Path:
    """Write the server's configuration and the defaults of the interface; gives the former."""
    labconfig = own / "config" / "labconfig"
    labconfig.mkdir(parents=True)
    write_private(labconfig / "default_setting_overrides.json", json.dumps(_DEFAULTS))
    disabled = {"disabledExtensions": {_ANNOUNCEMENTS: True}}
    write_private(labconfig / "page_config.json", json.dumps(disabled))
    server: dict[str, Any] = {
        "ip": opening.ip,
        "port": opening.port,
        "port_retries": 0,
        "allow_root": os.geteuid() == 0,
        "allow_origin": "",
        "allow_origin_pat": "",
        "disable_check_xsrf": False,
        "open_browser": browser,
        "root_dir": str(opening.folder.resolve()),
        "log_level": _WARNINGS,
    }
    if opening.encrypted:
        server |= {"certfile": str(opening.certfile), "keyfile": str(opening.keyfile)}
    lab = {
        "default_url": opening.path,
        "news_url": None,
        "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "extension_manager": "readonly",  # the other one asks a package index
    }
    config = own / "jupyter.json"
    whole = {
        "ServerApp": server,
        "LabApp": lab,
        "IdentityProvider": {"token": token},
        "LanguageServerManager": {"autodetect": False},  # it would run npm
    }
    write_private(config, json.dumps(whole))
    return config


def _jupyter_environment(environment: Mapping[str, str], own: Path) -> dict[str, str]:
    kept = {key: value for key, value in environment.items() if key not in _TOKEN_VARIABLES}
    paths = [str(own / "config"), environment.get("JUPYTER_CONFIG_PATH", "")]
    return kept | {
        "JUPYTER_CONFIG_PATH": os.pathsep.join(path for path in paths if path),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
    }


def _answering(process: subprocess.Popen[bytes], ip: str, runtime: Path, log: Path) -> int:
    """Wait until the server takes connections; gives its port, which it writes down before."""
    note = runtime / f"jpserver-{process.pid}.json"
    end = time.monotonic() + _READY_WITHIN
    while time.monotonic() < end and process.poll() is None:
        try:
            port = int(json.loads(note.read_text())["port"])
            socket.create_connection((ip, port), timeout=1).close()
        except (OSError, ValueError):
            time.sleep(_EVERY)  # not there yet, half written, or not listening yet
        else:
            return port
    msg = f"JupyterLab did not start: {_tail(log)}"
    raise WsopsError(msg, remedy="give another --port, or see what `jupyter lab` says by itself")


def _url(opening: Opening, port: int, token: str) -> str:
    address = ipaddress.ip_address(opening.ip)
    host = socket.gethostname() if address.is_unspecified else opening.ip
    host = f"[{host}]" if ":" in host else host
    scheme = "https" if opening.encrypted else "http"
    return f"{scheme}://{host}:{port}{opening.path}?token={token}"


def _tail(log: Path) -> str:
    said = log.read_text(errors="replace").strip()
    return said[-_TOLD:] or "it said nothing"
