"""Settings that cannot be used: one sentence, a remedy, and no request."""

import json

import pytest

from wsops.errors import SettingsError
from wsops.settings import load

GOOD = [
    "https://workspace.ap-southeast-3.myhuaweicloud.com",
    "https://workspace.ap-southeast-3.myhuaweicloud.com/",
    "https://WORKSPACE.ap-southeast-3.MyHuaweiCloud.com",
    "https://workspace.eu-west-101.myhuaweicloud.eu",
    "https://workspace.ap-southeast-3.myhuaweicloud.com:8443",
    "http://127.0.0.1:8080",
    "http://127.9.9.9",
    "http://localhost:1",
    "http://[::1]:8080",
    "https://127.0.0.1:8443",
]
BAD = [
    "workspace.ap-southeast-3.myhuaweicloud.com",
    "//workspace.ap-southeast-3.myhuaweicloud.com",
    "http://workspace.ap-southeast-3.myhuaweicloud.com",
    "ftp://workspace.ap-southeast-3.myhuaweicloud.com",
    "file:///etc/passwd",
    "https://",
    "https:///v2",
    "https://.myhuaweicloud.com",
    "https://a..myhuaweicloud.com",
    "https://-a.myhuaweicloud.com",
    "https://myhuaweicloud.com",
    "https://evil-myhuaweicloud.com",
    "https://workspace.evilmyhuaweicloud.com",
    "https://workspace.myhuaweicloud.com.evil.example",
    "https://workspace.myhuaweicloud.com.",
    "https://workspace.myhuaweicloud.co",
    "https://workspace.myhuaweicloud.eu.example",
    "https://evil.example/.myhuaweicloud.com",
    "https://evil.example?.myhuaweicloud.com",
    "https://evil.example#.myhuaweicloud.com",
    "https://evil.example\\.myhuaweicloud.com",
    "https://evil.example%2f.myhuaweicloud.com",
    "https://evil.example%00.myhuaweicloud.com",
    "https://evil.example;.myhuaweicloud.com",
    "https://evil.example .myhuaweicloud.com",
    "https://evil.example,a.myhuaweicloud.com",
    "https://workspace.ap-southeast-3.myhuaweicloud.com@evil.example",
    "https://user:word@workspace.ap-southeast-3.myhuaweicloud.com",
    "https://user@workspace.ap-southeast-3.myhuaweicloud.com",
    "https://:@workspace.ap-southeast-3.myhuaweicloud.com",
    "https://@workspace.ap-southeast-3.myhuaweicloud.com",
    "https://workspace.ap-southeast-3.myhuaweicloud.com:99999",
    "https://workspace.ap-southeast-3.myhuaweicloud.com:port",
    "https://workspace.ap-southeast-3.myhuaweicloud.com:-1",
    "https://workspace.ap-southeast-3.myhuaweicloud.com/v2",
    "https://workspace.ap-southeast-3.myhuaweicloud.com?x=1",
    "https://workspace.ap-southeast-3.myhuaweicloud.com?",
    "https://workspace.myhuaweicloud\u3002com",
    "https://workspace.myhu\u0430weicloud.com",
    "https://\u0430.myhuaweicloud.com",
    "https://workspace.xn--myhuweicloud-h1k.com",
    "https://workspace.my\thuaweicloud.com",
    "https://workspace.myhuaweicloud.com\n",
    " https://workspace.ap-southeast-3.myhuaweicloud.com",
    "http://127.0.0.1.evil.example",
    "http://127.1",
    "http://2130706433",
    "http://0x7f000001",
    "http://0.0.0.0",
    "http://10.0.0.1",
    "http://127.0.0.1@evil.example",
    "http://localhost.evil.example",
    "http://[::1",
    "http://[fe80::1]",
    "https://[2001:db8::1]",
    "https://169.254.169.254",
    "javascript:alert(1)",
    "https://workspace.ap-southeast-3.myhuaweicloud.com" + "/" * 3000,
]


@pytest.mark.parametrize("endpoint", GOOD)
def test_credentials_may_go_to_these(endpoint):
    """Hosts of Huawei Cloud by https, and loopback."""
    assert load(endpoint=endpoint, iam_endpoint=GOOD[0]).endpoint.count("/") == 2


