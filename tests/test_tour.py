"""The tour: a fleet of one's own inside the process, and a desktop that fails by request."""

from pathlib import Path

import pytest

from wsops.choice import Choice
from wsops.errors import CloudUnreachable
from wsops.redact import leaks
from wsops.tour import Tour


@pytest.fixture
def tour():
    """Give a tour of four pools; closed at the end."""
    made = Tour(pools=4, desktops=6, seed=7)
    yield made
    made.close()


def test_a_tour_is_a_workbench_on_a_fleet_of_its_own(tour):
    """Everything works on it, and nothing of it is anybody's."""
    seen = tour.bench.audit()
    proposal = tour.bench.propose(Choice(), tuple(pool.id for pool in seen.pools))

    assert len(seen.pools) == 4
    assert tour.bench.place.environment == "SIMULATOR"
    assert proposal.plan.change == "TOUR-1"
    assert tour.bench.unfinished() == ()
    assert not leaks(str(tour.bench._repr_mimebundle_()))


def test_the_same_seed_is_the_same_fleet(tour):
    """Another number is another one."""
    again, other = Tour(pools=4, desktops=6, seed=7), Tour(pools=4, desktops=6, seed=8)
    fleets = [
        {row.desktop_name for row in one.bench.audit().mismatches} for one in (tour, again, other)
    ]
    again.close()
    other.close()

    assert fleets[0] == fleets[1] != fleets[2]


def test_one_desktop_is_made_to_fail(tour):
    """It is named, idle where one is; in use where all are; none without a plan."""
    pools = tuple(pool.id for pool in tour.bench.audit().pools)
    plan = tour.bench.propose(Choice(), pools).plan
    said = tour.let_one_fail(plan)
    item = plan.items[-1]
    busy = item.model_copy(
        update={"targets": tuple(t.model_copy(update={"in_use": True}) for t in item.targets)}
    )

    assert said.endswith(f" of {item.pool_name} will fail")
    assert said.split(" of ")[0] in {t.desktop_name for t in item.targets if not t.in_use}
    assert item.targets[0].desktop_name in tour.let_one_fail(
        plan.model_copy(update={"items": (busy,)})
    )
    assert tour.let_one_fail(None) == "there is no plan, so nothing can fail"


def test_a_tour_that_is_over_leaves_nothing_behind():
    """Neither a service nor a folder; closing it twice is no error."""
    tour = Tour(pools=1, desktops=2)
    place = Path(tour.bench.settings.journal)
    tour.bench.record(tour.bench.audit())
    assert place.exists()
    endpoint = tour.bench.settings.endpoint
    tour.close()
    tour.close()

    assert not place.parent.exists()
    with pytest.raises((CloudUnreachable, RuntimeError)):
        tour.bench.audit()
    assert endpoint.startswith("http://127.0.0.1")
