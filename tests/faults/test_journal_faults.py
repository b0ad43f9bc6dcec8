"""A journal that cannot be trusted sends nothing; a plan works once, whoever applies it."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta

import pytest

import wsops.database
import wsops.rollout
from wsops import locks
from wsops.errors import JournalError, OutcomeUnknown, PlanError, PlanExpired, PlanUsed, StalePlan
from wsops.journal import Journal
from wsops.models import utc_now
from wsops.plan import check_place, read_plan
from wsops.rollout import Rollout
from wsops.settle import settle_not_sent

REBUILD = "RebuildDesktopPool"
FAST = {
    "WSOPS_POLLING__FIRST": "0.02",
    "WSOPS_POLLING__LONGEST": "0.05",
    "WSOPS_POLLING__VERIFY_EVERY": "0.02",
    "WSOPS_POLLING__RECONCILE_EVERY": "0.02",
    "WSOPS_POLLING__RECONCILE_WITHIN": "0.3",
    "WSOPS_PACE__WRITE_EVERY": "0",
}


@pytest.fixture
def command(driver, tmp_path):
    """Give a function that starts `wsops` in a process of its own."""

    def start(*words, journal=tmp_path / "journal.sqlite", under=(), **environment):
        facts = {
            "WSOPS_ENDPOINT": driver.sim.endpoint,
            "WSOPS_IAM_ENDPOINT": driver.sim.iam_endpoint,
            "WSOPS_PROJECT_ID": driver.sim.project_id,
            "WSOPS_REGION": driver.sim.cloud.region_name,
            "WSOPS_TOKEN": driver.sim.token,
            "WSOPS_JOURNAL": str(journal),
        }
        # Nothing but the journal may write to the disk: the calls are counted.
        plain = {name: v for name, v in os.environ.items() if not name.startswith("COVERAGE_")}
        return subprocess.Popen(
            [*under, sys.executable, "-m", "wsops", *words],
            env=plain | facts | FAST | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def ended(process):
    """Wait for a command; gives its exit code and its document; there must be no traceback."""
    with process:
        out, err = process.communicate(timeout=60)
    assert "Traceback" not in err + out, err
    return process.returncode, json.loads(out)


def approved(plan):
    return "apply", "plan.json", "--yes", "--digest", plan.digest, "--json"


def refused(process):
    """Wait for a command that must refuse for the journal's sake; gives the message."""
    code, document = ended(process)
    assert (code, document["error"]["type"]) == (5, "JournalError")
    return document["error"]["message"]


# -- the file -----------------------------------------------------------------------------------


def test_a_journal_that_is_locked_for_a_while_is_waited_for(driver, command, plan_file, tmp_path):
    """While another connection keeps it locked nothing is sent; then all goes on."""
    plan = driver.plan()
    plan_file(plan)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        process = command(*approved(plan))
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(4)
        assert driver.posts == []
        other.execute("ROLLBACK")
        code, document = ended(process)
    assert (code, document["verdict"]) == (0, "done")


def test_ctrl_c_is_heard_while_a_locked_journal_is_waited_for(driver, command, plan_file, tmp_path):
    """The command ends within a second, and has sent nothing."""
    plan = driver.plan()
    plan_file(plan)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with command(*approved(plan)) as process:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(3)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=5)
    assert process.returncode == 130, err
    assert driver.posts == []


