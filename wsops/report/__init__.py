"""Reports: one executed notebook becomes one page that needs nothing else to be read.

`read_notebook` reads the file, `Renderer` makes the page, `write_pdf` prints it; `share.share`
makes the page for people who may not know the names in it.
"""

from wsops.report.ending import Ending, Failure, ending_of
from wsops.report.pdf import write_pdf
from wsops.report.read import read_notebook
from wsops.report.render import Renderer

__all__ = [
    "Ending",
    "Failure",
    "Renderer",
    "ending_of",
    "read_notebook",
    "write_pdf",
]
