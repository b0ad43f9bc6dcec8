"""What every test stands on: a clean environment, and a simulator on a socket."""

import itertools
import os
import signal

import hypothesis
import pytest

from wsops import connect
from wsops.journal import Journal
from wsops.kernels import light_imports
from wsops.simulator import Options, Simulation

with light_imports():  # else each worker builds a grammar first, which takes seconds
    import jsonschema  # noqa: F401

# These machines are noisy: how long one example takes says nothing.
hypothesis.settings.register_profile("wsops", deadline=None)
hypothesis.settings.load_profile("wsops")

# A shell that starts the tests in the background ignores SIGINT, and so would all they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

FAST_POLLING = {
    "first": 0.01,
    "longest": 0.03,
    "verify_every": 0.02,
    "verify_within": 2,
    "reconcile_every": 0.02,
    "reconcile_within": 0.1,
    "settle_seconds": 0,
    "settle_reads": 3,
    "not_found_seconds": 0.2,
    "stall_after": 0.5,
}
FAST_PACE = {"reads_per_second": 100_000, "write_every": 0, "throttled_wait": 0}
_NUMBERS = itertools.count()
SPEED = 3000
"""Divides the simulator's durations: a desktop's rebuild takes about 0.1 s."""


UNTRACED = frozenset(
    {
        *("security", "peers", "notebooks", "lab"),
        *("batch/test_index_browser", "batch/test_junit", "batch/test_kill", "batch/test_recipes"),
        *("faults/test_journal_faults", "faults/test_kill", "faults/test_notebook_attacks"),
        "faults/test_stateful",
        *("kernels/test_apart", "kernels/test_parts", "kernels/test_record", "kernels/test_same"),
        *("report/test_browser", "tests/test_charts", "tests/test_notebooks_hygiene"),
    }
)
"""Tests whose coverage is not measured: others run the same lines, in two thirds of the time."""


def pytest_collection_modifyitems(items):
    """Do not trace the tests of some rooms, and of some files."""
    for item in items:
        room = item.path.parent.name
        if UNTRACED & {room, f"{room}/{item.path.stem}"}:
            item.add_marker("no_cover")


@pytest.fixture(autouse=True)
def clean_environment(request, monkeypatch, tmp_path):
    """No test sees the settings, the credentials or the folders of whoever runs it."""
    if request.node.get_closest_marker("no_cover"):
        for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
            monkeypatch.delenv(name)
    for name in list(os.environ):
        if name.startswith(("WSOPS_", "HUAWEICLOUD_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)  # IPython warns where another one is active
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def kernel_home(tmp_path_factory):
    """Give the home of all kernels: a fork is as good as a command only where it has the same."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def kernels_at_home(clean_environment, kernel_home, monkeypatch):
    """Let kernels be forks of one process, in one home, and nobody sit before them."""
    monkeypatch.setenv("HOME", str(kernel_home))
    monkeypatch.setenv("MPLCONFIGDIR", str(kernel_home / "fonts"))
    monkeypatch.delenv("XDG_CONFIG_HOME")
    for name in list(os.environ):
        # What kernels run is covered by the tests of its rooms; traced, they take twice as long.
        if name.startswith(("COVERAGE_", "PYTEST", "JUPYTER", "JPY_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def _service():
    with Simulation(Options(pools=0)) as simulation:
        yield simulation


@pytest.fixture
def fleet(_service):
    """Give a function that puts a fresh cloud behind the socket, and returns the simulation."""

    def put(**options):
        small = {"pools": 4, "desktops": 8, "mismatch": 0.4, "speed": SPEED}
        _service.reset(Options(**(small | options)))
        return _service

    return put


@pytest.fixture
def sim(fleet):
    """Give a simulation of 4 pools and about 32 desktops, of the new generation, fast."""
    return fleet()


@pytest.fixture
def open_ws():
    """Give a function that connects to a simulation; closed at the end."""
    opened = []

    def connect_to(simulation, **overrides):
        polling = FAST_POLLING | overrides.pop("polling", {})
        # A rate of its own gives each connection a pacer of its own.
        rate = FAST_PACE["reads_per_second"] + next(_NUMBERS)
        pace = FAST_PACE | {"reads_per_second": rate} | overrides.pop("pace", {})
        settings = {
            "endpoint": simulation.endpoint,
            "iam_endpoint": simulation.iam_endpoint,
            "project_id": simulation.project_id,
            "region": simulation.cloud.region_name,
            "token": simulation.token,
            "operator": "tester",
        }
        ws = connect(**(settings | overrides), polling=polling, pace=pace)
        opened.append(ws)
        return ws

    yield connect_to
    for ws in opened:
        ws.close()


@pytest.fixture
def ws(sim, open_ws):
    """Give a connection to `sim`."""
    return open_ws(sim)


@pytest.fixture
def journal(tmp_path):
    """Give a new journal on the disk."""
    with Journal.open(str(tmp_path / "journal.sqlite")) as opened:
        yield opened


@pytest.fixture
def calm(fleet):
    """Give a function that makes a fleet in which nobody is logged in."""

    def put(**options):
        sim = fleet(**options)
        for desktop in sim.cloud.desktops.values():
            sim.cloud.set_login(desktop.id, "REGISTERED")
            sim.cloud.set_status(desktop.id, "ACTIVE")
        return sim

    return put


@pytest.fixture
def fresh_kernel(monkeypatch):
    """See to it that no form keeps a choice and no run is driven; gives what starts a kernel."""
    # Heavy, and not wanted by most tests.
    from wsops import drive
    from wsops.forms import form

    driven = []

    def restart():
        driven.append({})
        monkeypatch.setattr(form, "_kept", {})
        monkeypatch.setattr(drive, "_driven", driven[-1])

    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    restart()
    yield restart
    for one in (one for kernel in driven for one in kernel.values()):
        one.detach()
        assert not one.started or one.join(10)


@pytest.fixture
def bench(open_ws, fresh_kernel, tmp_path):
    """Give a function that makes a workbench on a simulation, all on the same journal."""
    from wsops.workbench import Workbench

    def make(simulation, **overrides):
        change = overrides.pop("change", "")
        overrides.setdefault("journal", str(tmp_path / "journal.sqlite"))
        return Workbench(open_ws(simulation, **overrides), change)

    return make


@pytest.fixture
def by_hand(monkeypatch):
    """Have a person at the keyboard, as JupyterLab says it."""
    monkeypatch.setenv("JPY_SESSION_NAME", "notebook.ipynb")
