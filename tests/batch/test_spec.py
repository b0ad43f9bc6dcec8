"""From a notebook and a file to checked rows: what is merged, chosen, approved and refused."""

import hashlib
import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from wsops import redact
from wsops.batch.spec.approval import with_total
from wsops.batch.spec.asked import Asked
from wsops.batch.spec.planning import plan_spec
from wsops.errors import SpecError

REPAIR = Path(__file__).resolve().parents[2] / "notebooks" / "20_repair_mismatches.ipynb"
AUDIT = REPAIR.with_name("10_fleet_audit.ipynb")
SECRET = "hunter2hunter2"


@pytest.fixture(autouse=True)
def one_secret(monkeypatch):
    """One secret is known."""
    monkeypatch.setattr(redact, "_forms", ())
    redact.register(SECRET)


@pytest.fixture
def book(tmp_path):
    """Give a function that writes a notebook with this parameters cell."""

    def write(source, name="nb.ipynb"):
        cell = new_code_cell(source, metadata={"tags": ["parameters"]})
        path = tmp_path / name
        nbformat.write(new_notebook(cells=[cell]), path)
        return path

    return write


@pytest.fixture
def spec(tmp_path):
    """Give a function that plans a batch of rows: text is CSV, a list JSON, None no file."""

    def plan(rows=None, notebook=REPAIR, **asked):
        if rows is not None:
            path = tmp_path / ("rows.csv" if isinstance(rows, str) else "rows.json")
            path.write_text(rows if isinstance(rows, str) else json.dumps(rows))
            asked["params"] = path
        return plan_spec(notebook, Asked(**asked))[0]

    return plan


@pytest.fixture
def audit(tmp_path):
    """Give a function that writes an audit: pools by ID, with their numbers of mismatches."""

    def write(**pools):
        rows = [
            {
                **dict.fromkeys(("desktop_image_id", "user_name", "desktop_name"), "x"),
                "pool_id": pool,
                "pool_name": f"name of {pool}",
                "pool_image_id": f"img-{pool}",
                "desktop_id": f"{pool}-{number}",
                "status": "ACTIVE",
                "login_status": "CONNECTED" if number == 0 else "UNREGISTER",
            }
            for pool, many in pools.items()
            for number in range(many)
        ]
        path = tmp_path / "audit.json"
        path.write_text(json.dumps({"pools": 9, "desktops": 99, "mismatches": rows}))
        return path

    return write


def refused(spec, rows=None, **asked):
    """Give the faults that are told of a batch."""
    with pytest.raises(SpecError) as caught:
        spec(rows, **asked)
    assert caught.value.exit_code == 2
    assert SECRET not in str(caught.value)
    return list(caught.value.problems) or [str(caught.value)]


def test_rows_are_typed_numbered_and_named(spec):
    """The spec holds what each run is given, and which notebook it is, to the byte."""
    found = spec(
        "pools,delay_time,include_in_use\neng-1,5,yes\n\nsales,,\n",
        command="wsops batch run",
        workers=2,
        kernels="fresh",
        deadline=60,
    )

    assert [(row.number, row.label, row.parameters, row.facts) for row in found.rows] == [
        (1, "eng-1", {"pools": "eng-1", "delay_time": 5, "include_in_use": True}, {}),
        (2, "sales", {"pools": "sales"}, {}),
    ]
    assert (found.name, found.notebook) == ("20_repair_mismatches", "20_repair_mismatches.ipynb")
    assert (found.kernels, found.workers, found.deadline) == ("fresh", 2, 60)
    assert (found.apply, found.max_desktops, found.command) == (False, 0, "wsops batch run")
    assert found.notebook_sha256 == hashlib.sha256(REPAIR.read_bytes()).hexdigest()


def test_the_notebook_comes_with_the_spec():
    """What is run later is what was checked now."""
    _, content = plan_spec(REPAIR, Asked())

    assert content == REPAIR.read_bytes()


def test_without_a_source_the_notebook_runs_once(spec):
    """One row of its defaults, and of what --set gives."""
    assert [row.model_dump() for row in spec().rows] == [
        {"number": 1, "label": "20_repair_mismatches", "parameters": {}, "facts": {}}
    ]
    (row,) = spec(sets=("pools=eng-*", "delay_time=3", "message=")).rows
    assert (row.label, row.parameters) == (
        "eng-*",
        {"pools": "eng-*", "delay_time": 3, "message": ""},
    )


