"""The journal: durable, private, one live item a pool, and a chain that shows tampering."""

import errno
import os
import sqlite3
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from wsops import database, locks
from wsops.choice import Choice
from wsops.database import refuse_network_file_system
from wsops.errors import JournalError, PlanUsed
from wsops.journal import Journal
from wsops.planning import plan_for

SOON = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def plan(ws):
    return plan_for(ws, Choice(), [])[0]


@pytest.fixture
def run(journal, plan):
    return journal.start_run(plan, "digest", "tester")


@pytest.fixture
def item(journal, run):
    return journal.items(run.run_id)[0]


def raw(journal):
    return sqlite3.connect(journal.place, isolation_level=None)


def accept(journal, item, job="job-1"):
    journal.intend(item.item_id, b"{}", {"d1": {"image_id": "i"}}, ("old-job",))
    journal.sending(item.item_id)
    return journal.answered(
        item.item_id, "accepted", "job", state="accepted", job_id=job, deadline_at=SOON
    )


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_file_is_0600_in_a_folder_0700_whatever_the_umask(tmp_path, umask):
    """Nobody else reads which desktops belong to whom."""
    before = os.umask(umask)
    try:
        with Journal.open(str(tmp_path / "new" / "j.sqlite")) as journal:
            journal.reserve_write("e", "p", 0)
            modes = {
                path.name: stat.S_IMODE(path.stat().st_mode)
                for path in [*(tmp_path / "new").iterdir(), tmp_path / "new"]
            }
    finally:
        os.umask(before)

    assert modes.pop("new") == 0o700
    assert set(modes.values()) == {0o600}


def test_it_is_durable_by_its_pragmas(journal):
    """WAL, and FULL: with NORMAL an intent may reach the disk after its request left."""
    with journal._database._engine.connect() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        level = connection.exec_driver_sql("PRAGMA synchronous").scalar()

    assert (mode, level) == ("wal", 2)


def test_a_plan_becomes_a_run_once(journal, plan, run):
    """Its digest is consumed: a second start names the first."""
    with pytest.raises(PlanUsed, match=run.run_id):
        journal.start_run(plan, "digest", "tester")
    assert journal.plan_of(run.run_id) == plan
    assert [item.state for item in journal.items(run.run_id)] == ["planned"] * len(plan.items)


