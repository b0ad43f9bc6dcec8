"""The page: what stands at its top, what of the outputs it shows, and what it never holds."""

import copy
import re
from datetime import datetime, timedelta, timezone

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsops import redact
from wsops.errors import SettingsError
from wsops.report import ending_of, read_notebook
from wsops.report.render import took, when
from wsops.summary import MIME
from wsops.text import is_plain

SECRET = 's3cr&t<value>/+of "the" profile'


def order(page, *texts):
    """Give the places of texts in the part of a page that is read."""
    body = page[page.index("<body") :]
    return [body.index(text) for text in texts]


def test_the_verdict_comes_first_and_what_made_the_page_last(renderer, book):
    """A reader gets the verdict, the place, the people, the commands, the content."""
    page = renderer.render(book.typical(), "repair.ipynb")
    places = order(
        page,
        ">partial</b>",
        "142 of 144",
        "138",
        "PRODUCTION",
        "CHG-4711",
        "2026-11-23 22:04:10 (UTC+08:00)",
        "Who needs help",
        "What is unknown",
        "wsops resume run-2026",
        "The list of pool sales-2",
        "Contents",
        "What differs",
        "<h2>Parameters</h2>",
        "repair.ipynb",
    )

    assert places == sorted(places)


def test_the_same_notebook_gives_the_same_bytes(renderer, book):
    """A report can be made again, and compared."""
    whole = book.typical()
    before = nbformat.writes(whole)

    assert renderer.render(whole, "a.ipynb") == renderer.render(book.typical(), "a.ipynb")
    assert nbformat.writes(whole) == before


def test_a_failed_cell_stands_on_top_with_its_remedy(renderer, book):
    """The error's name, message and remedy come before all that was done until then."""
    error = book.fails(
        "StalePlan",
        "pool sales-2 has changed\nto do: make a new plan",
        "\x1b[31mStalePlan\x1b[0m: pool sales-2 has changed",
        "to do: make a new plan",
    )
    page = renderer.render(book.typical(8, error=error), "a.ipynb")
    places = order(page, ">refused at cell 6</b>", "StalePlan", "make a new plan", "Who needs help")

    assert places == sorted(places)
    assert "said before: partial" in page
    assert '<a href="#c-6">cell 6</a>' in page
    assert 'id="c-6"' in page


@pytest.mark.parametrize(
    ("cells", "verdict", "at"),
    [
        ([], "no verdict", 0),
        (["text"], "no verdict", 0),
        (["ran", "ran"], "no verdict", 0),
        (["not", "not"], "not executed", 0),
        (["error", "not"], "failed", 1),
        (["ran", "interrupt", "not"], "interrupted", 2),
        (["done", "error"], "failed", 2),
        (["done", "not", "not"], "unfinished", 1),
        (["done", "skipped"], "done", 0),
        (["text", "done", "blank"], "done", 0),
        (["done", "not", "ran"], "out of order", 0),
    ],
)
def test_how_a_notebook_ended_is_read_from_its_cells(book, cells, verdict, at):
    """Errors first, then what did not run, then its own words; papermill is not asked."""
    kinds = {
        "text": book.markdown("only text"),
        "blank": book.code("  \n", ran=False),
        "ran": book.code("1"),
        "not": book.code("1", ran=False),
        "skipped": book.code("1", ran=False, tags=["skip-execution"]),
        "done": book.code("1", book.says(kind="repair", verdict="done")),
        "error": book.code("1", book.fails("KeyError", "'x'", "KeyError: 'x'")),
        "interrupt": book.code("1", book.fails("KeyboardInterrupt", "", "KeyboardInterrupt")),
    }
    whole = book.notebook(*(copy.deepcopy(kinds[cell]) for cell in cells))
    whole.metadata["papermill"] = {"exception": None, "status": "completed"}
    ending = ending_of(whole)

    assert (ending.verdict, ending.at) == (verdict, at)


