"""Settings: precedence, profiles, and which hosts may be spoken to."""

from pathlib import Path

import pytest

from wsops import profiles, settings
from wsops.errors import SettingsError

TOML = """
default_profile = "lab"

[profiles.lab]
endpoint = "http://127.0.0.1:9"
operator = "file"

[profiles.prod]
region = "ap-southeast-3"

[profiles.prod.limits]
max_desktops = 12
"""


def write(path, text, mode=0o600):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def test_an_argument_beats_the_environment_beats_the_files(monkeypatch):
    """Arguments, then WSOPS_…, the working directory, the user's folder, defaults."""
    own = '[profiles.lab]\nendpoint="http://127.0.0.1:9"\noperator = "user"\ndomain = "user"\n'
    write(profiles.user_file(), own)
    write(Path("wsops.toml"), 'default_profile = "lab"\n[profiles.lab]\noperator = "file"\n')
    monkeypatch.setenv("WSOPS_PROJECT_ID", "env")

    got, origins = settings.load_with_origins(project_id="arg")
    plain = settings.load()

    assert (got.project_id, plain.project_id) == ("arg", "env")
    assert (plain.operator, plain.domain, plain.profile) == ("file", "user", "lab")
    assert origins["project_id"] == "argument"
    assert origins["operator"].endswith("wsops.toml")
    assert origins["domain"] == str(profiles.user_file())


def test_a_profile_is_chosen_by_name_or_by_the_environment(monkeypatch):
    """WSOPS_PROFILE chooses, an argument chooses over it."""
    write(Path("wsops.toml"), TOML)
    monkeypatch.setenv("WSOPS_PROFILE", "prod")

    assert settings.load().limits.max_desktops == 12
    assert settings.load("lab").environment == "SIMULATOR"
    assert settings.load().endpoint == "https://workspace.ap-southeast-3.myhuaweicloud.com"
    assert settings.load().iam_endpoint == "https://iam.ap-southeast-3.myhuaweicloud.com"
    assert settings.load().environment == "PRODUCTION"


def test_nested_settings_come_from_the_environment_too(monkeypatch):
    """WSOPS_LIMITS__DELAY_MAX sets limits.delay_max, and doctor can tell."""
    monkeypatch.setenv("WSOPS_REGION", "eu-west-101")
    monkeypatch.setenv("WSOPS_LIMITS__DELAY_MAX", "5")
    got, origins = settings.load_with_origins()

    assert got.limits.delay_max == 5
    assert origins["limits"] == "WSOPS_LIMITS"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[profiles.lab", "cannot be read"),
        ("[other]\n", "expected default_profile"),
        ("[profiles.lab]\nregion = 3\n", "region"),
        ("[profiles.lab]\nregion = 'a'\nspeed = 3\n", "speed: no such setting"),
        ("[profiles.lab]\nregion = '../x'\n", "not a region name"),
        ("[profiles.lab]\nregion = 'a'\nproject_id = '../x'\n", "not an ID"),
        ("[profiles.lab]\nregion = 'a'\n[profiles.lab.limits]\ndelay_max = -1\n", "delay_max"),
        ("[profiles.lab]\nregion = 'a'\nallowed_hosts = ['x.example']\n", "allowed_hosts"),
        ("[profiles.other]\nregion = 'a'\n", "profile 'lab' is not in"),
    ],
)
def test_a_wrong_file_is_one_sentence(text, complaint):
    """It names what is wrong, and where."""
    write(Path("wsops.toml"), text)

    with pytest.raises(SettingsError, match=complaint):
        settings.load("lab")


def test_a_file_of_megabytes_is_not_read():
    """A settings file has a size that a person could have written."""
    write(Path("wsops.toml"), "#" * (2 << 20))

    with pytest.raises(SettingsError, match="larger than 1 MiB"):
        settings.load()


def test_a_file_with_a_password_must_be_private():
    """A group-readable file that holds a secret is refused, with the command that mends it."""
    write(Path("wsops.toml"), "[profiles.lab]\nregion='a'\npassword='p'\n", mode=0o640)

    with pytest.raises(SettingsError) as caught:
        settings.load("lab")
    assert caught.value.remedy.startswith("chmod 600 ")


def test_a_host_of_ones_own_is_allowed_by_ones_own_file():
    """allowed_hosts in the user's folder lets credentials go to a private cloud."""
    write(
        profiles.user_file(),
        "[profiles.own]\nendpoint='https://ws.example'\nallowed_hosts=['ws.example']\n",
    )

    assert settings.load("own").endpoint == "https://ws.example"


def test_secrets_do_not_show_in_the_settings_themselves(monkeypatch):
    """The repr of the settings holds no token and no password."""
    monkeypatch.setenv("WSOPS_REGION", "a")
    monkeypatch.setenv("WSOPS_TOKEN", "tok-123456789")
    monkeypatch.setenv("WSOPS_PASSWORD", "pw-123456789")

    assert "123456789" not in repr(settings.load())


@pytest.mark.parametrize("key", ["ca_bundle", "instance_metadata", "allowed_hosts"])
def test_a_file_that_came_with_a_folder_cannot_lead_credentials_astray(key):
    """Which hosts and certificates are trusted is said by your own file alone."""
    write(Path("wsops.toml"), f"[profiles.lab]\nregion = 'a'\n{key} = 'x'\n")

    with pytest.raises(SettingsError, match=f"{key} may only stand in your own"):
        settings.load("lab")


@pytest.mark.parametrize("key", ["endpoint", "iam_endpoint", "journal"])
def test_a_profile_of_your_own_keeps_its_place(key):
    """A folder's file cannot send the password of your profile somewhere else, nor lift limits."""
    write(profiles.user_file(), "[profiles.prod]\nregion = 'a'\npassword = 'pw-of-prod'\n")
    write(Path("wsops.toml"), f"[profiles.prod]\n{key} = 'http://127.0.0.1:9'\n")

    with pytest.raises(SettingsError, match=f"{key} may only stand in your own"):
        settings.load("prod")
    write(Path("wsops.toml"), "[profiles.prod.limits]\nmax_desktops = 100000\n")
    with pytest.raises(SettingsError, match="limits may only stand in your own"):
        settings.load("prod")
