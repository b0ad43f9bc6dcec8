"""That the benchmark compares like with like; nothing is timed here."""

import gc
import sys

import pytest

from tests.bench import __main__ as bench
from tests.bench import report, rooms, server, sides
from wsops.audit import audit


@pytest.fixture
def tiny(fleet):
    """Give a fleet whose pools are longer than a page."""
    return fleet(pools=3, desktops=120)


def asked(sim, side):
    """Give what a side found, and the reads of desktops that it took."""
    before = len(sim.ledger)
    seen = side(sim.connection)
    entries = sim.ledger.entries(since=before)
    assert {entry.who for entry in entries} == {"aksk"}
    return seen, sorted((entry.operation, entry.path, entry.query) for entry in entries)


def test_all_sides_ask_the_same_and_find_the_same(tiny):
    """Both wsops and the SDK send the same requests, and find the same desktops."""
    found, requests = asked(tiny, sides.wsops_full)
    wrong = sorted(
        one.id
        for one in tiny.cloud.desktops.values()
        if one.image_id != tiny.cloud.pools[one.pool_id].image_id
    )
    assert (found.desktops, list(found.differing)) == (360, wrong)
    assert len(requests) > 3
    for side in (sides.wsops_paced, sides.sdk_sequence, sides.sdk_threads):
        assert asked(tiny, side) == (found, requests)


def test_the_filter_finds_the_same_with_other_requests(tiny):
    """The filtered audit finds the same desktops by other requests."""
    found, requests = asked(tiny, sides.wsops_filtered)
    full, all_requests = asked(tiny, sides.wsops_full)
    assert found == full
    assert requests != all_requests


def test_a_side_is_measured_in_a_process_of_its_own(monkeypatch, request):
    """A served fleet and a measured side are processes, and agree on the fleet."""
    monkeypatch.chdir(request.config.rootpath)
    with server.served(pools=2, desktops=3, mismatch=0.5) as connection:
        measured = sides.measure("wsops_full", connection)
        sent = server.ledger(connection)
    assert (measured.desktops, measured.differing) == (6, 3)
    assert measured.peak > 1
    assert len(sent) == 3


def test_the_table_says_what_was_met():
    """Goals are judged by the median, and shown as met, not met, or not judged."""
    lines = report.table(
        [
            report.compared("fast", [1.0, 2.0, 1.0], [30.0, 30.0, 30.0], 20, judged=True),
            report.bounded("big", [400.0], "MB", 300, judged=True),
            report.bounded("cut", [400.0], "MB", 300, judged=False),
        ]
    )
    assert lines[2] == "| fast | 1 s | 1-2 | 3 | 30.0x (15.0-30.0) | >= 20x | met |"
    assert lines[3].endswith("| < 300 MB | **not met** |")
    assert lines[4].endswith("| < 300 MB |  |")


def test_what_was_measured_is_kept_when_a_room_fails(tmp_path, monkeypatch, capsys):
    """Each room is in the report as soon as it is through, a failed one by name; then it ends 1."""
    place = tmp_path / "report.md"
    kept = []

    def measured(*, quick):
        kept.append(place.read_text() if place.exists() else "")
        return [report.Figure("a thing", (1.0,), "s")]

    def broken(*, quick):
        msg = "no such luck"
        raise OSError(msg)

    monkeypatch.setattr(bench, "ROOMS", {"One": measured, "Two": broken, "Three": measured})
    monkeypatch.setattr(sys, "argv", ["bench", "--out", str(place)])

    assert bench.main() == 1
    assert "| a thing | 1 s |" in kept[1]
    assert "## Two\n\n**failed**, not measured: OSError\n" in kept[1]
    said = capsys.readouterr()
    assert said.out == place.read_text()
    assert said.out.count("| a thing | 1 s |") == 2
    assert "no such luck" in said.err


def test_help_is_light():
    """The help imports nothing heavy."""
    assert rooms.heavy_modules() == []


def test_reading_leaves_nothing_in_circles(tiny, open_ws):
    """Answers are freed as soon as they are read, so that memory grows with what is kept alone."""
    ws = open_ws(tiny)
    pool = next(iter(tiny.cloud.pools))
    ws.pool_desktops(pool)
    gc.collect()
    gc.disable()
    try:
        ws.pool_desktops(pool)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = {type(one).__name__ for one in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not left & {"Response", "Answer", "Desktop", "Page of pool_desktops"}


def test_an_audit_gives_the_collector_back(tiny, open_ws):
    """After an audit the garbage collector is as it was, whoever had changed it before."""
    usual = gc.get_threshold()
    during = []
    try:
        for wanted in (usual, (0, 10, 10), (500_000, 10, 10)):
            gc.set_threshold(*wanted)
            audit(open_ws(tiny), tell=lambda *_: during.append(gc.get_threshold()[0]))
            assert gc.get_threshold() == wanted
    finally:
        gc.set_threshold(*usual)
    assert during == [100_000] * 3 + [0] * 3 + [500_000] * 3
