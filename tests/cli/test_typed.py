"""The approval that a person types, on a real terminal."""

import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest

WITHIN = 20


class Terminal:
    """A command on a pseudo-terminal: its screen, and a keyboard."""

    def __init__(self, *arguments, term="xterm"):
        self.keys, slave = pty.openpty()
        self.child = subprocess.Popen(
            [sys.executable, "-m", "wsops", *map(str, arguments)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=dict(os.environ) | {"TERM": term, "COLUMNS": "120"},
        )
        os.close(slave)
        self.screen = ""

    def read_until(self, words=None):
        """Read until some words stand on the screen, or until the command has ended."""
        end = time.monotonic() + WITHIN
        while time.monotonic() < end and (words is None or words not in self.screen):
            ready, _, _ = select.select([self.keys], [], [], 0.2)
            try:
                piece = os.read(self.keys, 65536) if ready else b""
            except OSError:
                break
            self.screen += piece.decode("utf-8", "replace")
            if not ready and self.child.poll() is not None:
                break
        assert words is None or words in self.screen, self.screen

    def type(self, line):
        os.write(self.keys, line.encode())

    def ends(self):
        self.read_until()
        code = self.child.wait(WITHIN)
        assert "Traceback" not in self.screen
        return code

    def close(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        os.close(self.keys)


@pytest.fixture
def terminal():
    """Give a function that runs a command on a pseudo-terminal."""
    made = []

    def run(*arguments, **options):
        made.append(Terminal(*arguments, **options))
        return made[-1]

    yield run
    for one in made:
        one.close()


ASKS = "to apply, type"


def test_the_right_words_apply_the_plan(place, planned, terminal, sent):
    """Profile and number, once for the whole plan; then it is carried out, with progress."""
    path, plan = planned()
    shown = terminal("apply", path)
    shown.read_until(ASKS)
    assert "are WIPED" in shown.screen
    assert sent(place) == 0
    shown.type(f"default {plan['desktops']}\r")
    assert shown.ends() == 0
    assert sent(place) == len(plan["items"])
    assert plan["plan_id"] in shown.screen


@pytest.mark.parametrize("words", ["prod {n}", "default {more}", "{n} default", "yes"])
def test_wrong_words_are_refused(place, planned, terminal, sent, words):
    """Another profile, another number, another order, or a mere yes: refused, nothing sent."""
    path, plan = planned()
    shown = terminal("apply", path)
    shown.read_until(ASKS)
    shown.type(words.format(n=plan["desktops"], more=plan["desktops"] + 1) + "\r")
    assert shown.ends() == 5
    assert "is not the profile's name and the number of desktops" in " ".join(shown.screen.split())
    assert sent(place) == 0


def test_an_empty_line_is_a_dry_run(place, planned, terminal, sent):
    """Enter alone sends nothing, and the plan is not shown a second time."""
    path, _ = planned()
    shown = terminal("apply", path)
    shown.read_until(ASKS)
    shown.type("\r")
    assert shown.ends() == 0
    assert "dry run: nothing was sent" in shown.screen
    assert shown.screen.count("exact requests") == 1
    assert sent(place) == 0


def test_ctrl_c_at_the_question_is_an_interruption(place, planned, terminal, sent):
    """Ctrl-C at the prompt ends with 130, and nothing was sent."""
    path, _ = planned()
    shown = terminal("apply", path)
    shown.read_until(ASKS)
    time.sleep(0.3)  # a signal between the question and the wait for a key would need a key
    shown.child.send_signal(signal.SIGINT)
    assert shown.ends() == 130
    assert sent(place) == 0


def test_the_end_of_input_approves_nothing(place, planned, terminal, sent):
    """Ctrl-D at the prompt sends nothing."""
    path, _ = planned()
    shown = terminal("apply", path)
    shown.read_until(ASKS)
    shown.type("\x04")
    assert shown.ends() != 0
    assert sent(place) == 0


def test_a_dumb_terminal_is_not_asked(place, planned, terminal, sent):
    """Where no screen can be trusted to show the plan, it stays a dry run."""
    path, _ = planned()
    shown = terminal("apply", path, term="dumb")
    assert shown.ends() == 0
    assert ASKS not in shown.screen
    assert sent(place) == 0


def test_a_pipe_is_not_asked(place, planned, process, sent):
    """Without a terminal nobody is asked, even if the right words come by the pipe."""
    path, plan = planned()
    done = process("apply", path)
    assert ASKS not in done.out + done.err
    assert plan["digest"] in done.out
    assert sent(place) == 0