def test_a_notebook_without_cells_gives_a_page_that_says_so(page_of):
    """Nothing to show is not an error."""
    assert "nothing to show" in page_of()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("{", "not JSON"),
        ("[1]", "no nbformat"),
        ("[" * 100_000, "not JSON"),
        ('{"nbformat": 3, "worksheets": []}', "format 3"),
        ('{"nbformat": 4, "nbformat_minor": 5}', "no list of cells"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}', "not a whole"),
    ],
)
def test_what_is_no_notebook_is_refused_with_a_remedy(saved, content, says):
    """The error names the file and what is wrong with it."""
    with pytest.raises(SettingsError, match=says) as caught:
        read_notebook(saved(content))

    assert "out.ipynb" in str(caught.value)
    assert caught.value.remedy


def test_a_huge_file_and_a_missing_one_are_refused_unread(tmp_path):
    """Nobody waits for a page of 64 MiB."""
    huge = tmp_path / "huge.ipynb"
    with huge.open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)

    with pytest.raises(SettingsError, match="64 MiB"):
        read_notebook(huge)
    with pytest.raises(SettingsError, match="No such file"):
        read_notebook(tmp_path / "none.ipynb")


def test_cells_without_ids_and_lines_in_lists_are_read(saved):
    """Other tools write notebooks as well, and not always by the letter."""
    text = """{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["# A\\n", "b"]}]}"""

    assert read_notebook(saved(text)).cells[0].source == "# A\nb"


def test_nothing_of_an_output_can_run_fetch_or_pass_for_the_page(page_of, book):
    """Scripts, styles, handlers, frames, foreign pictures and the page's own classes are gone."""
    bad = (
        '<script>hit()</script><style>p{display:none}</style><p style="color:red" onclick="hit()"'
        ' class="r-verdict w-ok">kept</p><iframe src="//x"></iframe><img src="http://x/a.png">'
        '<img src="data:text/html;base64,AAAA"><a href="javascript:hit()">j</a><svg><script>hit()'
        '</script></svg><form action="http://x"><input></form><a href="/etc">r</a>'
        '<a href="https://ok.example/">l</a><object data="x"></object><base href="http://x">'
    )
    page = page_of(book.code("1", book.shows(text_html=bad)), book.markdown(bad))
    body = page[page.index("<article>") : page.index("</article>")]

    assert body.count('<p class="w-ok">kept</p>') == 2
    assert 'href="https://ok.example/" rel="noopener noreferrer"' in body
    for sign in (
        "hit()",
        "<style",
        "style=",
        "src=",
        "javascript:",
        "<form",
        "/etc",
        "<svg",
        "x/a",
    ):
        assert sign not in body, sign


def test_names_are_text_wherever_they_stand(page_of, book):
    """Hostile names come out escaped, and direction characters visible, in every kind of place."""
    script, image, reversed_name, _ = book.hostile
    trouble = {"desktop": script, "user": reversed_name, "reason": image}
    page = page_of(
        book.markdown(f"# {reversed_name}"),
        book.code("1", book.says(headline=script, notes=[image], help=[trouble])),
        book.code("1", book.shows(text_html="<b>&#8238;x</b>"), book.prints(script)),
        book.code("1", book.shows(text_plain=image), book.fails(script, image, script)),
    )

    assert "window.hit" in page
    assert "<script>window" not in page
    assert not re.search(r"<[^>]*\sonerror", re.sub(r'"[^"]*"', '""', page))
    assert "\u202e" not in page
    assert "\\u202e" in page


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"text/html": "<b>rich</b>", "text/plain": "plain"}, "<b>rich</b>"),
        ({"text/html": "<script>1</script>", "text/plain": "plain"}, "plain"),
        (
            {"image/png": "iVBORw0K\nGgo=", "text/plain": "Figure"},
            "data:image/png;base64,iVBORw0KGgo=",
        ),
        ({"image/svg+xml": "<svg/>", "text/plain": "F"}, "data:image/svg+xml;base64,PHN2Zy8+"),
        ({"text/markdown": "*soft*", "text/plain": "S"}, "<em>soft</em>"),
        ({"application/x-odd": "odd", "text/plain": "plain"}, "plain"),
        (
            {"application/vnd.jupyter.widget-view+json": {}, "text/html": "<i>face</i>"},
            "<i>face</i>",
        ),
        ({"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Password('x')"}, "A form"),
    ],
)
def test_each_output_shows_its_best_harmless_face(page_of, book, data, shown):
    """The richest one that a page can hold."""
    output = nbformat.v4.new_output("display_data", data=data)
    page = page_of(book.code("1", output))

    assert shown in page
    assert "Password" not in page


