"""What became of an attempt: its own word, then what the journal has of what it sent."""

from types import SimpleNamespace

import pytest

from wsops.batch.reading import settled
from wsops.batch.records import Attempt
from wsops.outcome import Standing


def attempt(verdict, said=""):
    told = {"verdict": verdict, "told": verdict, "reason": said, "said": said}
    return Attempt(attempt_id="batch-1/0001.1", row=1, state="ended", **told)


def standing(verdict, reason=""):
    return Standing(SimpleNamespace(run_id="run-1"), (), verdict, reason)


@pytest.mark.parametrize(
    ("own", "of_runs", "word"),
    [
        ("done", "done", "done"),
        ("died", "done", "died"),
        ("done", "unknown", "unknown"),
        ("died", "running", "running"),
        ("failed", "done", "failed"),
        ("done", "partial", "partial"),
    ],
)
def test_what_is_open_comes_first_then_what_broke(own, of_runs, word):
    """A notebook that ended badly has, though all that it sent ended well."""
    assert settled(attempt(own), [standing(of_runs)]).verdict == word


def test_what_is_wrong_with_its_files_outlasts_the_journal():
    """All was sent and went well, and yet a page held a secret: the advice to change it stays."""
    guilty = attempt("done", "8 desktops repaired").at_fault("failed", "x.ipynb held a secret")
    found = settled(guilty, [standing("done")])

    assert found.verdict == "failed"
    assert found.reason == "8 desktops repaired; x.ipynb held a secret"


def test_settling_again_says_nothing_twice():
    """A row that stays open is settled at each resume; its reason does not grow."""
    once = settled(attempt("died", "its kernel died"), [standing("unknown", "an answer was lost")])
    again = settled(settled(once, [standing("unknown", "an answer was lost")]), [standing("done")])

    assert once.reason == "its kernel died; run-1 is unknown: an answer was lost"
    assert (again.verdict, again.reason) == ("died", "its kernel died")
