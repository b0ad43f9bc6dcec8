"""Values by the annotations of parameters: read, refused, and never run."""

import ast
import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsops.batch.spec.kinds import Foreign, kind_of
from wsops.batch.spec.plain import Unfit
from wsops.batch.spec.typed import read_value

CODE = (
    "__import__('pathlib').Path('canary').touch()",
    "open('canary', 'w')",
    "{open('canary', 'w')}",
    "f\"{open('canary', 'w')}\"",
    "(lambda: open('canary', 'w'))()",
    "[open('canary', 'w') for _ in '1']",
    "'a' if open('canary', 'w') else 'b'",
    "!!python/object/apply:builtins.open [canary, w]",
    "%run canary",
    "!touch canary",
    "$(touch canary)",
    '"; open("canary", "w"); "',
)
KINDS = (
    *("str", "int", "float", "bool", "list", "dict", "list[int]", "dict[str, list[str]]"),
    *("int | None", "str | None", "Literal['a', 2]", "Optional[list[str]]", "Path", "None"),
)


def kind(annotation):
    return kind_of(ast.parse(annotation, mode="eval").body, None)


def read(annotation, given):
    return read_value(kind(annotation), given)


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        ("str", "no", "no"),
        ("str", "012", "012"),
        ("str", " 1e3 ", " 1e3 "),
        ("str", "", ""),
        ("'str'", "null", "null"),
        ("int", "012", 12),
        ("int", "-5", -5),
        ("int", "+5", 5),
        ("float", "1", 1.0),
        ("float", "-1.5e-3", -0.0015),
        ("float", ".5", 0.5),
        ("bool", "True", True),
        ("bool", "yes", True),
        ("bool", "1", True),
        ("bool", "NO", False),
        ("bool", "0", False),
        ("list", '["a", 1, null, {"b": [true]}]', ["a", 1, None, {"b": [True]}]),
        ("list[str]", '["1"]', ["1"]),
        ("List[float]", "[1]", [1.0]),
        ("dict", "{}", {}),
        ("dict[str, int]", '{"a": 1}', {"a": 1}),
        ("int | None", "null", None),
        ("int | None", "None", None),
        ("int | None", "7", 7),
        ("typing.Optional[int]", "7", 7),
        ("str | None", "None", "None"),
        ("int | str", "7", "7"),
        ("Union[bool, int]", "7", 7),
        ("Literal['a', 'b']", "b", "b"),
        ("Literal[1, 2] | None", "2", 2),
        ("Path", "'out'", "out"),
        ("Path", "[1, 'a']", [1, "a"]),
    ],
)
def test_text_is_read_by_the_annotation(annotation, text, value):
    """IDs stay text, numbers are plain, lists come as JSON."""
    found = read(annotation, text)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("annotation", "text", "why"),
    [
        ("int", "1.0", "'1.0' is not a whole number"),
        ("int", "1_000", "not a whole number"),
        ("int", "1e3", "not a whole number"),
        ("int", "", "not a whole number"),
        ("int", " 5", "not a whole number"),
        ("int", "٣", "not a whole number"),
        ("int", "true", "not a whole number"),
        ("int", "9223372036854775808", "more than 64 bits"),
        ("int", "9" * 5000, "not a whole number"),
        ("float", "nan", "not a number"),
        ("float", "inf", "not a number"),
        ("float", "1e999", "not a finite number"),
        ("float", "1_0.0", "not a number"),
        ("bool", "on", "neither true nor false"),
        ("bool", "2", "neither true nor false"),
        ("bool", "", "neither true nor false"),
        ("list", "a,b", "not a list in JSON"),
        ("list", '{"a": 1}', "not a list in JSON"),
        ("list", "[NaN]", "NaN, which is no number"),
        ("list", "[" * 5000, "nested too deeply"),
        ("list", "[" * 30 + "]" * 30, "nested more than 16 deep"),
        ("list", "[" + "9" * 4400 + "]", "number that is too large"),
        ("list[str]", "[1]", "1 is not text; give it in quotes"),
        ("list[int]", "[true]", "True is not a whole number"),
        ("dict", '{"a": 1, "a": 2}', "key 'a' twice"),
        ("dict[str, int]", '{"a": "x"}', "'x' is not a whole number"),
        ("int | None", "x", "fits no type"),
        ("Literal['a', 'b']", "c", "none of a, b"),
        ("None", "x", "is not nothing"),
        ("Path", "out", "not a Python literal"),
        ("Path", "{1, 2}", "nothing that JSON can say"),
        ("Path", "b'a'", "nothing that JSON can say"),
        ("Path", "{1: 2}", "key that is no text"),
        ("Path", r"'\d'", "not a Python literal"),
        ("Path", "-" * 9000 + "1", "not a Python literal"),
        ("Path", "(" * 9000, "not a Python literal"),
        ("str", "a\0b", "NUL"),
        ("str", "a\ud800", "half a character"),
        ("list", r'["\ud800"]', "half a character"),
        ("str", "a" * 10_001, "10,001 characters"),
        ("dict", json.dumps({"a": "b" * 9_995}), "10,004 characters"),
    ],
)
def test_text_that_does_not_fit_is_refused(annotation, text, why):
    """Nothing is rounded, guessed or cut; the message says why."""
    with pytest.raises(Unfit, match=why):
        read(annotation, text)


