"""`wsops doctor`: settings and where they come from, access, clock, journal, rights."""

import json

import pytest


def findings(document):
    return {one["what"]: one for one in document["findings"]}


def test_all_is_well(place, wsops):
    """On a good set-up nothing fails, in both faces, and nothing is written."""
    found = findings(wsops("doctor", "--json").document)
    assert {one["level"] for one in found.values()} <= {"ok", "info"}
    assert found["service"]["found"] == "answers; 4 pools"
    assert "knows handle_type" in found["generation"]["found"]
    assert "workspace:desktopPools:rebuild" in found["rights needed"]["found"]
    assert "cannot be tested without sending" in found["right to rebuild"]["found"]
    said = wsops("doctor").out
    assert "✓" in said
    assert "SIMULATOR" in said


def test_it_says_where_each_value_comes_from(place, wsops, tmp_path, monkeypatch):
    """Environment, the two files and defaults are told apart; secrets are only said to be set."""
    monkeypatch.delenv("WSOPS_REGION")
    monkeypatch.delenv("WSOPS_OPERATOR")
    (tmp_path / "wsops.toml").write_text('[profiles.lab]\nregion = "here-1"\n')
    config = tmp_path / "config" / "wsops"
    config.mkdir(parents=True)
    (config / "wsops.toml").write_text('[profiles.lab]\nregion = "there-1"\noperator = "ops"\n')
    found = wsops("doctor", "--profile", "lab", "--json").document["findings"]
    text = json.dumps(found)
    assert f"here-1  ({tmp_path / 'wsops.toml'})" in text
    assert f"ops  ({config / 'wsops.toml'})" in text
    assert "set  (WSOPS_TOKEN)" in text
    assert place.token not in text


def test_a_clock_that_is_off_is_a_warning(fleet, at, wsops):
    """More than a minute between the clocks is said, with the direction."""
    place = at(fleet())
    place.cloud.advance(300)
    found = findings(wsops("doctor", "--json").document)
    assert found["clock"]["level"] == "warn"
    assert "behind" in found["clock"]["found"]


def test_an_old_region_is_recognised(fleet, at, wsops):
    """A region of the old generation does not know handle_type."""
    at(fleet(region="old"))
    assert (
        "does not know handle_type"
        in findings(wsops("doctor", "--json").document)["generation"]["found"]
    )


def test_a_region_that_does_not_tell_is_a_warning(place, wsops):
    """Where it cannot be seen, the setting to make is named."""
    place.cloud.denied.add("ListInconsistentStatics")
    found = findings(wsops("doctor", "--json").document)
    assert found["generation"]["level"] == "warn"
    assert "features.handle_type" in found["generation"]["found"]


def test_bad_credentials_are_a_finding(place, wsops, monkeypatch):
    """A token that is not good fails the service, with the remedy; the rest is shown."""
    monkeypatch.setenv("WSOPS_TOKEN", "no-such-token")
    found = findings(wsops("doctor", "--json", code=1).document)
    assert found["service"]["level"] == "fail"
    assert "APIGW.0301" in found["service"]["found"]
    assert "proxy" in found


def test_missing_credentials_are_a_finding(place, wsops, monkeypatch):
    """No credentials at all: what was looked for, and what to set."""
    monkeypatch.delenv("WSOPS_TOKEN")
    found = findings(wsops("doctor", "--json", code=1).document)
    assert "no credentials" in found["service"]["found"]


def test_a_foreign_journal_is_a_finding(place, wsops, tmp_path, monkeypatch):
    """A file that is not a journal fails, and stays as it was."""
    other = tmp_path / "other.sqlite"
    other.write_bytes(b"not a database at all, but a text of some length" * 30)
    before = other.read_bytes()
    monkeypatch.setenv("WSOPS_JOURNAL", str(other))
    found = findings(wsops("doctor", "--json", code=1).document)
    assert found["record"]["level"] == "fail"
    assert other.read_bytes() == before


def test_the_password_of_a_url_is_not_shown(place, wsops, monkeypatch):
    """A journal given by a URL with a password is shown without it."""
    monkeypatch.setenv("WSOPS_JOURNAL", "postgresql://ops:hidden-word@db.example/journal")
    done = wsops("doctor", "--json", code=1)
    assert "hidden-word" not in done.out
    assert "db.example" in done.out


@pytest.mark.parametrize("journal", ["applied", "none"])
def test_the_journal_is_described(place, request, wsops, journal):
    """How many runs it has and whether its chain is whole; or that there is none yet."""
    if journal == "applied":
        request.getfixturevalue("applied")("fin-office-01")
    found = findings(wsops("doctor", "--json").document)
    text = json.dumps(list(found.values()))
    says = "1 run, chain of events whole" if journal == "applied" else "none yet"
    assert says in text
