"""What may enter a path: an ID, or nothing."""

from contextlib import contextmanager

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsops import connect
from wsops.errors import NotFound

PROJECT = "0123456789abcdef0123456789abcdef"
CALLS = {
    "pool": (lambda ws, i: ws.pool(i), 5),
    "pool_desktops": (lambda ws, i: ws.pool_desktops(i), 6),
    "inconsistent_statics": (lambda ws, i: ws.inconsistent_statics(i), 6),
    "job": (lambda ws, i: ws.job(i), 5),
}
TEMPTING = st.sampled_from(
    ["..", ".", "/", "//", "%2f", "%2e%2e", "?", "#", "\\", "@", ":", ";", "\r\n", "\0", "é", "a"]
)
NAMES = st.one_of(
    st.text(max_size=30),
    st.lists(st.one_of(TEMPTING, st.text(max_size=4)), max_size=8).map("".join),
    st.text(alphabet="abcdefABCDEF0123456789-_", min_size=1, max_size=300),
)


class Wire:
    """Lends lines that keep the path as it would leave, and answer with nothing useful."""

    def __init__(self):
        self.paths = []

    @contextmanager
    def line(self, _base):
        yield self

    def send(self, _method, target, _headers, _content):
        self.paths.append(target)
        return httpx.Response(404, json={"error_code": "WKS.0404", "error_msg": "none"})


@pytest.fixture(scope="module")
def wired():
    """Give a connection whose requests end on a list, and the list."""
    ws = connect(
        endpoint="http://127.0.0.1:9",
        iam_endpoint="http://127.0.0.1:9",
        token="t" * 20,
        project_id=PROJECT,
        pace={"reads_per_second": 1e9},
    )
    wire = Wire()
    ws._network.line = ws._network.fresh = wire.line
    yield ws, wire.paths
    ws.close()


@pytest.mark.parametrize("call", CALLS)
@settings(max_examples=500, deadline=None)
@given(name=NAMES)
def test_an_id_keeps_the_shape_of_its_path(wired, call, name):
    """The path keeps its prefix and its number of segments, or it is refused as no ID."""
    ws, paths = wired
    ask, segments = CALLS[call]
    paths.clear()
    with pytest.raises((ValueError, NotFound)) as ended:
        ask(ws, name)
    if issubclass(ended.type, ValueError):
        assert paths == []
        return
    (path,) = (path.partition("?")[0] for path in paths)
    assert path.startswith(f"/v2/{PROJECT}/")
    assert path.count("/") == segments - 1
    assert path.split("/")[4] == name
