"""Text from a server, and files for people."""

import csv
import io
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsops.aliases import aliases, own_key
from wsops.errors import SettingsError
from wsops.files import as_csv, write_private
from wsops.text import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name", "plain name"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("a\nb\tc", "a\\u000ab\\u0009c"),
        ("evil\u202egnp.exe", "evil\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("数据池-01 émoji 🎉", "数据池-01 émoji 🎉"),
    ],
)
def test_control_and_direction_characters_are_made_visible(text, shown):
    """No name can move the cursor, or read like another one."""
    assert visible(text) == shown


def test_long_text_is_cut():
    """A name of ten thousand characters takes no more than the room it is given."""
    assert visible("x" * 10_000, 20) == "x" * 20 + "…"


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_no_cell_begins_like_a_formula(rows):
    """Whatever the cells hold, none begins with a character that starts a formula."""
    text = as_csv(("a", "b"), rows)
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]

    assert not any(cell.startswith(tuple("=+-@\t\r\0\uff1d\uff0b\uff0d\uff20")) for cell in cells)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_file_is_private_whatever_the_umask(tmp_path, umask):
    """Mode 0600, nothing beside it."""
    before = os.umask(umask)
    try:
        write_private(tmp_path / "f.csv", "x")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "f.csv").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["f.csv"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    """A missing folder is one sentence, not a traceback."""
    with pytest.raises(SettingsError, match="cannot be written: No such file"):
        write_private(tmp_path / "missing" / "f.csv", "x")


def test_an_alias_is_the_same_for_the_same_value_and_key_only():
    """Same person, same alias; another kind or another key gives another one."""
    one, other = aliases(b"k" * 32), aliases(b"l" * 32)

    assert one("user", "ana") == one("user", "ana") != one("user", "bob")
    assert one("user", "ana") != other("user", "ana")
    assert one("user", "ana")[5:] != one("desktop", "ana")[8:]
    assert one("user", "") == ""


def test_the_key_of_a_user_is_made_once_and_private():
    """Two calls give the same 32 bytes, from a file of mode 0600."""
    first = own_key()

    assert first == own_key()
    assert len(first) == 32
