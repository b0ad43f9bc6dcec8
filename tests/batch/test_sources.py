"""Where rows come from: files, standard input, an audit; and what is refused of them."""

import io
import json
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wsops.batch.spec.audit import read_audit
from wsops.batch.spec.csv import read_csv
from wsops.batch.spec.given import Empty
from wsops.batch.spec.plain import Unfit
from wsops.batch.spec.sources import STDIN, read_source
from wsops.batch.spec.yaml import yaml_of
from wsops.errors import NothingToDo, SpecError

EMPTY = Empty.EMPTY
MISMATCH = {
    "pool_id": "p-1",
    "pool_name": "eng",
    "pool_image_id": "img-2",
    "desktop_id": "d-1",
    "desktop_name": "pc-1",
    "desktop_image_id": "img-1",
    "user_name": "ana",
    "status": "ACTIVE",
    "login_status": "UNREGISTER",
}


@pytest.fixture
def write(tmp_path):
    """Give a function that writes a file of rows."""

    def put(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


@pytest.fixture
def audit(write):
    """Give a function that writes an audit with these mismatches, as `wsops audit --json`."""

    def put(*mismatches):
        rows = [MISMATCH | mismatch for mismatch in mismatches]
        return write(
            "audit.json",
            json.dumps({"pools": 9, "desktops": 99, "mismatches": rows, "notes": []}),
        )

    return put


@pytest.fixture
def typed_in(monkeypatch):
    """Give a function that puts bytes on standard input."""

    def put(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


def rows(source):
    return [(row.place, dict(row.values)) for row in source.rows]


@pytest.mark.parametrize(
    ("name", "content", "places"),
    [
        ("a.csv", "pools,delay\neng,no\n012,1e3\n", ("line 2", "line 3")),
        ("a.CSV", "\ufeffpools;delay\r\neng;no\r\n012;1e3\r\n", ("line 2", "line 3")),
        ("a.csv", '\n pools , delay\n\n"eng","no"\n,\n   \n012,1e3', ("line 4", "line 7")),
        ("a.yaml", "- pools: eng\n  delay: no\n- pools: 012\n  delay: 1e3\n", (1, 3)),
        ("a.yml", "# c\n---\nrows:\n- {pools: eng, delay: no}\n- {pools: 012, delay: 1e3}", (4, 5)),
        ("a.json", '[{"pools": "eng", "delay": "no"}, {"pools": "012", "delay": "1e3"}]', (0, 0)),
        (
            "a.json",
            '{"rows": [{"pools":"eng","delay":"no"},{"pools":"012","delay":"1e3"}]}',
            (0, 0),
        ),
    ],
)
def test_the_same_rows_come_from_every_form(write, name, content, places):
    """All is text as it was written; each row knows where it stands."""
    found = read_source(write(name, content))
    named = [
        f"row {number}" + (f" (line {place})" if place else "") if isinstance(place, int) else place
        for number, place in enumerate(places, 1)
    ]

    assert rows(found) == [
        (named[0], {"pools": "eng", "delay": "no"}),
        (named[1], {"pools": "012", "delay": "1e3"}),
    ]
    assert found.what.endswith(name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "pools,delay,note\neng,,\n"),
        ("a.csv", "pools,delay,note\neng\n"),
        ("a.yaml", "- pools: eng\n  delay:\n  note: \n"),
    ],
)
def test_an_empty_cell_is_no_value(write, name, content):
    """The notebook's default stays; an empty text in quotes is a value."""
    (row,) = read_source(write(name, content)).rows

    assert row.values == {"pools": "eng", "delay": EMPTY, "note": EMPTY}
    assert read_source(write("b.yaml", "- delay: ''")).rows[0].values == {"delay": ""}


def test_a_cell_in_quotes_may_hold_lines_and_the_next_row_knows_its_line(write):
    """Line numbers are those of an editor."""
    found = read_source(write("a.csv", 'pools,message\neng,"one\ntwo, ""three"""\nsales,x\n'))

    assert rows(found) == [
        ("line 2", {"pools": "eng", "message": 'one\ntwo, "three"'}),
        ("line 4", {"pools": "sales", "message": "x"}),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "a.yaml",
            "name: night\nset: {change: CHG-1}\ndefaults:\n  delay: 5\nrows:\n- pools: eng\n",
        ),
        (
            "a.json",
            '{"name":"night","set":{"change":"CHG-1"},\n"defaults":{"delay":"5"},"rows":[{"pools":"eng"}]}',
        ),
    ],
)
def test_a_file_may_say_what_holds_for_all_rows(write, name, content):
    """`set` for all rows, `defaults` for those without their own, `name` for the batch."""
    found = read_source(write(name, content))

    assert (found.name, found.everywhere, found.defaults) == (
        "night",
        {"change": "CHG-1"},
        {"delay": "5"},
    )
    assert found.rows[0].values == {"pools": "eng"}


