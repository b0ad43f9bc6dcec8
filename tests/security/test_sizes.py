"""An answer cannot fill the memory, however small it travels."""

import gzip
import json
import tracemalloc
import zlib

import pytest

from wsops import answers, connect
from wsops.errors import BadAnswer

MB = 1 << 20
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
EMPTY = json.dumps({"desktop_pools": [], "total_count": 0}).encode()


def answer(body, packing=b""):
    said = b"Content-Encoding: %s\r\n" % packing if packing else b""
    return HEAD + said + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def endless():
    """Give a body without a length of its own: what comes until the connection ends."""
    return HEAD + b"\r\n" + b" " * (answers.LONGEST_BODY + 1)


def bomb(megabytes):
    """Give a body that is a thousand times smaller on its way: one packed MB, again and again."""
    pack = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    begin = pack.compress(b" ") + pack.flush(zlib.Z_FULL_FLUSH)
    again = pack.compress(b" " * MB) + pack.flush(zlib.Z_FULL_FLUSH)
    return begin + again * megabytes


@pytest.fixture
def ask(thief):
    """Give a function that reads the pools of a host which says these bytes."""

    def read(said):
        thief.answer = said
        place = f"http://127.0.0.1:{thief.port}"
        with connect(endpoint=place, token="t" * 20, project_id="0" * 32) as ws:
            return ws.pools()

    return read


@pytest.mark.parametrize("packing", [b"", b"identity", b"gzip", b"GZIP", b"deflate"])
def test_what_was_asked_for_is_unpacked(ask, packing):
    """A body comes as it is, or packed by the one of two ways that the request allows."""
    pack = {b"gzip": gzip.compress, b"deflate": zlib.compress}.get(packing.lower(), bytes)

    assert ask(answer(pack(EMPTY), packing)).steady


def test_an_answer_that_unpacks_without_end_is_refused(ask, thief):
    """A body that unpacks to many times its length is refused once, before it is all unpacked."""
    said = answer(bomb(320), b"gzip")
    tracemalloc.start()
    try:
        with pytest.raises(BadAnswer, match="longer than 64 MiB"):
            ask(said)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 4 * answers.LONGEST_BODY
    assert thief.connections == 1


def test_an_answer_that_never_ends_is_refused(ask, thief):
    """A body longer than any list is a bad answer, asked for once."""
    with pytest.raises(BadAnswer, match="longer than 64 MiB"):
        ask(endless())
    assert thief.connections == 1


@pytest.mark.parametrize("packing", [b"gzip, gzip", b"gzip,deflate", b"br", b"zstd", b"nonsense"])
def test_an_answer_packed_otherwise_is_refused(ask, thief, packing):
    """A body packed twice grows by a million; what was not asked for is not unpacked at all."""
    with pytest.raises(BadAnswer, match="the answer is packed as"):
        ask(answer(gzip.compress(gzip.compress(EMPTY)), packing))
    assert thief.connections == 1
