"""The notebooks as a person works with them: JupyterLab in a browser, on a simulated fleet."""

import pytest

APPLY = ("apply: bool = False", "apply: bool = True")


@pytest.fixture(autouse=True)
def no_error_in_the_console(seen):
    """Whatever a story does, the browser has nothing to complain about."""
    yield
    assert seen.errors == []


def choose(opened, search):
    """Take just the pools that a search shows, by the keyboard alone."""
    picker, keyboard = opened.cell("forms.PoolPicker("), opened.page.keyboard
    picker.get_by_label("Search").fill("")
    picker.get_by_role("button", name="Take none of these").press("Space")
    picker.get_by_text("choose at least one pool").wait_for()
    picker.get_by_label("Search").fill(search)
    picker.get_by_label("Pools").locator("option").first.wait_for()
    picker.get_by_label("Search").focus()
    keyboard.press("Tab")  # to the list
    keyboard.press("Tab")  # to the button
    keyboard.press("Enter")
    picker.get_by_role("status").filter(has_not_text="choose").wait_for()
    return picker.get_by_role("status").inner_text()


def approve(opened, words):
    """Type into the confirmation, and press its button by the keyboard."""
    asks = opened.cell("carry_out(\n")
    asks.get_by_label("Type to confirm").fill(words)
    asks.get_by_label("Type to confirm").press("Tab")
    opened.page.keyboard.press("Enter")
    return asks


def wanted(opened):
    """Give the words that the confirmation asks for."""
    return opened.cell("carry_out(\n").locator("code").inner_text()


def ended(board, seconds=40):
    """Wait until a board has its verdict; gives the verdict."""
    verdict = board.locator(".w-board .w-badge")
    verdict.wait_for(timeout=seconds * 1000)
    return verdict.inner_text()


def test_the_tour_from_the_first_look_to_the_one_who_needs_help(notebook):
    """Running all plans only; then a choice, mistyped and typed words, a board, a verdict."""
    tour = notebook("00_tour")
    tour.run_all()
    planned = tour.output("action.summary()")
    tour.put(*APPLY)
    tour.run_to("forms.PoolPicker(")
    chosen = choose(tour, "eng-cad")
    tour.run_cell("forms.RebuildOptions(")
    plan = tour.run_cell("tour.let_one_fail(")
    tour.run_cell("carry_out(\n")
    refused = approve(tour, "default 99")
    refused.get_by_text("nothing was sent").wait_for()
    before = tour.run_cell("action.summary()")
    tour.screenshot("tour-mistyped")
    verdict = ended(approve(tour, wanted(tour)))
    record = tour.run_cell("action.summary()")
    tour.screenshot("tour-ended")
    doomed = plan.split(" will fail")[0].split("\n")[-1].split(" of ")[0]

    assert planned.startswith("planned")
    assert "apply is False" in planned
    assert chosen.startswith("1 of ")
    assert before.startswith("planned")
    assert "'default 99' is not the profile's name" in before
    assert verdict == "partial"
    assert doomed.startswith("eng-cad")
    assert f"Who needs help\ndesktop\tuser\tpool\tstate\twhy\n{doomed}" in record
    assert "no capacity in the zone" in record


def test_a_repair_is_sent_once(notebook, service):
    """However often one clicks or runs the cells again, one request leaves for the pool."""
    opened = notebook("20_repair_mismatches")
    opened.put(*APPLY)
    opened.run_to("forms.PoolPicker(")
    chosen = choose(opened, "gov-kylin-02")
    again = opened.run_cell("forms.PoolPicker(")
    opened.run_cell("forms.RebuildOptions(")
    opened.run_cell("bench.propose(")
    opened.run_cell("carry_out(\n")
    refused = approve(opened, wanted(opened) + "0")
    refused.get_by_text("nothing was sent").wait_for()
    before = service.rebuilds("gov-kylin-02")
    refused.get_by_label("Type to confirm").fill(wanted(opened))
    refused.get_by_text("this is it").wait_for()
    refused.get_by_role("button", name="Apply to 10 desktops").dblclick()
    verdict = ended(opened.cell("carry_out(\n"))
    record = opened.run_cell("action.summary()")
    same = opened.run_cell("carry_out(\n")
    opened.screenshot("repair-ended")
    opened.run_all()

    assert chosen.endswith("10 desktops to repair, 0 in use")
    assert chosen in again
    assert before == 0
    assert verdict == "done"
    assert "\n10 done\n" in record
    assert "done" in same
    assert "carry_out" not in same
    assert service.rebuilds("gov-kylin-02") == 1
