"""A chart as a value, and the one place where something is drawn."""

from __future__ import annotations

import base64
import io
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from rich.cells import cell_len, set_cell_size

from wsops.markup import Markup, bundle, element
from wsops.text import visible

INK, SOFT, LINE = "#1c2330", "#5a6475", "#d9dee7"
NOTHING = "nothing to show"
WIDTH = 9.0
"""Inches; a browser shows 96 pixels for each."""

_LONGEST_NAME = 34
_FONTS = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif'
_STYLE: Any = {
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.labelsize": 9,
    "axes.spines.bottom": False,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so sizes are the same everywhere
    "font.size": 9.5,
    "hatch.linewidth": 0.9,
    "legend.fontsize": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "wsops",
    "text.color": INK,
    "text.parse_math": False,  # a name is text, whatever is in it
    "xtick.bottom": False,
    "xtick.color": SOFT,
    "ytick.labelcolor": INK,
    "ytick.left": False,
}
_NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}
_DRAWING = threading.Lock()  # the style of matplotlib is one for the process

Paint = Callable[[Axes], None]
Look = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """A picture as SVG, `alt` what it shows in a sentence, and its title."""

    svg: str
    alt: str
    title: str

    def to_html(self) -> Markup:
        """Give the picture with its caption; names in it are text that no page can run."""
        packed = base64.b64encode(self.svg.encode()).decode()
        source = Markup("data:image/svg+xml;base64,{}").format(packed)
        picture = element("img", src=source, alt=Markup.escape(self.alt))
        return element("figure", picture, element("figcaption", self.title), class_="w-chart")

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Give the faces: the picture, and its words."""
        return bundle(self.to_html(), self.alt)


def draw(paint: Paint, height: float) -> str:
    """Give what is painted as SVG: `height` inches high, the same bytes for the same data."""
    out = io.StringIO()
    with _DRAWING, rc_context(_STYLE), warnings.catch_warnings():
        # What our font lacks, the reader's browser has.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        paint(figure.add_subplot())
        figure.savefig(out, format="svg", metadata=_NO_METADATA)
    # The first style is matplotlib's own: it stands before all text.
    return out.getvalue().replace("</style>", f"text{{font-family:{_FONTS} !important}}</style>", 1)


def legend(axes: Axes, keys: Sequence[tuple[str, Look]]) -> None:
    """Write what each look means, above the chart."""
    figure = axes.get_figure()
    if figure is not None:
        figure.legend(
            handles=[Patch(label=name, **look) for name, look in keys],
            loc="outside upper left",
            ncols=3,
            frameon=False,
            columnspacing=1.6,
            handlelength=1.6,
        )


def nothing(title: str) -> Chart:
    """Give the chart of no data: it says so."""

    def paint(axes: Axes) -> None:
        axes.set_axis_off()
        axes.text(0.5, 0.5, NOTHING, ha="center", va="center", color=SOFT, size=11)

    return Chart(draw(paint, 1.0), f"{title}: {NOTHING}.", title)


def named(name: str, longest: int = _LONGEST_NAME) -> str:
    """Give a name as a chart writes it: tricks made visible, cut by the room that it takes."""
    shown = visible(name, 2 * longest)
    return shown if cell_len(shown) <= longest else f"{set_cell_size(shown, longest - 1)}…"


def lasting(seconds: float) -> str:
    """Give a length of time in one unit, as the labels of a scale do: "45 s", "3.4 min"."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