def test_options_hold_for_all_rows_where_the_notebook_has_them(spec, book):
    """--profile and --change are parameters of most notebooks, and of some not."""
    found = spec("pools\na\nb\n", profile="prod", change="CHG-1", sets=("message=a=b",))
    assert [row.parameters for row in found.rows] == [
        {"pools": name, "message": "a=b", "profile": "prod", "change": "CHG-1"} for name in "ab"
    ]
    assert found.profile == "prod"

    found = spec(notebook=book("seed: int = 7"), profile="prod", change="CHG-1")
    assert (found.rows[0].parameters, found.profile) == ({}, "prod")


def test_the_profile_is_the_one_of_all_rows(spec, book):
    """It may stand in the rows or be the notebook's default."""
    assert spec("pools,profile\na,test\nb,test\n").profile == "test"
    assert spec("pools,profile\na,test\nb,prod\n").profile == ""
    assert spec(notebook=book("profile: str = 'lab'")).profile == "lab"


def test_a_file_gives_values_for_all_rows_and_for_those_without(spec):
    """`set` is for all, `defaults` for rows that say nothing; --set is stronger than `defaults`."""
    found = spec(
        {
            "name": "Night run",
            "set": {"change": "CHG-1"},
            "defaults": {"delay_time": 5, "message": "soon"},
            "rows": [{"pools": "a"}, {"pools": "b", "delay_time": 10}],
        },
        sets=("message=now",),
    )

    assert [row.parameters for row in found.rows] == [
        {"pools": "a", "delay_time": 5, "message": "now", "change": "CHG-1"},
        {"pools": "b", "delay_time": 10, "message": "now", "change": "CHG-1"},
    ]
    assert found.name == "Night-run"
    assert spec([{"pools": "a"}], name="../../CON").name == "_CON"


@pytest.mark.parametrize(
    ("rows", "source", "labels"),
    [
        ([{"pool": "p", "name": "n"}, {"name": "n"}], "name = ''\npool = ''", ["p", "n"]),
        ([{"a": 1, "b": " x\ny "}, {"a": 2}], "a = 0\nb = ''", ["x y", "row 2"]),
        ([{"b": "y" * 99}], "b = ''", ["y" * 60]),
        ([{"b": ""}], "b = ''", ["nb"]),
    ],
)
def test_rows_are_called_by_what_tells_them_apart(spec, book, rows, source, labels):
    """Their pool, their name, their first text; else by number, one alone by the notebook."""
    assert [row.label for row in spec(rows, notebook=book(source)).rows] == labels


