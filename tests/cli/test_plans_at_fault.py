"""Plans that must not be carried out: each is refused, and nothing is sent."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest


def sealed(plan):
    """Put the digest on a plan that its content asks for, as an attacker would."""
    content = {key: value for key, value in plan.items() if key != "digest"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return content | {"digest": f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"}


@pytest.fixture
def offered(refused, tmp_path):
    """Give a function that applies a plan by its own digest, and judges the refusal."""

    def offer(plan, says, code=5):
        path = tmp_path / "offered.json"
        path.write_text(json.dumps(plan))
        return refused("apply", path, "--yes", "--digest", plan["digest"], code=code, says=says)

    return offer


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"not json",
        b"\xff\xfe",
        b'{"schema": 1}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\x00" * 100,
    ],
)
def test_a_file_that_is_no_plan(place, refused, tmp_path, content):
    """Whatever it is, it is said not to be a plan."""
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    refused("apply", path, code=5, says="`wsops plan … -o FILE` wrote")
    assert len(place.ledger) == 0


def test_a_file_that_is_not_there(place, refused, tmp_path):
    """A misspelt name is one sentence."""
    refused("apply", tmp_path / "none.json", code=5, says="cannot be read: No such file")


def test_a_file_of_seventy_megabytes(place, refused, tmp_path):
    """It is refused by its size, without being read."""
    path = tmp_path / "plan.json"
    with path.open("wb") as file:
        file.truncate(70 << 20)
    refused("apply", path, code=5, says="larger than 64 MiB; that is not a plan")


def test_an_edited_plan(planned, offered):
    """A change without a new digest is seen."""
    _, plan = planned()
    plan["items"][0]["image_name"] = "another"
    offered(plan, "changed after it was made")


def test_a_plan_of_another_schema(planned, offered):
    """A plan of a later version is not guessed at."""
    _, plan = planned()
    offered(sealed(plan | {"schema": 2}), "schema 2; this version of wsops reads 1")


def test_an_expired_plan(planned, offered):
    """A plan that is too old does not start."""
    _, plan = planned()
    then = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=13)
    old = {"created_at": then, "expires_at": then + timedelta(hours=12)}
    old = {key: value.isoformat().replace("+00:00", "Z") for key, value in old.items()}
    error = offered(sealed(plan | old), "the plan expired at")
    assert error["type"] == "PlanExpired"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("endpoint", "https://workspace.ap-southeast-3.myhuaweicloud.com"),
        ("profile", "prod"),
        ("environment", "PRODUCTION"),
    ],
)
def test_a_plan_for_another_place(planned, offered, key, value):
    """Endpoint, profile and environment must be those that one is connected to."""
    _, plan = planned()
    offered(sealed(plan | {key: value}), f"the plan is for {key} {value!r}")


def test_a_plan_for_another_project(planned, refused, monkeypatch):
    """The project, too."""
    path, plan = planned()
    monkeypatch.setenv("WSOPS_PROJECT_ID", "another")
    refused("apply", path, "--yes", "--digest", plan["digest"], code=5, says="for project")


def item_with(plan, **changes):
    first, *others = plan["items"]
    return sealed(plan | {"items": [first | changes, *others]})


PATHS = [
    "/v2/{project}/desktop-pools/{pool}/rebuild/",
    "/v2/{project}/desktop-pools/{pool}/rebuild?x=1",
    "/v2/{project}/desktop-pools/../desktop-pools/{pool}/rebuild",
    "/v2/{project}/desktops/rebuild",
    "/v2/another/desktop-pools/{pool}/rebuild",
    "//evil.example/v2/{project}/desktop-pools/{pool}/rebuild",
    "https://evil.example/v2/{project}/desktop-pools/{pool}/rebuild",
    "@evil.example/v2/{project}/desktop-pools/{pool}/rebuild",
    "",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_tampered_path(planned, offered, path):
    """A path other than the pool's rebuild is refused, whatever digest stands below."""
    _, plan = planned()
    pool = plan["items"][0]["pool_id"]
    changed = path.format(project=plan["project_id"], pool=pool)
    offered(item_with(plan, path=changed), "is not what its item says")


