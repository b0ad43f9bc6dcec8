"""That the benchmark compares like with like; nothing is timed here."""

import pytest

from tests.bench import report, rooms, server, sides


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


def test_help_is_light():
    """The help imports nothing heavy."""
    assert rooms.heavy_modules() == []
