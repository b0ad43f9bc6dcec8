"""The screen before the button: what is sent, to whom, where, until when."""

import html

import pytest

from wsops.button import size
from wsops.choice import Choice
from wsops.markup import style
from wsops.planning import plan_for
from wsops.preview import Proposal
from wsops.redact import leaks
from wsops.text import instant

ATTACK = "</td><script>alert(1)</script>\u202e\x1b[31m"


def faces(proposal):
    bundle = proposal._repr_mimebundle_()
    return bundle["text/html"].replace(f"<style>{style()}</style>", ""), bundle["text/plain"]


def plan_of(ws, choice=None):
    return plan_for(ws, choice or Choice(), ())[0]


def test_it_says_what_cannot_be_taken_back(calm, open_ws):
    """Place, number, what becomes of desktops in use, digest, expiry and operator."""
    sim = calm()
    plan = plan_of(open_ws(sim), Choice(change="CHG-1"))
    page, plain = faces(Proposal(plan))

    for words in (
        "SIMULATOR",
        f"up to {size(plan)}: system disks are WIPED, and nothing can cancel it",
        "nobody is logged in",
        f"change CHG-1, planned by tester, good until {instant(plan.expires_at)}",
        f"plan {plan.plan_id}, digest {plan.digest}",
        *(item.pool_name for item in plan.items),
    ):
        assert words in page
    assert plain == f"repair of up to {size(plan)}, digest {plan.digest}"


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (Choice(), "left alone"),
        (Choice(include_in_use=True, delay_time=15, message="please save"), "WIPED, too"),
    ],
)
def test_it_says_what_becomes_of_sessions(calm, open_ws, choice, words):
    """Left alone where the service is asked to; wiped where one asked for that."""
    sim = calm(mismatch=0.9)
    ids = [
        d.id
        for pool in sim.cloud.pools.values()
        for d in pool.desktops
        if d.image_id != pool.image_id
    ]
    sim.cloud.set_login(ids[0], "CONNECTED", "ana")
    sim.cloud.set_status(ids[1], "HIBERNATED")
    page, _ = faces(Proposal(plan_of(open_ws(sim), choice)))

    assert f"1 session: {words}" in page
    assert "1 asleep (hibernated, or of unknown state) may be taken for idle" in page


def test_the_exact_requests_are_shown(ws):
    """Path and body of each, byte for byte."""
    plan = plan_of(ws)
    page, _ = faces(Proposal(plan))

    for item in plan.items:
        assert item.path in page
        assert item.body in html.unescape(page)


def test_what_is_left_out_is_named(fleet, open_ws):
    """Pools that are skipped, with the reason."""
    sim = fleet(region="old", mismatch=0.6)
    plan = plan_of(open_ws(sim))
    page, _ = faces(Proposal(plan))

    assert plan.skipped
    for one in plan.skipped:
        assert one.pool_name in page


def test_why_there_is_no_plan_is_said(ws):
    """A sentence, and no table."""
    page, plain = faces(Proposal(None, "nothing to repair", fine=True))

    assert "nothing to repair" in page
    assert "<table" not in page
    assert plain == "nothing to repair"


def test_hostile_names_and_reasons_stay_text(calm, open_ws):
    """Whatever the service says of pools, desktops and users; no secret is in it."""
    sim = calm(mismatch=0.9)
    for number, pool in enumerate(sim.cloud.pools.values()):
        pool.row["name"] = f"{number}{ATTACK}{'x' * 300}"
    for desktop in sim.cloud.desktops.values():
        desktop.name, desktop.user, desktop.image_name, desktop.core = ATTACK, ATTACK, ATTACK, None
    found = [Proposal(plan_of(open_ws(sim))), Proposal(None, ATTACK)]

    for proposal in found:
        page, plain = faces(proposal)
        assert "<script" not in page
        assert not set("\u202e\x1b") & set(page + plain)
        assert "\\u202e" in page
        assert not leaks(page + plain)
