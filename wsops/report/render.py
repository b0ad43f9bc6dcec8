"""The page of one executed notebook: one file, no address in it, readable without a script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from importlib.resources import files

import jinja2
from markupsafe import Markup
from nbformat import NotebookNode

from wsops import __version__, markup
from wsops.errors import SettingsError
from wsops.looks import tone_of
from wsops.redact import scrub
from wsops.report.cells import without_secrets
from wsops.report.content import content_of
from wsops.report.ending import ending_of
from wsops.report.parameters import parameters_of
from wsops.report.readings import holds_a_secret
from wsops.summary import counted, place_badge
from wsops.text import lasting, visible

_LONGEST = 2000
_COUNTED = {"mismatches": "bad", "in use": "warn"}


class Renderer:
    """Makes pages; templates, style and script are read once."""

    def __init__(self) -> None:
        here = files("wsops.report").joinpath("template")
        sheet = here.joinpath("report.css").read_text(encoding="utf-8")
        self._style = _inline(markup.style() + sheet)
        self._script = _inline(here.joinpath("report.js").read_text(encoding="utf-8"))
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("wsops.report", "template"),
            autoescape=True,
            finalize=_as_text,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            "when": when,
            "took": took,
            "words": _words,
            "tone": _tone,
            "counted": counted,
        }
        environment.globals["place_badge"] = place_badge
        self._template = environment.get_template("report.html.j2")

    def render(self, notebook: NotebookNode, name: str, *, without: Collection[str] = ()) -> str:
        """Give the page of a notebook; the same notebook gives the same bytes.

        Args:
            notebook: executed or not; it stays as it is.
            name: the file name that the page says it was made from.
            without: names of parameters that the page does not show.

        Raises:
            SettingsError: the page would still hold a registered secret.
        """
        clean = without_secrets(notebook)
        ending = ending_of(clean)
        content = content_of(clean)
        page = self._template.render(
            title=content.title or name,
            name=scrub(name),
            ending=ending,
            summary=ending.summary,
            content=content,
            parameters=[one for one in parameters_of(clean) if one.name not in without],
            language=clean.metadata.get("language_info", {}).get("version", ""),
            version=__version__,
            style=self._style,
            script=self._script,
            policy=self._policy,
        )
        if holds_a_secret(page):
            msg = f"the page of {visible(name)} would hold a secret that is in use"
            raise SettingsError(msg, remedy="take it out of the notebook, and change the secret")
        return page

    @property
    def _policy(self) -> Markup:
        return Markup(
            "default-src 'none'; img-src data:; style-src '{}'; script-src '{}'; "
            "base-uri 'none'; form-action 'none'"
        ).format(_digest(self._style), _digest(self._script))


def when(at: datetime | None) -> str:
    """Give an instant as the clock on the wall said it, with that clock's offset."""
    if at is None:
        return ""
    offset = at.strftime("%z")
    shown = f"UTC{offset[:3]}:{offset[3:5]}" if offset else "offset unknown"
    return f"{at:%Y-%m-%d %H:%M:%S} ({'UTC' if offset == '+0000' else shown})"


def took(start: datetime | None, end: datetime | None) -> str:
    """Give the time between two instants as people say it; "" where it is not known."""
    if start is None or end is None or (start.tzinfo is None) != (end.tzinfo is None):
        return ""
    return lasting(max(0.0, (end - start) / timedelta(seconds=1)))


def _as_text(value: object) -> object:
    """Give what stands in braces as text: characters that steer a reader's eye become visible."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return visible(value, _LONGEST)


def _inline(text: str) -> Markup:
    return Markup(text.replace("</", "<\\/"))  # noqa: S704  (our own files)


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _tone(name: str) -> str:
    """Give how a count looks, by what it counts: ends of desktops have a tone, things have none."""
    return _COUNTED.get(name) or tone_of(name.replace(" ", "_"), "quiet")
