"""Names of folders, whatever others call their pools."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsops.batch.naming import slug

HARMLESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,59}")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("20_repair_mismatches", "20_repair_mismatches"),
        ("../../x", "x"),
        ("/etc/passwd", "etc-passwd"),
        ("C:\\Users\\x", "C-Users-x"),
        ("{pool}", "pool"),
        ("http://x", "http-x"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("Lpt1.tar.gz", "_Lpt1.tar.gz"),
        ("COM\u00b9", "_COM1"),
        ("console", "console"),
        ("a\0b", "a-b"),
        (".hidden", "hidden"),
        ("--option", "option"),
        ("ends.", "ends"),
        ("Zoë  Müller", "Zoe-Muller"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("😀", "unnamed"),
        ("", "unnamed"),
        ("..", "unnamed"),
        ("\ud800", "unnamed"),
        ("a" * 300, "a" * 60),
        ("a" * 59 + ".b", "a" * 59),
    ],
)
def test_a_name_becomes_a_harmless_part_of_a_path(text, name):
    """No way out of the folder, no device, nothing that steers a shell or a reader's eye."""
    assert slug(text) == name


@given(st.text() | st.from_regex(r"(?i)(con|nul|com[0-9]|lpt9)[. -]?\w*", fullmatch=True))
def test_every_name_is_harmless_and_stays_as_it_is(text):
    """Whatever comes, the result is short, plain and no device; doing it again changes nothing."""
    name = slug(text)

    assert HARMLESS.fullmatch(name)
    assert not re.match(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)", name)
    assert not name.endswith((".", "-"))
    assert slug(name) == name