def test_of_many_that_start_a_plan_at_once_one_does(journal, plan):
    """Twenty threads, one run."""
    outcomes = []

    def start():
        with Journal.open(journal.place) as own:
            try:
                outcomes.append(own.start_run(plan, "digest", "t").run_id)
            except PlanUsed:
                outcomes.append(None)

    threads = [threading.Thread(target=start) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(outcomes) == 20
    assert len([run_id for run_id in outcomes if run_id]) == 1


def test_an_item_goes_from_intent_to_sent_to_accepted(journal, item):
    """Each step is kept with what it was about."""
    accepted = accept(journal, item)

    assert accepted.state == "accepted"
    assert accepted.job_id == "job-1"
    assert accepted.known_jobs == ("old-job",)
    assert accepted.targets == {"d1": {"image_id": "i"}}
    assert accepted.deadline_at == SOON
    assert len(accepted.body_sha256) == 64
    assert journal.attempts(item.item_id)[0]["outcome"] == "accepted"


def test_a_pool_has_one_live_item(journal, ws, item):
    """A second run's item of the same pool cannot even be intended; the first one is named."""
    accept(journal, item)
    again = plan_for(ws, Choice(), [item.pool_id])[0]
    second = journal.items(journal.start_run(again, "digest", "t").run_id)[0]

    with pytest.raises(JournalError, match=item.item_id):
        journal.intend(second.item_id, b"{}", {}, ())
    journal.end_item(item.item_id, "done", "")
    assert journal.intend(second.item_id, b"{}", {}, ()).state == "intent"


def test_a_sent_item_cannot_be_intended_again(journal, item):
    """Only what is planned, or never left, may be sent."""
    accept(journal, item)

    with pytest.raises(JournalError, match="is accepted; it cannot become intent"):
        journal.intend(item.item_id, b"{}", {}, ())


def test_a_job_belongs_to_one_item(journal, run):
    """An answer that names another item's job is not believed: the outcome is unknown."""
    first, second = journal.items(run.run_id)[:2]
    accept(journal, first, "job-1")
    row = accept(journal, second, "job-1")

    assert row.state == "unknown"
    assert "another item's" in row.reason
    assert journal.owned_jobs(first.endpoint, first.project_id, second.item_id) == {"job-1"}
    (attempt,) = journal.attempts(second.item_id)
    assert "another item's" in attempt["reason"]


def test_an_intent_that_never_left_can_be_planned_again(journal, item):
    """`sent` is committed before the first byte, so an intent alone proves that none left."""
    journal.intend(item.item_id, b"{}", {}, ())
    row = journal.forget_intent(item.item_id, "its request never left")

    assert (row.state, row.sent_at) == ("planned", None)


def test_empty_looks_count_only_in_a_row(journal, item):
    """A look that found something breaks the row of agreeing empty ones."""
    for finding in ("nothing", "unclear", "nothing", "nothing"):
        journal.looked(item.item_id, finding, "evidence")

    assert journal.empty_looks(item.item_id) == 2


def test_looks_for_an_earlier_send_say_nothing_of_the_last(journal, item):
    """An item that is sent again is looked for anew."""
    for _ in range(3):
        journal.looked(item.item_id, "nothing", "evidence")
    raw(journal).execute("UPDATE looks SET at = '2020-01-01 00:00:00.000000'")
    journal.intend(item.item_id, b"{}", {}, ())
    journal.sending(item.item_id)
    journal.park(item.item_id, "lost")
    journal.looked(item.item_id, "nothing", "evidence")

    assert journal.empty_looks(item.item_id) == 1


def test_writes_keep_one_pace_over_all_processes(journal):
    """Two journals on one file: the third write waits for two spacings."""
    with Journal.open(journal.place) as other:
        waits = [j.reserve_write("e", "p", 6) for j in (journal, other, journal)]

    assert waits == pytest.approx([0, 6, 12], abs=0.5)
    assert journal.reserve_write("e", "other project", 6) == 0


def test_any_number_of_waiting_writers_keep_the_pace(journal):
    """The fortieth waits for thirty-nine spacings: a long queue is no clock that was set back."""
    waits = [journal.reserve_write("e", "p", 6) for _ in range(40)]
    assert waits == pytest.approx([6 * number for number in range(40)], abs=3)


def test_a_clock_that_jumped_does_not_hold_writes_for_hours(journal):
    """The wait is bounded by a hundred spacings."""
    journal.reserve_write("e", "p", 6)
    raw(journal).execute("UPDATE writes SET last_at = '2999-01-01 00:00:00.000000'")

    assert journal.reserve_write("e", "p", 6) <= 600


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE events SET text = 'approved by nobody' WHERE id = 1",
        "DELETE FROM events WHERE id = 2",
        "UPDATE events SET at = '2020-01-01 00:00:00.000000' WHERE id = 3",
        "UPDATE events SET id = id + 100 WHERE id = 2",
        "UPDATE events SET hash = 'x' WHERE id = 2",
    ],
)
def test_a_changed_or_lost_event_shows(journal, item, tamper):
    """The chain of hashes breaks where a record was altered, deleted or moved."""
    accept(journal, item)
    assert journal.broken_event() is None
    raw(journal).execute(tamper)

    assert journal.broken_event() is not None


def test_secrets_do_not_enter_the_journal(journal, item):
    """Whatever the service answered is scrubbed on the way in."""
    from wsops import redact

    redact.register("secret-token-123")
    journal.intend(item.item_id, b"{}", {}, ())
    journal.sending(item.item_id)
    journal.park(item.item_id, "echoed X-Auth-Token: secret-token-123")
    journal.looked(item.item_id, "unclear", "secret-token-123")

    files = Path(journal.place).parent.glob("journal.sqlite*")
    content = b"".join(path.read_bytes() for path in files)
    assert b"secret-token-123" not in content


