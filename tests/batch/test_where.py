"""Conditions on rows: what they may say, how they judge, and that they never run."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsops.batch.spec.plain import Unfit
from wsops.batch.spec.where import Where

ROW = {
    "pool_name": "eng-1",
    "pools": "p-7",
    "mismatches": 12,
    "in_use": 0,
    "share": 0.5,
    "full": False,
    "note": None,
    "tags": ["a", "b"],
    "map": {"a": 1},
}
NAMES = [*ROW, "made"]
"""The default of `made` is known to the notebook only."""


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("mismatches > 10", True),
        ("mismatches > 10 and in_use == 0", True),
        ("mismatches < 10 or full", False),
        ("not full", True),
        ("10 < mismatches <= 12", True),
        ("10 < mismatches < 12", False),
        ("mismatches == 12.0", True),
        ("mismatches != 12", False),
        ("-mismatches < -10", True),
        ("+mismatches >= 12", True),
        ("mismatches * share + 4 - 1 == 9", True),
        ("in_use / mismatches < 0.1", True),
        ("pool_name == 'eng-1'", True),
        ("pool_name < 'f'", True),
        ("'eng' in pool_name", True),
        ("'eng' not in pool_name", False),
        ("pool_name in ('eng-1', 'eng-2')", True),
        ("pool_name not in ['eng-1']", False),
        ("pool_name in ()", False),
        ("mismatches in [1, 12.0]", True),
        ("'a' in tags", True),
        ("tags == ['a', 'b']", True),
        ("map == map", True),
        ("full == False", True),
        ("note == None", True),
        ("mismatches != None", True),
        ("None == pool_name", False),
        ("in_use == 0 or 1 / in_use > 2", True),
        ("  ( mismatches\n > 10 )", True),
        ("True", True),
    ],
)
def test_a_condition_judges_a_row(text, kept):
    """Numbers, texts, lists and what is not there, with and, or, not and plain sums."""
    assert Where(text, NAMES).keeps(ROW) is kept


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not an expression"),
        ("mismatches >", "not an expression"),
        ("mismatches = 3", "not an expression"),
        ("import os", "not an expression"),
        ("a; b", "not an expression"),
        ("mismatches > 1\0", "not an expression"),
        ("1in tags", "not an expression"),
        (r"pool_name == '\d'", "not an expression"),
        ("mismatches > 10 " + "and full " * 80, "a condition has at most 500"),
        ("(" * 240 + "1" + ")" * 240, "not an expression|nested"),
        ("not " * 60 + "full", "nested more than 40 deep"),
        ("-" * 499, "not an expression"),
        ("-" * 400 + "1", "nested more than 40 deep"),
        ("mismatchs > 3", "'mismatchs', which is no column; did you mean mismatches?"),
        ("zzz", "there are: pool_name, pools"),
        ("true", "'true', which is no column"),
        ("len(pool_name) > 3", r"not \"len\(pool_name\)\"|not 'len\(pool_name\)'"),
        ("pool_name.upper() == 'X'", "takes columns"),
        ("pool_name.__class__ == 1", "takes columns"),
        ("tags[0] == 'a'", "takes columns"),
        ("9 ** 9 > 1", "takes columns"),
        ("mismatches % 2 == 0", "takes columns"),
        ("mismatches // 2 == 6", "takes columns"),
        ("1 << 9 > 1", "takes columns"),
        ("~in_use == 1", "takes columns"),
        ("note is None", "takes columns"),
        ("{1, 2} == 3", "takes columns"),
        ("{'a': 1} == map", "takes columns"),
        ("[x for x in tags] == tags", "takes columns"),
        ("lambda: 1", "takes columns"),
        ("f'{pool_name}' == 'x'", "takes columns"),
        ("1 if full else 2", "takes columns"),
        ("(x := 1) == 1", "takes columns"),
        ("[*tags] == tags", "takes columns"),
        ("b'a' == pool_name", "takes columns"),
        ("1j == mismatches", "takes columns"),
        ("... == pool_name", "takes columns"),
        ("await x", "takes columns|not an expression"),
    ],
)
def test_what_is_no_condition_is_refused_before_any_row(text, why):
    """Calls, attributes, powers and unknown columns do not come as far as a row."""
    with pytest.raises(Unfit, match=why):
        Where(text, NAMES)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("pool_name > 10", "pool_name is text, and 10 is or has a number"),
        ("mismatches == '12'", "mismatches is a number, and '12' is or has text"),
        ("full == 0", "full is yes or no, and 0 is or has a number"),
        ("mismatches in ('12', '13')", "cannot be compared"),
        ("12 in pool_name", "cannot be compared"),
        ("'a' in mismatches", "cannot be compared"),
        ("'a' in map", "cannot be compared"),
        ("note > 3", "note is nothing"),
        ("full > False", "cannot be compared"),
        ("tags < ['b']", "cannot be compared"),
        ("mismatches", "mismatches is a number, not yes or no"),
        ("pool_name and full", "pool_name is text, not yes or no"),
        ("not pool_name", "pool_name is text, not yes or no"),
        ("pool_name * 3 == 'x'", "pool_name is text, not a number"),
        ("'a' + pool_name == 'x'", "'a' is text, not a number"),
        ("tags * 1000 == tags", "tags is a list, not a number"),
        ("-full == 0", "full is yes or no, not a number"),
        ("mismatches / in_use > 1", "divides by 0"),
        ("9" * 400 + " / 2 > 1", "grows too large"),
        ("made == 'x'", "asks for made, whose default only the notebook"),
    ],
)
def test_unlike_things_are_not_compared(text, why):
    """A text is never quietly unequal to a number; the message names the column."""
    where = Where(text, NAMES)

    with pytest.raises(Unfit, match=why):
        where.keeps(ROW)


_ATOMS = st.sampled_from(
    [
        *NAMES,
        *["1", "0", "1.5", "'a'", "True", "None", "(", ")", "[", "]", ",", "'", "\\", "\n"],
        *["and", "or", "not", "in", "<", "==", "!=", "+", "-", "*", "/", "**", "~", ":=", "@"],
        *["if", "else", "for", "lambda", ".__class__", "open('canary', 'w')", "exec"],
    ]
)


@given(st.lists(_ATOMS, max_size=12).map(" ".join) | st.text())
def test_whatever_is_asked_ends_in_yes_no_or_a_refusal(text):
    """There is no other error, and nothing is run."""
    try:
        kept = Where(text, NAMES).keeps(ROW)
    except Unfit:
        kept = False
    assert isinstance(kept, bool)
    assert not Path("canary").exists()
