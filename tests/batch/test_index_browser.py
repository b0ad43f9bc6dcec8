"""The index in a real browser: quiet, offline, inert, narrowed by click and by key, on a phone."""

import pytest

from tests.batch.told import HOSTILE, batch_of, fleet_of, tried, trouble
from tests.report.conftest import browser, reader  # noqa: F401  (fixtures)
from wsops.batch.index import page

WIDTHS = ({"width": 1280, "height": 900}, {"width": 390, "height": 844})
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
SLOW = """([selector, act]) => {
  const found = document.querySelector(selector);
  const began = performance.now();
  if (act === "click") found.click();
  else { found.value = act; found.dispatchEvent(new Event("input")); }
  document.body.offsetHeight;
  return performance.now() - began;
}"""


def mixed(*, running=False):
    """Give a batch with everything in it: failed, unknown, twice tried, not begun."""
    error = {"cell": 8, "error": "NotAllowed", "reason": "policy does not allow it " * 20}
    told = [tried(n) for n in range(1, 21)]
    told[3] = tried(4, "failed", **error)
    told[8] = tried(9, "unknown", unknown=(trouble("PC-9", "unknown"),), next=("wsops resume r",))
    told[9] = tried(10, "partial", help=(trouble(),))
    told[19] = tried(20, "waiting" if running else "not_started")
    return batch_of(
        tried(2, "failed", **error),
        *told[:1],
        tried(2, attempt=2, worker="worker 4"),
        *told[2:],
    )


def shown(opened, column=1):
    cells = opened.locator(f".i-runs tbody tr:visible > td:nth-child({column})")
    return [text.strip() for text in cells.all_inner_texts()]


@pytest.mark.parametrize("viewport", WIDTHS, ids=("wide", "phone"))
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("running", [False, True], ids=("ended", "running"))
def test_a_page_asks_for_nothing_and_complains_of_nothing(reader, viewport, scheme, running):
    """No request, no error, no violation of its own policy, and it fits the screen."""
    one = reader(viewport=viewport, color_scheme=scheme)
    opened = one.open(page(mixed(running=running), None))
    dark = opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 20, 28)"

    assert (one.requests, one.complaints) == ([], [])
    assert opened.evaluate(FITS)
    assert dark == (scheme == "dark")
    assert len(shown(opened)) == 20


@pytest.mark.parametrize("viewport", WIDTHS, ids=("wide", "phone"))
def test_hostile_names_execute_nothing_and_break_no_layout(reader, viewport):
    """In labels, reasons, commands, workers, parameters and the spec: text, on a phone as well."""
    told = [
        tried(n, "failed", label=name, reason=name, worker=name, next=(name,), counts={name: 1})
        for n, name in enumerate(HOSTILE, 1)
    ]
    spec = {"name": HOSTILE[0] + HOSTILE[7], "command": HOSTILE[2]}
    one = reader(viewport=viewport)
    opened = one.open(page(batch_of(*told, stop=HOSTILE[1], spec=spec), None))
    for fold in opened.locator("details > summary").all():
        fold.click()

    assert opened.evaluate("window.hit") is None
    assert (one.requests, one.complaints) == ([], [])
    assert opened.evaluate(FITS)


def test_runs_are_narrowed_by_verdict_with_click_and_key(reader):
    """Several verdicts together; said to screen readers; taken back by the same button."""
    opened = reader().open(page(mixed(), None))
    group = opened.get_by_role("group", name="Show runs by verdict")
    failed = group.get_by_role("button", name="failed")
    unknown = group.get_by_role("button", name="unknown")
    failed.click()
    alone = shown(opened)
    unknown.press("Space")
    both = shown(opened)
    pressed = failed.get_attribute("aria-pressed"), unknown.get_attribute("aria-pressed")
    says = opened.get_by_role("status").first.inner_text()
    failed.press("Enter")
    unknown.press("Enter")

    assert (alone, both) == (["4"], ["4", "9"])
    assert pressed == ("true", "true")
    assert says == "2 of 20 rows shown"
    assert len(shown(opened)) == 20
    assert failed.get_attribute("aria-pressed") == "false"


def test_runs_are_narrowed_by_text_together_with_the_verdict(reader):
    """What is typed is looked for in all of a row, folded reasons and older attempts included."""
    opened = reader().open(page(mixed(), None))
    box = opened.get_by_label("Filter: Runs")
    box.press_sequentially("NOTALLOWED")
    found = shown(opened)
    opened.get_by_role("button", name="✓ done").click()

    assert found == ["2", "4"]
    assert shown(opened) == ["2"]
    box.fill("nowhere")
    assert shown(opened) == []


def test_runs_sort_by_click_and_by_key(reader):
    """Numbers and times as numbers, names with numbers as people count, both ways."""
    batch = mixed()
    opened = reader().open(page(batch, None))
    head = opened.locator(".i-runs th", has_text="Run")
    head.get_by_role("button").press("Enter")
    names = shown(opened, 2)
    first = head.get_attribute("aria-sort")
    head.get_by_role("button").click()

    assert names == [f"eng-{n}" for n in range(1, 21)]
    assert (first, head.get_attribute("aria-sort")) == ("ascending", "descending")
    assert shown(opened, 2) == names[::-1]
    opened.locator(".i-runs th", has_text="Attempt").get_by_role("button").click()
    opened.locator(".i-runs th", has_text="Attempt").get_by_role("button").click()
    assert shown(opened)[0] == "2"


