"""Any interleaving of lost answers, kills, restarts and people, searched by a state machine.

The real journal, rollout and client against the real simulator over a socket; only time is not
real: a sleep moves the simulator's clock. A killed process is one whose journal and connection
raise from then on, so that nothing can be tidied up.
"""

import json
import random
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

import wsops.rollout
import wsops.submit
from wsops.choice import Choice
from wsops.client import Workspace
from wsops.database import open_database
from wsops.errors import CloudError, JournalError, PlanError, PlanUsed
from wsops.jobs import Timing
from wsops.journal import Journal
from wsops.planning import plan_for
from wsops.rollout import Rollout
from wsops.schema import LIVE, meta, metadata
from wsops.settings import load
from wsops.settle import settle_adopt, settle_not_sent
from wsops.simulator import Options, Simulation
from wsops.simulator.call import Call
from wsops.simulator.operations import perform
from wsops.submit import Again, Outcome

REBUILD = "RebuildDesktopPool"
CERTAIN = {400, 401, 403, 404, 405, 413, 414, 429, 494}
"""Statuses that prove that a request was not executed (all 401s here are the gateway's)."""

POLLING = {
    "base_deadline": 600,
    "per_desktop": 60,
    "stall_after": 240,
    "not_found_seconds": 30,
    "reconcile_every": 30,
    "verify_every": 30,
}
PACE = {"reads_per_second": 100_000, "write_every": 0, "throttled_wait": 65, "call_deadline": 5}
OPTIONS = Options(
    pools=2,
    desktops=2,
    mismatch=0.9,
    desktop_seconds=(20, 40),
    start_seconds=2,
    close_seconds=1,
    lag_seconds=2,
    register_seconds=5,
)

ANSWERS = {
    "well": (),
    "refused": ("error", {"status": 403}),
    "throttled": ("throttle", {}),
    "unauthenticated": ("error", {"status": 401, "code": "APIGW.0301"}),
    "conflict": ("error", {"status": 409}),
    "lost before": ("cut", {}),
    "lost after": ("lost", {"reset": True}),
    "half": ("cut_body", {}),
    "no job": ("strange_200", {}),
    "no job, executed": ("strange_200", {"executed": True}),
    "503": ("error", {"status": 503}),
    "503, executed": ("error", {"status": 503, "executed": True}),
    "503, executed late": ("error", {"status": 503}),
    "late": ("late", {"after": 20}),
    "very late": ("late", {"after": 200}),
}
TROUBLES = {
    "none": (),
    "a desktop fails": ("desktop_fails", None, {"share": 0.5}),
    "a desktop is ignored": ("ignore_desktop", None, {"share": 0.5}),
    "a desktop is stuck": ("stuck", None, {"share": 0.5}),
    "the job vanishes": ("job_missing", None, {}),
    "reads fail": ("error", "ShowJob", {"status": 503}),
    "desktops cannot be read": ("cut", "ListPoolDesktopsDetail", {}),
}
STEPS = ("start_run", "intend", "sending", "answered", "adopt", "park", "looked", "end_item")
PLACES = (
    *(f"{when} {step}" for step in STEPS for when in ("before", "after")),
    "before send",
    "after send",
    "watching",
    "reading desktops",
    "reading jobs",
)


class Killed(BaseException):
    """The process is no more."""


class Fate:
    """When, and how, a process ends."""

    def __init__(self, place="", nth=1, how="kill"):
        self.place, self.left, self.how = place, nth, how
        self.dead = False

    def pass_by(self, place):
        if self.dead:
            raise Killed
        if place != self.place:
            return
        self.left -= 1
        if not self.left:
            if self.how == "Ctrl-C":
                raise KeyboardInterrupt
            self.dead = True
            raise Killed


class MortalJournal(Journal):
    """The real journal of a process that may end at any step."""

    fate = Fate()


def _mortal(name):
    def step(self, *args, **kwargs):
        self.fate.pass_by(f"before {name}")
        result = getattr(Journal, name)(self, *args, **kwargs)
        self.fate.pass_by(f"after {name}")
        return result

    return step


for _name in (*STEPS, "forget_intent", "keep_progress", "end_run", "reserve_write"):
    setattr(MortalJournal, _name, _mortal(_name))