@pytest.mark.parametrize(
    ("rows", "asked", "told"),
    [
        (
            "polls\na\nb\n",
            {},
            ["line 1, polls: is no parameter of the notebook; did you mean pools?"],
        ),
        ("pools,delay_time\na,x\n", {}, ["line 2, delay_time: 'x' is not a whole number"]),
        ("pools,delay_time\na,1.0\n", {}, ["line 2, delay_time: '1.0' is not a whole number"]),
        ("pools,include_in_use\na,maybe\n", {}, ["line 2, include_in_use: 'maybe' is neither"]),
        (
            [{"pools": 123}],
            {},
            ["row 1, pools: 123 is not text; give it in quotes: IDs are text (pools: str)"],
        ),
        ([{"pools": ["a"]}], {}, ["row 1, pools: ['a'] is not text"]),
        ([{"pools": None}], {}, ["row 1, pools: None is not text"]),
        ([{"delay_time": True}], {}, ["row 1, delay_time: True is not a whole number"]),
        ([{"pools": "a\0b"}], {}, ["row 1, pools: 'a\\x00b' holds a NUL character"]),
        ([{"pools": "\ud800"}], {}, ["row 1, pools: '\\ud800' holds half a character"]),
        ([{"pools": "x" * 10_001}], {}, ["row 1, pools: has 10,001 characters"]),
        (
            "pools,api_token\na,abc\n",
            {},
            ["line 1, api_token: looks like a secret by its name"],
        ),
        ("pools,SK\na,abc\n", {}, ["line 1, SK: looks like a secret by its name"]),
        (f"pools\nx{SECRET}\n", {}, ["line 2, pools: holds a secret that is in use"]),
        (
            [{"pools": ["a", {"b": SECRET}]}],
            {},
            ["row 1, pools: holds a secret that is in use"],
        ),
        ("Pools\na\n", {}, ["line 1, Pools: is no name of a parameter"]),
        ([{"a" * 42: "x"}], {}, ["is no name of a parameter"]),
        ([{"../x": "x"}], {}, ["row 1, ../x: is no name of a parameter"]),
        ([{"": "x"}], {}, ["row 1: is no name of a parameter"]),
        ([{"a\u202eb": "x"}], {}, ["row 1, a\\u202eb: is no name of a parameter"]),
        ("pools,apply\na,\n", {}, ["line 1, apply: is not for rows to set: --apply says so"]),
        ([{"apply": False}], {}, ["row 1, apply: is not for rows to set"]),
        (
            "pools\na\nb\na\n",
            {},
            ["line 4: has the same parameters as line 2"],
        ),
        (
            [{"pools": "a", "delay_time": 0}, {"pools": "a"}],
            {},
            ["row 2: has the same parameters as row 1"],
        ),
        (None, {"sets": ("apply=true",)}, ["--set, apply: is not for rows to set"]),
        (None, {"sets": ("polls=a",)}, ["--set, polls: is no parameter of the notebook"]),
        (None, {"sets": ("delay_time=x",)}, ["--set, delay_time: 'x' is not a whole number"]),
        (None, {"sets": ("password=x",)}, ["--set, password: looks like a secret"]),
        (None, {"sets": (f"message={SECRET}",)}, ["--set, message: holds a secret"]),
        (None, {"sets": ("pools",)}, ["--set wants NAME=VALUE, not 'pools'"]),
        (None, {"sets": ("=a",)}, ["--set wants NAME=VALUE, not '=a'"]),
        (
            None,
            {"sets": ("pools=a", "pools=b")},
            ["--set, pools: is given twice: by --set and by --set"],
        ),
        (
            None,
            {"sets": ("profile=a",), "profile": "b"},
            ["--profile, profile: is given twice: by --set and by --profile"],
        ),
        (
            "pools,message\na,\nb,x\nc,y\n",
            {"sets": ("message=z",)},
            ["line 3, message: has a value, and --set gives one for all rows"],
        ),
        (
            "pools,change\na,CHG-1\n",
            {"change": "CHG-2"},
            ["line 2, change: has a value, and --change gives one for all rows"],
        ),
        (
            {"set": {"pools": "x"}, "rows": [{"pools": "a"}]},
            {},
            ["row 1, pools: has a value, and `set` gives one for all rows"],
        ),
        (
            {"defaults": {"delay_time": "x"}, "rows": [{"pools": "a"}]},
            {},
            ["defaults, delay_time: 'x' is not a whole number"],
        ),
    ],
)
def test_a_row_that_cannot_run_stops_the_batch(spec, rows, asked, told):
    """The message names row and column and says what is wrong, without the value of a secret."""
    found = refused(spec, rows, **asked)

    assert len(found) == len(told)
    for line, start in zip(found, told, strict=True):
        assert start in line


def test_a_parameter_without_a_default_is_wanted(spec, book):
    """A notebook may insist; a row, --set or `defaults` gives it."""
    notebook = book("image_id: str\npools: str = ''")

    assert refused(spec, [{"pools": "a"}], notebook=notebook) == [
        "row 1, image_id: has no value, and the notebook no default"
    ]
    assert refused(spec, notebook=notebook)[0].startswith("row 1, image_id")
    (row,) = spec([{"pools": "a"}], notebook=notebook, sets=("image_id=012",)).rows
    assert row.parameters == {"pools": "a", "image_id": "012"}


def test_ten_faults_are_told_and_the_rest_counted(spec):
    """One error shows them all, each on a line; the JSON has them as a list."""
    rows = "pools,delay_time\n" + "".join(f"p{number},x\n" for number in range(14))
    with pytest.raises(SpecError) as caught:
        spec(rows)
    lines = str(caught.value).splitlines()

    assert lines[0].endswith("rows.csv cannot be run: 14 faults")
    assert [line.split(":")[0] for line in lines[1:11]] == [
        f"line {number}, delay_time" for number in range(2, 12)
    ]
    assert lines[11:] == ["and 4 more"]
    assert caught.value.as_dict()["problems"] == lines[1:]
    assert caught.value.as_dict()["folder"] == ""


def test_ten_thousand_rows_are_taken(spec):
    """That many, and no more."""
    rows = "pools,delay_time\n" + "".join(f"p{n},{n % 16}\n" for n in range(10_000))

    assert len(spec(rows).rows) == 10_000
    assert "more than 10,000 rows" in refused(spec, f"{rows}one more,1\n")[0]


