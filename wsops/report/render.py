"""The page of one executed notebook: one file, no address in it, readable without a script."""

from __future__ import annotations

from collections.abc import Collection

from nbformat import NotebookNode

from wsops.pages import Press, took, when
from wsops.redact import scrub
from wsops.report.cells import without_secrets
from wsops.report.content import content_of
from wsops.report.ending import ending_of
from wsops.report.parameters import parameters_of

__all__ = ["Renderer", "took", "when"]


class Renderer:
    """Makes pages; templates, style and script are read once."""

    def __init__(self) -> None:
        self._press = Press("wsops.report", "report")

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
        return self._press.page(
            name,
            title=content.title or name,
            name=scrub(name),
            ending=ending,
            summary=ending.summary,
            content=content,
            parameters=[one for one in parameters_of(clean) if one.name not in without],
            language=clean.metadata.get("language_info", {}).get("version", ""),
        )