class MortalWorkspace(Workspace):
    """The real client of a process that may end at any request."""

    fate = Fate()

    def send(self, path, body):
        self.fate.pass_by("before send")
        answer = super().send(path, body)
        self.fate.pass_by("after send")
        return answer

    def job(self, job_id):
        self.fate.pass_by("watching")
        return super().job(job_id)

    def pool_desktops(self, pool_id, **kwargs):
        self.fate.pass_by("reading desktops")
        return super().pool_desktops(pool_id, **kwargs)

    def glance_at_desktops(self, pool_id, take, **kwargs):
        self.fate.pass_by("reading desktops")
        return super().glance_at_desktops(pool_id, take, **kwargs)

    def sub_jobs(self, **kwargs):
        self.fate.pass_by("reading jobs")
        return super().sub_jobs(**kwargs)


class World:
    """One cloud, one journal, and what people, networks and kills do to them."""

    def __init__(self, sim, ws, database, number=0):
        self.ws, self.database = ws, database
        self.cloud = sim.reset(replace(OPTIONS, seed=number))
        self.settled = Counter()
        self.touched_by_others = set()
        self.judged_done = set()
        self.arrivals = {}
        self.gateway = []
        self.violations = []
        self._listen()
        self.restart(Fate())

    def close(self):
        if self.journal.broken_event() is not None:
            self.violations.append("the chain of events is broken")

    def restart(self, fate):
        """Begin a process: it knows nothing but the journal."""
        self.journal = MortalJournal(self.database)
        self.journal.fate = self.ws.fate = fate

    def now(self):
        return datetime.fromtimestamp(self.cloud.now(), UTC)

    def timing(self):
        return Timing(self.cloud.now, self.cloud.advance, self.now)

    # -- what may happen ------------------------------------------------------------------------

    def apply(self, pools=1, kind="repair", answer="well", trouble="none", fate=None):
        """Plan from the present state and apply, whatever happens to it."""
        with suppress(PlanError, CloudError):
            choice = {"kind": kind, "image_map": {"*": self._newest()}}
            plan = plan_for(self.ws, Choice(**choice), list(self.cloud.pools)[-pools:])[0]
            self._disturb(answer, trouble)
            self._live(fate, lambda: self._carry_out(plan))

    def resume(self, *, go_on=False, answer="well", fate=None):
        """Take up the newest run that has something left."""
        runs = [run for run in self.journal.runs() if self._unfinished(run.run_id)]
        if runs:
            self._disturb(answer, "none")
            self._live(fate, lambda: self._take_up(runs[0], go_on=go_on))

    def settle_not_sent(self):
        """A person says that an unknown request never left, as far as wsops lets them."""
        for row in self._unknown()[:1]:
            with suppress(JournalError, CloudError):
                settle_not_sent(self.ws, self.journal, row.item_id, "by a person")
                self.settled[row.item_id] += 1

    def settle_adopt(self, which=0):
        """A person takes one of the pool's jobs as the one of an unknown request."""
        for row in self._unknown()[:1]:
            jobs = [job.id for job in self.cloud.jobs.values() if row.pool_id in job.pool_ids]
            with suppress(JournalError, CloudError):
                if jobs:
                    job = jobs[which % len(jobs)]
                    settle_adopt(self.ws, self.journal, row.item_id, job, "by a person")
                    self.touched_by_others.add(row.pool_id)

    def console(self, which=0):
        """Somebody rebuilds a pool from the console."""
        pool = list(self.cloud.pools.values())[which % len(self.cloud.pools)]
        body = json.dumps({"image_id": pool.image_id, "is_fix": False}).encode()
        call = Call(REBUILD, "POST", pool_id=pool.id, body=body)
        if perform(self.cloud, call).executed:
            self.touched_by_others.add(pool.id)

    def log_in(self, which=0, word="CONNECTED"):
        """Somebody logs in."""
        desktops = [d for d in self.cloud.desktops.values() if d.sub is None]
        if desktops:
            self.cloud.set_login(desktops[which % len(desktops)].id, word)

    def wait(self, seconds):
        self.cloud.advance(seconds)

    # -- how ------------------------------------------------------------------------------------

    def _live(self, fate, act):
        """Be a process, to its end or until it is killed; then the next one opens the journal."""
        self.journal.fate = self.ws.fate = fate or Fate()
        try:
            with suppress(Killed, KeyboardInterrupt, PlanError, JournalError, CloudError):
                act()
        finally:
            self.cloud.faults.clear()
            self.restart(Fate())

    def _carry_out(self, plan):
        run = self.journal.start_run(plan, "a test", "tester")
        self._drive(Rollout(self.ws, self.journal, run, timing=self.timing()).apply())

    def _take_up(self, run, *, go_on):
        rollout = Rollout(self.ws, self.journal, run, timing=self.timing())
        self._drive(rollout.resume(go_on=go_on))

    def _drive(self, events):
        for event in events:
            if event.kind == "item_ended":
                self._judge_done()

    def _disturb(self, answer, trouble):
        self.gateway = [40] if answer == "503, executed late" else []
        if ANSWERS[answer]:
            kind, args = ANSWERS[answer]
            self.cloud.faults.add(kind, operation=REBUILD, times=1, args=args)
        if TROUBLES[trouble]:
            kind, operation, args = TROUBLES[trouble]
            self.cloud.faults.add(kind, operation=operation, times=2, args=args)

    def _newest(self):
        images = {pool.image_id for pool in self.cloud.pools.values()}
        return min(images)

    def _unfinished(self, run_id):
        return any(row.state in {*LIVE, "planned"} for row in self.journal.items(run_id))

    def _unknown(self):
        rows = [row for run in self.journal.runs() for row in self.journal.items(run.run_id)]
        return [row for row in rows if row.state in {"sent", "unknown"}]

    # -- judging --------------------------------------------------------------------------------

    def _listen(self):
        """Note for each rebuild that arrives which item stands in the journal as being sent."""
        note = self.cloud.ledger_.note

        def noted(**fields):
            seq = note(**fields)
            if fields["operation"] == REBUILD:
                self._arrived(seq, fields)
            return seq

        self.cloud.ledger_.note = noted

    def _arrived(self, seq, fields):
        query = "SELECT item_id FROM items WHERE state = 'sent' AND pool_id = ? AND body_sha256 = ?"
        with closing(sqlite3.connect(f"file:{self.database.place}?mode=ro", uri=True)) as reader:
            found = reader.execute(query, (fields["pool_id"], fields["body_sha256"])).fetchall()
        if found:
            self.arrivals[seq] = found[0][0]
        else:
            self.violations.append(f"request {seq} arrived before its intent was on the disk")
        if self.gateway:
            body = json.dumps(fields["body"]).encode()
            call = Call(REBUILD, "POST", pool_id=fields["pool_id"], body=body)
            due = self.cloud.now() + self.gateway.pop()
            self.cloud.agenda.defer(due, lambda: self._execute_late(seq, call))

    def _execute_late(self, seq, call):
        answer = perform(self.cloud, call)
        self.cloud.ledger_.amend(seq, executed=answer.executed, job_id=answer.job_id)

    def judge(self):
        """Hold what the service saw and did against what the journal says."""
        entries = {entry.seq: entry for entry in self.cloud.ledger.entries(REBUILD)}
        rows = {
            row.item_id: row
            for run in self.journal.runs()
            for row in self.journal.items(run.run_id)
        }
        done, possible = Counter(), Counter()
        for seq, item_id in self.arrivals.items():
            entry = entries[seq]
            done[item_id] += entry.executed
            possible[item_id] += entry.status not in CERTAIN
            if entry.executed:
                self._judge_job(entry, rows[item_id])
        for item_id in rows:
            allowed = 1 + self.settled[item_id]
            for count, what in ((done, "executed"), (possible, "perhaps executed")):
                if count[item_id] > allowed:
                    self.violations.append(f"{item_id} was {what} {count[item_id]} times")
        self._judge_done()
        return self.violations

    def _judge_job(self, entry, row):
        """An executed request is known by its job, or stands as unknown; it touched its targets."""
        others = row.pool_id in self.touched_by_others or self.settled[row.item_id]
        if not others and row.job_id != entry.job_id and row.state not in {"sent", "unknown"}:
            self.violations.append(f"{row.item_id} is {row.state} and its job {entry.job_id} lost")
        beyond = {sub.desktop_id for sub in self.cloud.jobs[entry.job_id].subs} - set(row.targets)
        if beyond:
            self.violations.append(f"{row.item_id} touched {len(beyond)} desktops beyond")

    def _judge_done(self):
        """Whoever is said to be done runs the wanted image at that moment."""
        for run in self.journal.runs():
            for row in self.journal.items(run.run_id):
                if row.verdict == "done" and row.item_id not in self.judged_done:
                    self.judged_done.add(row.item_id)
                    self._judge_images(run.run_id, row)

    def _judge_images(self, run_id, row):
        plan = self.journal.plan_of(run_id)
        (item,) = [item for item in plan.items if item.item_id == row.item_id]
        for target in item.targets:
            if self.cloud.desktops[target.desktop_id].image_id != item.image_id:
                self.violations.append(f"{row.item_id} is done, but not {target.desktop_name}")


