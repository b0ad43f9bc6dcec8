"""The house rules, which nobody has to remember because they are tests."""

import ast
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import wsops
from wsops.cli import main

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "wsops").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
HEAVY = {"pandas", "httpx", "pydantic", "sqlalchemy", "huaweicloudsdkcore", "rich", "starlette"}
LONGEST_MODULE = 410
LONGEST_FUNCTION = 45


def functions(path):
    tree = ast.parse(path.read_text())
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_the_public_names_are_these():
    """What `wsops` offers is a list that changes on purpose only."""
    assert wsops.__all__ == [
        "Audit",
        "Choice",
        "Desktop",
        "Image",
        "Job",
        "Mismatch",
        "Plan",
        "Pool",
        "Rollout",
        "Workspace",
        "WsopsError",
        "connect",
        "plan_for",
        "wait",
        "watch",
    ]
    assert all(getattr(wsops, name) for name in wsops.__all__)
    with pytest.raises(AttributeError):
        wsops.nothing  # noqa: B018


def test_every_public_function_says_in_a_sentence_what_it_does():
    """Public functions and classes of every module have a docstring that ends like a sentence."""
    silent = []
    for info in pkgutil.walk_packages(wsops.__path__, "wsops."):
        if info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        for name, thing in vars(module).items():
            ours = getattr(thing, "__module__", "") == info.name and not name.startswith("_")
            if ours and (inspect.isfunction(thing) or inspect.isclass(thing)):
                first = (inspect.getdoc(thing) or "").split("\n\n")[0].strip()
                if not first.endswith((".", ":")):
                    silent.append(f"{info.name}.{name}")

    assert silent == []


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_and_functions_stay_small(path):
    """A module is one job, a function fits on a screen."""
    long = [
        f.name
        for f in functions(path)
        if f.end_lineno - f.lineno + 1 - len((ast.get_docstring(f) or "").splitlines())
        > LONGEST_FUNCTION
    ]

    assert len(path.read_text().splitlines()) <= LONGEST_MODULE
    assert long == []


@pytest.mark.parametrize("path", TESTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_test_has_its_sentence(path):
    """A failing name plus its sentence is a bug report."""
    silent = [
        f.name for f in functions(path) if f.name.startswith("test_") and not ast.get_docstring(f)
    ]

    assert silent == []


def test_the_help_needs_nothing_but_click():
    """`wsops --help` imports none of the heavy libraries."""
    code = (
        "import sys; from wsops.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print('heavy', sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip().endswith("heavy []")


def test_every_command_is_in_the_readme():
    """A command that nobody reads of is not there."""
    readme = (ROOT / "README.md").read_text()
    missing = [name for name in main.list_commands(None) if f"wsops {name}" not in readme]

    assert missing == []


def test_the_promises_of_the_readme_are_numbered_one_to_twelve():
    """What wsops promises stands in the README, each point with its test named."""
    readme = (ROOT / "README.md").read_text()
    promises = re.findall(r"^(\d+)\. .*?\((tests/[^)]*)\)", readme, flags=re.MULTILINE | re.DOTALL)

    assert [int(number) for number, _ in promises] == list(range(1, 13))
    for _, names in promises:
        for name in " ".join(names.split()).split(", "):
            assert (ROOT / name).exists(), name


def test_the_version_is_the_one_of_the_changelog():
    """The newest section of CHANGELOG.md is this version's."""
    newest = re.search(r"^## \[?([0-9.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert newest
    assert newest.group(1) == wsops.__version__


def test_every_dependency_is_pinned_exactly_once():
    """Ranges in pyproject.toml, exact versions in constraints.txt, no host in either."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(text for texts in project["optional-dependencies"].values() for text in texts),
    ]
    pins = (ROOT / "constraints.txt").read_text()
    names = [re.match(r"[a-zA-Z0-9_-]+", text).group().lower() for text in wanted]
    pinned = {
        line.split("==")[0].lower().replace("_", "-") for line in pins.splitlines() if "==" in line
    }

    assert [name for name in names if name.replace("_", "-") not in pinned] == []
    assert "://" not in pins
    assert "@" not in pins


def test_nothing_names_a_path_of_the_machine_it_was_written_on():
    """The project speaks of itself alone."""
    listing = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    if not listing:
        pytest.skip("not a git checkout")
    places = (f"{ROOT}{os.sep}", f"{Path.home()}{os.sep}")
    guilty = [
        name
        for name in listing
        if (ROOT / name).is_file()
        and (ROOT / name).suffix in {".py", ".md", ".toml", ".txt", ".json", ""}
        and any(place in (ROOT / name).read_text(errors="ignore") for place in places)
    ]

    assert guilty == []
