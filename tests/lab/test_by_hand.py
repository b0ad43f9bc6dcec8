"""The notebooks as a person works with them: JupyterLab in a browser, on a simulated fleet."""

import pytest

APPLY = ("apply: bool = False", "apply: bool = True")
ACT = "carry_out(\n"
HOSTILE = """
import wsops.tour
from wsops import charts, forms, tables
from wsops.action import carry_out

wsops.tour.SPEED = 600
tour = wsops.tour.Tour(pools=2, desktops=3, seed=7)
cloud = tour._simulation.cloud
attack = "<img src=x onerror=window.hacked=1>"
names = [
    "</option></style></textarea><script>window.hacked=1</script>" + attack,
    "=HYPERLINK(1) $x^2$ \\u202eevil\\u2066 \\U0001f4a5 " + "x" * 300,
]
for number, pool in enumerate(cloud.pools.values()):
    pool.row["name"] = pool.row["image_name"] = names[number]
for number, image in enumerate(cloud.images.values()):
    image.row["name"] = f"{number} {attack}"
for number, desktop in enumerate(cloud.desktops.values()):
    desktop.name, desktop.user, desktop.core = f"{number} {attack}", attack, None
    desktop.image_id = "withdrawn" if number % 2 else desktop.image_id
    desktop.image_name, desktop.login_status = attack, "REGISTERED"
bench = tour.bench
seen = bench.audit()
"""


@pytest.fixture(autouse=True)
def no_error_in_the_console(seen):
    """Whatever a story does, the browser has nothing to complain about."""
    yield
    assert seen.errors == []


def choose(opened, search):
    """Take just the pools that a search shows, by the keyboard alone; gives what is said of it."""
    picker, keyboard = opened.cell("forms.PoolPicker("), opened.page.keyboard
    picker.get_by_role("button", name="Take none of these").press("Space")
    picker.get_by_text("choose at least one pool").wait_for()
    picker.get_by_label("Search").fill(search)
    picker.get_by_label("Search").focus()
    keyboard.press("Tab")  # to the list
    keyboard.press("Tab")  # to the button
    keyboard.press("Enter")
    said = picker.get_by_role("status").filter(has_not_text="✗")
    said.wait_for()
    return said.inner_text()


def wanted(opened):
    """Give the words that the confirmation asks for."""
    return opened.cell(ACT).locator("code").inner_text()


def approve(opened, words):
    """Type into the confirmation and press its button, by the keyboard alone; gives the cell."""
    asks = opened.cell(ACT)
    asks.get_by_label("Type to confirm").fill(words)
    asks.get_by_label("Type to confirm").press("Tab")
    opened.page.keyboard.press("Enter")
    return asks


def ended(cell):
    """Wait until the board of a cell has its verdict, and give that."""
    verdict = cell.locator(".w-board .w-badge")
    verdict.wait_for()
    return verdict.inner_text()


def test_the_tour_ends_with_the_one_who_needs_help(notebook):
    """Running all plans only; then a choice, mistyped and typed words, a board, a verdict."""
    tour = notebook("00_tour")
    tour.run_all()
    planned = tour.output("action.summary()")
    tour.put(*APPLY)
    tour.run_to("forms.PoolPicker(")
    chosen = choose(tour, "eng-cad")
    tour.run_cell("forms.RebuildOptions(")
    plan = tour.run_cell("tour.let_one_fail(")
    tour.run_cell(ACT)
    approve(tour, "default 99").get_by_text("nothing was sent").wait_for()
    before = tour.run_cell("action.summary()")
    tour.screenshot("tour-mistyped")
    verdict = ended(approve(tour, wanted(tour)))
    record = tour.run_cell("action.summary()")
    tour.screenshot("tour-ended")
    doomed = plan.partition(" will fail")[0].splitlines()[-1].partition(" of ")[0]

    assert planned.startswith("planned")
    assert "apply is False" in planned
    assert chosen.startswith("1 of ")
    assert before.startswith("planned")
    assert verdict == "partial"
    assert doomed.startswith("eng-cad")
    assert f"Who needs help\ndesktop\tuser\tpool\tstate\twhy\n{doomed}" in record


def test_a_repair_is_sent_once_and_goes_on_behind_a_closed_tab(notebook, service):
    """However often one clicks, goes away or runs cells again, one request leaves for the pool."""
    service.hold_jobs()
    opened = notebook("20_repair_mismatches")
    opened.put(*APPLY)
    opened.run_to("forms.PoolPicker(")
    chosen = choose(opened, "gov-kylin-02")
    again = opened.run_cell("forms.PoolPicker(")
    for words in ("forms.RebuildOptions(", "bench.propose(", ACT):
        opened.run_cell(words)
    cell = approve(opened, wanted(opened) + "0")
    cell.get_by_text("nothing was sent").wait_for()
    before = service.rebuilds()
    cell.get_by_label("Type to confirm").fill(wanted(opened))
    cell.get_by_text("this is it").wait_for()
    cell.get_by_role("button", name="Apply to 10 desktops").dblclick()
    cell.get_by_text("… running").wait_for()
    opened.save()
    at_leaving = cell.locator(".w-board .w-badge").count()
    opened.page.goto("about:blank")
    service.heal()
    opened.open()
    verdict = ended(cell)
    record = opened.run_cell("action.summary()")
    same = opened.run_cell(ACT)
    opened.screenshot("repair-ended")
    opened.run_all()

    assert chosen.endswith("10 desktops to repair, 0 in use")
    assert chosen in again
    assert at_leaving == 0
    assert verdict == "done"
    assert "\n10 done\n" in record
    assert "done" in same
    assert service.rebuilds() - before == service.rebuilds("gov-kylin-02") == 1