def test_json_keeps_its_types_and_yaml_its_lists(write):
    """What is not text in JSON is judged by the annotation, later."""
    found = read_source(write("a.json", '[{"a": 1, "b": true, "c": null, "d": [1.5]}]'))
    assert found.rows[0].values == {"a": 1, "b": True, "c": None, "d": [1.5]}

    found = read_source(
        write("a.yaml", "- a: [1, no]\n  b: {c: 1.0}\n  d: |\n    two\n    lines\n")
    )
    assert found.rows[0].values == {"a": ["1", "no"], "b": {"c": "1.0"}, "d": "two\nlines\n"}


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nrows:\n- {pools: *b}\n"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.yaml", "", "is empty"),
        ("a.csv", " \n\n", "is empty"),
        ("a.json", b"\xef\xbb\xbf", "is empty"),
        ("a.yaml", "# nothing\n", "has no rows"),
        ("a.yaml", "pools", "has no rows: it wants a list of mappings"),
        ("a.yaml", "pools: eng", "has no rows: it wants a list of mappings"),
        ("a.json", "3", "has no rows: it wants a list of mappings"),
        ("a.json", "{}", "has no rows"),
        ("a.json", "[]", "has no rows: there is nothing to run"),
        ("a.yaml", "rows:\n", "has no rows: there is nothing to run"),
        ("a.csv", "pools,delay\n", "has no rows: there is nothing to run"),
        ("a.csv", "pools,delay\n,\n,\n", "has no rows: there is nothing to run"),
        ("a.yaml", "rows: {a: b}", "has `rows` that are no list"),
        ("a.yaml", "row: []\nrows: []", "key 'row', which means nothing here; did you mean rows?"),
        ("a.yaml", "rows: []\nset: [a]", "has `set` that is no mapping"),
        ("a.yaml", "rows: []\nname: [a]", "has a name that is not text"),
        ("a.json", '{"rows": [], "defaults": 3}', "has `defaults` that is no mapping"),
        ("a.yaml", "- pools: a\n- b\n", "has no mapping of names and values in row 2, but 'b'"),
        ("a.json", '[{"a": "b"}, ["c"]]', "in row 2"),
        ("a.yaml", BOMB, "has an anchor or an alias in line 1"),
        ("a.yaml", "- pools: *a\n", "has an anchor or an alias in line 1|undefined alias"),
        ("a.yaml", "- pools: !!python/name:os.system x\n", "has the tag .* in line 1: all is text"),
        ("a.yaml", "- !x {pools: a}\n", "has the tag '!x' in line 1"),
        ("a.yaml", "- pools: !!str a\n", "has the tag"),
        ("a.yaml", "- pools: a\n  pools: b\n", "the key 'pools' twice in the mapping of line 1"),
        ("a.yaml", "- {[a]: b}\n", "key .* that is no text"),
        ("a.yaml", "- ? \n  : b\n", "key .* that is no text"),
        ("a.yaml", "- pools: a\n--- \n- pools: b\n", "more than one document: a second .* line 2"),
        ("a.yaml", "- pools: 'a\n", "is not YAML in line"),
        ("a.yaml", "- pools: [a\n", "is not YAML in line"),
        ("a.yaml", "\t- a", "is not YAML in line 1"),
        ("a.yaml", "- pools: a\x07", "is not YAML"),
        ("a.yaml", "[" * 100_000, "nested more than 16 deep"),
        ("a.yaml", "{a: " * 20, "nested more than 16 deep"),
        ("a.json", '[{"a": "b"', "is not JSON: .*line 1"),
        ("a.json", "<html>", "is not JSON"),
        ("a.json", '[{"a": 1, "a": 2}]', "key 'a' twice"),
        ("a.json", '[{"a": NaN}]', "has NaN, which is no number of JSON"),
        ("a.json", '[{"a": -Infinity}]', "has -Infinity"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.json", "[" + "9" * 5000 + "]", "a number that is too large"),
        ("a.csv", "pools,\na,b\n", "has no name for column 2"),
        ("a.csv", "pools,delay, pools\na,b,c\n", "has two columns 'pools'"),
        ("a.csv", "pools\na\nb,c\n", "too many cells in line 3: 2 cells, and the header 1"),
        ("a.csv", 'pools\n"a\n', "is not CSV in line 2"),
        ("a.csv", 'pools\n"a"b\n', "is not CSV in line 2"),
        ("a.csv", "pools\n" + "a" * 200_000, "is not CSV in line 2: field larger"),
        ("a.csv", "pools\na\n".encode("utf-16"), "is not UTF-8"),
        ("a.yaml", b"- pools: \xff\n", "is not UTF-8"),
        ("a.txt", "pools\na\n", "does not say by its ending"),
        ("a", "pools\na\n", "does not say by its ending"),
        ("a.json", b" " * (4 * 1024**2 + 1), "has more than 4 MiB"),
        ("a.csv", "pools\n" + "".join(f"p{n}\n" for n in range(10_001)), "more than 10,000 rows"),
        ("a.yaml", "".join(f"- a: {n}\n" for n in range(10_001)), "more than 10,000 rows"),
    ],
)
def test_a_source_that_is_none_is_refused(write, name, content, why):
    """One sentence that begins with the file and says what is wrong, and in which line."""
    path = write(name, content)

    with pytest.raises(SpecError, match=why) as caught:
        read_source(path)
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_a_source_that_is_not_there_is_refused(tmp_path):
    """A missing file, a folder, and what is no path."""
    (tmp_path / "d.csv").mkdir()

    with pytest.raises(SpecError, match=r"no\.csv cannot be read: No such file"):
        read_source(tmp_path / "no.csv")
    with pytest.raises(SpecError, match=r"d\.csv cannot be read: Is a directory"):
        read_source(tmp_path / "d.csv")
    with pytest.raises(SpecError, match="that is no path"):
        read_source(Path("a\0.csv"))
    with pytest.raises(SpecError, match=r"d\.csv cannot be read: Is a directory"):
        read_audit(tmp_path / "d.csv")