def test_a_lock_in_the_middle_of_a_run_sends_nothing(driver, monkeypatch):
    """A journal that is locked between two steps stops the send, and the run can be resumed."""
    monkeypatch.setattr(wsops.database, "PATIENCE", 0.1)
    with Journal.open(driver.journal.place) as driver.journal:
        rollout = driver.start()
        events = rollout.apply()
        next(events)
        with closing(sqlite3.connect(driver.journal.place, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalError, match="locked"):
                list(events)
        assert driver.posts == []
        (row,) = driver.resume(rollout.run.run_id, go_on=True)
    assert row.verdict == "done"


def test_a_stop_that_comes_after_the_intent_still_holds(driver, monkeypatch):
    """It is asked for once more in the very transaction that lets the request leave."""
    real = Journal.intend

    def intend(journal, *facts):
        row = real(journal, *facts)
        journal.request_stop(rollout.run.run_id)
        return row

    monkeypatch.setattr(Journal, "intend", intend)
    rollout = driver.start()
    list(rollout.apply())

    assert driver.posts == []
    (row,) = driver.journal.items(rollout.run.run_id)
    assert row.state == "planned"


@pytest.mark.parametrize("step", ["intend", "sending"])
def test_nothing_is_sent_on_what_was_read_long_ago(driver, monkeypatch, step):
    """Where the journal was locked after the pool was read, the pool is read again."""
    real, locked = getattr(Journal, step), [11]

    def waited(journal, *facts):
        if locked:
            driver.sim.cloud.advance(locked.pop())
            for target in plan.items[0].targets:
                driver.sim.cloud.set_login(target.desktop_id, "CONNECTED")
        return real(journal, *facts)

    monkeypatch.setattr(Journal, step, waited)
    plan = driver.plan()
    (row,) = driver.apply(plan)

    assert (row.state, row.verdict) == ("ended", "held")
    assert "are in use; approved were" in row.reason
    assert driver.posts == []


def test_nothing_is_sent_on_what_was_read_before_the_machine_slept(driver, monkeypatch):
    """In the middle of a reading: the date has gone on, and people have come to work."""
    plan = driver.plan()
    rollout = driver.start(plan)
    timing, real, hours = rollout.timing, wsops.rollout.read_pool, []

    def read(ws, pool_id):
        reading = real(ws, pool_id)
        if not hours:
            hours.append(8)
            for target in plan.items[0].targets:
                driver.sim.cloud.set_login(target.desktop_id, "CONNECTED")
        return reading

    monkeypatch.setattr("wsops.rollout.read_pool", read)
    rollout.timing = replace(timing, now=lambda: timing.now() + timedelta(hours=sum(hours)))
    list(rollout.apply())
    (row,) = driver.journal.items(rollout.run.run_id)

    assert (row.state, row.verdict) == ("ended", "held")
    assert driver.posts == []


def test_what_is_always_read_too_long_ago_is_not_sent(driver, monkeypatch):
    """Three readings, each followed by a wait: the pool stays planned, and says why."""
    real = Journal.sending

    def waited(journal, *facts):
        driver.sim.cloud.advance(11)
        return real(journal, *facts)

    monkeypatch.setattr(Journal, "sending", waited)
    (row,) = driver.apply()

    assert row.state == "planned"
    assert "passed after the pool was read" in row.reason
    assert driver.posts == []


@pytest.mark.parametrize("page_limit", range(6))
def test_a_full_disk_sends_nothing(driver, monkeypatch, page_limit):
    """A journal that cannot grow stops before the send; what was written stays readable."""
    plan = driver.plan()
    with closing(sqlite3.connect(driver.journal.place)) as reader:
        (pages,) = reader.execute("PRAGMA page_count").fetchone()
    prepare = wsops.database._prepare

    def full(connection, record):
        prepare(connection, record)
        connection.execute(f"PRAGMA max_page_count={pages + page_limit}").close()

    monkeypatch.setattr(wsops.database, "_prepare", full)
    blob = plan.model_copy(update={"change": "x" * 4096 * 6})
    blob = blob.model_copy(update={"digest": blob.computed_digest()})
    with Journal.open(driver.journal.place) as journal:
        driver.journal = journal
        with pytest.raises(JournalError, match="full"):
            driver.apply(blob)
        assert journal.broken_event() is None
    assert driver.posts == []


@pytest.fixture
def strace():
    """Give the path of strace; skip where it is missing or may not trace."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed")
    if subprocess.run([found, "-qq", "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not trace here (ptrace is denied)")
    return found


BROKEN_CALLS = [
    (call, error, number)
    for call, numbers in (("pwrite64", range(1, 41)), ("fdatasync", range(1, 11)))
    for error in ("ENOSPC", "EIO")
    for number in numbers
]
FEW = [
    ("pwrite64", "ENOSPC", 1),
    ("pwrite64", "EIO", 20),
    ("fdatasync", "EIO", 9),
    ("fdatasync", "EIO", 10),
]


@pytest.mark.parametrize(
    ("call", "error", "number"),
    [*FEW, *(pytest.param(*one, marks=pytest.mark.soak) for one in BROKEN_CALLS)],
)
def test_a_failing_disk_sends_nothing(
    driver, command, plan_file, strace, tmp_path, call, error, number
):
    """From the first write or sync that fails on, nothing is sent, and nothing is corrupt."""
    plan = driver.plan()
    plan_file(plan)
    place = tmp_path / "new" / "journal.sqlite"
    inject = f"inject={call}:error={error}:when={number}+"
    under = [strace, "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", inject]
    refused(command(*approved(plan), under=under, journal=place))
    assert driver.posts == []
    with closing(sqlite3.connect(place)) as journal:
        assert journal.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_journal_that_cannot_be_written_sends_nothing(driver, command, plan_file, tmp_path):
    """A place where no file can be made or opened is refused before anything is sent."""
    plan = driver.plan()
    plan_file(plan)
    (tmp_path / "a file").touch()
    folder = tmp_path / "a folder"
    folder.mkdir()
    for place in (tmp_path / "a file" / "journal.sqlite", folder, "/proc/journal.sqlite"):
        refused(command(*approved(plan), journal=place))
    assert driver.posts == []


def test_a_read_only_journal_sends_nothing(driver, monkeypatch):
    """A journal that turns read-only is an error of the journal, with nothing sent."""
    plan = driver.plan()
    prepare = wsops.database._prepare

    def read_only(connection, record):
        prepare(connection, record)
        connection.execute("PRAGMA query_only=ON").close()

    rollout = driver.start(plan)
    monkeypatch.setattr(wsops.database, "_prepare", read_only)
    with Journal.find(driver.journal.place) as driver.journal:
        again = driver.again(rollout.run.run_id)
        with pytest.raises(JournalError, match="readonly"):
            list(again.apply())
        with pytest.raises(JournalError, match="readonly"):
            driver.start(plan.model_copy(update={"plan_id": "other", "digest": "other"}))
    assert driver.posts == []


@pytest.mark.parametrize("content", [b"not a database", b"SQLite format 3\0", bytes(8192)])
def test_a_foreign_file_is_kept(driver, command, plan_file, tmp_path, content):
    """A file that is no journal is refused and not changed."""
    plan = driver.plan()
    plan_file(plan)
    place = tmp_path / "foreign.sqlite"
    place.write_bytes(content)
    refused(command(*approved(plan), journal=place))
    assert place.read_bytes() == content
    assert driver.posts == []


def test_a_database_of_somebody_else_is_kept(driver, command, plan_file, tmp_path):
    """A database with other tables, or another schema, is refused."""
    plan = driver.plan()
    plan_file(plan)
    other, newer = tmp_path / "other.sqlite", tmp_path / "newer.sqlite"
    with closing(sqlite3.connect(other)) as database, database:
        database.execute("CREATE TABLE runs (run_id TEXT)")
    Journal.open(str(newer)).close()
    with closing(sqlite3.connect(newer)) as database, database:
        database.execute("UPDATE meta SET value = '99'")
    for place in (other, newer):
        assert "schema" in refused(command(*approved(plan), journal=place))
    assert driver.posts == []


def damaged(whole, rng):
    """Give the bytes with one bit that fell over, more often than not in what is written."""
    content = bytearray(whole)
    place = rng.randrange(len(content))
    while not content[place] and rng.random() < 0.9:
        place = rng.randrange(len(content))
    content[place] ^= 1 << rng.randrange(8)
    return content


@pytest.fixture
def whole_journal(driver, tmp_path):
    """Give the bytes of a journal with a run that ended, an unknown one, and one yet to send."""
    place = tmp_path / "whole.sqlite"
    with Journal.open(str(place)) as driver.journal:
        driver.apply()
        driver.sim.cloud.faults.add("cut", operation=REBUILD, times=1)
        (row,) = driver.apply()
        assert row.state == "unknown"
        driver.start(driver.plan())
    with closing(sqlite3.connect(place)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("PRAGMA journal_mode=DELETE")
    return place.read_bytes()


@pytest.mark.parametrize("flips", [20, pytest.param(1000, marks=pytest.mark.soak)])
def test_a_damaged_journal_never_sends(driver, whole_journal, tmp_path, flips):
    """A bit that fell over is an error of the journal or does no harm: resuming sends nothing."""
    rng = random.Random(random.getrandbits(32))
    sent, seen = len(driver.posts), 0
    for flip in range(flips):
        place = tmp_path / f"flip-{flip}.sqlite"
        place.write_bytes(damaged(whole_journal, rng))
        seen += errors_of(driver, place)
        assert len(driver.posts) == sent, f"bit flip {flip}"
        place.unlink()
    assert seen > 0


def errors_of(driver, place):
    """Read, resume and settle all that a journal holds; gives how often it refused."""
    refusals = 0
    try:
        journal = Journal.open(str(place))
        with journal:
            driver.journal = journal
            journal.broken_event()
            for run in journal.runs():
                refusals += not _resumes(driver, run.run_id)
    except JournalError:
        refusals += 1
    return refusals


def _resumes(driver, run_id):
    try:
        for row in driver.resume(run_id):
            if row.state == "unknown":
                with suppress(JournalError):
                    settle_not_sent(driver.ws, driver.journal, row.item_id, "by a person")
    except (JournalError, PlanError):
        return False
    return True


@pytest.mark.parametrize("flips", [15, pytest.param(300, marks=pytest.mark.soak)])
def test_what_a_damaged_journal_sends_is_what_was_approved(driver_of, tmp_path, flips):
    """A run whose record was damaged before its first send sends the approved bytes, or none."""
    driver = driver_of()
    plan = driver.plan()
    with Journal.open(str(tmp_path / "whole.sqlite")) as driver.journal:
        run_id = driver.start(plan).run.run_id
    whole = (tmp_path / "whole.sqlite").read_bytes()
    approved_body = json.loads(plan.items[0].body)
    rng = random.Random(random.getrandbits(32))
    for flip in range(flips):
        place = tmp_path / f"flip-{flip}.sqlite"
        place.write_bytes(damaged(whole, rng))
        driver.sim.reset()
        lost = (JournalError, PlanError, OutcomeUnknown)
        with suppress(*lost), Journal.open(str(place)) as driver.journal:
            driver.resume(run_id, go_on=True)
        posts = [(post.pool_id, post.body) for post in driver.posts]
        assert posts in ([], [(plan.items[0].pool_id, approved_body)]), f"bit flip {flip}"
        place.unlink()


# -- the plan -----------------------------------------------------------------------------------


def test_a_plan_works_once(driver, command, plan_file, tmp_path):
    """A plan that was applied is refused, from wherever it was copied to."""
    plan = driver.plan()
    file = plan_file(plan)
    journal = tmp_path / "other.sqlite"
    assert ended(command(*approved(plan), journal=journal))[0] == 0
    sent = len(driver.posts)
    (tmp_path / "elsewhere").mkdir()
    copy = shutil.copy(file, tmp_path / "elsewhere" / "copy.json")
    for name in (str(file), str(copy)):
        words = ("apply", name, "--yes", "--digest", plan.digest, "--json")
        code, document = ended(command(*words, journal=journal))
        assert (code, document["error"]["type"]) == (5, "PlanUsed")
        code, document = ended(command(*words, journal=tmp_path / "empty.sqlite"))
        assert code in {4, 5}
    assert len(driver.posts) == sent == 1


EDITS = {
    "one desktop less": lambda plan: plan["items"][0]["targets"].pop(),
    "the number": lambda plan: plan.update(desktops=1),
    "the expiry": lambda plan: plan.update(expires_at="2099-01-01T00:00:00Z"),
    "the image": lambda plan: plan["items"][0].update(image_id="0" * 36),
    "the body": lambda plan: plan["items"][0].update(body="{}"),
    "the path": lambda plan: plan["items"][0].update(path="/v2/x"),
    "the pool": lambda plan: plan["items"][0].update(pool_id="0" * 36),
    "the project": lambda plan: plan.update(project_id="0" * 32),
    "the endpoint": lambda plan: plan.update(endpoint="http://127.0.0.1:1"),
    "the threshold": lambda plan: plan.update(max_errors_least=1000),
    "no items": lambda plan: plan.update(items=[]),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_plan_is_refused(driver, command, tmp_path, edit):
    """A plan that was changed after it was made is refused, with nothing sent."""
    plan = driver.plan()
    content = plan.as_json()
    EDITS[edit](content)
    (tmp_path / "plan.json").write_text(json.dumps(content), encoding="utf-8")
    code, document = ended(command(*approved(plan)))
    assert code == 5
    assert document["error"]["type"] in {"NotApproved", "PlanError"}
    assert driver.posts == []


def test_a_plan_with_names_that_are_taken_is_refused(driver, command, plan_file):
    """A plan made by hand whose items bear the names of another plan's is refused."""
    plan = driver.plan()
    driver.apply(plan)
    sent = len(driver.posts)
    forged = plan.model_copy(update={"plan_id": "another"})
    forged = forged.model_copy(update={"digest": forged.computed_digest()})
    plan_file(forged)
    code, document = ended(command(*approved(forged)))
    assert (code, document["error"]["type"]) == (5, "PlanError")
    assert len(driver.posts) == sent


def test_an_expired_plan_is_refused(driver, command, plan_file):
    """A plan that is too old is refused, with nothing sent, by the command and by the run."""
    plan = driver.plan()
    late = {"created_at": utc_now() - timedelta(hours=11), "expires_at": utc_now()}
    plan = plan.model_copy(update=late)
    plan = plan.model_copy(update={"digest": plan.computed_digest()})
    plan_file(plan)
    code, document = ended(command(*approved(plan)))
    assert (code, document["error"]["type"]) == (5, "PlanExpired")
    with pytest.raises(PlanExpired):
        check_place(plan, driver.ws.resolved, utc_now())
    (row,) = driver.apply(plan)
    assert row.sent_at is None
    assert driver.posts == []


def test_a_plan_for_another_place_is_refused(driver):
    """A plan for another project is refused, though its digest fits."""
    plan = driver.plan()
    settings = driver.ws.resolved.model_copy(update={"project_id": "other"})
    with pytest.raises(StalePlan, match="project"):
        check_place(plan, settings, utc_now())
    assert read_plan(json.dumps(plan.as_json())) == plan


# -- several at once ----------------------------------------------------------------------------


def all_at_once(works):
    """Begin all the works at the same moment; gives what each returned or raised."""
    barrier = threading.Barrier(len(works))
    results = [None] * len(works)

    def begin(number):
        barrier.wait()
        try:
            results[number] = works[number]()
        except Exception as error:  # noqa: BLE001  (told to whoever asked)
            results[number] = error

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.soak)])
def test_of_twenty_applies_of_one_plan_one_executes(driver_of, open_ws, times):
    """Of twenty concurrent applies of a plan one executes; the others are told it was used."""
    for _ in range(times):
        driver = driver_of()
        plan = driver.plan()

        def apply(driver=driver, plan=plan):
            with Journal.open(driver.journal.place) as journal:
                run = journal.start_run(plan, "a test", "tester")
                return list(Rollout(driver.ws, journal, run, timing=driver.timing).apply())

        results = all_at_once([apply] * 20)
        refusals = [result for result in results if isinstance(result, Exception)]
        assert [type(error) for error in refusals] == [PlanUsed] * 19
        assert len(driver.posts) == 1


