"""Does once, in the zygote, what notebooks do: what is found out then need not be in each kernel.

Libraries import more when they are used, and remember what belongs together. Nothing here leaves
anything that a notebook could see, but for that it is quicker.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime

import httpx
import pandas as pd  # type: ignore[import-untyped]
from matplotlib.figure import Figure

from wsops import charts, tables
from wsops.audited import Audit, Mismatch
from wsops.models import Pool

_AT = datetime(2026, 1, 1, tzinfo=UTC)


def rehearse() -> None:
    """Make a table, a chart and the faces of an audit, and throw them away."""
    frame = pd.DataFrame({"at": pd.to_datetime([_AT, _AT]), "n": [1, 2], "text": ["a", None]})
    for one in (frame, frame.describe(), frame.groupby("n").sum(numeric_only=True)):
        repr(one)
        one._repr_html_()
    figure = Figure()
    axes = figure.subplots()
    axes.bar(["a", "b"], [1, 2], label="a")
    axes.plot([1, 2])
    axes.legend()
    for form in ("png", "svg"):
        figure.savefig(io.BytesIO(), format=form, bbox_inches="tight")
    httpx.Client().close()
    for shown in (tables.mismatches(_seen()), charts.mismatches_by_pool(_seen())):
        shown._repr_mimebundle_()


def _seen() -> Audit:
    pool = Pool(id="p", name="pool", desktop_count=2)
    row = Mismatch(
        pool_id="p",
        pool_name="pool",
        pool_image_id="new",
        desktop_id="d",
        desktop_name="desktop",
        desktop_image_id="old",
        user_name="user",
        status="ACTIVE",
        login_status="REGISTERED",
    )
    return Audit(taken_at=_AT, pools=(pool,), desktops=2, mismatches=(row,))
