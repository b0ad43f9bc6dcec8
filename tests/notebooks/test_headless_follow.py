"""40_follow_jobs without a person: what failed, grouped, and just that repaired again."""

import pytest
from markupsafe import Markup

CAUSE = "WKS.00010034"


@pytest.fixture
def failed(cloud, lead, before):
    """Give a function that makes a fleet, repairs it with two desktops failing, and leads to it."""

    def make(settings=None, **options):
        here = cloud(**({"mismatch": 0.9, "pools": 2} | options))
        lead(here, **(settings or {}))
        first = next(iter(here.behind)).pool_id
        victims = [d.id for d in here.behind if d.pool_id == first][:2]
        here.fail(here.sim.cloud.desktops[one] for one in victims)
        before(here, [first])
        here.faults.clear()
        return here, victims

    return make


def test_failures_are_grouped_by_what_they_have_in_common(failed, play):
    """Error code, zone and image, with how many; the verdict is that of the run."""
    here, victims = failed()
    sent = len(here.posts)
    played = play("40")
    [group] = played.rows("What the failures have in common")

    assert played.error is None, played.plain
    assert (group[0], group[-2:]) == (CAUSE, [str(len(victims)), "1"])
    assert played.summary.verdict == "partial"
    assert len(played.summary.help) == len(victims)
    assert len(here.posts) == sent


def test_named_desktops_are_repaired_and_no_other(failed, play):
    """Where the region takes single desktops the request holds just these."""
    here, victims = failed(settings={"FEATURES__DESKTOP_IDS": "true"})
    behind = {desktop.id for desktop in here.behind}
    approval = here.approval | {"max_desktops": 1}
    played = play("40", desktops=victims[1], **approval)

    assert played.error is None, played.plain
    assert played.summary.verdict == "done"
    assert here.posts[-1].body["desktop_ids"] == [victims[1]]
    assert len(here.posts) == 2
    assert {desktop.id for desktop in here.behind} == behind - {victims[1]}


def test_where_the_region_takes_no_single_desktops_the_others_are_named(failed, play):
    """The plan says which would be recomposed, too; the approved number has to hold them."""
    here, victims = failed()
    approval = here.approval | {"max_desktops": 1}
    refused = play("40", desktops=victims[0], **approval)
    done = play("40", desktops=victims[0], **(approval | {"max_desktops": 2}))
    other = here.sim.cloud.desktops[victims[1]].name

    assert refused.complaint.ename == "BlastRadius"
    assert f"the region takes no single desktops: {other}" in Markup(done.html).striptags()
    assert done.summary.verdict == "done"
    assert len(here.posts) == 2
    assert not {desktop.id for desktop in here.behind} & set(victims)


def test_the_service_may_be_asked_to_run_a_job_again(failed, play):
    """The retry of a job touches the desktops that failed in it."""
    here, victims = failed(retry_rebuilds=True)
    job = here.posts[0].job_id
    played = play("40", retry_job=job, **(here.approval | {"max_desktops": len(victims)}))

    assert played.error is None, played.plain
    assert (played.summary.kind, played.summary.verdict) == ("retry", "done")
    assert here.posts[-1].body == {"op_type": "retry"}
    assert job in here.posts[-1].path
    assert not {desktop.id for desktop in here.behind} & set(victims)


def test_a_desktop_that_did_not_fail_is_not_passed_over_in_silence(failed, play):
    """Who asks for it by mistake hears of it; nothing is sent."""
    here, victims = failed()
    sent = len(here.posts)
    well = next(i for i in here.sim.cloud.desktops if i not in victims)
    played = play("40", desktops=well, **here.approval)

    assert played.complaint.ename == "PlanError"
    assert f"not among the failed desktops: {well}" in played.complaint.evalue
    assert len(here.posts) == sent