def test_of_several_processes_one_executes(driver, command, plan_file):
    """Of several commands that apply one plan at once, with a journal yet to be made, one sends."""
    plan = driver.plan()
    plan_file(plan)
    processes = [command(*approved(plan)) for _ in range(4)]
    results = [ended(process) for process in processes]
    assert sorted(code for code, _ in results) == [0, 5, 5, 5]
    kinds = [document["error"]["type"] for code, document in results if code]
    assert kinds == ["PlanUsed"] * 3
    assert len(driver.posts) == 1


def test_two_journals_on_one_host_exclude_each_other(driver, tmp_path):
    """While one operator's request to a pool is under way, another journal's is refused."""
    plan = driver.plan()
    other_plan = driver.plan()
    events = driver.start(plan).apply()
    for event in events:
        if event.kind == "sent":
            break
    with Journal.open(str(tmp_path / "second.sqlite")) as second:
        mine, driver.journal = driver.journal, second
        (row,) = driver.apply(other_plan)
        assert (row.state, row.verdict) == ("ended", "refused")
        assert f"is held by process {os.getpid()}" in row.reason
        driver.journal = mine
    list(events)
    assert driver.journal.items(f"run-{plan.plan_id}")[0].verdict == "done"
    assert len(driver.posts) == 1


def test_many_operators_with_journals_of_their_own_execute_once(driver, tmp_path):
    """Eight operators with a journal each, on one host and one pool: one request is executed."""
    plans = [driver.plan() for _ in range(8)]

    def apply(number):
        with Journal.open(str(tmp_path / f"{number}.sqlite")) as journal:
            run = journal.start_run(plans[number], "a test", "tester")
            list(Rollout(driver.ws, journal, run, timing=driver.timing).apply())
            return journal.items(run.run_id)[0].verdict

    verdicts = all_at_once([lambda number=number: apply(number) for number in range(8)])
    assert sorted(verdicts) == ["done", *["refused"] * 7]
    assert len(driver.executed) == 1