@pytest.fixture(scope="module")
def place_of_sim():
    """Give a simulation whose clock only moves when somebody sleeps."""
    start = datetime(2026, 3, 1, 20, tzinfo=UTC).timestamp()
    with Simulation(Options(pools=0), clock=lambda: start) as simulation:
        yield simulation


@pytest.fixture
def database(tmp_path):
    """Give the file of the journal, for one world after the other."""
    opened = open_database(str(tmp_path / "book" / "journal.sqlite"))
    yield opened
    opened.close()


def emptied(database):
    """Give a database as new: to make one anew takes much longer."""
    with database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            if table is not meta:
                connection.execute(sa.delete(table))
    return database


@pytest.fixture
def new_world(place_of_sim, database, monkeypatch):
    """Give a function that makes a fresh world."""
    sim = place_of_sim

    def now():
        return datetime.fromtimestamp(sim.cloud.now(), UTC)

    for module in ("journal", "settle", "planning", "audit"):
        monkeypatch.setattr(f"wsops.{module}.utc_now", now)
    config = load(
        endpoint=sim.endpoint,
        iam_endpoint=sim.iam_endpoint,
        project_id=sim.project_id,
        region=sim.cloud.region_name,
        token=sim.token,
        operator="tester",
        polling=POLLING,
        pace=PACE,
    )
    worlds = []
    projects = {}

    def make(number=0):
        while worlds:
            worlds.pop().close()
        sim.reset(replace(OPTIONS, seed=number))
        if number not in projects:
            settings_there = config.model_copy(update={"project_id": sim.project_id})
            projects[number] = MortalWorkspace(settings_there, sleep=_advance(sim))
        worlds.append(World(sim, projects[number], emptied(database), number))
        return worlds[0]

    yield make
    for world in worlds:
        world.close()
    for ws in projects.values():
        ws.close()


