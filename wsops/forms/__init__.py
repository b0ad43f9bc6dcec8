"""Forms of the notebooks: each a value with a face.

A form is seeded from the parameters cell, shows widgets to a person and plain HTML to a report, and
is read by the next cell as `.value`. Running its cell again keeps what was chosen.
"""

from wsops.forms.confirmation import Confirmation
from wsops.forms.images import ImagePicker
from wsops.forms.job_board import JobBoard
from wsops.forms.options import RebuildOptions
from wsops.forms.pools import PoolPicker
from wsops.forms.rows import RowPicker

__all__ = [
    "Confirmation",
    "ImagePicker",
    "JobBoard",
    "PoolPicker",
    "RebuildOptions",
    "RowPicker",
]
