"""JupyterLab itself, without the grammar that its imports bring along: it opens seconds sooner."""

from __future__ import annotations

from wsops.kernels import light_imports

with light_imports():
    from jupyterlab.labapp import main  # type: ignore[import-untyped]

if __name__ == "__main__":
    main()
