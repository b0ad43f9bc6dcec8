"""Runs of a batch: one approved total, one canary, one threshold and one stop for all of them."""

import pytest

from wsops import locks
from wsops.batch.ledger import Ledger
from wsops.batch.records import Row, Spec
from wsops.choice import Choice
from wsops.errors import BlastRadius, NotApproved, Stopped
from wsops.membership import ATTEMPT_VARIABLE, batch_key
from wsops.planning import plan_for
from wsops.rollout import Rollout

REBUILD = "RebuildDesktopPool"


class Batch:
    """A batch whose rows are driven by hand: each pool of a fleet is one."""

    def __init__(self, ledger, journal, ws, sim):
        self.ledger, self.journal, self.ws, self.sim = ledger, journal, ws, sim
        self.pools = sorted(pool for pool in sim.cloud.pools if self.behind(pool))

    def behind(self, pool_id):
        pool = self.sim.cloud.pools[pool_id]
        return [d.id for d in pool.desktops if d.image_id != pool.image_id]

    def fail(self, desktops):
        self.sim.cloud.faults.add("desktop_fails", args={"desktop_ids": desktops})

    def begin(self, max_desktops, rows=None):
        made = (Row(number=n, label=p) for n, p in enumerate(self.pools[:rows], 1))
        spec = Spec(
            name="try",
            notebook="try.ipynb",
            notebook_sha256="",
            apply=True,
            max_desktops=max_desktops,
            rows=tuple(made),
        )
        self.ledger.begin("batch-1", spec, "/somewhere", "tester")

    def plan(self, row):
        plan, _ = plan_for(self.ws, Choice(), [self.pools[row - 1]])
        return plan

    def start(self, row):
        """Begin a row and the run of its pool, which is not driven yet."""
        attempt = self.ledger.start(f"batch-1/000{row}.1", "local").attempt_id
        run = self.journal.start_run(self.plan(row), "by numbers", "tester", attempt)
        return Rollout(self.ws, self.journal, run)

    def drive(self, rollout):
        """Drive a run to its end; gives its verdict."""
        *_, last = rollout.apply()
        return last.verdict

    def posts(self):
        return [entry for entry in self.sim.ledger if entry.operation == REBUILD]


@pytest.fixture
def batch(calm, open_ws, journal):
    """Give a batch over pools with mismatches."""
    sim = calm(pools=8, desktops=10, mismatch=0.6)
    with Ledger.open(journal.place) as ledger:
        yield Batch(ledger, journal, open_ws(sim), sim)


def test_the_approved_total_holds_for_all_rows_together(batch):
    """What one run may touch is taken from what the others may; nothing is sent beyond it."""
    sizes = [batch.plan(row).desktops for row in (1, 2)]
    batch.begin(sum(sizes) - 1)

    assert batch.drive(batch.start(1)) == "done"
    with pytest.raises(BlastRadius, match=f"approved for the batch {sizes[1] - 1} are left"):
        batch.start(2)
    assert len(batch.posts()) == 1


def test_a_run_of_no_known_batch_is_refused(batch, journal):
    """An attempt that this journal does not know, or that is over, begins nothing."""
    batch.begin(999)
    plan = batch.plan(1)
    for attempt in ("batch-1/0001.1", "batch-9/0001.1"):  # waiting, and not known
        with pytest.raises(NotApproved):
            journal.start_run(plan, "by numbers", "tester", attempt)

    assert journal.runs() == ()


def test_a_failed_canary_stops_the_rows_that_come_after_it(batch):
    """The first pool that was sent is the canary of the whole batch."""
    batch.begin(999)
    batch.fail(batch.behind(batch.pools[0]))
    first, second = batch.start(1), batch.start(2)

    assert batch.drive(first) == "failed"
    assert batch.drive(second) == "refused"
    assert "the canary, pool" in batch.journal.run(second.run.run_id).stop
    assert len(batch.posts()) == 1


def test_one_error_threshold_holds_for_all_rows_together(batch):
    """Failures of other rows count: when too many desktops failed nothing more is sent."""
    batch.begin(999)
    for pool in batch.pools[1:3]:
        batch.fail(batch.behind(pool)[:2])
    rollouts = [batch.start(row) for row in range(1, 5)]
    verdicts = [batch.drive(rollout) for rollout in rollouts]

    assert verdicts[0] == "done"
    assert set(verdicts[1:3]) <= {"failed", "partial"}
    assert verdicts[3] == "refused"
    assert (
        "4 desktops failed; the approved threshold is 3"
        in batch.journal.run(rollouts[3].run.run_id).stop
    )
    assert len(batch.posts()) == 3


def test_what_is_under_way_elsewhere_has_not_failed(batch):
    """A row that others are still working on does not count as an error."""
    batch.begin(999)
    assert batch.drive(batch.start(1)) == "done"
    events = [batch.start(row).apply() for row in (2, 3, 4)]
    for each in events:
        next(event for event in each if event.kind == "sent")

    assert batch.drive(batch.start(5)) == "done"
    for each in events:
        each.close()


def test_one_stop_holds_for_all_rows(batch):
    """A run that was begun before sends nothing any more, one that comes later is refused."""
    batch.begin(999)
    waiting = batch.start(1)
    batch.ledger.request_stop("batch-1")

    assert batch.drive(waiting) == "refused"
    with pytest.raises(Stopped):
        batch.start(2)
    assert batch.posts() == []


def test_nothing_is_sent_once_whoever_drove_the_batch_is_gone(batch, monkeypatch):
    """A kernel that outlives its batch looks for the lock of the batch right before it sends."""
    batch.begin(999)
    first, second = batch.start(1), batch.start(2)
    monkeypatch.setenv(ATTEMPT_VARIABLE, "batch-1/0001.1")

    assert batch.drive(first) == "error"
    assert batch.posts() == []
    beside = locks.beside(batch.journal.place)
    with locks.held(*batch_key("batch-1"), what="batch-1", folder=beside):
        assert batch.drive(second) == "done"


def test_a_new_round_has_a_canary_and_a_total_of_its_own(batch):
    """What was approved, and what failed, before rows were asked for again does not count."""
    batch.begin(999)
    batch.fail(batch.behind(batch.pools[0]))
    assert batch.drive(batch.start(1)) == "failed"
    batch.sim.cloud.faults.clear()
    plan = batch.plan(2)
    batch.ledger.ask_again("batch-1", {2}, plan.desktops)
    batch.ledger.start("batch-1/0002.2", "local")
    run = batch.journal.start_run(plan, "by numbers", "tester", "batch-1/0002.2")

    assert batch.drive(Rollout(batch.ws, batch.journal, run)) == "done"
    ids = [one.run_id for one in batch.journal.runs_of_batch("batch-1")]
    assert len(ids) == 2
    assert ids[1] == run.run_id
