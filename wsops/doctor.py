"""Examines what wsops would work with: settings, credentials, network, clock, journal, rights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from wsops.auth import SKEW_WARNING
from wsops.client import Workspace
from wsops.errors import WsopsError
from wsops.journal import Journal
from wsops.readings import region_of
from wsops.redact import without_password
from wsops.settings import Settings, load_with_origins
from wsops.text import count
from wsops.transport import ca_bundle, proxy_for

_RIGHTS = (
    "workspace:desktopPools:list",
    "workspace:desktopPools:get",
    "workspace:desktopPools:listDesktops",
    "workspace:desktopPools:rebuild",
    "workspace:jobs:get",
    "workspace:images:list",
    "ims:images:list",
    "vpc:subnets:get",
)
_HIDDEN = ("token", "password")


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `level` is ok, info, warn or fail."""

    level: str
    what: str
    found: str

    def as_dict(self) -> dict[str, str]:
        """Give it as `--json` prints it."""
        return asdict(self)


def examine(profile: str | None) -> tuple[Settings, tuple[Finding, ...]]:
    """Look at everything, read only; what fails is a finding, not an error.

    Raises:
        SettingsError: the settings themselves cannot be read.
    """
    settings, origins = load_with_origins(profile)
    findings = [*_settings(settings, origins), *_network(settings), *_journal(settings)]
    try:
        with Workspace(settings) as ws:
            findings += _service(ws)
    except WsopsError as error:
        findings.append(Finding("fail", "service", f"{error}; {error.remedy}"))
    findings.append(Finding("info", "rights needed", ", ".join(_RIGHTS)))
    findings.append(
        Finding("info", "right to rebuild", "cannot be tested without sending a rebuild")
    )
    return settings, tuple(findings)


def verdict_of(findings: tuple[Finding, ...]) -> dict[str, str]:
    """Give the verdict (done or error) and a headline that says what is wrong."""
    wrong = [one for one in findings if one.level == "fail"]
    doubts = sum(one.level == "warn" for one in findings)
    if wrong:
        return {"verdict": "error", "headline": "; ".join(f"{w.what}: {w.found}" for w in wrong)}
    warned = f", {count(doubts, 'warning')}" if doubts else ""
    return {"verdict": "done", "headline": f"connected{warned}"}


def _settings(settings: Settings, origins: dict[str, str]) -> Iterator[Finding]:
    for key, origin in origins.items():
        value = getattr(settings, key)
        if origin == "default" and key not in {"endpoint", "iam_endpoint", "profile"}:
            continue
        shown = "set" if key in _HIDDEN and value else without_password(str(value))
        yield Finding("info", key, f"{shown}  ({origin})")


def _network(settings: Settings) -> Iterator[Finding]:
    try:
        proxy = proxy_for(settings.endpoint)
        shown = without_password(proxy) if proxy else "none"
        yield Finding("info", "proxy", f"{shown}{'  (HTTPS_PROXY)' if proxy else ''}")
    except WsopsError as error:
        yield Finding("fail", "proxy", str(error))
    bundle = ca_bundle(settings)
    origin = "setting" if settings.ca_bundle else "SSL_CERT_FILE" if bundle else "system"
    yield Finding("info", "CA bundle", f"{bundle or 'the default one'}  ({origin})")


def _journal(settings: Settings) -> Iterator[Finding]:
    place = settings.journal_place
    try:
        journal = Journal.find(place)
        if journal is None:
            yield Finding("info", "record", f"{place}: none yet, made by the first apply")
            return
        with journal:
            broken = journal.broken_event()
            runs = len(journal.runs())
        if broken is None:
            yield Finding("ok", "record", f"{place}: {count(runs, 'run')}, chain of events whole")
        else:
            yield Finding("fail", "record", f"{place}: event {broken} does not fit the chain")
    except WsopsError as error:
        yield Finding("fail", "record", f"{error}; {error.remedy}")


def _service(ws: Workspace) -> Iterator[Finding]:
    signer = {
        "token": "a fixed token",
        "password": "user and password, token from IAM",
        "aksk": "access key, signed",
    }[ws.signer.kind]
    yield Finding("ok", "credentials", signer)
    yield Finding("ok", "project", ws.project_id)
    pools = ws.pools()
    yield Finding("ok", "service", f"answers; {pools.seen} pools")
    skew = getattr(ws.signer, "skew", 0.0)
    level = "warn" if abs(skew) > SKEW_WARNING else "ok"
    yield Finding(level, "clock", f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} it")
    yield from _region(ws, pools.rows)


def _region(ws: Workspace, pools: tuple[object, ...]) -> Iterator[Finding]:
    try:
        region = region_of(ws, pools)  # type: ignore[arg-type]
    except WsopsError as error:
        yield Finding("warn", "generation", f"{error}; {error.remedy}")
        return
    knows = "knows" if region.knows_handle_type else "does not know"
    honours = "honours" if region.honours_desktop_ids else "is not said to honour"
    yield Finding("ok", "generation", f"{knows} handle_type, {honours} desktop_ids")
