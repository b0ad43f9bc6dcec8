"""A rollout: pool by pool, each verified, and stopped where the rules say so."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from wsops.choice import Choice
from wsops.errors import JournalError
from wsops.handover import as_csv_text, mail_lines
from wsops.jobs import Timing
from wsops.outcome import as_document, latest_unfinished, standing
from wsops.planning import plan_for
from wsops.rollout import Rollout
from wsops.settle import settle_adopt, settle_not_sent

REBUILD = "RebuildDesktopPool"


@pytest.fixture
def begin(open_ws, journal):
    """Give a function that plans, starts and gives the rollout of a choice."""

    def start(sim, choice=None, patterns=(), **overrides):
        ws = open_ws(sim, **overrides)
        plan, _ = plan_for(ws, choice or Choice(), patterns)
        run = journal.start_run(plan, "digest", "tester")
        return Rollout(ws, journal, run)

    return start


def drain(rollout, events=None):
    kinds = [(event.kind, event.text) for event in (events or rollout.apply())]
    return kinds, standing(rollout.journal, rollout.run.run_id)


def rebuilds(sim):
    return list(sim.ledger.entries(REBUILD))


def executed(sim):
    return [entry for entry in rebuilds(sim) if entry.executed]


def behind(sim):
    return [d for p in sim.cloud.pools.values() for d in p.desktops if d.image_id != p.image_id]


def verdicts(rows):
    return [row.verdict or row.state for row in rows]


@pytest.mark.parametrize("region", ["old", "new"])
def test_a_repair_ends_done_when_every_desktop_runs_the_image(calm, begin, region):
    """One request a pool, each followed and read back; the cloud agrees."""
    sim = calm(region=region)
    rollout = begin(sim)
    _, (run, rows, verdict, _) = drain(rollout)

    assert verdict == "done"
    assert behind(sim) == []
    assert len(executed(sim)) == len(rebuilds(sim)) == len(rows)
    assert {end["state"] for row in rows for end in row.desktops.values()} == {"done"}
    assert run.ended_at is not None


def test_the_bytes_sent_are_the_bytes_planned(calm, begin):
    """The ledger's digest of each body is the digest of the plan's text, and the journal's."""
    sim = calm()
    rollout = begin(sim)
    _, (_, rows, _, _) = drain(rollout)

    sent = {entry.pool_id: entry.body_sha256 for entry in rebuilds(sim)}
    assert sent == {row.pool_id: row.body_sha256 for row in rows}
    assert {e.pool_id: json.dumps(e.body) for e in rebuilds(sim)} == {
        item.pool_id: item.body for item in rollout.plan.items
    }