def test_the_holder_of_a_lock_is_named(tmp_path):
    """Who meets a lock learns the process that holds it; its death frees it."""
    holder = (
        "import sys, time\n"
        "from wsops import locks\n"
        "with locks.held('a', what='the pool'):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(JournalError, match=f"process {process.pid} "):
            locks.held("a", what="the pool").__enter__()
        process.kill()
        process.wait()
    with locks.held("a", what="the pool"):
        pass


def test_a_pool_that_somebody_holds_does_not_keep_a_resume_from_the_others(driver):
    """It is said, and left as it is; the next resume takes it up."""
    plan = driver.plan(2)
    run = driver.journal.start_run(plan, "a test", "tester")
    for number, item in enumerate(plan.items):
        reading = {target.desktop_id: target.model_dump() for target in item.targets}
        driver.journal.intend(item.item_id, item.body.encode(), reading, ())
        driver.journal.sending(item.item_id)
        job = driver.ws.send(item.path, item.body.encode()).document["job_id"]
        driver.journal.adopt(item.item_id, job, "a test", driver.timing.now())
        driver.sim.cloud.advance(60 * (number + 1))
    first, _ = driver.journal.items(run.run_id)
    key = (first.endpoint, first.project_id, first.pool_id)
    with locks.held(*key, what=f"pool {first.pool_name}"):
        events = list(driver.again(run.run_id).resume())

    assert any("is held by process" in event.text for event in events)
    assert [row.state for row in driver.journal.items(run.run_id)] == ["accepted", "ended"]
    assert events[-1].verdict == "running"
    driver.resume(run.run_id)
    assert {row.verdict for row in driver.journal.items(run.run_id)} == {"done"}


def test_what_was_settled_meanwhile_is_left_alone(driver):
    """A request that a person settled while a resume followed another one is not parked again."""
    driver.sim.cloud.faults.add("cut", operation=REBUILD, times=2)
    plan = driver.plan(2)
    journal = driver.journal
    run = journal.start_run(plan, "a test", "tester")
    for item in plan.items:
        reading = {target.desktop_id: target.model_dump() for target in item.targets}
        journal.intend(item.item_id, item.body.encode(), reading, ())
        journal.sending(item.item_id)
        journal.park(item.item_id, "its answer was lost")
    second = plan.items[1].item_id
    for event in driver.again(run.run_id).resume():
        if event.kind == "parked" and event.item.seq == 1:
            journal.forget_intent(second, "settled by hand, not sent: a person")
    row = journal.item(second)
    assert (row.state, row.reason) == ("planned", "settled by hand, not sent: a person")