def test_an_audit_makes_a_row_for_each_pool(spec, audit):
    """The smallest pool is the canary; a condition may ask for parameters and facts."""
    path = audit(big=12, small=2, mid=11)
    found = spec(audit=path)

    assert [(row.number, row.label, row.parameters) for row in found.rows] == [
        (1, "name of small", {"pools": "small"}),
        (2, "name of mid", {"pools": "mid"}),
        (3, "name of big", {"pools": "big"}),
    ]
    assert found.rows[0].facts == {
        "pool_name": "name of small",
        "pool_id": "small",
        "image_id": "img-small",
        "mismatches": 2,
        "in_use": 1,
    }
    chosen = spec(audit=path, where="mismatches > 10 and in_use < 2 and delay_time == 0")
    assert [(row.number, row.label) for row in chosen.rows] == [
        (1, "name of mid"),
        (2, "name of big"),
    ]
    assert [row.label for row in spec(audit=path, where="mismatches > 10", limit=1).rows] == [
        "name of mid"
    ]
    assert len(spec(audit=path, limit=99).rows) == 3


def test_a_value_of_a_row_counts_before_a_fact_of_the_same_name(spec, audit, book):
    """A condition asks what the run is given, and the audit where it is given nothing."""
    notebook = book("pools: str = ''\nimage_id: str = ''")
    asked = {"audit": audit(a=1), "notebook": notebook}

    assert spec(**asked, where="image_id == 'img-a'")
    assert spec(**asked, where="image_id == 'new'", sets=("image_id=new",))


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("mismatches > 10", "--where names 'mismatches', which is no column; there are: profile"),
        ("delay > 1", "did you mean delay_time?"),
        ("pools > 10", "line 2: --where cannot be asked: pools is text"),
        ("delay_time", "line 2: --where cannot be asked: delay_time is a number"),
        ("delay_time > 1", "--where leaves none of 2 rows"),
        ("open('canary', 'w')", "--where takes columns"),
    ],
)
def test_a_condition_that_cannot_be_asked_is_refused(spec, where, why):
    """It names the column, the row and what there is; nothing is run."""
    (line,) = refused(spec, "pools\na\nb\n", where=where)

    assert why in line
    assert not Path("canary").exists()


def test_what_is_asked_for_must_make_sense(spec, audit):
    """Two sources, or a negative number of rows, do not."""
    assert "not from both" in refused(spec, "pools\na\n", audit=audit(a=1))[0]
    assert "--limit -1 is no number of rows" in refused(spec, limit=-1)[0]


def test_nothing_of_a_spec_holds_a_secret(spec, audit):
    """Whatever way it came: the command line is scrubbed, anything else refused."""
    assert SECRET not in spec(command=f"wsops batch run --x {SECRET}").command
    path = audit(a=1)
    path.write_text(path.read_text().replace("name of a", SECRET))

    assert "would hold a secret" in refused(spec, audit=path)[0]


def test_a_batch_that_applies_has_a_number_and_images_in_every_row(spec, audit):
    """A row's own come first; the total is what was approved for all."""
    found = spec(
        "pools,max_desktops,expect_images\na,3,i1\nb,,\n",
        apply=True,
        max_desktops=10,
        expect_images=("i1", "i2"),
    )
    assert [row.parameters for row in found.rows] == [
        {"pools": "a", "max_desktops": 3, "expect_images": "i1", "apply": True},
        {"pools": "b", "max_desktops": 10, "expect_images": "i1,i2", "apply": True},
    ]
    assert (found.apply, found.max_desktops) == (True, 10)

    found = spec(audit=audit(a=2, b=1), apply=True, max_desktops=3)
    assert [row.parameters for row in found.rows] == [
        {"pools": name, "max_desktops": 3, "expect_images": f"img-{name}", "apply": True}
        for name in "ba"
    ]


@pytest.mark.parametrize(
    ("rows", "asked", "total"),
    [
        ("pools,max_desktops\na,3\nb,4\nc,5\n", {}, 12),
        ("pools,max_desktops\na,3\nb,4\nc,5\n", {"limit": 2}, 7),
        ("pools,max_desktops\na,3\nb,4\nc,5\n", {"where": "max_desktops > 3"}, 9),
        ("pools,max_desktops\na,3\nb,\n", {}, 0),
        ("pools\na\nb\n", {}, 0),
        ("pools\na\nb\n", {"sets": ("max_desktops=4",)}, 8),
    ],
)
def test_the_total_is_the_sum_where_every_row_that_runs_has_its_number(spec, rows, asked, total):
    """Where one has none, nobody has approved a total."""
    assert spec(rows, apply=True, expect_images=("i",), **asked).max_desktops == total


