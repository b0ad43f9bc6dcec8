"""Secrets never show: not on a screen, not in a file, not in an error, not in a log."""

import json
import logging
import pickle
import sqlite3
import traceback
from datetime import UTC, datetime

import pytest

from wsops import connect
from wsops.auth import Token
from wsops.errors import WsopsError

STS = "sts-token/with+odd=characters&more of it"
WAYS = ("token", "password", "aksk", "sts")


@pytest.fixture
def enter(fleet, at, monkeypatch):
    """Give a function that goes in by one way; returns the simulation and its secrets."""
    changed = []

    def go(way, **options):
        place = fleet(retry_rebuilds=True, **options)
        at(place.endpoint, project_id=place.project_id)
        identity = place.cloud.identity
        known = {}
        if way == "token":
            monkeypatch.setenv("WSOPS_TOKEN", place.token)
            known["token"] = place.token
        elif way == "password":
            monkeypatch.setenv("WSOPS_USER", place.user)
            monkeypatch.setenv("WSOPS_PASSWORD", place.password)
            monkeypatch.setenv("WSOPS_DOMAIN", place.domain)
            known["password"] = place.password
            place.cloud.access.revoke(place.token)  # this way in never sees it
            known["issued"] = place.cloud.access._tokens
        else:
            monkeypatch.setenv("HUAWEICLOUD_SDK_AK", place.ak)
            monkeypatch.setenv("HUAWEICLOUD_SDK_SK", place.sk)
            known["sk"] = place.sk
        if way == "sts":
            object.__setattr__(identity, "security_token", STS)
            changed.append(identity)
            monkeypatch.setenv("HUAWEICLOUD_SDK_SECURITY_TOKEN", STS)
            known["sts"] = STS
        return place, known

    yield go
    for identity in changed:
        object.__setattr__(identity, "security_token", None)


def secrets_of(known):
    for name, value in known.items():
        yield from value if name == "issued" else (value,)


@pytest.fixture
def silent(forms, tmp_path):
    """Give a function that looks for secrets in texts and in every file below the test's folder."""

    def check(known, *texts):
        heap = [text.encode() if isinstance(text, str) else text for text in texts]
        heap += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
        for secret in secrets_of(known):
            for form in forms(secret):
                for one in heap:
                    assert form not in one

    return check


def everything(wsops, applied, tmp_path):
    """Run every command that speaks to the service or writes a file, in both faces."""
    done = [*applied()]
    for command in (
        ("doctor",),
        ("audit", "--csv", tmp_path / "m.csv", "--save", tmp_path / "f.json", "--record"),
        ("plan", "repair", "-o", tmp_path / "again.json"),
        ("status",),
        ("history", "--verify"),
        ("handover", "-o", tmp_path / "help.csv"),
        ("resume",),
        ("job", "show", "some-job"),
        ("job", "watch", "some-job"),
        ("job", "retry", "some-job"),
    ):
        done += [wsops(*command), *([wsops(*command, "--json")] if len(command) < 4 else [])]
    return [text for one in done for text in (one.stdout, one.stderr)]


FAULTS = {
    "none": None,
    "echo": ("echo_headers", {}, None),
    "echo of sends": ("echo_headers", {}, "RebuildDesktopPool"),
    "echo of jobs": ("echo_headers", {}, "ShowJob"),
    "echo of tokens": ("echo_headers", {}, "KeystoneCreateUserTokenByPassword"),
    "page": ("strange_200", {}, None),
    "throttle": ("throttle", {"retry_after": 0}, None),
}


@pytest.mark.parametrize(
    ("way", "fault"),
    [("token", fault) for fault in FAULTS]
    + [(way, "echo of sends") for way in WAYS[1:]]
    + [("password", "echo of tokens"), ("aksk", "echo"), ("sts", "none")],
)
def test_no_command_shows_a_secret(enter, wsops, applied, silent, tmp_path, caplog, way, fault):
    """Whatever way in and whatever goes wrong: not in any output, file, or DEBUG log."""
    place, known = enter(way)
    if FAULTS[fault]:
        kind, args, operation = FAULTS[fault]
        place.cloud.faults.add(kind, args=args, operation=operation)
    with caplog.at_level(logging.DEBUG):
        texts = everything(wsops, applied, tmp_path)
    silent(known, caplog.text, *texts)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["error", "error_in_200", "strange_200"])
