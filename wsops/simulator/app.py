"""The thin skin of HTTP over a cloud: paths to operations, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from wsops.simulator import control, iam, pipeline
from wsops.simulator.answers import Answer, Refusal, no_api, not_allowed
from wsops.simulator.call import Call
from wsops.simulator.cloud import Cloud
from wsops.simulator.exchange import Exchange
from wsops.simulator.ledger import fingerprint
from wsops.simulator.operations import perform
from wsops.simulator.pipeline import Turn

_PROJECT = "/v2/{project_id}"
_POOL = _PROJECT + "/desktop-pools/{pool_id}"

# operationId -> method, path, as in the contract.
PATHS = {
    "ListDesktopPools": ("GET", _PROJECT + "/desktop-pools"),
    "ShowDesktopPoolDetail": ("GET", _POOL),
    "UpdateDesktopPool": ("PUT", _POOL),
    "ListPoolDesktopsDetail": ("GET", _POOL + "/desktops"),
    "ListInconsistentStatics": ("GET", _POOL + "/inconsistent-statics"),
    "RebuildDesktopPool": ("POST", _POOL + "/rebuild"),
    "SendDesktopPoolNotifications": ("POST", _POOL + "/notifications"),
    "BatchRebuildDesktopsSystemDisk": ("POST", _PROJECT + "/desktops/rebuild"),
    "ListDesktopsDetail": ("GET", _PROJECT + "/desktops/detail"),
    "CheckDesktopImages": ("POST", _PROJECT + "/desktops/check-images"),
    "ListImages": ("GET", _PROJECT + "/images"),
    "ShowJob": ("GET", _PROJECT + "/workspace-jobs/{job_id}"),
    "RunActionsOnWorkspaceJob": ("POST", _PROJECT + "/workspace-jobs/{job_id}/actions"),
    "ListItaSubJobs": ("GET", _PROJECT + "/workspace-sub-jobs"),
    iam.CREATE_TOKEN: ("POST", "/v3/auth/tokens"),
    iam.LIST_PROJECTS: ("GET", "/v3/projects"),
}
_EVERY = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]


def build(look: Callable[[], Cloud]) -> Starlette:
    """Return the ASGI application; `look` returns the cloud to serve, which may be replaced."""
    published = [
        Route(path, Operation(name, look), methods=[method])
        for name, (method, path) in PATHS.items()
    ]
    rest = Route("/{rest:path}", Operation(None, look), methods=_EVERY)
    return Starlette(routes=[*published, *control.routes(look), rest])


class Operation:
    """One operation as an ASGI application; without a name, every path that is not published."""

    def __init__(self, name: str | None, look: Callable[[], Cloud]) -> None:
        """Serve the operation of this operationId."""
        self.name = name
        self._look = look

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Receive, note in the ledger, admit, then hand over to the pipeline."""
        exchange, cloud = Exchange(scope, receive, send), self._look()
        await exchange.read()
        call = _call(self.name or "", exchange)
        who, refusal = self._admit(cloud, exchange)
        seq = _note(cloud, exchange, call, who)
        turn = Turn(cloud, exchange, call, seq, lambda: _act(cloud, call))
        if refusal is not None:
            await pipeline.reply(turn, refusal.answer())
        else:
            await pipeline.run(turn)

    def _admit(self, cloud: Cloud, exchange: Exchange) -> tuple[str, Refusal | None]:
        """Return how the caller proved to be somebody, and why it may not pass, if so."""
        if self.name is None:
            return "none", no_api()
        if self.name == iam.CREATE_TOKEN:
            return "none", None
        try:
            who = cloud.access.admit(exchange.received)
        except Refusal as refusal:
            return "none", refusal
        asked = exchange.scope["path_params"].get("project_id", cloud.project_id)
        if asked != cloud.project_id:
            return who, not_allowed(f"workspace:{self.name} in the project {asked}")
        return who, None


def _call(name: str, exchange: Exchange) -> Call:
    found = exchange.scope.get("path_params", {})
    return Call(
        operation=name,
        method=exchange.scope["method"],
        pool_id=found.get("pool_id", ""),
        job_id=found.get("job_id", ""),
        body=exchange.body,
        query=tuple(parse_qsl(exchange.query, keep_blank_values=True)),
    )


def _note(cloud: Cloud, exchange: Exchange, call: Call, who: str) -> int:
    """Write the request into the ledger; a request that carries a password keeps no body."""
    secret = call.operation == iam.CREATE_TOKEN
    return cloud.ledger_.note(
        at=cloud.now(),
        method=call.method,
        path=exchange.scope["path"],
        query=exchange.query,
        body=None if secret else call.parsed,
        body_sha256="" if secret else fingerprint(call.body),
        operation=call.operation or None,
        request_id=exchange.request_id,
        pool_id=call.pool_id or None,
        who=who,
    )


def _act(cloud: Cloud, call: Call) -> Answer:
    if call.operation == iam.CREATE_TOKEN:
        return iam.create_token(cloud, call)
    if call.operation == iam.LIST_PROJECTS:
        return iam.list_projects(cloud, call)
    return perform(cloud, call)
