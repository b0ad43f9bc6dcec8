"""`wsops audit`: what differs, for people, scripts and spreadsheets."""

import csv
import json
import os
import sqlite3
import threading

import pytest

KEYS = {
    "pool_id",
    "pool_name",
    "pool_image_id",
    "desktop_id",
    "desktop_name",
    "desktop_image_id",
    "user_name",
    "status",
    "login_status",
}


def truth(simulation):
    """Give the mismatches as the simulation knows them."""
    return {
        desktop.id
        for pool in simulation.cloud.pools.values()
        for desktop in pool.desktops
        if desktop.image_id != pool.image_id
    }


@pytest.mark.parametrize("region", ["old", "new"])
@pytest.mark.parametrize("full", [(), ("--full",)], ids=["filtered", "full"])
def test_the_document_names_every_mismatch(fleet, at, wsops, region, full):
    """Pools, desktops and mismatches with all their keys, in both generations of a region."""
    simulation = at(fleet(region=region))
    found = wsops("audit", *full, "--json").document
    assert found["pools"] == 4
    assert found["desktops"] == len(simulation.cloud.desktops)
    assert {row["desktop_id"] for row in found["mismatches"]} == truth(simulation)
    assert all(set(row) == KEYS for row in found["mismatches"])


def test_the_screen_counts_and_names(place, wsops, behind):
    """A person sees the place, the counts, each pool that differs, and what to do next."""
    said = wsops("audit").out
    assert "SIMULATOR" in said
    assert f"{len(truth(place))} do not run their pool's image" in said
    assert all(pool.name in said for pool in behind(place))
    assert said.rstrip().endswith("next: wsops plan repair -o plan.json")


def test_a_fleet_that_is_well_says_so(fleet, at, wsops):
    """Without a mismatch there is no table, no next step, and --check is content."""
    at(fleet(mismatch=0.0))
    said = wsops("audit", "--check").out
    assert "0 do not run their pool's image" in said
    assert "next:" not in said


def test_check_speaks_by_its_exit_code(place, wsops):
    """With mismatches `audit` ends with 0, with --check 4, with the same output."""
    assert wsops("audit", "--json").out == wsops("audit", "--check", "--json", code=4).out


def test_patterns_choose_pools(place, wsops, behind):
    """A shell pattern or an ID chooses the pools that are read."""
    pool = behind(place)[0]
    by_name = wsops("audit", f"{pool.name[:5]}*", "--json").document
    by_id = wsops("audit", pool.id, "--json").document
    assert by_name == by_id
    assert by_name["pools"] == 1


def test_a_pattern_without_match_is_refused(place, refused):
    """A typing error never means "all pools"."""
    refused("audit", "no-such-pool*", code=5, says="no pool matches 'no-such-pool*'")


def test_the_table_has_a_line_a_mismatch(place, wsops, tmp_path):
    """The CSV has the same columns and rows as the document."""
    found = wsops("audit", "--csv", tmp_path / "m.csv", "--json").document["mismatches"]
    with (tmp_path / "m.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == found


def test_a_csv_may_go_into_a_pipe(place, process):
    """`--csv /dev/fd/1` writes into the pipe and replaces nothing."""
    said = process("audit", "--csv", "/dev/fd/1").out
    assert said.startswith("pool_id,pool_name,")


def test_a_named_pipe_stays_a_pipe(place, wsops, tmp_path):
    """What is not a file is written to, never replaced by one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()), daemon=True)
    reader.start()
    wsops("audit", "--csv", pipe)
    reader.join(5)
    assert got[0].startswith("pool_id,pool_name,")
    assert pipe.is_fifo()


def test_reading_writes_nothing(place, wsops, tmp_path):
    """Without --record, --csv or --save an audit leaves no file and sends no change."""
    wsops("audit", "--full")
    assert list(tmp_path.iterdir()) == []
    assert {entry.method for entry in place.ledger} == {"GET"}


def test_record_keeps_the_audit(place, wsops, tmp_path):
    """--record puts the audit into the journal, for later ones to compare with."""
    wsops("audit", "--record")
    place_of_journal = tmp_path / "state" / "wsops" / "journal.sqlite"
    with sqlite3.connect(place_of_journal) as journal:
        ((count, kept),) = journal.execute("SELECT count(*), mismatches FROM audits").fetchall()
    journal.close()
    assert count == 1
    assert {row["desktop_id"] for row in json.loads(kept)} == truth(place)


def test_a_pool_that_cannot_be_read_is_said(place, wsops, behind):
    """The others are shown, the missing one is named, and the exit code is not 0."""
    pool = behind(place)[0]
    place.cloud.faults.add(
        "error",
        operation="ListPoolDesktopsDetail",
        match={"pool_id": pool.id},
        args={"status": 400, "message": "no such luck"},
    )
    done = wsops("audit", "--full", "--json", code=1)
    assert done.document["pools"] == 4
    assert [note for note in done.document["notes"] if pool.name in note]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("region", ["old", "new"])
def test_a_saved_fleet_can_be_rehearsed_on(fleet, at, wsops, tmp_path, region, keep):
    """Saved, served and audited again, a fleet has the same mismatches by pool; users by alias."""
    simulation = at(fleet(region=region))
    real = {one.user for one in simulation.cloud.desktops.values() if one.user}
    file = tmp_path / "fleet.json"
    names = ("--keep-names",) if keep else ()
    before = wsops("audit", "--save", file, *names, "--json").document
    saved = file.read_text()
    at(fleet(region=None, fleet=file))
    after = wsops("audit", "--json").document

    def shape(document):
        rows = document["mismatches"]
        return sorted(
            (r["pool_id"], r["desktop_id"], r["desktop_image_id"], r["status"]) for r in rows
        )

    assert (after["pools"], after["desktops"]) == (before["pools"], before["desktops"])
    assert shape(after) == shape(before)
    assert json.loads(saved)["generation"] == region
    assert any(name in saved for name in real) is keep


def test_pseudonyms_are_consistent(place, wsops, tmp_path):
    """A person has one alias in every file, two people have two, and addresses have aliases."""
    desktops = list(place.cloud.desktops.values())
    for desktop in desktops[:3]:
        place.cloud.set_login(desktop.id, "CONNECTED", user="ana.example")
    place.cloud.set_login(desktops[3].id, "CONNECTED", user="bo.example")
    for name in ("one.json", "two.json"):
        wsops("audit", "--save", tmp_path / name)
    first, second = ((tmp_path / name).read_text() for name in ("one.json", "two.json"))
    rows = {
        row["desktop_id"]: row for pool in json.loads(first)["pools"] for row in pool["desktops"]
    }
    ana = {rows[desktop.id]["user_name"] for desktop in desktops[:3]}
    assert len(ana) == 1
    assert rows[desktops[3].id]["user_name"] not in ana
    assert all(one.ip not in first for one in desktops)
    assert "example" not in first
    assert first.split('"images"')[1] == second.split('"images"')[1]