@pytest.mark.parametrize("mime", ["application/javascript", "application/json", MIME])
def test_what_is_live_or_told_at_the_top_is_not_shown_again(page_of, book, mime):
    """Scripts and JSON have no face; a summary is the top of the page."""
    data = {mime: {} if mime.endswith("json") else "SEEN", "text/plain": "SEEN"}
    output = nbformat.v4.new_output("display_data", data=data)

    assert "SEEN" not in page_of(book.code("1", output))


def test_a_terminal_is_shown_as_it_looked_at_the_end(page_of, book):
    """Colours are classes, overwritten lines are gone, other controls visible, long text cut."""
    page = page_of(
        book.code("1", book.prints("\x1b[31mred\x1b[0m\n10 %\r99 %\rdone\n"), book.prints("next")),
        book.code("1", book.prints("\x1b[38;5;200mpink \x1b]0;title\x07", "stderr")),
        book.code("1", book.prints("x" * 100_400)),
    )

    assert '<span class="ansi-red-fg">red</span>\ndone\nnext</pre>' in page
    assert "\\u001b]0;title\\u0007" in page
    assert "style=" not in page[page.index("<body") :]
    assert "… 400 more characters" in page


def test_parameters_are_a_table_with_what_was_given(renderer, book):
    """Type, help and default from the cell, the value from the run, no secret ever."""
    cells = (
        book.code('pools: str = "*"  # which ones\ntoken: str = "abc"', tags=["parameters"]),
        book.code('pools = "a#b"\nextra = 3', tags=["injected-parameters"]),
        book.code("not python :", tags=["parameters"]),
    )
    page = renderer.render(book.notebook(*cells), "a.ipynb")
    table = page[page.index("<h2>Parameters</h2>") :]

    assert '<code>a#b</code> <span class="r-given">given' in table
    assert "which ones" in table
    assert "<code>extra</code></td><td><code>3" in table
    assert "abc" not in page


def test_a_registered_secret_is_on_no_page(renderer, book):
    """In a source, a stream, HTML, an error, a name or a summary: masked, in every form."""
    escaped = SECRET.replace("&", "&amp;").replace("<", "&lt;")
    redact.register(SECRET)
    page = renderer.render(
        book.notebook(
            book.markdown(f"# {SECRET}\n\n`{SECRET}`"),
            book.code(f"x = {SECRET!r}", book.prints(SECRET), book.shows(text_html=escaped)),
            book.code("1", book.fails("E", SECRET, SECRET), book.says(headline=SECRET)),
        ),
        f"{SECRET}.ipynb",
    )

    assert not redact.leaks(page)
    assert "s3cr" not in page
    assert "held a secret" in page


def test_the_contents_lead_to_the_headings(page_of, book):
    """Down to the third level; the first heading is the title of the page."""
    text = "# Title\n\n## One `code` & more\n\n### Two\n\n#### Three\n\n## Four"
    page = page_of(book.markdown(text))
    listed = re.findall(r'<li class="r-level-(\d)"><a href="#(s-\d)">(.*?)</a>', page)

    assert listed == [
        ("2", "s-1", "One code &amp; more"),
        ("3", "s-2", "Two"),
        ("2", "s-4", "Four"),
    ]
    assert all(f'id="{anchor}"' in page for _, anchor, _ in listed)
    assert page.count("<h1") == 1


