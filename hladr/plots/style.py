"""What the figures of courses and cohorts share: colours, markers, axes, writing.

Colours are told apart by the colour-blind and in grey, and nothing is said by colour alone: arms differ by line style
and marker, calls by marker.
"""

import io

import matplotlib
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ..rules import INDETERMINATE, MALS, SIP, UNCLASSIFIED

INK, MUTED, LIMIT = "#1d2b33", "#55656e", "#a6261b"
ARM_COLORS = ("#0b5a75", "#e08214")  # dark and light: different in grey too
ARM_LINES = ("-", (0, (5, 2)))
ARM_MARKERS = ("o", "s")
# call: marker, face colour
CALLS = {
    MALS: ("^", "#7b3294"),
    SIP: ("o", "#0b5a75"),
    UNCLASSIFIED: ("s", "white"),
    INDETERMINATE: ("X", "#b9c4ca"),
}
RASTER_DPI = 150
MOST_POINTS = 400  # more are written as pixels
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.hashsalt": "hladr",
}
DAY = "study day"
ABC = "HLA-DR, AB/C"
FERRITIN = "ferritin, ng/mL"


def svg_of(figure: Figure) -> str:
    """Write a figure as SVG, the same bytes for the same figure."""
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, dpi=RASTER_DPI)
    return buffer.getvalue()


def png_of(figure: Figure, dpi: int = RASTER_DPI) -> bytes:
    """Write a figure as PNG."""
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def call_handle(call: str, label: str | None = None) -> Line2D:
    """Return the legend's mark of a call."""
    marker, face = CALLS[call]
    return Line2D([], [], marker=marker, ls="none", ms=7, mfc=face, mec=INK, mew=0.8, label=label or call)


def limit(axes, value: float, word: str) -> None:
    """Draw a horizontal limit with its name and number."""
    axes.axhline(value, color=LIMIT, lw=1, ls=(0, (6, 3)), zorder=1)
    axes.annotate(
        f"{word} {value:,.0f}",
        (1, value),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 1.5),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=7,
        color=LIMIT,
        zorder=1.8,
        bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.7},
    )


def log_axis(axes, label: str) -> None:
    """Make the vertical axis logarithmic, with plain numbers."""
    axes.set_yscale("log")
    plain_ticks(axes.yaxis)
    axes.set_ylabel(label)


def plain_ticks(axis) -> None:
    """Write the numbers of a logarithmic axis in full."""
    axis.set_major_locator(LogLocator(10, subs=(1, 2, 5), numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