def _advance(sim):
    """Give a sleep that always moves the clock of the present cloud."""

    def sleep(seconds):
        sim.cloud.advance(seconds)

    return sleep


fates = st.none() | st.builds(
    Fate,
    place=st.sampled_from(PLACES),
    nth=st.integers(1, 3),
    how=st.sampled_from(["kill", "kill", "Ctrl-C"]),
)
answers = st.sampled_from(sorted(ANSWERS))
small = st.integers(0, 5)


applies = {
    "pools": st.sampled_from([1, 1, 2]),
    "kind": st.sampled_from(["repair", "repair", "rebuild"]),
    "answer": answers,
    "trouble": st.sampled_from(["none", "none", "none", *TROUBLES]),
    "fate": fates,
}


class Interleavings(RuleBasedStateMachine):
    """A run, then everything that may happen, in any order; the judge speaks after each step."""

    new_world = None

    @initialize(number=st.integers(0, 3), **applies)
    def begin(self, number, **how):
        self.world = self.new_world(number)
        self._do(self.world.apply, **how)

    def _do(self, act, *args, **how):
        act(*args, **how)
        assert self.world.judge() == []

    @rule(**applies)
    def apply(self, **how):
        self._do(self.world.apply, **how)

    @rule(go_on=st.booleans(), answer=answers, fate=fates)
    def resume(self, go_on, answer, fate):
        self._do(self.world.resume, go_on=go_on, answer=answer, fate=fate)

    @rule(seconds=st.sampled_from([10, 60, 700]), answer=answers)
    def wait_and_go_on(self, seconds, answer):
        self._do(self.world.wait, seconds)
        self._do(self.world.resume, go_on=True, answer=answer)

    @rule(which=small, seconds=st.sampled_from([0, 700]), adopt=st.booleans())
    def settle(self, which, seconds, adopt):
        self._do(self.world.wait, seconds)
        for _ in range(1 if adopt else 3):
            act, args = (
                (self.world.settle_adopt, [which]) if adopt else (self.world.settle_not_sent, [])
            )
            self._do(act, *args)

    @rule(which=small, act=st.sampled_from(["console", "log_in"]))
    def others(self, which, act):
        self._do(getattr(self.world, act), which)


