"""YAML of which every scalar is text, as it was written: `no`, `012` and `1e3` stay what they are.

Anchors, aliases and tags are refused: they say much with little, or more than text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import yaml

from wsops.batch.spec.given import Empty
from wsops.batch.spec.plain import Unfit, shown

_DEEPEST: Final = 16
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the one in C is ten times faster
_ENDS = (yaml.SequenceEndEvent, yaml.MappingEndEvent)
_FRAME = (
    yaml.StreamStartEvent,
    yaml.StreamEndEvent,
    yaml.DocumentStartEvent,
    yaml.DocumentEndEvent,
)


class Lined(dict[str, Any]):
    """A mapping that knows the line where it begins."""

    line = 0


def yaml_of(text: str) -> Any:  # noqa: ANN401  (texts, lists and mappings)
    """Read the one document of a YAML text; a scalar that is not there is `Empty.EMPTY`.

    Raises:
        Unfit: it is not YAML, or uses more of it than texts, lists and mappings.
    """
    events = _events(text)
    try:
        found = next(_nodes(events, _DEEPEST), Empty.EMPTY)
        next(events, None)  # what comes behind it is read as well, to be refused
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        why = getattr(error, "problem", None) or " ".join(str(error).split())
        msg = f"is not YAML{where}: {why[:200]}"
        raise Unfit(msg) from None
    return found


def _events(text: str) -> Iterator[Any]:
    """Give the events of the one document."""
    documents = 0
    for event in yaml.parse(text, Loader=_LOADER):
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            msg = f"holds more than one document: a second begins in line {_line(event)}"
            raise Unfit(msg)
        if not isinstance(event, _FRAME):
            yield event


def _nodes(events: Iterator[Any], deeper: int) -> Iterator[Any]:
    """Give the nodes of a level, each made of its events, until the level ends."""
    for event in events:
        if isinstance(event, _ENDS):
            return
        _check(event, deeper)
        if isinstance(event, yaml.SequenceStartEvent):
            yield list(_nodes(events, deeper - 1))
        elif isinstance(event, yaml.MappingStartEvent):
            yield _mapping(event, _nodes(events, deeper - 1))
        else:
            plain = event.style in {None, ""}
            yield Empty.EMPTY if plain and not event.value else event.value


def _mapping(event: Any, nodes: Iterator[Any]) -> Lined:  # noqa: ANN401  (yaml's own)
    found = Lined()
    found.line = _line(event)
    for key in nodes:
        if not isinstance(key, str) or key in found:
            why = "twice" if isinstance(key, str) else "that is no text"
            msg = f"has the key {shown(key)} {why} in the mapping of line {found.line}"
            raise Unfit(msg)
        found[key] = next(nodes)
    return found


def _check(event: Any, deeper: int) -> None:  # noqa: ANN401  (yaml's own)
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        msg = f"has an anchor or an alias in line {_line(event)}: write out what it stands for"
    elif event.tag:
        msg = f"has the tag {shown(event.tag)} in line {_line(event)}: all is text here"
    elif not deeper:
        msg = f"is nested more than {_DEEPEST} deep in line {_line(event)}"
    else:
        return
    raise Unfit(msg)


def _line(event: Any) -> int:  # noqa: ANN401  (yaml's own)
    line: int = event.start_mark.line
    return line + 1
