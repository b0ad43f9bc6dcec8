"""What a person reads in a terminal: the mismatches, the screen before the button, the outcome."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from wsops.models import Audit, Job
from wsops.outcome import verdict_of
from wsops.plan import Item, Plan
from wsops.rows import ItemRow, RunRow
from wsops.settings import Settings
from wsops.text import visible
from wsops.verdicts import counts_of
from wsops.verify import GOOD_ENDS

_MOST_ROWS = 20
_VERDICT_STYLES = {
    "done": "green",
    "left_in_use": "green",
    "planned": "dim",
    "running": "cyan",
    "unknown": "magenta",
    "held": "yellow",
    "partial": "yellow",
}
_WRAPPED = ("why",)
_MARKS = {"done": "✓", "left_in_use": "✓", "planned": "·", "running": "…", "unknown": "?"}


def place(environment: str, region: str, project_id: str, profile: str) -> Text:
    """Give the line that says where one is; PRODUCTION stands out."""
    style = "bold black on cyan" if environment == "SIMULATOR" else "bold white on red"
    named = f"  region {region}" if region else ""
    where = f"{named}  project {project_id}  profile {profile}"
    return Text.assemble((f" {environment} ", style), visible(where))


def audit(found: Audit, settings: Settings) -> RenderableType:
    """Give an audit: counts, pools with mismatches, then the desktops."""
    by_pool = Counter(m.pool_id for m in found.mismatches)
    in_use = Counter(m.pool_id for m in found.mismatches if m.in_use)
    share = f" ({len(found.mismatches) / found.desktops:.1%})" if found.desktops else ""
    head = Text(
        f"{len(found.pools)} pools, {found.desktops} desktops, "
        f"{len(found.mismatches)} do not run their pool's image{share}"
    )
    head.stylize("bold")
    pools = _table("pool", "type", "image of the pool", ">differ", ">of", ">in use")
    for pool in found.pools:
        if by_pool[pool.id]:
            pools.add_row(
                visible(pool.name),
                visible(pool.type),
                visible(pool.image_name or pool.image_id),
                str(by_pool[pool.id]),
                str(pool.desktop_count),
                str(in_use[pool.id] or ""),
            )
    parts: list[RenderableType] = [
        place(settings.environment, found.region, found.project_id, settings.profile),
        head,
    ]
    if found.mismatches:
        parts += [pools, _desktops(found)]
    how = "all desktops were read" if found.full else "by the region's filter, compared here"
    parts.append(Text(f"read {_local(found.taken_at)}, {how}", style="dim"))
    parts += [Text(f"! {visible(note)}", style="yellow") for note in found.notes]
    if found.disagreements:
        says = f"! the service's own flag says otherwise for {found.disagreements} desktops"
        parts.append(Text(says, style="yellow"))
    if found.mismatches:
        parts.append(Text("next: wsops plan repair -o plan.json", style="bold"))
    return Group(*parts)


def _desktops(found: Audit) -> RenderableType:
    table = _table("pool", "desktop", "runs image", "user", "status", "login")
    for row in found.mismatches[:_MOST_ROWS]:
        login = Text(visible(row.login_status or "?"), style="yellow" if row.in_use else "")
        table.add_row(
            visible(row.pool_name),
            visible(row.desktop_name or row.desktop_id),
            visible(row.desktop_image_name or row.desktop_image_id or "unknown"),
            visible(row.user_name),
            visible(row.status),
            login,
        )
    more = len(found.mismatches) - _MOST_ROWS
    if more <= 0:
        return table
    return Group(table, Text(f"… and {more} more: --csv FILE or --json has all", style="dim"))


def plan(plan: Plan, *, requests: bool = True) -> RenderableType:
    """Give the screen before the button: where, whom, how many, and the exact requests."""
    doing = {
        "repair": "Repair (is_fix): only desktops that differ from their pool are recomposed",
        "rebuild": "Rebuild: the pools are recomposed from another image",
        "retry": "Retry: the service runs the failed part of a job again",
    }[plan.kind]
    in_use = sum(item.in_use for item in plan.items)
    head = Text.assemble(
        (f"{doing}\n", "bold"),
        (f"up to {plan.desktops} desktops in {len(plan.items)} pools", "bold"),
        f", {in_use} of them in use now; their system disks are WIPED, and nothing can cancel it\n",
        f"change ticket {visible(plan.change) or '-'}, planned by {visible(plan.operator)}, "
        f"good until {_local(plan.expires_at)}",
    )
    table = _table(
        "pool", "type", "from", "to", ">wiped", ">in use", ">off", ">frozen", ">of", "old image"
    )
    for item in plan.items:
        table.add_row(
            visible(item.pool_name),
            visible(item.pool_type),
            _old_images(item),
            visible(item.image_name or item.image_id),
            str(len(item.targets)),
            Text(str(item.in_use or ""), style="yellow"),
            str(item.off or ""),
            str(item.frozen or ""),
            str(item.total),
            {True: "exists", False: "GONE", None: "unknown"}[item.old_image_exists],
        )
    parts: list[RenderableType] = [
        place(plan.environment, plan.region, plan.project_id, plan.profile),
        head,
        table,
        *_details(plan),
    ]
    if requests:
        parts += [Text("\nexact requests", style="bold"), *_requests(plan.items)]
    parts.append(Text(f"\nplan {plan.plan_id}  digest {plan.digest}", style="dim"))
    return Group(*parts)


def outcome(run: RunRow, rows: Sequence[ItemRow], verdict: str, reason: str) -> RenderableType:
    """Give a run: its pools with how many desktops ended how, and who needs help."""
    table = _table("pool", "verdict", ">done", ">left in use", ">not well", ">pending", "why")
    totals: Counter[str] = Counter()
    for row in rows:
        counts = Counter(counts_of(row))
        totals += counts
        bad = sum(counts.values()) - counts["done"] - counts["left_in_use"] - counts["pending"]
        table.add_row(
            visible(row.pool_name),
            _verdict(verdict_of(row)),
            str(counts["done"] or ""),
            str(counts["left_in_use"] or ""),
            Text(str(bad or ""), style="red"),
            str(counts["pending"] or ""),
            "" if row.verdict in GOOD_ENDS else visible(row.reason, 120),
        )
    how = ", ".join(f"{n} {word.replace('_', ' ')}" for word, n in totals.most_common())
    parts: list[RenderableType] = [
        place(run.environment, "", run.project_id, run.profile),
        table,
        *_who_needs_help(rows),
        Text(f"desktops: {how or 'none touched'}"),
        Text.assemble((run.run_id, "bold"), ": ", _verdict(verdict), f"  {visible(reason)}"),
    ]
    return Group(*parts)


def job(job: Job) -> RenderableType:
    """Give a job with its sub-jobs."""
    table = _table("desktop", "user", "status", ">process", "begin", "end", "why")
    for sub in job.sub_jobs:
        style = "green" if sub.good else "red" if sub.final else "cyan"
        table.add_row(
            visible(sub.entities.desktop_name or sub.desktop_id),
            visible(sub.entities.user_name),
            Text(visible(sub.status), style=style),
            "" if sub.process is None else f"{sub.process} %",
            visible(sub.begin_time),
            visible(sub.end_time),
            visible(f"{sub.error_code} {sub.fail_reason}".strip(), 120),
        )
    line = f"job {job.id}  {job.job_type}  {job.status}  {job.share:.0%}"
    return Group(Text(visible(line), style="bold"), table)


def runs(rows: Iterable[RunRow], verdicts: dict[str, str]) -> RenderableType:
    """Give the runs of a journal, newest first."""
    table = _table("run", "started", "by", "profile", "environment", "change", "verdict", "why")
    for run in rows:
        table.add_row(
            run.run_id,
            _local(run.started_at),
            visible(run.operator),
            visible(run.profile),
            run.environment,
            visible(run.change),
            _verdict(verdicts[run.run_id]),
            visible(run.reason, 80),
        )
    return table


def _who_needs_help(rows: Iterable[ItemRow]) -> list[RenderableType]:
    table = _table("desktop", "user", "pool", "state", "why")
    for row in rows:
        for desktop_id, end in row.desktops.items():
            if end["state"] not in {"done", "left_in_use"}:
                target = row.targets.get(desktop_id, {})
                table.add_row(
                    visible(target.get("name") or desktop_id),
                    visible(target.get("user", "")),
                    visible(row.pool_name),
                    end["state"],
                    visible(end["reason"], 120),
                )
    if not table.row_count:
        return []
    return [Panel(table, title="who needs help", title_align="left", border_style="yellow")]


def _details(plan: Plan) -> Iterable[RenderableType]:
    for item in plan.items:
        body = json.loads(item.body)
        facts = [
            f"delay {body['delay_time']} min" if "delay_time" in body else "",
            f"message {visible(body['message'])!r}" if "message" in body else "",
            f"order {visible(item.order_id)}" if item.order_id else "",
            f"{item.bound_users} with a bound user who is not logged in"
            if item.bound_users
            else "",
            "sessions in use are left alone" if item.idle_only and item.in_use else "",
            f"{len(item.left_out)} left out" if item.left_out else "",
            *(visible(note) for note in item.notes),
        ]
        line = "; ".join(fact for fact in facts if fact)
        if line:
            yield Text.assemble(f"  {visible(item.pool_name)}: ", (line, "dim"))
        users = sorted({t.user_name for t in item.targets if t.in_use and t.user_name})
        if users:
            shown = ", ".join(visible(user) for user in users[:12])
            more = f" and {len(users) - 12} more" if len(users) > 12 else ""
            yield Text(f"    in use by {shown}{more}", style="yellow")
    for skipped in plan.skipped:
        names = (
            f" ({', '.join(visible(d) for d in skipped.desktops[:8])})" if skipped.desktops else ""
        )
        text = f"  skipped {visible(skipped.pool_name)}: {visible(skipped.reason)}{names}"
        yield Text(text, style="yellow")


def _requests(items: Iterable[Item]) -> Iterable[RenderableType]:
    for item in items:
        yield Text(f"POST {item.path}", style="cyan", no_wrap=True, overflow="ignore")
        # Whole on one line: what is shown is what is sent, and can be copied.
        yield Text(f"  {visible(item.body, 2000)}", style="cyan", no_wrap=True, overflow="ignore")
        yield Text(f"  {item.origins}", style="dim")


def _old_images(item: Item) -> str:
    counts = Counter(target.image_name or target.image_id for target in item.targets)
    shown = [visible(image or "unknown", 28) for image, _ in counts.most_common(1)]
    return ", ".join(shown) + (f" +{len(counts) - 1} more" if len(counts) > 1 else "")


def _verdict(verdict: str) -> Text:
    style = _VERDICT_STYLES.get(verdict, "red")
    return Text(f"{_MARKS.get(verdict, '✗')} {verdict.replace('_', ' ')}", style=style)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        right = column.startswith(">")
        table.add_column(
            column.removeprefix(">"),
            justify="right" if right else "left",
            no_wrap=column not in _WRAPPED,
            overflow="fold" if column in _WRAPPED else "ellipsis",
        )
    return table


def _local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M %Z}"
