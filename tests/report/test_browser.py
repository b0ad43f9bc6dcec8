"""The page in a real browser: quiet, offline, inert, readable on a phone and on paper."""

import pytest

WIDTHS = ({"width": 1280, "height": 900}, {"width": 390, "height": 844})
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def column(page, number):
    return page.locator(f"article table tbody tr:visible td:nth-child({number})").all_inner_texts()


@pytest.mark.parametrize("viewport", WIDTHS, ids=("wide", "phone"))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_asks_for_nothing_and_complains_of_nothing(reader, renderer, book, viewport, scheme):
    """No request, no error, no violation of its own policy, and it fits the screen."""
    one = reader(viewport=viewport, color_scheme=scheme)
    page = one.open(renderer.render(book.typical(60), "a.ipynb"))
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 20, 28)"

    assert (one.requests, one.complaints) == ([], [])
    assert page.evaluate(FITS)
    assert dark == (scheme == "dark")
    assert page.evaluate("document.querySelector('figure img').naturalWidth") > 0


def test_hostile_names_are_inert_and_break_no_layout(reader, renderer, book):
    """In tables, headings, streams and errors: shown as text, on a phone as well."""
    rows = [(name, name, name, 1) for name in book.hostile]
    trouble = [{"desktop": name, "user": name, "reason": name} for name in book.hostile]
    cells = [book.markdown(f"## {name}\n\n{name}") for name in book.hostile]
    cells += [
        book.code(name, book.prints(name), book.fails(name, name, name)) for name in book.hostile
    ]
    cells += [book.code("1", book.shows(text_html=book.table(rows)))]
    cells += [book.code("1", book.says(headline=book.hostile[0], help=trouble, next=book.hostile))]
    one = reader(viewport=WIDTHS[1])
    page = one.open(renderer.render(book.notebook(*cells), f"{book.hostile[1]}.ipynb"))

    assert page.evaluate("window.hit") is None
    assert (one.requests, one.complaints) == ([], [])
    assert page.evaluate(FITS)
    assert "\u202e" not in page.content()


def test_what_an_output_smuggles_in_is_stopped_twice(reader, renderer, book):
    """Even a page whose cleaning failed would run nothing and ask nobody: the policy forbids it."""
    bad = (
        '<script>window.hit=1</script><img src="http://host.example/x.png" onerror="window.hit=1">'
    )
    page = renderer.render(book.typical(3), "a.ipynb").replace("<article>", f"<article>{bad}")
    one = reader()
    opened = one.open(page)

    assert opened.evaluate("window.hit") is None
    assert one.requests == []
    assert any("Content Security Policy" in text for text in one.complaints)


def test_tables_sort_by_click_and_by_key(reader, renderer, book):
    """Numbers as numbers, both ways, said to screen readers; the long one can be filtered."""
    one = reader()
    page = one.open(renderer.render(book.typical(60), "a.ipynb"))
    head = page.locator("article th", has_text="Minutes")
    head.get_by_role("button").click()
    up = [int(text.replace(",", "")) for text in column(page, 4)]
    first = head.get_attribute("aria-sort")
    head.get_by_role("button").press("Enter")
    down = [int(text.replace(",", "")) for text in column(page, 4)]

    assert up == sorted(up)
    assert down == up[::-1]
    assert (first, head.get_attribute("aria-sort")) == ("ascending", "descending")
    page.get_by_label("Filter: Mismatches").fill("USER59")
    assert column(page, 3) == ["user59"]
    assert one.complaints == []


def test_the_page_says_the_same_without_its_script(reader, renderer, book):
    """Every row is there, and the code unfolds."""
    one = reader(java_script_enabled=False)
    page = one.open(renderer.render(book.typical(60), "a.ipynb"))
    fold = page.locator(".r-code").last
    fold.locator("summary").click()

    assert len(column(page, 1)) == 60
    assert fold.locator("pre").is_visible()
    assert page.locator("th button").count() == 0


def test_on_paper_nothing_is_cut_off(reader, renderer, book):
    """Tables are as long as they are; folds, filters and the contents stay away."""
    page = reader().open(renderer.render(book.typical(60), "a.ipynb"))
    page.emulate_media(media="print")
    box = page.evaluate(
        "(b => [b.scrollHeight, b.clientHeight])(document.querySelector('article .w-scroll'))"
    )

    assert box[0] <= box[1] + 2
    assert not page.locator(".r-body nav").is_visible()
    assert not page.locator(".r-filter").first.is_visible()


def test_a_failure_is_the_first_thing_seen_on_a_phone(reader, renderer, book):
    """The verdict and its cell stand on the first screen; its link leads to the cell."""
    error = book.fails("StalePlan", "it changed", "StalePlan: it changed", "to do: plan again")
    page = reader(viewport=WIDTHS[1]).open(
        renderer.render(book.typical(60, error=error), "a.ipynb")
    )
    badge = page.locator(".r-verdict .w-badge")

    assert badge.inner_text() == "refused at cell 6"
    assert badge.bounding_box()["y"] < WIDTHS[1]["height"] / 2
    page.locator(".r-alarm a").click()
    assert page.locator("#c-6").bounding_box()["y"] < WIDTHS[1]["height"]