@pytest.mark.parametrize(
    "pool", ["../../x", "a/b", "a%2fb", "a?b", "a#b", "", "x" * 300, "é", "a b", "a\nb"]
)
def test_a_tampered_pool(planned, offered, pool):
    """A pool that is no ID enters no path."""
    _, plan = planned()
    path = f"/v2/{plan['project_id']}/desktop-pools/{pool}/rebuild"
    offered(item_with(plan, pool_id=pool, path=path), "is not what its item says")


BODIES = {
    "other image": lambda b: b | {"image_id": "another"},
    "no fix": lambda b: b | {"is_fix": False},
    "fix left out": lambda b: {k: v for k, v in b.items() if k != "is_fix"},
    "empty list": lambda b: b | {"desktop_ids": []},
    "other list": lambda b: b | {"desktop_ids": ["another"]},
    "those at work": lambda b: b | {"handle_type": "FOR_EXPAND_AND_ALL"},
    "handling left out": lambda b: {k: v for k, v in b.items() if k != "handle_type"},
    "an order": lambda b: b | {"order_id": "CS-1"},
    "unknown field": lambda b: b | {"encrypt_type": "ENCRYPTED"},
    "a list": lambda b: [b],
    "a word": lambda _: "rebuild",
    "nothing": lambda _: None,
}


@pytest.mark.parametrize("what", BODIES)
def test_a_tampered_body(planned, offered, what):
    """A body that does something else than its item says is refused."""
    _, plan = planned()
    body = json.dumps(BODIES[what](json.loads(plan["items"][0]["body"])))
    offered(item_with(plan, body=body), "is not what its item says")


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, '{"a":' * 100_000, "9" * 5000])
def test_a_body_that_is_no_json(planned, offered, body):
    """A body that cannot be read is refused, however deep it is."""
    _, plan = planned()
    offered(item_with(plan, body=body), "is not what its item says")


def test_a_body_that_says_a_thing_twice(planned, offered):
    """Two readers of one body must not read two things: a key comes once."""
    _, plan = planned()
    body = plan["items"][0]["body"]
    offered(item_with(plan, body='{"is_fix": false, ' + body[1:]), "is not what its item says")


def test_more_targets_than_the_plan_says(planned, offered):
    """The approved number is the number of targets."""
    _, plan = planned()
    offered(sealed(plan | {"desktops": 1}), "is not the number of its targets")


@pytest.mark.parametrize("items", ["none", "twice", "no targets", "same name"])
def test_items_that_make_no_plan(planned, offered, items):
    """A plan names each pool and each item once, and desktops for each."""
    _, plan = planned()
    first, second, *others = plan["items"]
    changed = {
        "none": [],
        "twice": [first, first],
        "no targets": [first | {"targets": []}, second, *others],
        "same name": [first, second | {"item_id": first["item_id"]}, *others],
    }[items]
    number = sum(len(item["targets"]) for item in changed)
    offered(sealed(plan | {"items": changed, "desktops": number}), "the plan")


@pytest.mark.parametrize("name", ["../../x", "a/b", "", "x y", "\x1b[2J"])
def test_a_tampered_name_of_the_plan(planned, offered, name):
    """The plan's name becomes the run's, and that of files: it is an ID or refused."""
    _, plan = planned()
    offered(sealed(plan | {"plan_id": name}), "plan")


@pytest.mark.parametrize("time", ["2030-01-01T00:00:00", "soon", 5e30, None])
def test_a_tampered_time(planned, offered, time):
    """A time without a zone, or none at all, is not a plan's."""
    _, plan = planned()
    offered(sealed(plan | {"expires_at": time}), "plan file")


def test_a_life_of_years(planned, offered):
    """No plan lives longer than 12 hours, whatever it says."""
    _, plan = planned()
    offered(sealed(plan | {"expires_at": "2999-01-01T00:00:00Z"}), "plan")
