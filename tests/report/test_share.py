"""A page without names: the same alias for the same person everywhere, and no name left."""

import base64
import html
import json
import re

import pytest

from wsops import redact
from wsops.aliases import aliases
from wsops.errors import SettingsError
from wsops.report.names import Names
from wsops.report.share import names_of, share

ALIAS = aliases(b"key")
ODD = 'O\'Neil <jörg> & "Co"'
LONG = "w" * 60
"""A name that a chart cuts."""


@pytest.fixture
def shared(renderer):
    """Give a function that makes the page of a notebook without names."""

    def make(whole, name="out.ipynb"):
        return share(whole, name, ALIAS, renderer)

    return make


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ana went", "[user:ana] went"),
        ("banana ana2 Ana", "banana ana2 [user:ana]"),
        ("ANA MARIA, zoe\u0301", "[user:Ana Maria], [user:zo\u00e9]"),
        ("w" * 33 + "…", f"[user:{LONG}]"),
        ("ip:10.1.2.3 v10.1.2.4_x", "ip:[address:10.1.2.3] v[address:10.1.2.4]_x"),
        ("00:1a:2b:3c:4d:5e up", "[address:00:1a:2b:3c:4d:5e] up"),
        ("ana_backup, PC-1-old, ana.", "[user:ana]_backup, [desktop:PC-1]-old, [user:ana]."),
        ("Ana Maria and ana", "[user:Ana Maria] and [user:ana]"),
        ("用户张伟已登录", "用户[user:张伟]已登录"),
        (r"\u5f20\u4f1f in JSON", "[user:张伟] in JSON"),
        ("%E5%BC%A0%E4%BC%9F in a link", "[user:张伟] in a link"),
        ("ana@example.org", "[mail:ana@example.org]"),
        ("at 10.0.0.7:443 and 12:30:45", "at [address:10.0.0.7]:443 and 12:30:45"),
        ("fe80::1ff:fe23 and 300.1.1.1", "[address:fe80::1ff:fe23] and 300.1.1.1"),
        ("x[::2] 1.2.3", "x[::2] 1.2.3"),
        ("", ""),
    ],
)
def test_names_are_replaced_as_whole_words_the_longest_first(text, left):
    """Also in the forms in which JSON and links write them; addresses by their looks."""
    kinds = {"ana": "user", "Ana Maria": "user", "张伟": "user", "PC-1": "desktop"}
    kinds |= {"zo\u00e9": "user", LONG: "user"}
    names = Names(kinds, lambda kind, value: f"[{kind}:{value}]")

    assert names.replace(text) == left


def test_the_marked_cells_are_the_names_and_headings_are_not():
    """Several people in a cell are several names; what has no letter is none."""
    page = (
        '<th data-kind="user">User</th><td data-kind="user"><b>ana</b>, bob</td>'
        '<td data-kind="desktop">PC-1</td><td data-kind="user">?</td><td data-kind="text">done</td>'
        '<td data-kind="address">10.0.0.7<br></td>'
    )

    assert names_of(page) == {
        "ana": "user",
        "bob": "user",
        "PC-1": "desktop",
        "10.0.0.7": "address",
    }


def test_no_name_is_left_anywhere_and_the_page_still_says_what_came_of_it(shared, book):
    """Tables, summary, streams, code, drawings, alternative texts and parameters."""
    whole = book.typical(20)
    whole.cells.append(book.code("look('PC-003')", book.prints("Ana on PC-003, user7 at 10.1.2.3")))
    page = shared(whole)
    drawings = [base64.b64decode(d).decode() for d in re.findall(r"svg\+xml;base64,([^\"]*)", page)]

    for name in ("Ana", "Bo Li", "user7", "PC-003", "PC-001", "10.1.2.3"):
        assert name not in page + "".join(drawings), name
    assert ALIAS("user", "Ana") in page
    assert ALIAS("desktop", "PC-001") in drawings[0]
    assert "<code>operator</code>" not in page
    assert ">partial</b>" in page
    assert "<code>pools</code>" in page


def test_a_name_with_marks_in_it_is_found_in_every_form(shared, book):
    """As HTML, JSON and Python write it."""
    text = f"{ODD} {json.dumps(ODD)} {ODD!r}"
    cells = (
        book.code("1", book.shows(text_html=book.table([("pool", "PC-1", ODD, 1)]))),
        book.code("1", book.prints(text), book.shows(text_plain=text)),
    )
    page = html.unescape(shared(book.notebook(*cells)))

    assert page.count(ALIAS("user", ODD)) >= 3
    assert "Neil" not in page
    assert "jörg" not in page
    assert "j\\u00f6rg" not in page


@pytest.mark.parametrize("name", ["table", "user", "class", "td", "span", "data", "none"])
def test_a_name_that_is_a_word_of_html_breaks_no_page(shared, book, name):
    """Only what is read is replaced, never a tag or the page's own style and script."""
    page = shared(
        book.notebook(book.code("1", book.shows(text_html=book.table([("p", "d", name, 1)]))))
    )
    policy = re.search(r"style-src '([^']*)'", page)[1]

    assert '<table class="w-table w-sortable">' in page
    assert f'<td data-kind="user">{ALIAS("user", name)}</td>' in page
    assert policy.startswith("sha256-")
    assert "default-src 'none'" in page


def test_pictures_made_of_dots_are_left_out(shared, book):
    """Nobody can read the names in them, so nobody may see them."""
    inside = '<img src="data:image/png;base64,AAAA" alt="x">'
    page = shared(
        book.notebook(
            book.code("1", book.shows(image_png="iVBORw0KGgo=")),
            book.code("1", book.shows(text_html=inside)),
        )
    )

    assert "data:image/png" not in page
    assert page.count("A picture is left out") == 2


@pytest.mark.parametrize("where", ["stdout", "metadata", "drawing", "escaped"])
def test_a_live_secret_stops_the_page(shared, book, where):
    """Wherever it stands in the notebook; the error does not repeat it."""
    secret = "live & kicking <token>"
    redact.register(secret)
    outputs = {
        "stdout": book.prints(secret),
        "metadata": book.prints("x"),
        "drawing": book.shows(text_html=book.chart(html.escape(secret))),
        "escaped": book.shows(text_html=html.escape(secret)),
    }
    whole = book.notebook(book.code("1", outputs[where]))
    whole.metadata["note"] = secret if where == "metadata" else ""

    with pytest.raises(SettingsError, match=r"hold.* a secret") as caught:
        shared(whole)
    assert "kicking" not in str(caught.value)


def test_the_command_writes_a_shared_page(wsops, saved, book):
    """NAME.shared.html, private; two runs give the same aliases."""
    path = saved(book.typical(3))
    wsops("report", "share", path)
    first = path.with_suffix(".shared.html")
    document = json.loads(wsops("report", "share", path, "--out", "b.html", "--json").stdout)

    assert first.stat().st_mode & 0o777 == 0o600
    assert "Ana" not in first.read_text()
    assert first.read_bytes() == path.with_name("b.html").read_bytes()
    assert document["reports"][0]["html"] == "b.html"


def test_the_command_refuses_and_writes_nothing(wsops, saved, book, monkeypatch):
    """The profile's token in the notebook: exit 1, and no file."""
    monkeypatch.setenv("WSOPS_TOKEN", "token-of-the-profile")
    path = saved(book.notebook(book.code("1", book.prints("token-of-the-profile"))))
    done = wsops("report", "share", path, code=1)

    assert "holds a secret" in done.stderr
    assert "token-of-the-profile" not in done.output
    assert list(path.parent.glob("*.html")) == []