@pytest.mark.parametrize(
    "content",
    [
        b"pools\neng\n",
        b"\n# rows\n- pools: eng\n",
        b"rows:\n- pools: eng\n",
        b"---\n- pools: eng\n",
        b' \n[{"pools": "eng"}]',
        b'{"rows": [{"pools": "eng"}]}',
    ],
)
def test_standard_input_says_by_itself_what_it_is(typed_in, content):
    """`--params -` takes what another command prints."""
    typed_in(content)
    found = read_source(STDIN)

    assert [dict(row.values) for row in found.rows] == [{"pools": "eng"}]
    assert found.what == "standard input"


def test_the_form_may_be_said(typed_in, write):
    """It counts before what the ending or the content looks like."""
    typed_in(b"- pools\neng\n")
    found = read_source(STDIN, "csv")

    assert rows(found) == [("line 2", {"- pools": "eng"})]
    assert rows(read_source(write("a.txt", "pools\neng\n"), "csv")) == [
        ("line 2", {"pools": "eng"})
    ]
    typed_in(b"")
    with pytest.raises(SpecError, match="standard input is empty"):
        read_source(STDIN)


def test_an_audit_gives_a_row_for_each_pool_small_pools_first(audit):
    """Its ID chooses the pool; the facts tell of it; in use is judged as everywhere."""
    small = {"pool_id": "p-2", "pool_name": "sales", "pool_image_id": "img-9"}
    found = read_audit(
        audit(
            {"login_status": "CONNECTED"},
            {"login_status": "DISCONNECTED"},
            {"status": "HIBERNATED"},
            {"login_status": "REGISTERED"},
            {"login_status": "SOMETHING_NEW"},
            small,
        )
    )

    assert [row.label for row in found.rows] == ["sales", "eng"]
    assert [row.values for row in found.rows] == [{"pools": "p-2"}, {"pools": "p-1"}]
    assert [row.facts for row in found.rows] == [
        {"pool_name": "sales", "pool_id": "p-2", "image_id": "img-9", "mismatches": 1, "in_use": 0},
        {"pool_name": "eng", "pool_id": "p-1", "image_id": "img-2", "mismatches": 5, "in_use": 4},
    ]