@pytest.mark.parametrize("key", ["endpoint", "iam_endpoint"])
@pytest.mark.parametrize("endpoint", BAD)
def test_credentials_may_not_go_to_these(endpoint, key):
    """Everything else is refused, for both endpoints, in one sentence that names the setting."""
    values = {"endpoint": GOOD[0], "iam_endpoint": GOOD[0]} | {key: endpoint}
    with pytest.raises(SettingsError) as refusal:
        load(**values)
    said = str(refusal.value)
    assert key in said
    assert len(said) < 300
    assert "\n" not in said
    assert "user:word" not in said


def test_a_host_of_ones_own_must_be_named(tmp_path):
    """allowed_hosts of the user's own folder lets a host in, exactly that one, by https."""
    config = tmp_path / "config" / "wsops"
    config.mkdir(parents=True)
    (config / "wsops.toml").write_text(
        '[profiles.own]\nallowed_hosts = ["workspace.corp.example"]\n'
        'endpoint = "https://workspace.corp.example"\niam_endpoint = "https://workspace.corp.example"'
    )
    assert load("own").endpoint == "https://workspace.corp.example"
    for bad in ("http://workspace.corp.example", "https://a.workspace.corp.example"):
        with pytest.raises(SettingsError):
            load("own", endpoint=bad)


TOML = {
    "broken": ("[profiles.x\nregion = 1", "cannot be read"),
    "not text": (b"\xff\xfe\x00", "cannot be read"),
    "deep": ("a = " + "[" * 50_000, "cannot be read"),
    "long number": ("a = " + "9" * 10_000, "cannot be read"),
    "huge": ("# " + "x" * (1 << 20), "larger than 1 MiB"),
    "other tables": ('[profile.x]\nregion = "r-1"', "expected default_profile and [profiles.NAME]"),
    "no table": ('profiles = "x"', "expected default_profile and [profiles.NAME]"),
    "no tables": ('[profiles]\nx = "y"', "expected default_profile and [profiles.NAME]"),
    "default of a number": ("default_profile = 3", "expected default_profile"),
    "unknown key": ('[profiles.x]\nregoin = "r-1"', "regoin: no such setting"),
    "unknown key below": ("[profiles.x.limits]\nmax_desktop = 3", "limits.max_desktop: no such"),
    "limit of a word": ('[profiles.x.limits]\nmax_desktops = "many"', "limits.max_desktops"),
    "limit below zero": ("[profiles.x.limits]\nmax_desktops = 0", "limits.max_desktops"),
    "long life": ("[profiles.x.limits]\nplan_hours = 13", "limits.plan_hours"),
    "group of a word": ('[profiles.x]\nlimits = "none"', "limits"),
    "region of a number": ("[profiles.x]\nregion = 5", "region"),
    "region of nonsense": ('[profiles.x]\nregion = "../x"', "is not a region name"),
    "endpoint of a number": ("[profiles.x]\nendpoint = 5", "endpoint"),
    "endpoint of a list": ('[profiles.x]\nendpoint = ["a"]', "endpoint"),
    "project of nonsense": ('[profiles.x]\nproject_id = "a/b"', "project_id"),
    "auth of nonsense": ('[profiles.x]\nauth = "magic"', "auth"),
    "hosts here": ('[profiles.x]\nallowed_hosts = ["evil.example"]', "may only stand in your own"),
    "hosts here, elsewhere": (
        '[profiles.x]\n[profiles.y]\nallowed_hosts = ["evil.example"]',
        "may only stand in your own",
    ),
}


@pytest.mark.parametrize("what", TOML)
def test_a_settings_file_at_fault(place, refused, tmp_path, monkeypatch, what):
    """Each fault of wsops.toml is one sentence on what is wrong and where; no request is made."""
    content, says = TOML[what]
    for name in ("REGION", "ENDPOINT", "PROJECT_ID"):
        if any(f"{name.lower()} =" in str(line) for line in str(content).splitlines()):
            monkeypatch.delenv(f"WSOPS_{name}")
    monkeypatch.setenv("WSOPS_PROFILE", "x")
    path = tmp_path / "wsops.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    refused("audit", code=1, says=says)
    assert len(place.ledger) == 0


@pytest.mark.parametrize("hosts", ["5", "[5]", "{a = 1}"])
def test_allowed_hosts_of_the_wrong_kind(place, refused, tmp_path, monkeypatch, hosts):
    """allowed_hosts that is no list of names is said."""
    config = tmp_path / "config" / "wsops"
    config.mkdir(parents=True)
    (config / "wsops.toml").write_text(f"[profiles.x]\nallowed_hosts = {hosts}\n")
    monkeypatch.setenv("WSOPS_PROFILE", "x")
    refused("audit", code=1, says="allowed_hosts")


