"""What happens to a request between its arrival and its answer: admission, faults, execution."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from wsops.simulator import answers
from wsops.simulator.access import echo
from wsops.simulator.answers import Answer, Refusal, dump
from wsops.simulator.call import Call
from wsops.simulator.cloud import Cloud
from wsops.simulator.exchange import Exchange
from wsops.simulator.faults import DELAYS, WIRE, Fault

Act = Callable[[], Answer]

DEFAULT_CODES = {
    400: "APIGW.0201",
    401: "APIGW.0301",
    403: "APIGW.0302",
    404: "APIGW.0101",
    409: "WKS.00010032",
    429: "APIGW.0308",
    500: "WKS.0001",
    502: "APIGW.0201",
    503: "APIGW.0201",
    504: "APIGW.0201",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One request on its way: who it is for, its number in the ledger, what it would do."""

    cloud: Cloud
    exchange: Exchange
    call: Call
    seq: int
    act: Act

    def execute(self) -> Answer:
        """Do what the request asks, and note it; what it did stays done whatever is answered."""
        answer = self.act()
        if answer.executed:
            self.note(executed=True, job_id=answer.job_id)
        return answer

    def note(self, **fields: object) -> None:
        """Complete the request's entry in the ledger."""
        self.cloud.ledger_.amend(self.seq, **fields)


async def run(turn: Turn) -> None:
    """Let the delays pass, then let a fault or the cloud answer."""
    cloud = turn.cloud
    if cloud.options.latency:
        await asyncio.sleep(cloud.options.latency)
    delays = cloud.faults.take_all(DELAYS, turn.call)
    fault = cloud.faults.take(WIRE, turn.call)
    struck = [one.kind for one in (fault, *delays) if one]
    if struck:
        turn.note(fault=struck[0])
    for delay in delays:
        await _delay(turn, delay)
        if delay.kind == "hang":
            return
    if fault is not None:
        await _faulty(turn, fault)
    else:
        await reply(turn, turn.execute())


async def reply(turn: Turn, answer: Answer) -> None:
    """Note the status, then send the whole answer: who has it finds it in the ledger."""
    turn.note(status=answer.status)
    await turn.exchange.answer(answer, turn.cloud.now())


async def _delay(turn: Turn, fault: Fault) -> None:
    seconds = float(fault.args.get("seconds", 0.5))
    if fault.kind == "latency":
        await asyncio.sleep(seconds)
        return
    if fault.args.get("executed"):
        turn.execute()
    await turn.exchange.hang(seconds)
    await turn.exchange.cut()


async def _faulty(turn: Turn, fault: Fault) -> None:
    """Answer as the fault wants, or do not answer at all."""
    exchange, args, now = turn.exchange, fault.args, turn.cloud.now()
    reset = bool(args.get("reset"))
    match fault.kind:
        case "cut":
            await exchange.cut(reset=reset)
        case "lost":
            turn.execute()
            await exchange.cut(reset=reset)
        case "late":
            with turn.cloud.lock:
                turn.cloud.agenda.defer(now + float(args.get("after", 5.0)), _quietly(turn))
            await exchange.hang(float(args.get("seconds", 0.0)))
            await exchange.cut(reset=reset)
        case "cut_body":
            answer = turn.execute()
            turn.note(status=answer.status)
            await exchange.answer_half(answer, now)
        case "drip":
            answer = turn.execute()
            turn.note(status=answer.status)
            await exchange.answer_slowly(answer, now, float(args.get("seconds", 0.1)))
        case _:
            if args.get("executed"):
                turn.execute()
            await reply(turn, _substitute(turn, fault))


def _quietly(turn: Turn) -> Callable[[], None]:
    def act() -> None:
        turn.execute()

    return act


def _substitute(turn: Turn, fault: Fault) -> Answer:  # noqa: PLR0911 - one a kind
    """Return the answer that takes the place of the true one."""
    args = fault.args
    match fault.kind:
        case "throttle":
            default = turn.cloud.options.retry_after
            return answers.throttled(
                _retry_after(turn.cloud, args.get("retry_after", default))
            ).answer()
        case "error_in_200":
            row = {
                "error_code": args.get("code", "WKS.00010032"),
                "error_msg": args.get("message", "Operation conflict."),
                "error_detail": None,
            }
            return Answer(200, dump(row))
        case "strange_200":
            text = args.get(
                "body", "<html><head><title>Sign in</title></head><body>Welcome</body></html>"
            )
            body = text.encode() if isinstance(text, str) else dump(text)
            return Answer(200, body, content_type=str(args.get("content_type", "text/html")))
        case "not_found_as_500":
            return Refusal(500, answers.NOT_FOUND, "The resource is not found.").answer()
        case "redirect":
            place = str(args.get("location", "https://redirect.invalid/"))
            return Answer(int(args.get("status", 307)), b"", {"Location": place})
        case "echo_headers":
            reason = f"verify aksk signature fail, canonicalRequest:{echo(turn.exchange.received)}"
            return answers.unauthenticated(reason).answer()
        case _:
            return _error(turn.cloud, args)


def _error(cloud: Cloud, args: Any) -> Answer:  # noqa: ANN401 - the arguments are free JSON
    status = int(args.get("status") or cloud.rng.choice((500, 502, 503, 504)))
    after = _retry_after(cloud, args.get("retry_after"))
    return Refusal(
        status,
        str(args.get("code", DEFAULT_CODES.get(status, "WKS.0001"))),
        str(args.get("message", f"The service answers {status} because a fault was asked for.")),
        detail=args.get("detail"),
        headers={} if after is None else {"Retry-After": after},
    ).answer()


def _retry_after(cloud: Cloud, value: object) -> str | None:
    """Return Retry-After: seconds, an HTTP date so many seconds ahead, or a text as it is."""
    if isinstance(value, dict):
        return formatdate(cloud.now() + float(value["date"]), usegmt=True)
    return None if value is None else str(value)