def test_pools_are_rebuilt_from_an_image_that_fits(notebook, service):
    """What cannot be says so at once; a service that is away says so in two lines."""
    opened = notebook("30_rebuild_pools")
    opened.put(*APPLY)
    opened.run_to("forms.PoolPicker(")
    choose(opened, "eng-cad-01")
    opened.run_cell("forms.ImagePicker(")
    images = opened.cell("forms.ImagePicker(")
    labels = images.get_by_label("New image").locator("option").all_inner_texts()
    linux = next(label for label in labels if label.startswith("Ubuntu"))
    fitting = next(label for label in labels if label.startswith("Win10-CAD-GPU-v4.2"))
    images.get_by_label("New image").select_option(linux)
    images.get_by_text("the image is for Linux, the pool for Windows").wait_for()
    images.get_by_label("New image").select_option(fitting)
    images.locator(".w-problem").wait_for(state="detached")

    opened.run_cell("forms.RebuildOptions(")
    options = opened.cell("forms.RebuildOptions(")
    options.get_by_label("Delay (minutes)").fill("99")
    options.get_by_text("delay_time 99 is not between 0 and 15").wait_for()
    options.get_by_label("Delay (minutes)").fill("15")
    options.get_by_label("Message to users").fill("x" * 401)
    options.get_by_text("message has 401 characters; the limit is 400").wait_for()
    options.get_by_label("Message to users").fill("")
    options.get_by_label("wiped, too").check()
    options.get_by_text("wants a delay (such as 15) and a message").wait_for()
    opened.screenshot("rebuild-options")
    options.get_by_label("Message to users").fill("New image tonight: please save your work.")
    options.get_by_text("message: 41 of 400").wait_for()

    service.fault("error", args={"status": 503, "retry_after": 0})
    away = opened.run_cell("bench.propose(").splitlines()
    opened.screenshot("service-away")
    service.heal()
    plan = opened.run_cell("bench.propose(")
    opened.run_cell(ACT)
    verdict = ended(approve(opened, wanted(opened)))

    assert linux.endswith("✗\u00a0does\u00a0not\u00a0fit")
    assert "✗" not in fitting
    assert len(away) == 2
    assert away[0].startswith("CloudRefused: HTTP 503")
    assert away[1].startswith("to do: ")
    assert "up to 28 desktops in 1 pool: system disks are WIPED" in plan
    assert verdict == "done"
    assert service.rebuilds("eng-cad-01") == 1


def test_a_restarted_kernel_sends_nothing_again(notebook, service):
    """The card names the run; `40_follow_jobs` takes it up, lets go of it, and ends it."""
    service.hold_jobs()
    opened = notebook("20_repair_mismatches")
    opened.put(*APPLY)
    opened.run_to("forms.PoolPicker(")
    choose(opened, "fin-office-01, gov-kylin-01")
    for words in ("forms.RebuildOptions(", "bench.propose(", ACT):
        opened.run_cell(words)
    approve(opened, wanted(opened)).get_by_text("… running").wait_for()
    opened.restart()
    opened.run_cell(0)
    card = opened.run_cell("open_workbench(")
    opened.screenshot("unfinished-run")
    opened.close()

    following = notebook("40_follow_jobs")
    following.run_to("take_up(")
    board = following.cell("take_up(")
    board.get_by_text("… running").wait_for()
    board.get_by_role("button", name="Detach").click()
    board.get_by_text("what was sent goes on in the cloud: wsops resume run-").wait_for()
    following.screenshot("detached")
    service.heal()
    board.get_by_role("button", name="Detach").wait_for(state="detached")
    following.run_cell("take_up(")
    verdict = ended(board)
    rows = following.run_cell("followed.rows(")

    assert "is running: 1 of 2 pools not ended, 1 not sent; wsops resume run-" in card
    assert verdict == "partial"
    assert "✓ done" in rows
    assert "· not sent" in rows
    assert service.rebuilds("fin-office-01", "gov-kylin-01") == 1


def test_names_are_text_whatever_is_in_them(notebook, page):
    """Markup, formulas and tricks of direction in every name: forms, tables and board are inert."""
    cells = [
        HOSTILE,
        "charts.mismatches_by_pool(seen)",
        "tables.mismatches(seen)",
        "picked = forms.PoolPicker(seen)\npicked",
        "forms.ImagePicker(bench.images(), seen.pools)",
        'options = forms.RebuildOptions("repair", bench.limits)\noptions',
        "proposal = bench.propose(options.value, picked.value)\nproposal",
        "action = carry_out(\n    bench, proposal, apply=True\n)\naction",
        "display(*action.tables())\naction.summary()",
    ]
    opened = notebook(cells=cells)
    opened.run_all()
    plan = opened.output("bench.propose(")
    verdict = ended(approve(opened, wanted(opened)))
    record = opened.run_cell("action.summary()")
    opened.screenshot("hostile-names")
    outputs = page.locator(".jp-OutputArea-output")

    assert verdict == "done"
    assert "</textarea><script>window.hacked=1</script>" in plan
    assert "=HYPERLINK(1) $x^2$ \\u202eevil\\u2066" in plan
    assert "\u202e" not in plan + record
    assert outputs.locator("img[src=x], script, [onerror], mjx-container").count() == 0
    assert page.evaluate("window.hacked") is None