def test_one_pool_is_verified_before_the_next_is_sent(calm, begin):
    """Requests do not overlap: between two sends the first was read back."""
    sim = calm()
    kinds, _ = drain(begin(sim))
    order = [kind for kind, _ in kinds if kind in {"sent", "item_ended"}]

    assert order == ["sent", "item_ended"] * (len(order) // 2)


def test_desktops_in_use_are_left_and_counted(calm, begin):
    """Left in use is a count of its own, not a failure."""
    sim = calm()
    busy = behind(sim)[0]
    sim.cloud.set_login(busy.id, "CONNECTED", "ana")
    _, (_, rows, verdict, _) = drain(begin(sim))

    assert verdict == "left_in_use"
    ends = {i: end["state"] for row in rows for i, end in row.desktops.items()}
    assert [i for i, state in ends.items() if state == "left_in_use"] == [busy.id]
    assert [d.id for d in behind(sim)] == [busy.id]


def test_a_failed_canary_stops_the_run(calm, begin):
    """After a failure in the first pool no further pool is sent."""
    sim = calm()
    rollout = begin(sim)
    victim = rollout.plan.items[0].targets[0].desktop_id
    sim.cloud.faults.add("desktop_fails", args={"desktop_ids": [victim], "code": "WKS.7"})
    kinds, (_, rows, verdict, reason) = drain(rollout)

    assert verdict == "partial"
    assert "canary" in reason
    assert len(rebuilds(sim)) == 1
    assert rows[0].desktops[victim]["state"] == "failed"
    assert "WKS.7" in rows[0].desktops[victim]["reason"]
    assert verdicts(rows)[1:] == ["planned"] * (len(rows) - 1)
    assert ("stop" in dict(kinds)) is True


def test_a_run_past_its_threshold_sends_no_further_pool(calm, begin):
    """Four failed desktops pass the threshold of three, over the whole run."""
    sim = calm(pools=5, desktops=10, mismatch=0.6)
    rollout = begin(sim)
    second = [target.desktop_id for target in rollout.plan.items[1].targets][:4]
    sim.cloud.faults.add("desktop_fails", args={"desktop_ids": second})
    _, (_, rows, verdict, reason) = drain(rollout)

    assert len(second) == 4
    assert (verdict, len(rebuilds(sim))) == ("partial", 2)
    assert "4 desktops failed; the approved threshold is 3" in reason
    assert rows[0].verdict == "done"


def test_three_failed_desktops_do_not_stop_a_run(calm, begin):
    """Up to the threshold the run goes on, and ends partial."""
    sim = calm(pools=5, desktops=10, mismatch=0.6)
    rollout = begin(sim)
    second = [target.desktop_id for target in rollout.plan.items[1].targets][:3]
    sim.cloud.faults.add("desktop_fails", args={"desktop_ids": second})
    _, (_, rows, verdict, _) = drain(rollout)

    assert verdict == "partial"
    assert len(rebuilds(sim)) == len(rows)


@pytest.mark.parametrize("what", ["image", "pool_image", "more"])
def test_a_pool_that_changed_since_the_plan_is_not_sent(calm, begin, what):
    """Images and targets must be as approved right before the send; the others go on."""
    sim = calm()
    rollout = begin(sim)
    item = rollout.plan.items[1]
    other = next(i for i in sim.cloud.images if i != item.pool_image_id)
    pool = sim.cloud.pools[item.pool_id]
    if what == "image":
        sim.cloud.set_desktop_image(item.targets[0].desktop_id, other)
        if pool.image_id == other or item.targets[0].image_id == other:
            pytest.skip("the same image")
    elif what == "pool_image":
        sim.cloud.set_pool_image(item.pool_id, other)
    else:
        fresh = next(d for d in pool.desktops if d.image_id == pool.image_id)
        sim.cloud.set_desktop_image(fresh.id, other)
    _, (_, rows, verdict, _) = drain(rollout)

    assert rows[1].verdict == "refused"
    assert verdict == "partial"
    assert item.pool_id not in {entry.pool_id for entry in rebuilds(sim)}


def test_more_desktops_in_use_than_approved_hold_that_pool_alone(calm, begin):
    """Someone logged in since: the pool is held, the others go on."""
    sim = calm()
    rollout = begin(sim)
    item = rollout.plan.items[1]
    sim.cloud.set_login(item.targets[0].desktop_id, "CONNECTED", "ana")
    _, (_, rows, verdict, _) = drain(rollout)

    assert rows[1].verdict == "held"
    assert {row.verdict for row in (rows[0], *rows[2:])} == {"done"}
    assert verdict == "partial"


def test_a_pool_at_work_is_not_sent(calm, begin):
    """A rebuild from the console is seen before the send."""
    sim = calm(speed=1)
    rollout = begin(sim)
    item = rollout.plan.items[0]
    rollout.ws.send(item.path, item.body.encode())
    sim.cloud.advance(5)
    before = len(rebuilds(sim))
    events = rollout.apply()
    ended = next(event for event in events if event.kind == "item_ended")
    events.close()

    assert ended.item.verdict == "refused"
    assert "under way" in ended.item.reason
    assert len(rebuilds(sim)) == before


def test_a_lost_answer_is_found_again_and_never_sent_again(calm, begin):
    """The job of the request whose answer was lost is adopted, by its desktops."""
    sim = calm()
    sim.cloud.faults.add("lost", operation=REBUILD, times=1)
    kinds, (_, rows, verdict, _) = drain(begin(sim, polling={"reconcile_within": 5}))

    assert verdict == "done"
    assert "adopted" in dict(kinds)
    assert len(rebuilds(sim)) == len(rows)


def test_an_answer_lost_before_execution_stays_unknown(calm, begin):
    """No job is found: the pool is parked, nothing is sent again, and the run stops there."""
    sim = calm()
    sim.cloud.faults.add("cut", operation=REBUILD, times=1)
    _, (_, rows, verdict, _) = drain(begin(sim))

    assert verdict == "unknown"
    assert rows[0].state == "unknown"
    assert "no new job" in rows[0].reason
    assert (len(rebuilds(sim)), len(executed(sim))) == (1, 0)


def test_an_unknown_pool_blocks_only_itself(calm, begin):
    """After a good canary a lost answer parks its pool, and the others go on."""
    sim = calm()
    sim.cloud.faults.add("cut", operation=REBUILD, times=1, after=1)
    _, (_, rows, verdict, _) = drain(begin(sim))

    assert verdict == "unknown"
    assert verdicts(rows) == ["done", "unknown", *["done"] * (len(rows) - 2)]


def test_a_human_settles_what_never_arrived_and_the_run_goes_on(calm, begin):
    """Settle --not-sent after the settle time and enough empty looks; then --continue sends it."""
    sim = calm()
    sim.cloud.faults.add("cut", operation=REBUILD, times=1)
    rollout = begin(sim)
    _, (_, rows, _, _) = drain(rollout)
    row = settle_not_sent(rollout.ws, rollout.journal, rows[0].item_id, "gateway log")

    assert row.state == "planned"
    _, (_, rows, verdict, _) = drain(rollout, rollout.resume(go_on=True))
    assert verdict == "done"
    assert len(executed(sim)) == len(rows)


def test_settling_too_early_is_refused(calm, begin):
    """A request may still be in a gateway: ten minutes have to pass."""
    sim = calm()
    sim.cloud.faults.add("cut", operation=REBUILD, times=1)
    rollout = begin(sim, polling={"settle_seconds": 600})
    _, (_, rows, _, _) = drain(rollout)

    with pytest.raises(JournalError, match="may still be on its way"):
        settle_not_sent(rollout.ws, rollout.journal, rows[0].item_id, "hope")


def test_settling_needs_agreeing_empty_looks(calm, begin):
    """Three of them in a row, besides the time."""
    sim = calm()
    sim.cloud.faults.add("cut", operation=REBUILD, times=1)
    rollout = begin(sim, polling={"settle_reads": 50})
    _, (_, rows, _, _) = drain(rollout)

    with pytest.raises(JournalError, match="it takes 50"):
        settle_not_sent(rollout.ws, rollout.journal, rows[0].item_id, "hope")


def test_a_request_that_arrives_late_is_not_called_unsent(calm, begin):
    """Its job shows after the run has given up looking: settling is refused, resume adopts it."""
    sim = calm()
    sim.cloud.faults.add("late", operation=REBUILD, times=1, args={"after": 0.5})
    rollout = begin(sim)
    _, (_, rows, verdict, _) = drain(rollout)
    assert verdict == "unknown"
    Timing().sleep(0.6)

    with pytest.raises(JournalError, match=r"fits|mixed"):
        settle_not_sent(rollout.ws, rollout.journal, rows[0].item_id, "hope")
    _, (_, rows, _, _) = drain(rollout, rollout.resume())
    assert rows[0].verdict == "done"
    assert len(executed(sim)) == 1


def test_a_human_adopts_a_job_by_hand(calm, begin):
    """Settle --adopt takes a job of the item's own desktops, and resume follows it."""
    sim = calm(list_delay=86_400)
    sim.cloud.faults.add("lost", operation=REBUILD, times=1)
    rollout = begin(sim)
    _, (_, rows, verdict, _) = drain(rollout)
    assert verdict == "unknown"
    assert "no new job, but" in rows[0].reason
    job_id = next(iter(sim.cloud.jobs))

    assert settle_adopt(rollout.ws, rollout.journal, rows[0].item_id, job_id, "console").live
    _, (_, rows, _, _) = drain(rollout, rollout.resume())
    assert (rows[0].verdict, rows[0].job_id) == ("done", job_id)
    with pytest.raises(JournalError, match="only an unknown outcome"):
        settle_adopt(rollout.ws, rollout.journal, rows[0].item_id, job_id, "again")


def test_a_job_of_other_desktops_cannot_be_adopted(calm, begin):
    """It is another job, whatever a person says."""
    sim = calm()
    sim.cloud.faults.add("cut", operation=REBUILD, times=1)
    rollout = begin(sim)
    _, (_, rows, _, _) = drain(rollout)
    other = rollout.plan.items[1]
    job_id = rollout.ws.send(other.path, other.body.encode()).document["job_id"]

    with pytest.raises(JournalError, match="does not name"):
        settle_adopt(rollout.ws, rollout.journal, rows[0].item_id, job_id, "wrong")


def test_a_rejected_request_ends_its_pool_and_stops_at_the_canary(calm, begin):
    """The service's refusal is kept word for word."""
    sim = calm()
    sim.cloud.faults.add(
        "error", operation=REBUILD, args={"status": 400, "code": "WKS.0042", "message": "no"}
    )
    _, (_, rows, verdict, _) = drain(begin(sim))

    assert rows[0].verdict == "rejected"
    assert "WKS.0042" in rows[0].reason
    assert (verdict, len(rebuilds(sim))) == ("partial", 1)


def test_a_conflict_without_a_job_of_ours_is_a_rejection(calm, begin):
    """409: after looking, nothing of ours is there."""
    sim = calm()
    sim.cloud.faults.add(
        "error", operation=REBUILD, times=1, args={"status": 409, "code": "WKS.00010032"}
    )
    _, (_, rows, _, _) = drain(begin(sim))

    assert rows[0].verdict == "rejected"
    assert len(rebuilds(sim)) == 1


def test_a_stop_from_another_shell_sends_no_further_pool(calm, begin):
    """What is running is followed to its end; the rest stays planned, also under --continue."""
    sim = calm()
    rollout = begin(sim)
    events = rollout.apply()
    for event in events:
        if event.kind == "sent":
            rollout.journal.request_stop(rollout.run.run_id)
    _, rows, verdict, reason = standing(rollout.journal, rollout.run.run_id)

    assert verdicts(rows)[0] == "done"
    assert set(verdicts(rows)[1:]) == {"planned"}
    assert (verdict, len(rebuilds(sim))) == ("partial", 1)
    assert "stopped" in reason
    drain(rollout, rollout.resume(go_on=True))
    assert len(rebuilds(sim)) == 1


def test_a_detached_run_is_resumed_where_it_was(calm, begin):
    """Closing the events leaves the job in the journal; resume follows it, and sends no other."""
    sim = calm(desktop_seconds=(900, 900))
    rollout = begin(sim)
    events = rollout.apply()
    for event in events:
        if event.kind == "job":
            events.close()
            break
    _, rows, verdict, _ = standing(rollout.journal, rollout.run.run_id)
    assert (rows[0].state, verdict) == ("accepted", "running")

    assert latest_unfinished(rollout.journal, rollout.ws.resolved).run_id == rollout.run.run_id
    _, (_, rows, _, _) = drain(rollout, rollout.resume())
    assert rows[0].verdict == "done"
    assert len(rebuilds(sim)) == 1
    _, (_, rows, verdict, _) = drain(rollout, rollout.resume(go_on=True))
    assert verdict == "done"
    assert len(executed(sim)) == len(rows)


def test_a_job_past_its_deadline_is_running_not_failed(calm, begin):
    """Exit 3, resume: the tool gives up looking, not the cloud working."""
    sim = calm(speed=1)
    rollout = begin(sim, polling={"base_deadline": 0.1, "per_desktop": 0})
    _, (_, rows, verdict, _) = drain(rollout)

    assert (verdict, rows[0].state) == ("running", "accepted")
    sim.cloud.advance(3600)
    _, (_, rows, _, _) = drain(rollout, rollout.resume())
    assert rows[0].verdict == "done"


def test_a_stalled_desktop_makes_the_pool_partial(calm, begin):
    """The others are judged; the stalled one is named."""
    sim = calm(desktops=12)
    rollout = begin(sim)
    stuck = rollout.plan.items[0].targets[0].desktop_id
    sim.cloud.faults.add("stuck", args={"desktop_ids": [stuck]})
    _, (_, rows, _, _) = drain(rollout)

    assert rows[0].verdict == "partial"
    assert rows[0].desktops[stuck]["state"] == "stalled"
    assert "nothing moved" in rows[0].reason


def test_a_token_that_ends_when_a_stalled_job_is_read_back_leaves_the_run_running(calm, begin):
    """What was sent goes on: it is not an error of the run, and resume reads it back."""
    sim = calm(desktops=12)
    rollout = begin(sim)
    stuck = rollout.plan.items[0].targets[0].desktop_id
    sim.cloud.faults.add("stuck", args={"desktop_ids": [stuck]})
    events = []
    for event in rollout.apply():
        events.append(event.kind)
        if event.kind == "verifying":
            sim.cloud.access.revoke()
    _, rows, verdict, _ = standing(rollout.journal, rollout.run.run_id)

    assert (rows[0].state, verdict) == ("accepted", "running")
    assert "running" in events
    assert events[-1] == "ended"


def test_a_job_that_does_not_show_all_its_desktops_leaves_none_in_use(calm, begin, monkeypatch):
    """Nobody knows what became of a desktop whose sub-job is not shown: it is unknown."""
    sim = calm()
    busy = behind(sim)[0]
    sim.cloud.set_login(busy.id, "CONNECTED", "ana")
    rollout = begin(sim, polling={"verify_within": 0.2})
    known = rollout.ws.job

    def with_one_more(job_id):
        job = known(job_id)
        return job.model_copy(update={"sub_jobs_total": job.sub_jobs_total + 1})

    monkeypatch.setattr(rollout.ws, "job", with_one_more)
    _, (_, rows, _, _) = drain(rollout)
    ends = {i: end["state"] for row in rows for i, end in row.desktops.items()}

    assert ends[busy.id] == "unknown"


def test_success_without_the_image_is_not_done(calm, begin):
    """The job ends well, the desktop runs its old image: that is a mismatch, and stops the run."""
    sim = calm()
    rollout = begin(sim, polling={"verify_within": 0.2})
    liar = rollout.plan.items[0].targets[0].desktop_id
    sim.cloud.faults.add("ignore_desktop", args={"desktop_ids": [liar]})
    _, (_, rows, verdict, _) = drain(rollout)

    assert rows[0].desktops[liar]["state"] == "mismatch"
    assert (rows[0].verdict, verdict) == ("partial", "partial")


def test_a_lag_after_the_end_is_waited_for(calm, begin):
    """A desktop's fields change after its job has ended: the verdict waits for them."""
    sim = calm(lag_seconds=900, register_seconds=900)
    _, (_, _, verdict, _) = drain(begin(sim))

    assert verdict == "done"


def test_an_expired_plan_does_not_start(calm, begin):
    """Expiry limits the first send."""
    sim = calm()
    rollout = begin(sim)
    late = rollout.plan.expires_at
    rollout.timing = replace(Timing(), now=lambda: late)
    _, (_, _, verdict, reason) = drain(rollout)

    assert rebuilds(sim) == []
    assert "expired" in reason
    assert verdict == "refused"


def test_a_plan_that_expires_while_the_send_waits_for_its_turn_is_not_sent(calm, begin):
    """Other processes stand in line before it: it is too old by then."""
    sim = calm()
    rollout = begin(sim)
    sooner = rollout.plan.expires_at - timedelta(seconds=1)
    late = [sooner]
    real = rollout.journal.reserve_write

    def reserve(*place):
        late[0] = rollout.plan.expires_at
        return real(*place)

    rollout.journal.reserve_write = reserve
    rollout.timing = replace(Timing(), now=lambda: late[0])
    _, (_, rows, _, _) = drain(rollout)

    assert rebuilds(sim) == []
    assert "expired" in rows[0].reason


def test_one_process_drives_a_run(calm, begin):
    """A resume while the run is being driven is refused at once."""
    rollout = begin(calm())
    events = rollout.apply()
    next(events)

    with pytest.raises(JournalError, match="is held by process"):
        next(rollout.resume())
    events.close()


@pytest.fixture
def ordered(calm, begin):
    """Give a fleet, and a run of one pool of it whose repair was ordered."""
    sim = calm(region="old")
    name = begin(sim).plan.items[0].pool_name
    return sim, begin(sim, Choice(orders={name: "CS123"}), [name])


def test_an_order_that_started_the_work_is_not_ordered_twice(ordered):
    """Given an order, a job that began since the plan is adopted instead of sent."""
    sim, rollout = ordered
    item = rollout.plan.items[0]
    rollout.ws.send(item.path, item.body.encode())
    _, (_, rows, verdict, _) = drain(rollout)

    assert (verdict, rows[0].verdict) == ("done", "done")
    assert len(rebuilds(sim)) == 1


def test_a_desktop_that_left_the_pool_of_an_order_is_not_forgotten(ordered):
    """It was approved, and the job that the order began has no word of it: the pool is not done."""
    sim, rollout = ordered
    item = rollout.plan.items[0]
    victim = item.targets[0].desktop_id
    sim.cloud.remove_desktop(victim)
    rollout.ws.send(item.path, item.body.encode())
    _, (_, rows, verdict, _) = drain(rollout)

    assert victim in rows[0].targets
    assert rows[0].desktops.get(victim, {}).get("state") != "done"
    assert "done" not in {verdict, rows[0].verdict}


def test_a_pool_that_its_order_began_twice_is_the_canary_and_is_handed_over(calm, begin):
    """Nobody knows which job is the order's: the pool is unknown, and no other follows it."""
    sim = calm(region="old")
    ws_plan = begin(sim).plan
    first = ws_plan.items[0]
    rollout = begin(sim, Choice(orders={first.pool_name: "CS1"}))
    for _ in range(2):
        rollout.ws.send(first.path, first.body.encode())
        sim.cloud.advance(3600)
        sim.cloud.set_desktop_image(first.targets[0].desktop_id, first.targets[0].image_id)
    before = len(executed(sim))
    _, (run, rows, verdict, _) = drain(rollout)

    assert (verdict, rows[0].state, len(executed(sim))) == ("unknown", "unknown", before)
    assert rows[0].touched
    assert rows[0].pool_name in as_csv_text(rows)
    assert "still running or unknown" in mail_lines(run, rows, verdict, "h.csv")[2]


def test_a_switch_to_a_new_image_is_carried_out(calm, begin):
    """Every desktop of the pool is recomposed, and the pool's image is the new one."""
    sim = calm()
    pool = next(iter(sim.cloud.pools.values()))
    image = next(
        image
        for image in sim.cloud.images.values()
        if image.row["os_type"] == pool.row["image_os_type"]
        and image.id != pool.image_id
        and not image.billed
        and image.row["min_disk"] <= pool.row["root_volume"]["size"]
        and image.row["architecture"] == pool.row["product"]["architecture"]
    )
    choice = Choice(kind="rebuild", image_map={"*": image.id})
    _, (_, _, verdict, _) = drain(begin(sim, choice, [pool.name]))

    assert verdict == "done"
    assert {d.image_id for d in sim.cloud.pools[pool.id].desktops} == {image.id}


def test_named_desktops_are_the_only_ones_touched_where_lists_are_honoured(calm, begin):
    """desktop_ids narrows the rebuild to those approved."""
    sim = calm()
    busy = behind(sim)[0]
    sim.cloud.set_login(busy.id, "CONNECTED")
    features = {"desktop_ids": True}
    _, (_, _, verdict, _) = drain(begin(sim, features=features))

    assert verdict == "done"
    assert [d.id for d in behind(sim)] == [busy.id]


def test_a_desktop_touched_beyond_the_approved_ones_is_reported(calm, begin):
    """A region that ignores the list rebuilds more: partial, and the desktops are named."""
    sim = calm(honour_desktop_ids=False)
    spared = behind(sim)[0]
    sim.cloud.set_login(spared.id, "CONNECTED")
    rollout = begin(sim, features={"desktop_ids": True, "handle_type": "no"})
    _, (_, rows, verdict, _) = drain(rollout)

    touched = {i: end["state"] for row in rows for i, end in row.desktops.items()}
    assert touched.get(spared.id) == "beyond"
    assert verdict == "partial"


def test_the_document_of_a_run_says_how_each_pool_stands(calm, begin):
    """Verdict, job, counts and reason of each item, as scripts read them."""
    sim = calm()
    rollout = begin(sim)
    _, state = drain(rollout)
    document = as_document(*state)

    assert document["verdict"] == "done"
    assert {"pool_id", "verdict", "job_id", "desktops", "reason"} <= set(document["items"][0])
    assert document["items"][0]["desktops"] == {"done": len(rollout.plan.items[0].targets)}