@pytest.mark.parametrize("name", ["no-run", "no-item"])
def test_a_name_that_is_not_there_is_said(journal, name):
    """With the command that lists what is."""
    with pytest.raises(JournalError) as caught:
        journal.run(name) if "run" in name else journal.item(name)
    assert caught.value.remedy.startswith("`wsops ")


def test_no_journal_is_made_by_reading(tmp_path):
    """Opening without create gives None and leaves nothing behind."""
    assert Journal.find(str(tmp_path / "x" / "j.sqlite")) is None
    assert not (tmp_path / "x").exists()


def test_a_file_of_somebody_else_is_refused_and_kept(tmp_path):
    """Another database, or a later schema, is not written to."""
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE cats (name TEXT)")
    with pytest.raises(JournalError, match="no schema of wsops"):
        Journal.open(str(path))

    ours = tmp_path / "ours.sqlite"
    Journal.open(str(ours)).close()
    with sqlite3.connect(ours) as later:
        later.execute("UPDATE meta SET value = '99'")
    with pytest.raises(JournalError, match="schema 99"):
        Journal.open(str(ours))


def test_a_damaged_file_is_said_to_be_damaged(tmp_path):
    """Not a traceback of the database."""
    path = tmp_path / "j.sqlite"
    path.write_bytes(b"this is not a database at all" * 100)

    with pytest.raises(JournalError, match="cannot be"):
        Journal.open(str(path))


def test_a_locked_journal_is_an_error_after_a_while(journal, item, monkeypatch):
    """Another process that holds the write lock ends in one sentence, not in waiting for ever."""
    monkeypatch.setattr(database, "PATIENCE", 0.1)
    blocker = raw(journal)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(JournalError, match="locked"):
            journal.park(item.item_id, "x")
    finally:
        blocker.execute("ROLLBACK")


@pytest.mark.parametrize("place", ["postgresql://host/db", "mysql://x"])
def test_another_kind_of_journal_is_refused(place):
    """SQLite by path or URL; the refusal says so, without the rest of the URL."""
    with pytest.raises(JournalError, match="is not SQLite"):
        Journal.open(place)


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "vboxsf", "fuse.sshfs"])
def test_a_network_file_system_is_refused_with_a_place_that_would_do(tmp_path, kind):
    """Their locks do not hold; the deepest mount point decides."""
    mounts = f"/dev/sda / ext4 rw 0 0\nserver:/x {tmp_path} {kind} rw 0 0\n"

    with pytest.raises(JournalError) as caught:
        refuse_network_file_system(tmp_path / "deep" / "j.sqlite", mounts)
    assert "WSOPS_JOURNAL=/" in caught.value.remedy
    refuse_network_file_system(tmp_path.parent / "j.sqlite", mounts)


def test_a_place_without_locks_is_said(monkeypatch):
    """A home on a network file system: one sentence and what to do, no traceback."""

    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", none)
    with pytest.raises(JournalError, match="No locks available"):
        locks.held("e", what="pool x").__enter__()


def test_a_lock_names_its_holder():
    """The second taker is refused at once, and told by whom."""
    with (
        locks.held("e", "p", "pool", what="pool x"),
        pytest.raises(JournalError, match=f"pool x is held by process {os.getpid()}"),
        locks.held("e", "p", "pool", what="pool x"),
    ):
        raise AssertionError

    with locks.held("e", "p", "pool", what="pool x"), locks.held("e", "p", "other", what="y"):
        pass


def test_a_place_where_no_lock_can_be_is_said(tmp_path):
    """One sentence with the remedy, not an error of the system."""
    (tmp_path / "locks").touch()
    with (
        pytest.raises(JournalError, match="no lock can be made"),
        locks.held("x", what="x", folder=tmp_path / "locks"),
    ):
        pass
