"""How a notebook ended, read from its cells: papermill calls a dead kernel completed."""

from __future__ import annotations

from dataclasses import dataclass

from nbconvert.filters.ansi import strip_ansi
from nbformat import NotebookNode

from wsops.errors import is_refusal
from wsops.looks import tone_of
from wsops.report.cells import numbered, tags
from wsops.summary import Summary, read_summary

_REMEDY = "to do: "
_INTERRUPTED = "KeyboardInterrupt"
_LONGEST_TRACEBACK = 20_000


@dataclass(frozen=True)
class Failure:
    """A cell that ended with an error; `remedy` is "" where nobody knows one."""

    cell: int
    error: str
    message: str
    remedy: str
    traceback: str

    @property
    def verdict(self) -> str:
        """What it makes of its notebook: interrupted by a person, refused by a rule, or failed."""
        if self.error == _INTERRUPTED:
            return "interrupted"
        return "refused" if is_refusal(self.error) else "failed"


@dataclass(frozen=True)
class Ending:
    """How a notebook ended.

    `verdict` is failed, refused, interrupted, unfinished, not executed, out of order, no verdict,
    or what the summary says; `tone` is how it looks (good, open, warn, bad, quiet), `at` the cell
    where it stopped, 0 where it came to its end.
    """

    verdict: str
    tone: str
    headline: str
    at: int
    failures: tuple[Failure, ...]
    summary: Summary


def ending_of(notebook: NotebookNode) -> Ending:
    """Read how a notebook ended: its errors first, then whether it ran, then its own words."""
    summary = read_summary(notebook.cells) or Summary.model_validate({})
    failures = tuple(_failures(notebook))
    if failures:
        verdicts = {failure.verdict for failure in failures}
        word = verdicts.pop() if len(verdicts) == 1 else "failed"
        return Ending(word, tone_of(word), summary.headline, failures[0].cell, failures, summary)
    unrun, last, total = _unrun(notebook)
    if unrun and not last:
        return Ending("not executed", "quiet", "No cell of it has run.", 0, (), summary)
    if unrun:
        headline = f"It ended in or after cell {last}; {unrun} of {total} cells did not run."
        return Ending("unfinished", "open", headline, last, (), summary)
    if _out_of_order(notebook):
        headline = f"Its cells were not run from the top down. It says: {summary.headline}"
        return Ending("out of order", "open", headline, 0, (), summary)
    word = summary.verdict.replace("_", " ") or "no verdict"
    return Ending(word, summary.tone, summary.headline, 0, (), summary)


def _failures(notebook: NotebookNode) -> list[Failure]:
    return [
        _failure(number, output)
        for number, cell in numbered(notebook)
        for output in cell.outputs
        if output.output_type == "error"
    ]


def _failure(number: int, output: NotebookNode) -> Failure:
    traceback = _plain("\n".join(output.traceback))[:_LONGEST_TRACEBACK]
    remedies = [
        line.strip().removeprefix(_REMEDY)
        for line in traceback.splitlines()
        if line.strip().startswith(_REMEDY)
    ]
    message = _plain(output.evalue).split(f"\n{_REMEDY}")[0]
    return Failure(number, output.ename, message, "".join(remedies[-1:]), traceback)


def _plain(text: str) -> str:
    return str(strip_ansi(text))  # type: ignore[no-untyped-call]


def _unrun(notebook: NotebookNode) -> tuple[int, int, int]:
    """Count the cells at the end that did not run; give the last one that did, and the total."""
    cells = [
        (number, cell) for number, cell in numbered(notebook) if "skip-execution" not in tags(cell)
    ]
    ran = [place for place, (_, cell) in enumerate(cells, 1) if cell.execution_count is not None]
    last = ran[-1] if ran else 0
    return len(cells) - last, cells[last - 1][0] if last else 0, len(cells)


def _out_of_order(notebook: NotebookNode) -> bool:
    """Tell whether a cell ran before one above it, or not at all: its last word may be old."""
    counts = [
        cell.execution_count for _, cell in numbered(notebook) if "skip-execution" not in tags(cell)
    ]
    return None in counts or counts != sorted(counts)