def test_pools_of_the_same_name_are_told_apart_and_an_unclear_image_is_none(audit):
    """A label names one pool; an image on which the rows disagree is not expected by anyone."""
    found = read_audit(audit({}, {"pool_id": "p-2"}, {"pool_id": "p-2", "pool_image_id": "img-3"}))

    assert [row.label for row in found.rows] == ["eng (p-1)", "eng (p-2)"]
    assert [row.facts["image_id"] for row in found.rows] == ["img-2", ""]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is empty"),
        (
            "Pool   Desktop\neng    pc-1\n",
            "is not what `wsops audit --json` prints: it is not JSON",
        ),
        ("pool_id,pool_name\np-1,eng\n", "it is not JSON"),
        ('{"error": {"type": "NotFound", "message": "no pool"}}', "but its error: 'no pool'"),
        ('{"error": "x"}', "no list of mismatches"),
        ("[]", "no list of mismatches"),
        ("3", "no list of mismatches"),
        ('{"pools": 1, "desktops": 2}', "no list of mismatches"),
        ('{"pools": 1, "desktops": 2, "mismatches": [{"pool_id": "p"}]}', "no list of mismatches"),
        ("[" * 100_000, "it is not JSON"),
    ],
)
def test_an_audit_of_another_shape_is_refused(write, content, why):
    """The table, the error document and other JSON are told apart."""
    with pytest.raises(SpecError, match=why):
        read_audit(write("audit.json", content))


def test_an_audit_without_mismatches_leaves_nothing_to_do(write):
    """Which is as wanted, and no fault of the file."""
    with pytest.raises(NothingToDo, match="has no mismatches") as nothing:
        read_audit(write("audit.json", '{"pools": 1, "desktops": 2, "mismatches": []}'))

    assert nothing.value.fine


@pytest.mark.parametrize(
    "changed",
    [
        {"pool_id": "*"},
        {"pool_id": ""},
        {"pool_id": "p-1,p-2"},
        {"pool_id": "../x"},
        {"pool_image_id": "a=b"},
        {"pool_image_id": "img,*"},
        {"pool_name": "a\0b"},
        {"pool_name": "x" * 10_001},
    ],
)
def test_an_audit_cannot_widen_what_a_row_touches(audit, changed):
    """A pool whose ID is a pattern would be the whole fleet."""
    with pytest.raises(SpecError, match="names a pool that cannot be"):
        read_audit(audit(changed))


def test_an_audit_of_more_pools_than_rows_is_refused(audit):
    """The limit holds for every source."""
    with pytest.raises(SpecError, match="more than 10,000 rows"):
        read_audit(audit(*({"pool_id": f"p-{number}"} for number in range(10_001))))


def test_an_audit_that_is_too_large_is_refused(audit, monkeypatch):
    """Only so much is read of it."""
    monkeypatch.setattr("wsops.batch.spec.audit.LARGEST", 100)

    with pytest.raises(SpecError, match="has more than 0 MiB"):
        read_audit(audit({}))


def test_yaml_is_read_alike_without_its_part_in_c(monkeypatch):
    """PyYAML may have been built without it."""
    text = "rows:\n- {a: no, b: [1, 'x']}\n- c:\n"
    found = yaml_of(text)
    monkeypatch.setattr("wsops.batch.spec.yaml._LOADER", yaml.BaseLoader)

    assert yaml_of(text) == found == {"rows": [{"a": "no", "b": ["1", "x"]}, {"c": EMPTY}]}


@given(st.text() | st.text(alphabet="-:[]{},&*!|>'\"%@# \n\tab"))
def test_whatever_yaml_comes_is_read_or_refused(text):
    """There is no other error, and nothing but texts, lists and mappings."""
    try:
        found = yaml_of(text)
    except Unfit:
        return
    assert found is EMPTY or isinstance(found, str | list | dict)


@given(st.text(alphabet=',;"\n\r ab') | st.text())
def test_whatever_csv_comes_is_read_or_refused(text):
    """Each row has the names of the header and no others."""
    try:
        found = read_csv(f"name,other\n{text}")
    except Unfit:
        return
    assert all(set(row.values) == {"name", "other"} for row in found)