def test_times_are_those_of_the_clock_where_it_ran():
    """With that clock's offset; the time between is said as people say it."""
    start = datetime(2026, 3, 1, 8, 0, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))

    assert when(start) == "2026-03-01 08:00:00 (UTC-03:30)"
    assert when(start.replace(tzinfo=None)).endswith("(offset unknown)")
    assert took(start, start + timedelta(seconds=61)) == "1 min 01 s"
    assert took(start, None) == took(start, start.replace(tzinfo=None)) == ""


def test_the_command_writes_a_private_page_beside_the_notebook(wsops, saved, book):
    """It says where, and the verdict."""
    path = saved(book.typical(3))
    done = wsops("report", path)
    target = path.with_suffix(".html")

    assert f"partial: wrote {target}" in done.stdout
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.read_text().startswith("<!DOCTYPE html>")


def test_the_command_takes_several_and_never_one_file_for_two(wsops, saved, tmp_path, book):
    """Into a folder with --out; two of one name are refused before anything is written."""
    whole = book.typical(3)
    (tmp_path / "b").mkdir()
    (tmp_path / "to").mkdir()
    first, second, twin = (saved(whole, name) for name in ("a.ipynb", "c.ipynb", "b/a.ipynb"))
    refusal = wsops("report", "--out", tmp_path / "to", first, twin, code=1)
    assert "two notebooks" in refusal.stderr
    assert list((tmp_path / "to").iterdir()) == []
    wsops("report", first, second, "--out", tmp_path / "to", "--json")

    assert sorted(p.name for p in (tmp_path / "to").iterdir()) == ["a.html", "c.html"]


def test_a_secret_of_the_profile_is_masked_by_the_command(wsops, saved, book, monkeypatch):
    """The settings are loaded, so that what they hold cannot be printed."""
    monkeypatch.setenv("WSOPS_TOKEN", "token-of-the-profile")
    monkeypatch.setenv("HUAWEICLOUD_SDK_AK", "access-key-1")
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", "secret-key-1")
    text = "token-of-the-profile secret-key-1"
    path = saved(book.notebook(book.code("1", book.prints(text))))
    wsops("report", path)

    assert "<pre" in path.with_suffix(".html").read_text()
    assert not redact.leaks(path.with_suffix(".html").read_text())


ODD = (
    *("\x1b[38m red", "\x1b[48;5mq", "![gone](attachment:x.png)", "half \ud800", "\x00\x1b"),
    *("[" * 2000, "> " * 2000 + "x", "<" * 2000, "$$" * 50, "<div>" * 500, "]]>-->"),
)


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_odd_text_breaks_no_page(page_of, book, odd):
    """Unfinished colours, missing attachments, halves of characters, a thousand brackets."""
    outputs = book.prints(odd), book.shows(text_html=odd, text_plain=odd), book.fails(odd, odd, odd)
    page = page_of(book.markdown(odd), book.code(odd, *outputs), book.code("1", book.prints("END")))

    assert ">END</pre>" in page
    assert page.encode().rstrip().endswith(b"</html>")
    assert page.count("<article>") == page.count("</article>") == 1


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_renders_and_is_inert(renderer, first, second):
    """Whatever a server, a person or a program wrote, in any place of a notebook."""
    cell = nbformat.v4.new_code_cell(first, id="a", execution_count=1)
    cell.outputs = [
        nbformat.v4.new_output("stream", text=second),
        nbformat.v4.new_output("display_data", data={"text/html": f"<p title='{first}'>{second}"}),
    ]
    text = nbformat.v4.new_markdown_cell(second, id="b")
    page = renderer.render(nbformat.v4.new_notebook(cells=[text, cell]), first or "x")

    assert page.count("<script>") == page.count("<style>") == 1
    assert all(is_plain(c) or c in "\n\t" for c in set(page))


def test_the_banner_of_papermill_is_not_shown_again(page_of, book):
    """The failure stands at the top in our words."""
    banner = book.markdown('<span style="color:red">An Exception was encountered</span>')
    banner.metadata["tags"] = ["papermill-error-cell-tag"]

    assert "An Exception" not in page_of(banner, book.code("1"))
