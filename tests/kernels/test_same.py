"""A warm kernel and an ordinary one cannot be told apart by what a notebook does in them."""

import json
import re

FORM = """
from datetime import UTC, datetime
from wsops import forms
from wsops.audited import Audit
from wsops.models import Pool
pools = (Pool(id='p', name='pool', desktop_count=2),)
at = datetime(2026, 1, 1, tzinfo=UTC)
forms.PoolPicker(Audit(taken_at=at, pools=pools, desktops=2, mismatches=()))
"""
FORK = """
import multiprocessing
with multiprocessing.get_context('fork').Pool(1) as pool:
    print(pool.map(abs, [-1]))
"""
THREAD = """
import threading
thread = threading.Thread(target=print, args=('in a thread',))
thread.start()
thread.join()
"""
WIDGET = """
import ipywidgets
out = ipywidgets.Output()
for _ in range(40):
    with out:
        print('caught')
out
"""
SHOWS = (
    "import pandas as pd\nframe = pd.DataFrame({'n': [1, 2], 'at': pd.Timestamp(0)})\nframe",
    "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.title('one')",
    "fig, ax = plt.subplots()\nax.bar(['a', 'b'], frame.n)\nplt.show()",
    FORM,
    WIDGET,
    "import os, sys\nprint('one')\nprint('two', file=sys.stderr)",
    "os.write(1, b'past Python\\n'); os.system('echo from a child')\n!echo from a shell",
    THREAD,
    "import asyncio\nawait asyncio.sleep(0.01)\nprint('awaited')",
    "from IPython.display import HTML, display\nshown = display('first', display_id=True)",
    "shown.update(HTML('<b>last</b>'))",
    "import warnings, logging\nwarnings.warn('old', DeprecationWarning)\nlogging.warning('logged')",
    FORK,
    ("{}['missing']", "raises-exception"),
    ("input('who? ')", "raises-exception"),
    "from wsops.errors import PlanError\nraise PlanError('not so', remedy='thus')",
)

CENSUS = r"""
import gc, json, locale, logging, os, resource, signal, sys, tempfile, threading, time, warnings
import httpx, ipywidgets, matplotlib, pandas, sqlalchemy
import matplotlib.pyplot
from IPython import get_ipython
import builtins

def names(place):
    return sorted(open(f"{place}/{task}/comm").read() for task in os.listdir(place))

def threads():
    return [sorted(t.name.split("-")[0] for t in threading.enumerate()), names("/proc/self/task")]

def settled(look):
    # Three looks in a row agree: a thread takes a moment to come, and to be named.
    seen = [look()]
    while len(seen) < 50 and seen[-3:] != [seen[-1]] * 3:
        time.sleep(0.1)
        seen.append(look())
    return seen[-1]

def handlers(name):
    return [repr(type(h)) for h in logging.getLogger(name).handlers]

comms = get_ipython().kernel.comm_manager.targets
environ = {k: v for k, v in os.environ.items() if k != "JPY_PARENT_PID"}
print(json.dumps({
    "threads": settled(threads),
    "signals": {s.name: str(signal.getsignal(s)).split(" at ")[0] for s in signal.Signals},
    "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "environ": environ,
    "parent": os.environ["JPY_PARENT_PID"] == str(os.getppid()),
    "argv": [sys.argv[0], len(sys.argv), [a for a in sys.orig_argv if "/" not in a]],
    "path": sys.path,
    "place": [os.getcwd(), os.umask(0o22)],
    "group": [os.getpgrp() == os.getpid(), os.getsid(0) == os.getpid()],
    "limits": [resource.getrlimit(n) for n in (resource.RLIMIT_AS, resource.RLIMIT_NOFILE)],
    "pandas": {name: repr(value) for name, value in
               pandas.core.config_init.cf._global_config.items()},
    "max_columns": pandas.get_option("display.max_columns"),
    "matplotlib": {k: repr(v) for k, v in matplotlib.rcParams._data.items()}
                  if hasattr(matplotlib.rcParams, "_data") else
                  {k: repr(matplotlib.rcParams._get(k)) for k in matplotlib.rcParams},
    "backend": matplotlib.get_backend(),
    "filters": sorted({str(f) for f in warnings.filters}),
    "logging": [handlers(n) for n in ("", "tornado", "matplotlib", "asyncio", "traitlets")],
    "flags": str(sys.flags),
    "clock": [time.tzname, time.timezone],
    "language": [locale.getlocale(), sys.stdout.encoding, sys.getfilesystemencoding()],
    "interpreter": [sys.getrecursionlimit(), sys.getswitchinterval(), gc.isenabled(),
                    gc.get_threshold(), sys.executable, sys.prefix],
    "builtins": sorted(vars(builtins)),
    "globals": sorted(n for n, found in globals().items() if type(found) is not type(names)),
    "temporary": tempfile.gettempdir(),
    "main": [__name__, sorted(vars(sys.modules["__main__"])) == sorted(globals())],
    "targets": sorted(comms),
    "stdin": sys.stdin.read() if sys.stdin.isatty() is False else "a terminal",
}))
"""

_CHANGES = (
    (re.compile(r"\b[0-9a-f]{32}\b"), "ID"),
    (re.compile(r"0x[0-9a-f]+"), "ADDRESS"),
    (re.compile(r"ipykernel_\d+/\d+"), "CELL"),
)


def shown(run):
    """Give what a reader sees of each cell, without what is by chance."""
    return [seen_of(cell) for cell in run.cells]


def seen_of(cell):
    streams = {
        name: "".join(o.text for o in cell.outputs if o.get("name") == name)
        for name in ("stdout", "stderr")
    }
    others = [o for o in cell.outputs if o.output_type != "stream"]
    text = json.dumps([cell.execution_count, streams, others], sort_keys=True)
    for pattern, word in _CHANGES:
        text = pattern.sub(word, text)
    return text


def test_what_a_notebook_shows_is_the_same(run):
    """Tables, charts, forms, streams at any level, threads, await, updates, warnings, errors."""
    warm, fresh = run(*SHOWS), run(*SHOWS, warm=False)

    assert (warm.played.warm, fresh.played.warm) == (True, False)
    assert warm.error == fresh.error == "cell", (warm.played, fresh.played)
    assert warm.message == fresh.message == "PlanError: not so"
    for one, other in zip(shown(warm), shown(fresh), strict=True):
        assert one == other
    assert "<b>last</b>" in shown(warm)[9]
    assert "past Python" in warm.said[6]
    assert "from a child" in warm.said[6]


def test_what_a_notebook_finds_around_it_is_the_same(run, kernel_env, tmp_path):
    """Threads, signals, environment, paths, limits, options, filters, handlers, globals."""
    env = kernel_env | {"TMPDIR": str(tmp_path), "TZ": "Asia/Kathmandu"}
    warm, fresh = (json.loads(run(CENSUS, warm=warm, env=env).said[0]) for warm in (True, False))

    assert {name: (warm[name], found) for name, found in fresh.items() if warm[name] != found} == {}


def test_the_backend_of_charts_is_the_one_that_is_asked_for(run, kernel_env):
    """Also where only a kernel by its own command can have it."""
    look = "import matplotlib\nprint(matplotlib.get_backend(auto_select=False))"
    asked = [run(look, env=kernel_env | {"MPLBACKEND": name}) for name in ("agg", "template")]

    assert [one.said[0].strip() for one in asked] == ["agg", "template"]
    assert [one.played.warm for one in asked] == [True, False]
