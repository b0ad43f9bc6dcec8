"""The two settings files: named profiles, and what only your own file may say."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import platformdirs

from wsops.errors import SettingsError

FILE_NAME = "wsops.toml"
_FILE_CAP = 1 << 20
_SECRETS = ("token", "password")
_YOURS = frozenset({"allowed_hosts", "ca_bundle", "instance_metadata"})
_YOUR_PROFILE_S = frozenset({"endpoint", "iam_endpoint", "journal", "limits", "polling"})


def user_file() -> Path:
    """Give the place of the user's own wsops.toml."""
    return Path(platformdirs.user_config_dir("wsops")) / FILE_NAME


def refuse_if_open_to_others(path: Path) -> None:
    """Refuse a file with secrets that its group or others may read.

    Raises:
        SettingsError: they may; names the command that mends it.
    """
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        msg = f"{path} holds credentials and is readable by others"
        raise SettingsError(msg, remedy=f"chmod 600 {path}")


def profile_layers(name: str) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """Find a profile in both files; gives its name, and a layer a file, the nearest first.

    Raises:
        SettingsError: a file cannot be read, or may not say what it says, or knows no such profile.
    """
    places = [(Path.cwd() / FILE_NAME, False), (user_file(), True)]
    files = [(path, _read(path), trusted) for path, trusted in places if path.is_file()]
    name = name or next((d["default_profile"] for _, d, _ in files if "default_profile" in d), "")
    known: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for path, data, trusted in files:
        for profile, values in data.get("profiles", {}).items():
            if not trusted:
                own = any(profile in d.get("profiles", {}) for _, d, yours in files if yours)
                _refuse_what_only_you_may_say(path, values, own=own)
            if any(key in values for key in _SECRETS):
                refuse_if_open_to_others(path)
            known.setdefault(profile, []).append((str(path), values))
    if name and name != "default" and name not in known:
        there = ", ".join(sorted(known)) or "none"
        msg = f"profile {name!r} is not in {FILE_NAME} (known: {there})"
        raise SettingsError(msg)
    return name or "default", known.get(name or "default", [])


def _refuse_what_only_you_may_say(path: Path, values: dict[str, Any], *, own: bool) -> None:
    """Refuse keys by which a file that came with a folder could lead credentials astray.

    `own` says that your own file defines the profile as well: then its place, its record and its
    limits are yours alone.
    """
    for key in sorted(values.keys() & (_YOURS | (_YOUR_PROFILE_S if own else frozenset()))):
        msg = f"{path}: {key} may only stand in your own {user_file()}"
        raise SettingsError(msg)


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _FILE_CAP:
            msg = f"{path} is larger than 1 MiB; that is not a settings file"
            raise SettingsError(msg)
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{path} cannot be read: {str(error)[:200]}"
        raise SettingsError(msg) from None
    strange = set(data) - {"default_profile", "profiles"}
    profiles = data.get("profiles", {})
    tables = isinstance(profiles, dict) and all(isinstance(v, dict) for v in profiles.values())
    if strange or not tables or not isinstance(data.get("default_profile", ""), str):
        msg = f"{path}: expected default_profile and [profiles.NAME] tables, found {sorted(data)}"
        raise SettingsError(msg)
    return data