def test_a_total_that_is_typed_later_goes_to_the_rows_without_a_number(spec):
    """The source is not read again: standard input could not be, and a file may have changed."""
    planned = spec("pools,max_desktops\na,3\nb,\n", apply=True, expect_images=("i",))
    found = with_total(planned, 5)

    assert [row.parameters["max_desktops"] for row in planned.rows] == [3, 0]
    assert [row.parameters["max_desktops"] for row in found.rows] == [3, 5]
    assert found.max_desktops == 5
    assert found.rows[0].parameters == planned.rows[0].parameters
    with pytest.raises(SpecError, match=r"row 1 \(a\), max_desktops: 3 is more"):
        with_total(planned, 2)


@pytest.mark.parametrize(
    ("rows", "asked", "told"),
    [
        ("pools\na\n", {}, "line 2, expect_images: says no image, and --expect-image none"),
        (
            "pools,expect_images\na,i3\n",
            {"expect_images": ("i1",)},
            "line 2, expect_images: 'i3' is not among those of --expect-image",
        ),
        ("pools,expect_images\na,b=\n", {}, "line 2, expect_images: expect_images wants ID"),
        (
            "pools,max_desktops\na,11\n",
            {"max_desktops": 10, "expect_images": ("i",)},
            "line 2, max_desktops: 11 is not one of 1 to 10",
        ),
        (
            "pools,max_desktops\na,0\n",
            {"max_desktops": 10, "expect_images": ("i",)},
            "line 2, max_desktops: 0 is not one of 1 to 10",
        ),
        (
            "pools,max_desktops\na,-5\nb,9\n",
            {"expect_images": ("i",)},
            "line 2, max_desktops: -5 is not",
        ),
        (
            "pools,profile\na,test\nb,prod\n",
            {"expect_images": ("i",), "max_desktops": 3},
            "line 3, profile: is another than that of line 2",
        ),
    ],
)
def test_an_approval_that_is_not_whole_is_refused(spec, rows, asked, told):
    """No row may touch more than was approved, or build from what nobody expects."""
    assert told in refused(spec, rows, apply=True, **asked)[0]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (None, "cannot be approved: it has no parameter apply"),
        ("apply: bool = False\nmax_desktops = 0", "it has no parameter expect_images"),
        (
            "apply: str = ''\nmax_desktops = 0\nexpect_images = ''",
            "cannot be approved: its apply is str",
        ),
        (
            "apply = False\nmax_desktops: str = ''\nexpect_images = ''",
            "cannot be approved: its max_desktops is str",
        ),
    ],
)
def test_a_notebook_without_an_approval_cannot_apply(spec, book, source, why):
    """Its parameters are the only door."""
    notebook = AUDIT if source is None else book(source)

    assert why in refused(spec, notebook=notebook, apply=True, expect_images=("i",))[0]


@pytest.mark.parametrize(
    ("source", "given"),
    [
        ("apply: bool = True", {"apply": False}),
        ("apply = bool(1)", {}),
        ("apply: bool = bool(1)", {"apply": False}),
        ("apply: bool = False", {}),
        ("apply: str = 'patch'", {}),
    ],
)
def test_a_notebook_that_would_apply_by_itself_is_told_not_to(spec, book, source, given):
    """Without --apply no row applies, whatever the notebook's default is."""
    assert spec(notebook=book(source)).rows[0].parameters == given


def test_values_that_try_to_be_code_stay_text(spec):
    """They reach the spec as they were written, and no file comes into being."""
    touch = "__import__('pathlib').Path('canary').touch()"
    (row,) = spec([{"pools": touch, "message": f"{{{touch}}}"}]).rows

    assert row.parameters == {"pools": touch, "message": f"{{{touch}}}"}
    assert not Path("canary").exists()


def test_more_text_than_an_index_can_carry_is_refused(spec, book):
    """A long value for all of many rows: one sentence with what to do instead."""
    notebook = book("n: int = 0\nwords: str = ''")
    rows = "n\n" + "\n".join(map(str, range(1000)))
    long = ("words=" + "x" * 10_000,)

    with pytest.raises(SpecError, match=r"parameters of all rows are 10 MB of text; 8 MB is the"):
        spec(rows, notebook, sets=long)
    assert len(spec(rows[:500], notebook, sets=long).rows) > 100