def test_a_count_leads_to_its_runs_and_a_name_to_its_row(reader):
    """From the top, and from what is to be looked at, even to a row that is not shown just now."""
    opened = reader().open(page(fleet_of(600, bad={7, 520}), None))
    opened.locator(".r-counts a", has_text="failed").click()
    failed = shown(opened)
    opened.get_by_role("button", name="✓ done").click()
    opened.get_by_role("button", name="✗ failed").click()
    opened.locator(".i-causes a", has_text="eng-520").click()
    row = opened.locator("#run-520")

    assert failed == ["7", "520"]
    assert row.is_visible()
    assert 0 < row.bounding_box()["y"] < 900


def test_many_rows_are_opened_bit_by_bit_and_are_all_on_paper(reader):
    """250 at first; a button for more, one for all; printing leaves none out."""
    opened = reader().open(page(fleet_of(600), None))
    first = len(shown(opened))
    opened.get_by_role("button", name="Show 250 more").first.click()
    more = len(shown(opened))
    opened.emulate_media(media="print")

    assert (first, more) == (250, 500)
    assert len(shown(opened)) == 600
    assert not opened.locator(".r-choices, .r-filter, .r-more").first.is_visible()
    opened.emulate_media(media="screen")
    opened.get_by_role("button", name="Show all").first.click()
    assert len(shown(opened)) == 600


def test_ten_thousand_rows_do_not_freeze_the_page(reader):
    """To filter and to sort takes less than a person's patience, on a slow machine too."""
    opened = reader().open(page(fleet_of(10_000, bad=set(range(1, 10_000, 97))), None))
    typed = [
        opened.evaluate(SLOW, [".r-tools input", text]) for text in ("e", "eng-77", "refused", "")
    ]
    chosen = opened.evaluate(SLOW, [".r-choices button[value=failed]", "click"])
    sorted_in = opened.evaluate(SLOW, [".i-runs th:nth-child(2) button", "click"])

    assert max(*typed, chosen) < 1500
    assert sorted_in < 4000
    assert len(shown(opened)) == 104


def test_a_failure_is_seen_at_once_on_a_phone(reader):
    """The verdict and how many are done stand on the first screen; a row is a card."""
    opened = reader(viewport=WIDTHS[1]).open(page(mixed(), None))
    badge = opened.locator(".r-verdict .w-badge")
    row = opened.locator("#run-4")

    assert badge.inner_text() == "unknown"
    assert opened.locator(".i-done").bounding_box()["y"] < WIDTHS[1]["height"] / 2
    assert "cell 8, NotAllowed" in row.inner_text()
    assert row.bounding_box()["width"] <= WIDTHS[1]["width"]
    opened.get_by_role("button", name="✗ failed").click()
    assert shown(opened) == ["4"]


def test_the_timeline_can_be_read_without_colour_and_without_eyes(reader):
    """Each look has its own pattern, each lane its words; a table says it too."""
    opened = reader().open(page(mixed(running=True), None))
    fills = opened.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.i-legend rect')]"
        ".map((one) => [one.getAttribute('class'), getComputedStyle(one).fill]))"
    )
    opened.get_by_text("The timeline as a table").click()
    table = opened.get_by_role("table", name="What each worker ran")

    assert len(set(fills.values())) == len(fills) == 4
    assert {name for name, fill in fills.items() if "url" in fill} == {"i-bad", "i-open", "i-warn"}
    assert opened.get_by_role("group", name="Timeline of 20 attempts").is_visible()
    assert opened.get_by_role("img", name="worker 1: 4 runs").is_visible()
    assert table.locator("tbody tr").count() == 4


def test_the_page_says_the_same_without_its_script(reader):
    """Every row is there, folds unfold, and no button stands there that does nothing."""
    opened = reader(java_script_enabled=False).open(page(mixed(), None))
    fold = opened.locator("#run-2 .i-older")
    fold.locator("summary").first.click()

    assert len(shown(opened)) == 20
    assert "attempt 1 of 2" in fold.inner_text()
    assert not opened.get_by_role("button").first.is_visible()


def test_on_paper_nothing_is_cut_off_and_what_was_folded_stands_there(reader):
    """The table is as long as it is; a reason is printed whole."""
    opened = reader().open(page(mixed(), None))
    opened.emulate_media(media="print")
    box = opened.evaluate(
        "(b => [b.scrollHeight, b.clientHeight])(document.querySelector('.i-runs'))"
    )

    assert box[0] <= box[1] + 2
    assert opened.locator("#run-4 details p").is_visible()
    assert not opened.locator(".r-copied button").first.is_visible()


def test_a_command_is_copied_by_its_button(reader):
    """As it stands, without the sign of a shell."""
    one = reader(permissions=["clipboard-read", "clipboard-write"])
    opened = one.open(page(mixed(), None))
    opened.locator(".r-next button").first.click()

    opened.get_by_role("button", name="Copied").wait_for()
    assert opened.evaluate("navigator.clipboard.readText()") == "wsops resume r"
    assert one.complaints == []
