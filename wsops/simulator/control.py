"""The doors for tests and demos: ledger, faults, clock and state of the simulation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wsops.simulator.answers import Refusal
from wsops.simulator.cloud import Cloud
from wsops.simulator.records import Row

Look = Callable[[], Cloud]

_FAULT_KEYS = {"kind", "operation", "match", "times", "after", "args"}


def routes(look: Look) -> list[Route]:
    """Return the routes under /_sim; they ask for no credentials, hence loopback only."""

    async def ledger(request: Request) -> Response:
        since = request.query_params.get("since", "0")
        entries = look().ledger.entries(
            request.query_params.get("operation"), int(since) if since.isdigit() else 0
        )
        return JSONResponse({"entries": [entry.row() for entry in entries]})

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            look().faults.clear()
            return JSONResponse({})
        return await _guarded(request, lambda fields: _add_fault(look(), fields))

    async def clock(request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"now": look().now()})
        return await _guarded(request, lambda fields: {"now": look().advance(fields["advance"])})

    async def state(request: Request) -> Response:
        return await _guarded(request, lambda fields: _change(look(), fields))

    async def fleet(_request: Request) -> Response:
        return JSONResponse(look().snapshot())

    return [
        Route("/_sim/ledger", ledger, methods=["GET"]),
        Route("/_sim/faults", faults, methods=["POST", "DELETE"]),
        Route("/_sim/clock", clock, methods=["GET", "POST"]),
        Route("/_sim/state", state, methods=["POST"]),
        Route("/_sim/fleet", fleet, methods=["GET"]),
    ]


async def _guarded(request: Request, act: Callable[[Row], Row]) -> Response:
    """Answer 400 with a sentence when the body asks for something impossible."""
    try:
        fields = await request.json()
        if not isinstance(fields, dict):
            return JSONResponse({"error": "The body must be a JSON object."}, status_code=400)
        return JSONResponse(act(fields))
    except Refusal as refusal:
        return JSONResponse({"error": refusal.message}, status_code=400)
    except (ValueError, TypeError, KeyError) as error:
        return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=400)


def _add_fault(cloud: Cloud, fields: Row) -> Row:
    if unknown := set(fields) - _FAULT_KEYS:
        msg = f"unknown keys: {', '.join(sorted(unknown))}"
        raise ValueError(msg)
    fault = cloud.faults.add(
        fields["kind"], **{k: v for k, v in fields.items() if k != "kind" and (v is not None)}
    )
    return {"kind": fault.kind, "operations": list(fault.operations) or "*"}


def _change(cloud: Cloud, fields: Row) -> Row:
    """Do one thing to the state: `{"do": name, ...}` with the arguments of that name."""
    acts: dict[str, Callable[..., Any]] = {
        "set_login": cloud.set_login,
        "set_status": cloud.set_status,
        "set_pool_image": cloud.set_pool_image,
        "set_desktop_image": cloud.set_desktop_image,
        "remove_desktop": cloud.remove_desktop,
        "revoke_token": cloud.access.revoke,
        "add_desktop": lambda **args: {"desktop_id": cloud.add_desktop(**args).id},
        "deny": cloud.denied.add,
        "allow": cloud.denied.discard,
    }
    args = dict(fields)
    name = args.pop("do", None)
    if name not in acts:
        msg = f"do must be one of {', '.join(sorted(acts))}"
        raise ValueError(msg)
    if name in ("deny", "allow"):
        acts[name](str(args["operation"]))
        return {}
    return acts[name](**args) or {}