def test_a_service_that_repeats_secrets_is_masked(
    enter, wsops, applied, silent, forms, tmp_path, way, kind
):
    """A server that says a secret in any form, in any field, is quoted without it."""
    place, known = enter(way)
    spoken = [form.decode() for secret in secrets_of(known) for form in forms(secret)]
    text = " ".join(spoken)[:900]
    for operation, status in (("RebuildDesktopPool", 400), ("ShowJob", 403), ("ListImages", 500)):
        args = {"status": status, "code": "X.1", "message": text, "detail": text, "retry_after": 0}
        if kind == "strange_200":
            args = {"body": {"odd": text, "error_code": text[:300]}, "content_type": "text/plain"}
        place.cloud.faults.add(kind, operation=operation, args=args, times=8)
    texts = everything(wsops, applied, tmp_path)
    silent(known, *texts)


@pytest.mark.parametrize("way", WAYS)
def test_errors_hold_no_secret(enter, silent, way):
    """str, repr, arguments, attributes and traceback of an error are clean."""
    place, known = enter(way)
    place.cloud.faults.add("echo_headers", after=1 if way == "password" else 0)
    with connect() as ws:
        for ask in (ws.pools, lambda: ws.job("x"), lambda: ws.pool("x")):
            with pytest.raises(WsopsError) as caught:
                ask()
            error = caught.value
            shown = (str(error), repr(error), repr(error.args), repr(vars(error)))
            trace = "".join(traceback.format_exception(error))
            silent(known, *shown, trace, repr(error.as_dict()), pickle.dumps(error.args))


@pytest.mark.parametrize("way", WAYS)
def test_objects_hold_no_secret_in_their_repr(enter, silent, way):
    """A notebook shows the last value of a cell: settings, connections and answers are clean."""
    place, known = enter(way)
    place.cloud.faults.add("echo_headers", operation="RebuildDesktopPool")
    with connect() as ws:
        ws.pools()
        answer = ws.send(f"/v2/{place.project_id}/desktop-pools/x/rebuild", b"{}")
        shown = (repr(ws), repr(ws.settings), str(ws.settings), repr(answer), repr(ws.signer))
        silent(known, *shown, repr(ws.settings.model_dump()), ws.settings.model_dump_json())


def test_a_token_is_not_shown():
    """Not even the record of a token shows it."""
    assert "secret-value" not in repr(Token("secret-value", datetime.now(UTC)))


@pytest.mark.parametrize("way", WAYS)
def test_the_log_of_the_http_library_holds_no_secret(enter, silent, caplog, way):
    """With logging at DEBUG for everything, headers and bodies stay out of it."""
    place, known = enter(way)
    logging.getLogger("httpcore").setLevel(logging.NOTSET)
    with caplog.at_level(logging.DEBUG), connect() as ws:
        ws.pools()
        place.cloud.access.revoke()
        try:
            ws.pools()
        except WsopsError as error:
            logging.getLogger("anyone").exception("it failed", exc_info=error)
    silent(known, caplog.text, *(repr(record.args) for record in caplog.records))


@pytest.mark.parametrize("content", ["token = {0}", 'token = "{0}\n', 'token = "{0}"\nx'])
def test_a_broken_settings_file_is_quoted_without_its_secrets(at, wsops, tmp_path, content):
    """What cannot be read of wsops.toml is not repeated."""
    at("http://127.0.0.1:9")
    path = tmp_path / "wsops.toml"
    path.write_text("[profiles.default]\n" + content.format("hidden-word-of-mine"))
    path.chmod(0o600)
    done = wsops("audit", code=1)
    assert "hidden-word-of-mine" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "line", ["password = 12345678901", 'token = ["hidden-word-of-mine"]', "token = {a = 1}"]
)
def test_a_secret_of_the_wrong_kind_is_not_repeated(at, wsops, tmp_path, line):
    """A value that is refused is named, not shown."""
    at("http://127.0.0.1:9")
    path = tmp_path / "wsops.toml"
    path.write_text(f"[profiles.default]\n{line}\n")
    path.chmod(0o600)
    done = wsops("audit", code=1)
    assert "hidden-word-of-mine" not in done.stderr
    assert "12345678901" not in done.stderr


def test_evidence_with_a_secret_is_masked_in_the_journal(enter, wsops, silent, tmp_path):
    """What a person types as evidence may hold a token: it is kept without it."""
    place, known = enter("token")
    place.cloud.faults.add("cut", operation="RebuildDesktopPool", times=1)
    plan = tmp_path / "plan.json"
    wsops("plan", "repair", "fin-office-01", "-o", plan, code=0)
    digest = json.loads(plan.read_text())["digest"]
    wsops("apply", plan, "--yes", "--digest", digest, code=3)
    with sqlite3.connect(tmp_path / "state" / "wsops" / "journal.sqlite") as journal:
        ((item,),) = journal.execute("SELECT item_id FROM items").fetchall()
    journal.close()
    done = wsops("settle", item, "--not-sent", "--evidence", f"curl with {place.token}", code=0)
    silent(known, done.stdout, done.stderr)