@pytest.mark.parametrize(
    "variable", ["WSOPS_LIMITS", "WSOPS_POLLING", "WSOPS_PACE", "WSOPS_FEATURES"]
)
@pytest.mark.parametrize("value", ["nonsense", "[]", '{"nonsense": 1}'])
def test_a_variable_at_fault(place, refused, monkeypatch, variable, value):
    """A variable that cannot be read is named."""
    monkeypatch.setenv(variable, value)
    refused("audit", code=1, says=variable.removeprefix("WSOPS_").lower())
    assert len(place.ledger) == 0


def test_an_unknown_profile(place, refused, tmp_path):
    """A profile that is nowhere is refused, with those that are known."""
    (tmp_path / "wsops.toml").write_text('[profiles.lab]\nregion = "r-1"\n')
    says = "profile 'prod' is not in wsops.toml (known: lab)"
    refused("audit", "--profile", "prod", code=1, says=says)


def test_nothing_is_set(wsops):
    """On a fresh machine the first command says what to set, or to try the simulator."""
    done = wsops("audit", code=1)
    assert "export WSOPS_REGION" in done.err
    assert "`wsops simulate`" in done.err


def test_missing_credentials(place, refused, monkeypatch):
    """Without credentials it says where it looked and what to set."""
    monkeypatch.delenv("WSOPS_TOKEN")
    error = refused("audit", code=1, says="no credentials: looked for token, user and password")
    assert "WSOPS_TOKEN" in error["remedy"]
    assert len(place.ledger) == 0


@pytest.mark.parametrize(
    ("kind", "says"),
    [("token", "looked for token"), ("password", "looked for password"), ("aksk", "for aksk")],
)
def test_the_credentials_asked_for_are_missing(place, refused, monkeypatch, kind, says):
    """`auth` names one way in: no other is taken in its place."""
    monkeypatch.delenv("WSOPS_TOKEN")
    monkeypatch.setenv("WSOPS_AUTH", kind)
    refused("audit", code=1, says=says)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622])
@pytest.mark.parametrize("where", ["here", "own"])
def test_a_file_with_a_password_that_others_may_read(
    place, refused, tmp_path, monkeypatch, mode, where
):
    """wsops.toml with a secret must be private; the remedy is the command that mends it."""
    folder = tmp_path if where == "here" else tmp_path / "config" / "wsops"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "wsops.toml"
    path.write_text('[profiles.x]\nuser = "u"\npassword = "secret-word"\ndomain = "d"\n')
    path.chmod(mode)
    monkeypatch.setenv("WSOPS_PROFILE", "x")
    error = refused("audit", code=1, says="holds credentials and is readable by others")
    assert error["remedy"] == f"chmod 600 {path}"
    assert len(place.ledger) == 0


def test_a_private_file_with_a_token_is_read(place, wsops, tmp_path, monkeypatch):
    """With mode 0600 the same file works."""
    path = tmp_path / "wsops.toml"
    path.write_text(f'[profiles.x]\ntoken = "{place.token}"\n')
    path.chmod(0o600)
    monkeypatch.delenv("WSOPS_TOKEN")
    assert wsops("audit", "--profile", "x", "--json").document["pools"] == 4


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_credentials_file_that_others_may_read(place, refused, tmp_path, monkeypatch, mode):
    """The official credentials file must be private, too."""
    path = tmp_path / "credentials"
    path.write_text(f"[basic]\nak = {place.ak}\nsk = {place.sk}\n")
    path.chmod(mode)
    monkeypatch.delenv("WSOPS_TOKEN")
    monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", str(path))
    refused("audit", code=1, says=f"chmod 600 {path}")


def test_a_place_that_cannot_be_written(place, wsops, tmp_path):
    """A plan that cannot be kept is said, and the document is still whole."""
    done = wsops("plan", "repair", "-o", tmp_path / "no" / "folder" / "plan.json", code=1)
    assert "cannot be written: No such file or directory" in done.err
    told = wsops("audit", "--csv", tmp_path / "no" / "m.csv", "--json", code=1)
    assert json.loads(told.out)["error"]["type"] == "SettingsError"
