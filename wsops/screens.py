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

from wsops import button
from wsops.audited import Audit
from wsops.looks import colour_of, worded
from wsops.models import SESSIONS, Image, Job
from wsops.outcome import Standing, shown_as
from wsops.plan import Item, Plan, Skipped, Target
from wsops.rows import ItemRow, RunRow
from wsops.settings import Settings
from wsops.text import count, visible
from wsops.verdicts import counts_of, in_need, undecided
from wsops.verify import GOOD_ENDS

_MOST_ROWS = 20
_MOST_NAMES = 12
_FEW, _NAME = 2, 24  # names in a cell, and their characters
_WRAPPED = ("why",)


def place(environment: str, region: str, project_id: str, profile: str) -> Text:
    """Give the line that says where one is; PRODUCTION stands out."""
    style = "bold black on cyan" if environment == "SIMULATOR" else "bold white on red"
    named = f"  region {region}" if region else ""
    where = f"{named}  project {project_id}  profile {profile}"
    return Text.assemble((f" {environment} ", style), visible(where))


def audit(found: Audit, settings: Settings) -> RenderableType:
    """Give an audit: counts, pools with mismatches, then the desktops."""
    by_pool = Counter(m.pool_id for m in found.mismatches)
    sessions = Counter(m.pool_id for m in found.mismatches if m.login_status in SESSIONS)
    in_use = Counter(m.pool_id for m in found.mismatches if m.in_use)
    share = f" ({len(found.mismatches) / found.desktops:.1%})" if found.desktops else ""
    head = Text(
        f"{count(len(found.pools), 'pool')}, {count(found.desktops, 'desktop')}, "
        f"{len(found.mismatches):,} do not run their pool's image{share}"
    )
    head.stylize("bold")
    pools = grid("pool", "type", "image of the pool", ">differ", ">of", ">sessions", ">asleep")
    for pool in found.pools:
        if by_pool[pool.id]:
            pools.add_row(
                visible(pool.name),
                visible(pool.type),
                visible(pool.image_name or pool.image_id),
                str(by_pool[pool.id]),
                str(pool.desktop_count),
                str(sessions[pool.id] or ""),
                str(in_use[pool.id] - sessions[pool.id] or ""),
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
    return Group(*parts)


def _desktops(found: Audit) -> RenderableType:
    """Give the first desktops, below the name of their pool: their own names are never cut."""
    table = grid("desktop", "runs image", "user", "status", "login")
    pool = ""
    for row in found.mismatches[:_MOST_ROWS]:
        if row.pool_id != pool:
            pool = row.pool_id
            table.add_row(Text(visible(row.pool_name), style="bold"))
        login = Text(visible(row.login_status or "?"), style="yellow" if row.in_use else "")
        table.add_row(
            f"  {visible(row.desktop_name or row.desktop_id)}",
            visible(row.desktop_image_name or row.desktop_image_id or "unknown"),
            visible(row.user_name),
            visible(row.status),
            login,
        )
    more = len(found.mismatches) - _MOST_ROWS
    if more <= 0:
        return table
    return Group(table, Text(f"… and {more:,} more: --csv FILE or --json has all", style="dim"))


def plan(plan: Plan) -> RenderableType:
    """Give the screen before the button: the exact requests, then where, whom and how many."""
    table = grid("pool", "from", "to", ">targets", ">sessions", ">asleep", ">off", ">frozen")
    for item in plan.items:
        sessions = sum(target.session for target in item.targets)
        table.add_row(
            visible(item.pool_name),
            _old_images(item),
            visible(item.image_name or item.image_id),
            f"{len(item.targets)} of {item.total}",
            Text(str(sessions or ""), style="yellow"),
            Text(str(item.in_use - sessions or ""), style="red"),
            str(item.off or ""),
            str(item.frozen or ""),
        )
    return Group(
        Text("exact requests", style="bold"),
        *_requests(plan.items),
        Text(f"plan {visible(plan.plan_id)}  digest {visible(plan.digest)}\n", style="dim"),
        table,
        *_details(plan),
        last_lines(plan),
    )


def last_lines(plan: Plan) -> RenderableType:
    """Give the last lines before the button: the place, what is done, to how many, until when."""
    return Text.assemble(
        place(plan.environment, plan.region, plan.project_id, plan.profile),
        f"\n{button.doing(plan)}\n",
        (button.danger(plan), "bold red"),
        f"\n{'; '.join(button.in_use(plan))}\n",
        f"{visible(button.promise(plan))}, good until {_local(plan.expires_at)}",
    )


def outcome(
    run: RunRow, rows: Sequence[ItemRow], verdict: str, reason: str, skipped: Sequence[Skipped]
) -> RenderableType:
    """Give a run: its pools with how many desktops ended how, what was skipped, who needs help."""
    table = grid("pool", "verdict", ">done", ">left in use", ">not well", ">pending", "why")
    totals: Counter[str] = Counter()
    for row in rows:
        counts = Counter(counts_of(row))
        totals += counts
        bad = sum(counts.values()) - counts["done"] - counts["left_in_use"] - counts["pending"]
        table.add_row(
            visible(row.pool_name),
            _verdict(shown_as(row)),
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
        *_jobs(rows),
        *map(_skipped, skipped),
        *_who_needs_help(rows),
        Text(f"desktops: {how or 'none touched'}"),
        Text.assemble((run.run_id, "bold"), ": ", _verdict(verdict), f"  {visible(reason)}"),
    ]
    return Group(*parts)


def job(job: Job) -> RenderableType:
    """Give a job with its sub-jobs."""
    table = grid("desktop", "user", "status", ">process", "begin", "end", "why")
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


def images(rows: Iterable[Image]) -> RenderableType:
    """Give the images of a project."""
    table = grid("ID", "name", "type", "OS", "architecture", ">disk GB", "billed")
    for image in sorted(rows, key=lambda image: (image.os_type, image.name)):
        table.add_row(
            visible(image.id),
            visible(image.name),
            visible(image.image_type),
            visible(image.os_type),
            visible(image.architecture),
            str(image.min_disk or ""),
            "yes" if image.product_code else "",
        )
    return table


def runs(found: Iterable[tuple[Standing, str]]) -> RenderableType:
    """Give runs as they come, each with the batch it is of ("" is none), in two lines."""
    table = grid("run", "started", "verdict", "pools")
    table.add_row(*(Text(word, style="bold") for word in ("  batch", "by, where", "change", "why")))
    for (run, rows, verdict, reason), batch_id in found:
        changed = f"\n{visible(run.change)}" if run.change else ""
        table.add_row(
            f"{run.run_id}\n  {batch_id}" if batch_id else run.run_id,
            f"{_local(run.started_at)}\n{visible(run.operator)}, {_where(run)}",
            _verdict(verdict).append(changed, "default"),
            f"{_few([row.pool_name or row.pool_id for row in rows])}\n{visible(reason, 80)}",
        )
    for column in (table.columns[0], table.columns[2]):  # IDs are copied, verdicts are read
        lines = (line for cell in column.cells for line in str(cell).splitlines())
        column.min_width = max(map(len, lines), default=0)
    return table


def _where(run: RunRow) -> str:
    return visible(f"{run.environment} {run.profile}")


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(visible(name, _NAME) for name in names[:_FEW])
    return shown + (f" +{len(names) - _FEW}" if len(names) > _FEW else "")


def _jobs(rows: Sequence[ItemRow]) -> Iterable[Text]:
    """Give the IDs of the jobs, for a ticket; where they are many --json has all."""
    known = [row for row in rows if row.job_id]
    for row in known[:_MOST_NAMES]:
        yield Text(f"job {row.job_id}  {visible(row.pool_name)}", style="dim")
    if len(known) > _MOST_NAMES:
        yield Text(f"… and {len(known) - _MOST_NAMES} more jobs: --json has all", style="dim")


def _who_needs_help(rows: Iterable[ItemRow]) -> list[RenderableType]:
    table = grid("desktop", "user", "pool", "state", "why")
    for row in rows:
        for one in (*in_need(row), *undecided(row)):
            table.add_row(
                visible(one.desktop),
                visible(one.user),
                visible(one.pool),
                one.state,
                visible(one.reason, 120),
            )
    if not table.row_count:
        return []
    return [Panel(table, title="who needs help", title_align="left", border_style="yellow")]


def _details(plan: Plan) -> Iterable[RenderableType]:
    for item in plan.items:
        body = json.loads(item.body)
        gone = {True: "", False: "GONE: no way back to it", None: "not known to exist"}
        facts = [
            f"old image {gone[item.old_image_exists]}" if not item.old_image_exists else "",
            f"delay {body['delay_time']} min" if "delay_time" in body else "",
            f"message {visible(body['message'])!r}" if "message" in body else "",
            f"order {visible(item.order_id)}" if item.order_id else "",
            f"{len(item.left_out)} left out" if item.left_out else "",
            *(visible(note) for note in item.notes),
        ]
        lines = [Text(f"  {fact}", style="dim") for fact in facts if fact]
        lines += _people("in use by", (t for t in item.targets if t.session), "yellow")
        asleep = (t for t in item.targets if t.in_use and not t.session)
        lines += _people("asleep, may be wiped:", asleep, "red")
        if lines:
            yield Text(visible(item.pool_name), style="bold")
            yield from lines
    yield from map(_skipped, plan.skipped)
    for note in plan.notes:
        yield Text(f"! {visible(note)}", style="yellow")


def _skipped(one: Skipped) -> Text:
    names = ", ".join(visible(name) for name in one.desktops[:_MOST_NAMES])
    text = f"skipped {visible(one.pool_name)}: {visible(one.reason)}"
    return Text(f"{text} ({names})" if names else text, style="yellow")


def _people(what: str, targets: Iterable[Target], style: str) -> list[Text]:
    names = sorted({t.user_name or t.desktop_name for t in targets})
    if not names:
        return []
    shown = ", ".join(visible(name) for name in names[:_MOST_NAMES])
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return [Text(f"  {what} {shown}{more}", style=style)]


def _requests(items: Iterable[Item]) -> Iterable[RenderableType]:
    for item in items:
        yield Text(f"POST {item.path}", style="cyan", no_wrap=True, overflow="ignore")
        # Whole on one line: what is shown is what is sent, and can be copied.
        yield Text(f"  {visible(item.body, 2000)}", style="cyan", no_wrap=True, overflow="ignore")
        yield Text(f"  {visible(item.origins)}", style="dim")


def _old_images(item: Item) -> str:
    counts = Counter(target.image_name or target.image_id for target in item.targets)
    shown = [visible(image or "unknown", 28) for image, _ in counts.most_common(1)]
    return ", ".join(shown) + (f" +{len(counts) - 1} more" if len(counts) > 1 else "")


def _verdict(verdict: str) -> Text:
    return Text(worded(verdict), style=colour_of(verdict))


def grid(*columns: str) -> Table:
    """Give an empty table with these columns; ">" in front of one puts it to the right."""
    empty = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        right = column.startswith(">")
        empty.add_column(
            column.removeprefix(">"),
            justify="right" if right else "left",
            no_wrap=column not in _WRAPPED,
            overflow="fold" if column in _WRAPPED else "ellipsis",
        )
    return empty


def _local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M %Z}"
