"""The verdict of an examination, in a sentence."""

import pytest

from wsops.doctor import Finding, verdict_of

OK = Finding("ok", "project", "p")
WARN = Finding("warn", "clock", "9 s behind it")
FAIL = Finding("fail", "service", "cannot connect")


@pytest.mark.parametrize(
    ("findings", "verdict", "headline"),
    [
        ((OK,), "done", "connected"),
        ((OK, WARN), "done", "connected, 1 warning"),
        ((WARN, WARN), "done", "connected, 2 warnings"),
        ((OK, FAIL, WARN), "error", "service: cannot connect"),
        ((FAIL, FAIL), "error", "service: cannot connect; service: cannot connect"),
        ((), "done", "connected"),
    ],
)
def test_what_failed_is_the_headline(findings, verdict, headline):
    """Warnings are counted; one failure is an error."""
    assert verdict_of(findings) == {"verdict": verdict, "headline": headline}
