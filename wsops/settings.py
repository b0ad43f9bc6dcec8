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
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, NoDecode, SettingsConfigDict

from wsops import redact
from wsops.endpoints import checked_endpoint
from wsops.errors import SettingsError
from wsops.models import ID_PATTERN
from wsops.profiles import profile_layers

_REGION = re.compile(r"[a-z][a-z0-9-]{0,62}\Z")

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
    name, files = profile_layers(name)
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
    token = settings.token.get_secret_value() if settings.token else ""
    if not (token.isascii() and token.isprintable()) or token != token.strip():
        msg = "token: not a token of IAM: it has a space, a line break or an odd character"
        raise SettingsError(msg)
    for secret in (settings.token, settings.password):
        redact.register(secret.get_secret_value() if secret else None)
    redact.register(*_passwords_of_proxies())
    return settings, _origins(given, files)


def _passwords_of_proxies() -> Iterator[str]:
    """Give the passwords in the URLs of the proxies that the environment names."""
    for name, value in os.environ.items():
        if name.lower().endswith("_proxy"):
            with suppress(ValueError):  # no URL: whoever uses it says so
                yield unquote(urlsplit(value).password or "")


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


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
