"""The ledger of batches: rows and attempts as they are begun and ended."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from wsops.batch.ledger import Ledger
from wsops.batch.records import Row, Spec
from wsops.errors import BatchError, JournalError
from wsops.journal import Journal
from wsops.redact import register


def spec(rows=3, **more):
    given = {"name": "try", "notebook": "try.ipynb", "notebook_sha256": "0" * 64}
    made = (Row(number=n, label=f"pool {n}", parameters={"pools": f"p{n}"}) for n in rows_of(rows))
    return Spec(**given | more, rows=tuple(made))


def rows_of(rows):
    return range(1, rows + 1)


@pytest.fixture
def place(tmp_path):
    """Give where the journal is."""
    return str(tmp_path / "journal.sqlite")


@pytest.fixture
def ledger(place):
    """Give a ledger in a new journal."""
    with Ledger.open(place) as opened:
        yield opened


def test_each_row_waits_until_it_is_begun(ledger):
    """A batch that was written down comes back whole, with a waiting attempt for each row."""
    begun = ledger.begin("batch-1", spec(), "/somewhere", "tester")

    assert begun.spec == spec()
    assert (begun.folder, begun.operator, begun.verdict) == ("/somewhere", "tester", "running")
    found = ledger.attempts("batch-1")
    assert [(one.attempt_id, one.state, one.verdict) for one in found] == [
        (f"batch-1/000{n}.1", "waiting", "") for n in rows_of(3)
    ]


def test_an_attempt_is_begun_once(ledger):
    """Whoever comes second is refused, before anything runs."""
    ledger.begin("batch-1", spec(), "/somewhere", "tester")
    first = ledger.start("batch-1/0002.1", "local")

    assert (first.state, first.worker) == ("running", "local")
    assert first.started_at is not None
    with pytest.raises(JournalError, match="not run twice"):
        ledger.start("batch-1/0002.1", "local")


def test_what_became_of_an_attempt_is_kept_without_secrets(ledger):
    """Verdict, reason, cell, counts and paths come back; a secret in them does not."""
    register("quite-a-secret-token")
    ledger.begin("batch-1", spec(), "/somewhere", "tester")
    began = ledger.start("batch-1/0001.1", "local")
    told = {"state": "ended", "verdict": "failed", "cell": 4, "error": "NotFound"}
    told |= {"reason": "it said quite-a-secret-token", "counts": {"pools": 1}, "report": "r.html"}
    ledger.finish(began.model_copy(update=told))
    kept = ledger.attempt("batch-1/0001.1")

    assert (kept.verdict, kept.cell, kept.error, kept.report) == ("failed", 4, "NotFound", "r.html")
    assert kept.counts == {"pools": 1}
    assert kept.reason == "it said ***"
    assert kept.started_at == began.started_at
    assert kept.seconds >= 0


def test_rows_that_are_asked_for_again_keep_their_old_attempts(ledger):
    """A new round has attempts of its own, and the approval of its own."""
    ledger.begin("batch-1", spec(), "/somewhere", "tester")
    again = ledger.ask_again("batch-1", {1, 3}, max_desktops=7)

    assert (again.round, again.max_desktops) == (2, 7)
    assert [(a.row, a.attempt) for a in ledger.attempts("batch-1", 2)] == [(1, 2), (3, 2)]
    assert len(ledger.attempts("batch-1")) == 5


def test_a_stop_is_kept_once(ledger):
    """The first request is the one that counts."""
    ledger.begin("batch-1", spec(), "/somewhere", "tester")
    assert ledger.stop_requested("batch-1") is None
    ledger.request_stop("batch-1")
    first = ledger.stop_requested("batch-1")
    ledger.request_stop("batch-1")

    assert first is not None
    assert ledger.stop_requested("batch-1") == first


def test_batches_are_listed_newest_first_and_strange_ones_are_refused(ledger):
    """By when they were begun; a name that is none says so."""
    for name in ("batch-1", "batch-2"):
        ledger.begin(name, spec(), "/somewhere", "tester")
    assert [one.batch_id for one in ledger.batches()] == ["batch-2", "batch-1"]
    with pytest.raises(JournalError, match="no batch"):
        ledger.batch("batch-3")
    with pytest.raises(JournalError, match="no attempt"):
        ledger.attempt("batch-1/0009.1")


def test_a_damaged_spec_is_said_to_be_damaged(ledger, place):
    """No traceback, and the record is kept."""
    ledger.begin("batch-1", spec(), "/somewhere", "tester")
    with closing(sqlite3.connect(place)) as file:
        file.execute("UPDATE batches SET spec = '{'")
        file.commit()
    with pytest.raises(JournalError, match="damaged"):
        ledger.batch("batch-1")


def test_a_journal_of_before_batches_gets_their_tables_when_it_is_written(place):
    """Reading it leaves it as it is and finds no batch; writing adds what is missing."""
    Journal.open(place).close()
    with closing(sqlite3.connect(place)) as file:
        for table in ("rollouts", "attempts_of_rows", "batches"):
            file.execute(f"DROP TABLE {table}")
        file.execute("UPDATE meta SET value = '1'")
        file.commit()

    with pytest.raises(BatchError, match="knows no batch"):
        Ledger.known(place)
    with Journal.find(place) as old:
        assert old.runs() == ()
        assert old.items_beside("run-1") == ()
    with closing(sqlite3.connect(place)) as file:
        assert file.execute("SELECT value FROM meta").fetchall() == [("1",)]
    with Ledger.open(place) as fresh:
        assert fresh.batches() == ()
    with closing(sqlite3.connect(place)) as file:
        assert file.execute("SELECT value FROM meta").fetchall() == [("2",)]


def test_there_is_no_ledger_where_there_is_no_journal(place):
    """Looking makes none."""
    with pytest.raises(JournalError, match="there is no journal"):
        Ledger.known(place)
    assert not Path(place).exists()


def test_the_newest_that_has_not_ended_is_found_behind_any_number(ledger):
    """However many have been run since."""
    ledger.begin("batch-0", spec(1), "/somewhere", "tester")
    for number in range(1, 105):
        ledger.begin(f"batch-{number}", spec(1), "/somewhere", "tester")
        ledger.end(f"batch-{number}", "done")

    assert ledger.newest().batch_id == "batch-0"
