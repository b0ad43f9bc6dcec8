"""Finding names in texts, in the forms in which they are written, and putting aliases there."""

from __future__ import annotations

import ipaddress
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from html import escape
from urllib.parse import quote

from wsops.aliases import Alias
from wsops.charts.chart import named
from wsops.text import visible

# Scripts without spaces: each of their characters is a word, for names stand in running text.
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+")
# Each is bounded, and begins where no word goes on: a page of one long word takes no longer.
_LOOKS = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
    r"|(?<!\d)(?<!\d\.)\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)"
    r"|(?<![0-9A-Fa-f:-])[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}(?![0-9A-Fa-f:-])"
    r"|(?<![\w.:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])"
)
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\Z")
_SHORTEST_ADDRESS = 6  # "::1" is as often a slice as an address


class Names:
    """The names of a page and their aliases.

    Args:
        kinds: each name with its kind (user, desktop, address).
        alias: gives the alias of a kind and a name.
    """

    def __init__(self, kinds: Mapping[str, str], alias: Alias) -> None:
        self._kinds = kinds
        self._alias = alias
        self._aliases: dict[str, str] = {}
        shapes: dict[str, set[tuple[int, int]]] = defaultdict(set)
        for name, kind in kinds.items():
            for form in _forms_of(name):
                first = _WORD.search(form)
                if first:
                    self._aliases.setdefault(form, alias(kind, name))
                    shapes[first[0]].add((len(form), first.start()))
        # By first word: how long the names with it are, the longest first, and where it stands.
        self._shapes = {word: sorted(those, reverse=True) for word, those in shapes.items()}

    def replace(self, text: str) -> str:
        """Give a text with every name in it replaced: whole words, the longest first."""
        return "".join(self._parts(text))

    def _parts(self, text: str) -> Iterator[str]:
        """Give the aliases of what looks like an address, and between them those of the names."""
        done = 0
        for found in _LOOKS.finditer(text):
            kind = _kind_of(found[0])
            if kind:
                yield from self._pieces(text[done : found.start()])
                yield self._alias(self._kinds.get(found[0], kind), found[0])
                done = found.end()
        yield from self._pieces(text[done:])

    def _pieces(self, text: str) -> Iterator[str]:
        """Walk the words; where a name begins, give its alias and go on behind it."""
        done = 0
        for word in _WORD.finditer(text):
            for length, before in self._shapes.get(word[0], ()):
                start = word.start() - before
                end = start + length
                alias = self._aliases.get(text[start:end]) if start >= done else None
                if alias and _ends_word(text, end):
                    yield text[done:start]
                    yield alias
                    done = end
                    break
        yield text[done:]


def _kind_of(value: str) -> str:
    """Tell whether a text is a mail or an address; "" where it only looks like one."""
    if "@" in value:
        return "mail"
    if _MAC.match(value):
        return "address"
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return ""
    return "address" if len(value) >= _SHORTEST_ADDRESS else ""


def _ends_word(text: str, end: int) -> bool:
    """Tell whether no word goes on at a place in a text."""
    word = _WORD.match(text, end - 1)
    return word is None or word.end() == end


def _forms_of(name: str) -> set[str]:
    """Give the forms in which a name is written: as it is, in other letters, cut by a chart."""
    spelt = {name, name.lower(), name.upper(), name.title(), named(name)}
    spelt |= {unicodedata.normalize(form, one) for form in ("NFC", "NFD") for one in spelt}
    return {form for one in spelt for form in _escaped(one)}


def _escaped(name: str) -> set[str]:
    """Give the forms of a text in HTML, in JSON, in Python and in a URL."""
    forms = {name, visible(name), escape(name), escape(name, quote=False), quote(name)}
    forms |= {json.dumps(name)[1:-1], json.dumps(name, ensure_ascii=False)[1:-1], repr(name)[1:-1]}
    return forms | {escape(json.dumps(name)[1:-1])}
