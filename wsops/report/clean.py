"""What of an output may stand on a page: text and tables, no script, no style, no address.

A page that is mailed must be as harmless as a picture of it: nothing in it runs, nothing in it
fetches, and the top of the page is made of none of it.
"""

from __future__ import annotations

import base64
import html
import re

import nh3
from markupsafe import Markup
from nbconvert.filters.ansi import ansi2html, strip_ansi

from wsops.redact import leaks
from wsops.text import is_plain

LONGEST = 100_000
"""Characters of one text output."""

_TAG = re.compile(r"<(/?)([a-zA-Z]+)")
_VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "wbr"})
_MANY, _DEEPEST = 2000, 1000  # tags, and levels

_TEXT = "a abbr b blockquote br caption code dd del details div dl dt em figcaption figure h1 h2"
_TEXT += " h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span strong sub"
_TEXT += " summary sup table tbody td tfoot th thead tr u ul var"
_NEVER = {"script", "style", "template", "noscript", "iframe", "object", "svg", "math", "title"}
_ATTRIBUTES = {
    "*": {"class", "title"},
    "a": {"href"},
    "details": {"open"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "span": {"data-kind"},
    "td": {"colspan", "rowspan", "data-kind", "data-sort"},
    "th": {"colspan", "rowspan", "data-kind", "data-sort", "scope"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]+\Z")
_LINK = re.compile(r"(?i)(?:https?://|mailto:|#)")
_ANCHOR = re.compile(r"s-\d+\Z")
_OUR_CLASSES = ("w-", "ansi-")
_KNOWN_CLASSES = frozenset({"wsops", "dataframe"})
_LAYOUT = frozenset("\n\t")
_SECRET_HELD = Markup('<p class="r-note">An output that held a secret is left out.</p>')


def fragment(raw: str) -> Markup:
    """Give HTML of an output or of markdown with everything gone that is not plain content."""
    if raw.count("<") > _MANY and _depth(raw) > _DEEPEST:
        return Markup("<pre>{}</pre>").format(made_visible(raw[:LONGEST]))
    cleaned = made_visible(_cleaner.clean(raw))
    # A secret that was masked as text may come back when entities are read.
    return _SECRET_HELD if leaks(html.unescape(cleaned)) else Markup(cleaned)  # noqa: S704


def _depth(raw: str) -> int:
    """Give how deep the elements of a text are nested: the cleaner's time grows with its square."""
    deepest = depth = 0
    for closing, tag in _TAG.findall(raw):
        if tag.lower() not in _VOID:
            depth = max(0, depth - 1) if closing else depth + 1
            deepest = max(deepest, depth)
    return deepest


def terminal(text: str) -> Markup:
    """Give the text of a terminal: colours as classes, what was overwritten gone, cut if long."""
    left_out = len(text) - LONGEST
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text[:LONGEST].split("\n"))
    shown = Markup(made_visible(_cleaner.clean(_coloured("\n".join(lines)))))  # noqa: S704
    if left_out > 0:
        shown += Markup("\n… {:,} more characters").format(left_out)
    return shown


def picture(mime: str, data: str, alt: str) -> Markup:
    """Give a picture as part of the page; SVG comes as text, the others as base64."""
    if mime == "image/svg+xml":
        data = base64.b64encode(data.encode()).decode()
    body = "".join(data.split())
    return fragment(str(Markup('<img src="data:{};base64,{}" alt="{}">').format(mime, body, alt)))


def _coloured(text: str) -> str:
    try:
        return str(ansi2html(text))  # type: ignore[no-untyped-call]
    except IndexError:  # it wants more numbers than an unfinished colour has
        return html.escape(strip_ansi(text))  # type: ignore[no-untyped-call]


def made_visible(text: str) -> str:
    """Give a text of many lines with control and direction characters made visible."""
    odd = {c for c in set(text) if not is_plain(c)} - _LAYOUT
    return text.translate({ord(c): f"\\u{ord(c):04x}" for c in odd}) if odd else text


def _kept(_tag: str, name: str, value: str) -> str | None:
    """Give an attribute's value as it may stand, None where it may not."""
    if name == "class":
        words = [w for w in value.split() if w.startswith(_OUR_CLASSES) or w in _KNOWN_CLASSES]
        return " ".join(words) or None
    allowed = {"src": _IMAGE, "href": _LINK, "id": _ANCHOR}.get(name)
    if allowed is None or allowed.match(value):
        return value
    return None


_cleaner = nh3.Cleaner(
    tags=set(_TEXT.split()),
    clean_content_tags=_NEVER,
    attributes=_ATTRIBUTES,
    attribute_filter=_kept,
    url_schemes={"http", "https", "mailto", "data"},
    link_rel="noopener noreferrer",
)
