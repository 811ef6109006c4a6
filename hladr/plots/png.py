"""Small PNG files: their layout, the colours that they are made of, and compression to a palette of them."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

# Okabe and Ito's colours, which people with any kind of colour vision tell apart.
INK = "#1d2b33"
MUTED = "#5c6b73"
GATE = "#d55e00"
OTHER_GATE = "#0072b2"
PAPER = "#ffffff"
LINE = "#0b5a75"
FILL = "#b4cdd8"
LEVEL = "#fae9de"
OTHER_LEVEL = "#e8ecee"
DENSITY = ("#cfd9df", "#a9bcc7", "#829dac", "#5f7f91", "#42647a", "#2a4a5f", "#152f40")
CHOSEN = ("#f7b27c", "#ee8a45", "#dd6a1c", "#bb4f0a", "#8c3800")
STEPS = 8  # shades of a density
# The layout of a picture, in pixels: panels side by side, each with its labels in a cell.
DPI = 150  # more than 300 pixels a panel: sharp on a laptop's dense screen, and on paper
BINS = 100
ZOOM = 3  # pixels a bin
SIDE = BINS * ZOOM
LEFT, BOTTOM = 92, 80
CELL_WIDTH, CELL_HEIGHT = LEFT + SIDE + 24, BOTTOM + SIDE + 58


def rgb(colour: str) -> tuple[int, int, int]:
    """Split `#rrggbb`."""
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def _ramp(colours: Sequence[str]) -> np.ndarray:
    stops = np.array([rgb(c) for c in colours], dtype=float)
    at = np.linspace(0, len(stops) - 1, STEPS)
    return np.column_stack([np.interp(at, np.arange(len(stops)), stops[:, k]) for k in range(3)]).round()


def _palette() -> np.ndarray:
    """List the colours that a picture may hold: paper, the two ramps, fills, and each ink faded towards white."""
    fades = np.linspace(0, 1, 6)[1:, None]
    inks = [fades * np.array(rgb(c)) + (1 - fades) * 255 for c in (INK, MUTED, GATE, OTHER_GATE, LINE)]
    fills = [[rgb(c)] for c in (FILL, LEVEL, OTHER_LEVEL)]
    return np.vstack([[rgb(PAPER)], _ramp(DENSITY), _ramp(CHOSEN), *fills, *inks]).round().astype(np.uint8)


_COLOURS = _palette()
WHITE = 0
# palette entries of the shades: white, then from few events to many
RAMPS = tuple(np.array([WHITE, *range(first, first + STEPS)], dtype=np.uint8) for first in (1, 1 + STEPS))


def _nearest_colour() -> np.ndarray:
    """Tabulate the nearest palette entry of each colour, 5 bits a channel."""
    steps = (np.arange(32) * 255 / 31).astype(np.float32)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    colours = _COLOURS.astype(np.float32)
    distance = (grid**2).sum(1)[:, None] - 2 * grid @ colours.T + (colours**2).sum(1)[None]
    return distance.argmin(axis=1).astype(np.uint8)


_NEAREST = _nearest_colour()


def nearest(colours: np.ndarray) -> np.ndarray:
    """Give the palette entries (n,) nearest to colours (n, 3) of 8 bits a channel."""
    coarse = colours.astype(np.uint16) >> 3
    return _NEAREST[coarse[:, 0] << 10 | coarse[:, 1] << 5 | coarse[:, 2]]


def lay_over(ground: np.ndarray, overlay: np.ndarray) -> None:
    """Lay colours (rows, columns, 4), with alpha, over palette entries (rows, columns), where they are not clear."""
    rows, columns = np.nonzero(overlay[..., 3])
    ink = overlay[rows, columns].astype(np.uint16)
    alpha = ink[:, 3:]
    under = _COLOURS[ground[rows, columns]]
    ground[rows, columns] = nearest((ink[:, :3] * alpha + under * (255 - alpha) + 127) // 255)


def to_png(index: np.ndarray) -> bytes:
    """Compress palette entries (rows, columns)."""
    image = Image.fromarray(index)
    image.putpalette(_COLOURS.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=5)  # seven tenths of the time of 6, for an eighth more bytes
    return buffer.getvalue()
