"""The pool picker: search, take all that are shown, and see at once how many desktops that is."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterable

import ipywidgets as widgets

from wsops.audited import Audit
from wsops.forms.form import (
    STYLE,
    Form,
    beside,
    button,
    facts,
    heading,
    keep,
    kept,
    plain,
    remark,
    say,
    stacked,
    wide,
)
from wsops.markup import Markup
from wsops.models import Pool, names_of
from wsops.parameters import read_list
from wsops.summary import Place
from wsops.text import count

_ROWS = 12
_FEWEST = 4


class PoolPicker(Form[tuple[str, ...]]):
    """Chooses pools of an audit; the value is their IDs, in the order of the audit.

    Args:
        seen: the audit.
        pools: names, patterns or IDs, separated by commas: what is chosen at first; "" is none.
        differing: offer only pools with mismatches.
        place: where they are; a choice is kept for one place only.
    """

    def __init__(
        self, seen: Audit, pools: str = "*", *, differing: bool = True, place: Place | None = None
    ) -> None:
        self._differ = Counter(m.pool_id for m in seen.mismatches)
        self._in_use = Counter(m.pool_id for m in seen.mismatches if m.in_use)
        self._repair = differing
        offered = (pool for pool in seen.pools if self._differ[pool.id] or not differing)
        self._pools = {pool.id: pool for pool in offered}
        self._names = names_of(self._pools.values())
        first = tuple(i for i, pool in self._pools.items() if matches(pool, read_list(pools)))
        self._key = ("pools", place, pools, differing, seen.project_id)
        before = kept(self._key, first)
        self._chosen = frozenset(i for i in before if i in self._pools)
        self._filling = False
        self._search = widgets.Text(
            description="Search",
            placeholder="part of a name, or eng-*",
            layout=wide(),
            style=STYLE,
        )
        rows = min(_ROWS, max(_FEWEST, len(self._pools)))
        self._list = widgets.SelectMultiple(
            description="Pools", rows=rows, layout=wide(), style=STYLE
        )
        self._all = button("Take all shown", "check")
        self._none = button("Take none of these", "times")
        self._remark = remark()
        title = heading("Which pools? Ctrl or Shift takes several.")
        buttons = beside(self._all, self._none)
        self.widget = stacked(title, self._search, self._list, buttons, self._remark)
        self._fill()
        self._search.observe(lambda _: self._fill(), "value")
        self._list.observe(lambda _: self._take(), "value")
        self._all.on_click(lambda _: self._set(self._chosen | set(self._shown())))
        self._none.on_click(lambda _: self._set(self._chosen - set(self._shown())))

    @property
    def value(self) -> tuple[str, ...]:
        """The IDs of the pools that are chosen."""
        return tuple(i for i in self._pools if i in self._chosen)

    @property
    def pools(self) -> tuple[Pool, ...]:
        """The pools that are chosen."""
        return tuple(self._pools[i] for i in self.value)

    @property
    def problem(self) -> str:
        """Says that nothing is chosen, or that there is nothing to choose."""
        if not self._pools:
            return "there is no pool to choose"
        return "" if self._chosen else "choose at least one pool"

    def html(self) -> Markup:
        """Give the chosen pools with their numbers."""
        names = ", ".join(self._names[i] for i in self.value[:_ROWS])
        more = len(self._chosen) - _ROWS
        return facts(
            {
                "pools": names + (f" and {more:,} more" if more > 0 else "") or "none",
                "in all": self.counts() + (f"; {self.problem}" if self.problem else ""),
            }
        )

    def counts(self) -> str:
        """Give how much is chosen: pools, desktops that would be touched, those in use."""
        taken = self.value
        pools = f"{len(taken):,} of {count(len(self._pools), 'pool')}"
        if self._repair:
            desktops = sum(self._differ[i] for i in taken)
            used = sum(self._in_use[i] for i in taken)
            return f"{pools}, {count(desktops, 'desktop')} to repair, {used:,} in use"
        return f"{pools}, {count(sum(self._pools[i].desktop_count for i in taken), 'desktop')}"

    def _shown(self) -> list[str]:
        words = read_list(self._search.value)
        return [i for i, pool in self._pools.items() if not words or found(pool, words)]

    def _fill(self) -> None:
        """Put the pools that are searched for into the list, with those chosen marked."""
        self._filling = True
        shown = self._shown()
        self._list.options = [(self._label(self._pools[i]), i) for i in shown]
        self._list.value = tuple(i for i in shown if i in self._chosen)
        self._filling = False
        self._tell()

    def _take(self) -> None:
        if not self._filling:
            hidden = self._chosen - set(self._shown())
            self._set(hidden | set(self._list.value))

    def _set(self, chosen: Iterable[str]) -> None:
        self._chosen = frozenset(chosen)
        keep(self._key, tuple(self._chosen))
        self._fill()

    def _tell(self) -> None:
        found_none = self._pools and not self._shown()
        say(self._remark, self.counts(), "no pool is called so" if found_none else self.problem)

    def _label(self, pool: Pool) -> str:
        name = plain(self._names[pool.id])
        differ, used = self._differ[pool.id], self._in_use[pool.id]
        in_use = f", {used} in use" if used else ""
        return f"{name}   ({differ} of {pool.desktop_count} differ{in_use})"


def matches(pool: Pool, patterns: tuple[str, ...]) -> bool:
    """Tell whether a pool is meant by one of the patterns, as on the command line."""
    return any(pool.id == one or fnmatch.fnmatchcase(pool.name, one) for one in patterns)


def found(pool: Pool, words: tuple[str, ...]) -> bool:
    """Tell whether a pool is searched for: by a pattern, or by a part of its name."""
    name = pool.name.casefold()
    return any(
        fnmatch.fnmatchcase(name, word.casefold()) or word.casefold() in name or word == pool.id
        for word in words
    )
