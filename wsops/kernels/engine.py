"""The papermill engine `wsops`: one notebook in one kernel of ours.

This module is loaded by every `import papermill`, which it must neither slow down nor import: the
engine is one by its methods, and what it needs is imported when a notebook is run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode


class WsopsEngine:
    """Runs a notebook as papermill's own engine does; how is said by `terms`."""

    @classmethod
    def execute_notebook(cls, nb: NotebookNode, kernel_name: str, **options: Any) -> NotebookNode:  # noqa: ANN401  (papermill's)
        """Run a notebook, record it, and give it back; stops at a cell that fails.

        Raises:
            DeadKernelError: its kernel died.
            WsopsError: its kernel did not start.
        """
        from wsops.kernels.playing import play  # noqa: PLC0415

        return play(nb, kernel_name, **options)

    @staticmethod
    def nb_kernel_name(nb: NotebookNode, name: str | None = None) -> str:
        """Give the kernel to use: the given one, or the one that the notebook names."""
        from papermill.utils import nb_kernel_name  # type: ignore[import-untyped]  # noqa: PLC0415

        return str(nb_kernel_name(nb, name))

    @staticmethod
    def nb_language(nb: NotebookNode, language: str | None = None) -> str:
        """Give the language of the notebook."""
        from papermill.utils import nb_language  # noqa: PLC0415

        return str(nb_language(nb, language))