@pytest.mark.parametrize(
    ("annotation", "given", "value"),
    [
        ("int", 5, 5),
        ("float", 5, 5.0),
        ("bool", True, True),
        ("int | None", None, None),
        ("list[int]", ["1", 2], [1, 2]),
        ("float | int", 1, 1.0),
        ("Literal[1]", 1, 1),
        ("Path", ["a"], ["a"]),
        ("dict", {"a": [None]}, {"a": [None]}),
    ],
)
def test_what_json_had_is_taken_where_it_is_of_the_type(annotation, given, value):
    """JSON has types of its own."""
    assert read(annotation, given) == value


@pytest.mark.parametrize(
    ("annotation", "given", "why"),
    [
        ("str", 123, "123 is not text; give it in quotes: IDs are text"),
        ("str", True, "give it in quotes"),
        ("str", None, "None is not text"),
        ("str", ["a"], "is not text"),
        ("int", True, "True is not a whole number"),
        ("int", 1.0, "1.0 is not a whole number"),
        ("int", None, "None is not a whole number"),
        ("float", True, "True is not a number"),
        ("float", math.inf, "not a finite number"),
        ("float", math.nan, "not a finite number"),
        ("float", 10**400, "more than 64 bits"),
        ("bool", 1, "1 is neither true nor false"),
        ("bool", None, "neither true nor false"),
        ("Literal[1]", True, "none of 1"),
        ("None", 0, "is not nothing"),
        ("Path", (1,), "nothing that JSON can say"),
        ("list", "[]]", "not a list"),
    ],
)
def test_what_json_had_of_another_type_is_refused(annotation, given, why):
    """A number where text is wanted has lost its zeros already; a flag is no number."""
    with pytest.raises(Unfit, match=re.escape(why)):
        read(annotation, given)


@pytest.mark.parametrize(
    ("default", "expected"),
    [
        *[("''", str), ("0", int), ("-1", int), ("0.5", float), ("False", bool), ("[]", list)],
        *[("{}", dict), ("None", Foreign), ("print()", Foreign), ("(1,)", Foreign)],
    ],
)
def test_without_an_annotation_the_default_says_the_type(default, expected):
    """`delay = 0` is a whole number; what is no literal says nothing."""
    assert kind_of(None, ast.parse(default, mode="eval").body) is expected


@pytest.mark.parametrize(
    "annotation",
    [
        *["Path", "set[str]", "dict[int, str]", "list[Path]", "Path | None", "print()", "1"],
        *["'1 +'", "foo.int", "Optional[int, str]", "Literal[x]", "list[1:2]", "list[int, str]"],
    ],
)
def test_an_annotation_that_nobody_knows_is_not_looked_up(annotation):
    """Half known is unknown: then only a literal is taken."""
    assert kind(annotation) is Foreign


@pytest.mark.parametrize("text", CODE)
def test_values_that_try_to_be_code_are_text_or_refused(text):
    """Nothing is run: no file comes into being, and what is taken is the text itself."""
    taken = 0
    for annotation in KINDS:
        try:
            assert read(annotation, text) == text
        except Unfit:
            continue
        taken += 1
    assert taken == 2  # by the kinds that take text
    assert not Path("canary").exists()


@given(
    st.sampled_from(KINDS), st.text() | st.sampled_from(CODE) | st.from_regex(r"[\[{(\-'\"0-9]+")
)
def test_whatever_comes_is_plain_or_refused(annotation, text):
    """What is taken survives JSON unchanged; there is no other error."""
    try:
        found = read(annotation, text)
    except Unfit:
        return
    again = json.loads(json.dumps(found, allow_nan=False).encode())

    assert again == found
    assert type(again) is type(found)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.sampled_from(KINDS), _JSON)
def test_whatever_json_gives_is_plain_or_refused(annotation, given):
    """What is taken has no NaN, no half of a character, and is of the annotated type."""
    try:
        found = read(annotation, given)
    except Unfit:
        return
    json.dumps(found, allow_nan=False, ensure_ascii=False).encode()

    assert {"str": str, "int": int, "bool": bool}.get(annotation, type(found)) is type(found)
