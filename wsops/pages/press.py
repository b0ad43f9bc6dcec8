"""Making pages from a template: every text escaped, nothing run but our own script."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

import jinja2
from markupsafe import Markup

from wsops import __version__, markup
from wsops.errors import SettingsError
from wsops.pages.readings import holds_a_secret
from wsops.pages.words import FILTERS, as_text
from wsops.summary import place_badge
from wsops.text import visible

_HERE = "wsops.pages"


class Press:
    """Makes the pages of one template; it, the style and the script are read once.

    Args:
        package: the package whose folder `template` has NAME.html.j2 and NAME.css.
        name: their name.
    """

    def __init__(self, package: str, name: str) -> None:
        style = markup.style() + _read(_HERE, "page.css") + _read(package, f"{name}.css")
        folders = [jinja2.PackageLoader(one, "template") for one in (package, _HERE)]
        environment = jinja2.Environment(
            loader=jinja2.ChoiceLoader(folders),
            autoescape=True,
            finalize=as_text,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= FILTERS
        environment.globals |= {"place_badge": place_badge, "version": __version__}
        environment.globals |= _inlined(style, _read(_HERE, "page.js"))
        self._template = environment.get_template(f"{name}.html.j2")

    def page(self, name: str, /, **content: object) -> str:
        """Give a page; the same content gives the same bytes.

        Args:
            name: what a refusal calls it.
            content: what its template asks for.

        Raises:
            SettingsError: the page would hold a registered secret.
        """
        page = self._template.render(**content)
        if holds_a_secret(page):
            msg = f"the page of {visible(name)} would hold a secret that is in use"
            remedy = "take it out of what the page is made of, and change the secret"
            raise SettingsError(msg, remedy=remedy)
        return page


def _read(package: str, name: str) -> str:
    return files(package).joinpath("template", name).read_text(encoding="utf-8")


def _inlined(style: str, script: str) -> dict[str, Markup]:
    """Give style and script as they stand in a page, and the policy that allows them alone."""
    style, script = (text.replace("</", "<\\/") for text in (style, script))
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; "
        f"script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    )
    named = {"style": style, "script": script, "policy": policy}
    return {name: Markup(text) for name, text in named.items()}  # noqa: S704  (our own files)


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