def search(new_world, examples, number, steps=4):
    """Run the state machine over so many examples."""

    class Here(Interleavings):
        pass

    Here.new_world = staticmethod(new_world)
    run_state_machine_as_test(
        seed(number)(Here),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("part", range(10))
def test_no_interleaving_breaks_a_promise(new_world, part):
    """No request is executed twice, sent before its intent, lost, or called done when it is not."""
    search(new_world, 50, part)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(10))
def test_no_interleaving_of_thousands_breaks_a_promise(new_world, part):
    """The same holds over ten times as many and longer interleavings, different every night."""
    search(new_world, 500, random.getrandbits(32) + part, steps=30)


# -- planted bugs: the judge and the search must see them ---------------------------------------


def sends_again_on_503(monkeypatch):
    """Plant: a 503 is taken for a request that did not leave."""
    real = wsops.submit.judge

    def judge(result):
        judgement = real(result)
        if judgement.answer is not None and judgement.answer.status == 503:
            return replace(judgement, outcome=Outcome.NOT_SENT, again=Again.UNSENT)
        return judgement

    monkeypatch.setattr(wsops.submit, "judge", judge)


def writes_the_intent_after_the_send(monkeypatch):
    """Plant: intent and departure are written together with the outcome."""
    intend, sending, answered = Journal.intend, Journal.sending, Journal.answered
    kept = {}

    def later(self, item_id, *facts):
        kept[item_id] = facts
        return self.item(item_id)

    def all_at_once(self, item_id, *args, **kwargs):
        intend(self, item_id, *kept[item_id])
        sending(self, item_id)
        return answered(self, item_id, *args, **kwargs)

    monkeypatch.setattr(Journal, "intend", later)
    monkeypatch.setattr(Journal, "sending", lambda self, item_id, _: self.item(item_id))
    monkeypatch.setattr(Journal, "answered", all_at_once)


def takes_an_empty_list_for_not_sent(monkeypatch):
    """Plant: a request whose job is not in the list is taken for one that never left."""
    park = Journal.park

    def forget(self, item_id, reason):
        if "no new job" in reason:
            return self.forget_intent(item_id, reason)
        return park(self, item_id, reason)

    monkeypatch.setattr(Journal, "park", forget)


def answered_503(world):
    world.apply(answer="503")


def killed_with_the_request_out(world):
    world.apply(fate=Fate("after send"))
    world.resume(go_on=True)


def arrives_late(world):
    world.apply(answer="very late")
    world.resume(go_on=True)
    world.wait(700)
    world.resume(go_on=True)


PLANTED = {
    "a 503 is sent again": (sends_again_on_503, answered_503),
    "the intent comes after the send": (
        writes_the_intent_after_the_send,
        killed_with_the_request_out,
    ),
    "an empty list means not sent": (takes_an_empty_list_for_not_sent, arrives_late),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_seen(new_world, monkeypatch, bug):
    """The judge finds nothing in the real code, and finds the planted bug in the same example."""
    plant, example = PLANTED[bug]
    world = new_world()
    example(world)
    assert world.judge() == []
    assert len(world.arrivals) == 1
    plant(monkeypatch)
    world = new_world()
    example(world)
    assert world.judge() != []


@pytest.mark.soak
@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found_by_the_search(new_world, monkeypatch, bug):
    """The search finds the planted bug by itself."""
    PLANTED[bug][0](monkeypatch)
    with pytest.raises(AssertionError):
        search(new_world, 1000, 1)


def test_every_answer_and_every_kill_is_survived(new_world):
    """Each kill of a run whose answer is lost late ends with one execution, known or unknown."""
    for place in PLACES:
        world = new_world()
        world.apply(answer="lost after", fate=Fate(place))
        for _ in range(3):
            world.wait(120)
            world.resume(go_on=True)
        assert world.judge() == [], place
        executed = [e for e in world.cloud.ledger.entries(REBUILD) if e.executed]
        assert len(executed) <= 1, place
    plan = world.journal.plan_of(world.journal.runs()[0].run_id)
    with pytest.raises(PlanUsed):
        world.journal.start_run(plan, "again", "tester")
