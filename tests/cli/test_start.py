"""How wsops starts: quickly, with help for everything, and without a way to pass secrets."""

import subprocess
import sys

import click
import pytest

from wsops import __version__
from wsops.cli import main

HEAVY = ("pandas", "httpx", "pydantic", "sqlalchemy", "huaweicloudsdkcore", "rich", "uvicorn")
FREE = {"demo", "simulate"}


def commands(group=main, path=()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield pytest.param((*path, name), command, id=" ".join((*path, name)))


EVERY = list(commands())


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"], []])
def test_the_first_word_costs_no_library(arguments):
    """Help and version come without importing anything heavy."""
    program = (
        "import sys\nfrom wsops.cli import main\n"
        "try:\n    main(sys.argv[1:], prog_name='wsops')\nexcept SystemExit:\n    pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "[]"


def test_the_program_says_its_version(process):
    """`python -m wsops --version` is the version of the package."""
    assert process("--version").out == f"wsops, version {__version__}\n"


@pytest.mark.parametrize(("path", "command"), EVERY)
def test_every_command_explains_itself(wsops, path, command):
    """Each command has a sentence, and help for each option that is not plain from its name."""
    said = wsops(*path, "--help").out
    assert said.startswith(f"Usage: main {' '.join(path)}")
    assert command.help
    if path[0] not in FREE:
        assert "--json" in said
        assert "--profile" in said


@pytest.mark.parametrize(("path", "command"), EVERY)
def test_no_option_takes_a_secret(path, command):
    """Process arguments are for all to see: tokens, passwords and keys come another way."""
    names = {option for parameter in command.params for option in parameter.opts}
    for word in ("token", "password", "secret", "-ak", "-sk", "credential"):
        assert not any(word in name for name in names)


def test_ctrl_c_while_a_command_is_imported_has_its_own_code(wsops, monkeypatch):
    """On a slow machine that takes seconds."""

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("wsops.cli.importlib.import_module", interrupted)
    assert wsops("audit", code=130).out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["plan"],
        ["job"],
        ["apply"],
        ["audit", "--nonsense"],
        ["plan", "repair", "--delay", "soon"],
        ["plan", "rebuild"],
        ["settle", "x-01"],
        ["history", "--limit", "0"],
        ["apply", "plan.json", "--max-desktops", "0"],
    ],
)
def test_a_wrong_word_is_a_usage_error(wsops, arguments):
    """What cannot be understood ends with 2, says so on stderr, and leaves stdout alone."""
    done = wsops(*arguments, code=2)
    assert "Usage:" in done.err
    assert done.out == ""
