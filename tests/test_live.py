"""Progress in a notebook: one output, put in place of the one before."""

import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from wsops import live as room
from wsops.live import Live, counting
from wsops.markup import element


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """Give what a notebook is told to show, in order: each with its data, and whether it updates.

    A real shell, as a kernel has one, whose publisher keeps what it is given.
    """
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # a shell puts its own
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.instance(config=config)
    with capture_output() as captured:
        # The list itself: it grows while one looks.
        yield captured._outputs
    InteractiveShell.clear_instance()


def data(outputs):
    return [one["data"] for one in outputs]


def test_one_output_is_updated_in_place(shown, monkeypatch):
    """The first makes it, the others change it, under the same name."""
    monkeypatch.setattr(room, "_EVERY", 0)
    live = Live()
    for words in ("one", "two", "three"):
        live.show(element("p", words), words)

    assert [one["text/plain"] for one in data(shown)] == ["one", "two", "three"]
    assert [bool(one["update"]) for one in shown] == [False, True, True]
    assert len({one["transient"]["display_id"] for one in shown}) == 1
    assert "<p>three</p>" in data(shown)[-1]["text/html"]


def test_of_many_states_in_a_moment_the_last_is_shown(shown):
    """A browser has to draw each; the final one is never left out."""
    live = Live()
    for number in range(500):
        live.show(element("p", number), str(number))
    live.show(element("p", "end"), "end", final=True)

    told = [one["text/plain"] for one in data(shown)]
    assert (told[0], told[-1]) == ("0", "end")
    assert len(told) < 20


def test_counting_tells_how_far_it_is(shown):
    """A bar, a line, and the whole at the end; of nothing it says nothing."""
    tell = counting("pools read")
    for done in range(1, 2001):
        tell(done, 2000)

    assert data(shown)[-1]["text/plain"] == "2,000 of 2,000 pools read"
    assert "2,000 of 2,000 pools read" in data(shown)[-1]["text/html"]
    assert len(shown) < 50
    before = len(shown)
    counting("pools read")(0, 0)
    assert data(shown)[before]["text/plain"] == "0 of 0 pools read"


def test_the_plain_face_cannot_steer_a_terminal(shown):
    """What a server says is made visible, and cut."""
    Live().show(element("p", "x"), "esc\x1b[31m \u202e" + "x" * 5000)

    plain = data(shown)[0]["text/plain"]
    assert plain.startswith("esc\\u001b[31m \\u202e")
    assert len(plain) <= 2001
