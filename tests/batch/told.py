"""Batches as values, as the ledger would give them: for the pages that are made of one."""

from datetime import UTC, datetime, timedelta

from wsops.batch.amounts import of_batch, totals
from wsops.batch.records import Attempt, Batch, Row, Spec
from wsops.summary import Place, Trouble

START = datetime(2026, 11, 23, 14, 4, 10, tzinfo=UTC)
HOSTILE = (
    "<script>window.hit=1</script>",
    '"><img src=x onerror="window.hit=1">',
    "</script><script>window.hit=1</script><!--",
    "=cmd|' /C calc'!A0",
    "safe\u202egnp.exe",
    "a\x00b\x1b[31mred\nline",
    "{{7*7}}{% x %}",
    "n" * 300,
    "🦊 👩‍💻 \ufffe",
)
PLACE = Place(
    environment="PRODUCTION",
    region="ap-southeast-3",
    project_id="0123456789abcdef0123456789abcdef",
    profile="prod",
)


def trouble(desktop="PC-001", state="not_ready", **fields):
    given = {"desktop_id": desktop, "desktop": desktop, "user": "Ana", "pool": "eng-1"}
    return Trouble(**(given | {"state": state, "reason": f"{desktop} is {state}"} | fields))


def tried(row, verdict="done", **fields):
    """Give an attempt that took 40 s on one of four workers; "running" and "waiting" are states."""
    state = verdict if verdict in {"running", "waiting"} else "ended"
    begun = START + timedelta(seconds=45 * ((row - 1) // 4))
    given = {
        "attempt_id": f"a-{row}-{fields.get('attempt', 1)}",
        "row": row,
        "label": f"eng-{row}",
        "state": state,
        "verdict": verdict if state == "ended" else "",
        "worker": "" if state == "waiting" else f"worker {row % 4 + 1}",
        "started_at": None if verdict in {"waiting", "not_started"} else begun,
        "ended_at": begun + timedelta(seconds=40) if state == "ended" else None,
        "counts": {"pools": 1, "done": 9} if verdict == "done" else {},
    }
    return Attempt(**(given | fields))


def batch_of(*attempts, apply=True, spec=None, **fields):
    """Give a batch of attempts; an attempt may be given by its verdict alone."""
    whole = [
        one if isinstance(one, Attempt) else tried(number, one)
        for number, one in enumerate(attempts, 1)
    ]
    rows = {one.row: one.label for one in whole}
    made = Spec(
        name="repair",
        notebook="20_repair_mismatches.ipynb",
        notebook_sha256="9f86d081884c7d65",
        profile="prod",
        apply=apply,
        max_desktops=600 if apply else 0,
        deadline=900,
        command="wsops batch run 20_repair_mismatches.ipynb --from-audit audit.json --apply",
        rows=tuple(
            Row(number=n, label=label, parameters={"pools": label, "change": "CHG-7", "n": n % 2})
            for n, label in rows.items()
        ),
    ).model_copy(update=spec or {})
    latest = tuple({one.row: one for one in whole}.values())
    over = all(one.state == "ended" for one in latest)
    verdict, headline = of_batch(latest, fields.get("stop", ""))
    given = {
        "batch_id": "batch-1123-k2p9",
        "spec": made,
        "folder": "/nowhere",
        "started_at": START,
        "ended_at": START + timedelta(minutes=9) if over else None,
        "verdict": verdict,
        "headline": headline,
        "operator": "Bo Li",
        "place": PLACE,
        "totals": totals(latest),
        "attempts": tuple(whole),
        "versions": {"wsops": "0.4.0", "pandas": "3.0.0"},
    }
    return Batch(**(given | fields))


def fleet_of(number, bad=()):
    """Give a batch of many rows, of which some failed."""
    error = {"cell": 8, "error": "NotAllowed", "reason": "the service refused it"}
    return batch_of(
        *(tried(n, "failed", **error) if n in bad else tried(n) for n in range(1, number + 1))
    )
