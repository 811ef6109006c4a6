"""Words and lines on a picture of palette entries: the few things that a gate picture needs, drawn in pixels.

A figure's artists cost more than the gating of a tube, most of it for laying out the same words again: here each word
is set once in a batch. Lines go through Agg, as matplotlib's own do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path as Track
from matplotlib.transforms import IdentityTransform
from PIL import Image, ImageDraw, ImageFont

from .png import DPI, INK, MUTED, PAPER, WHITE, lay_over, nearest, rgb

DASHES = {"-": None, "--": (3.7, 1.6), ":": (1.0, 1.65)}  # in widths of the line, on and off
HALO = 3  # pixels of white around words that stand among events
# the one that comes with matplotlib, not one of the machine's: the same picture everywhere
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@dataclass(frozen=True)
class Line:
    """A line through places (n, 2), pixels from the lower left corner; width in points, dash a key of `DASHES`."""

    places: np.ndarray
    colour: str
    width: float
    dash: str = "-"
    fill: str | None = None


def paper(width: int, height: int) -> np.ndarray:
    """Return an empty picture (height, width) of palette entries."""
    return np.full((height, width), WHITE, dtype=np.uint8)


def draw_lines(ground: np.ndarray, lines: Sequence[Line]) -> None:
    """Draw lines on a part of a picture; what lies outside it is cut off."""
    if not lines:
        return
    height, width = ground.shape
    renderer = RendererAgg(width, height, DPI)
    pen = renderer.new_gc()
    pen.set_joinstyle("round")
    for line in lines:
        track = Track(line.places)
        if line.fill:
            pen.set_linewidth(0)
            renderer.draw_path(pen, track, IdentityTransform(), (*_parts(line.fill), 1.0))
        else:  # a white line under it, so that it shows on dark densities
            _stroke(renderer, pen, track, PAPER, line.width + 1.6, None, 0.8)
        _stroke(renderer, pen, track, line.colour, line.width, DASHES[line.dash], 1.0)
    lay_over(ground, np.asarray(renderer.buffer_rgba()))


def _stroke(renderer, pen, track: Track, colour: str, width: float, dash: tuple | None, alpha: float) -> None:
    pen.set_foreground((*_parts(colour), alpha), isRGBA=True)
    pen.set_linewidth(width)
    pen.set_dashes(0, [part * width for part in dash] if dash else None)
    renderer.draw_path(pen, track, IdentityTransform())


def _parts(colour: str) -> tuple[float, ...]:
    return tuple(part / 255 for part in rgb(colour))


def frame(ground: np.ndarray, left: int, bottom: int, width: int, height: int) -> None:
    """Draw a frame of one pixel around a part of a picture; places in pixels from the lower left corner."""
    tone = _tone(MUTED)
    low, high = len(ground) - bottom, len(ground) - bottom - height - 1
    ground[high : low + 1, [left - 1, left + width]] = tone
    ground[[high, low], left - 1 : left + width + 1] = tone


def ticks(
    ground: np.ndarray,
    corner: tuple[int, int],
    length: int,
    major: Sequence[tuple[float, str]],
    minor: Sequence[float],
    upright: bool = False,
) -> None:
    """Draw the ticks of a frame and the words beside the long ones.

    Parameters
    ----------
    ground : ndarray of uint8 (height, width)
    corner : (int, int)
        Lower left corner of the frame, in pixels from that of the picture.
    length : int
        Of the axis, in pixels.
    major, minor : sequences
        Shares of the axis's length; for the long ticks with their words.
    upright : bool
        The left axis, not the lower one.
    """
    tone, (left, bottom) = _tone(MUTED), corner
    row, column = len(ground) - bottom, left - 1
    for reach, shares in ((9, [share for share, _ in major]), (5, minor)):
        at = np.round(np.array([s for s in shares if -1e-9 <= s <= 1 + 1e-9]) * length).astype(np.intp)
        if upright:
            ground[row - at, column - reach : column] = tone
        else:
            ground[row + 1 : row + 1 + reach, left - 1 + at] = tone
    for share, words in major:
        if upright:
            write(ground, words, left - 13, bottom + share * length - 6, 7.5, across=1)
        else:
            write(ground, words, left + share * length, bottom - 24, 7.5, across=0.5)


def _tone(colour: str) -> int:
    """Give the palette entry of a colour."""
    return int(nearest(np.array([rgb(colour)]))[0])


def write(
    ground: np.ndarray,
    words: str,
    x: float,
    y: float,
    size: float,
    colour: str = INK,
    *,
    across: float = 0.0,
    bold: bool = False,
    upright: bool = False,
    halo: bool = False,
) -> None:
    """Write words with their base line through (x, y), pixels from the lower left corner of the picture.

    Parameters
    ----------
    ground : ndarray of uint8 (height, width)
    words : str
    x, y : float
    size : float
        In points.
    colour : str
    across : float
        Which part of the words lies at (x, y): 0 their start, 1 their end.
    bold, upright, halo : bool
        Heavy; reading upwards; with white around them.
    """
    if not words:
        return
    ink, base = _set(words, size, colour, bold, halo)
    if upright:
        ink = np.rot90(ink)
    height, width = ink.shape
    left, low = (x + base - width, y - across * height) if upright else (x - across * width, y - base)
    top, left = round(ground.shape[0] - low - height), round(left)
    place = ground[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    part = ink[max(-top, 0) :, max(-left, 0) :][: place.shape[0], : place.shape[1]]
    np.copyto(place, part, where=part != _CLEAR)


_CLEAR = 255


@lru_cache(maxsize=8)
def _font(size: float, bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    # the plain layout does not depend on which libraries the machine has
    return ImageFont.truetype(str(FONTS / name), size * DPI / 72, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4096)
def _set(words: str, size: float, colour: str, bold: bool, halo: bool) -> tuple[np.ndarray, float]:
    """Set words once: palette entries (255 where clear), and how far the base line lies above the lower edge."""
    font, edge = _font(size, bold), HALO if halo else 0
    plain = " ".join(words.split())
    left, top, right, bottom = font.getbbox(plain, anchor="ls")
    shape = (max(int(right - left), 1) + 2 * edge, max(int(bottom - top), 1) + 2 * edge)
    at = (edge - left, edge - top)

    def alpha(**stroke) -> np.ndarray:
        image = Image.new("L", shape)
        ImageDraw.Draw(image).text(at, plain, fill=255, font=font, anchor="ls", **stroke)
        return np.asarray(image)

    letters = alpha()
    share = letters.reshape(-1, 1) / 255
    mixed = share * np.array(rgb(colour)) + (1 - share) * 255
    entries = nearest(mixed.round().astype(np.uint8)).reshape(letters.shape)
    covered = alpha(stroke_width=edge) > 0 if halo else letters > 0
    ink = np.where(covered, entries, _CLEAR).astype(np.uint8)
    ink.setflags(write=False)
    return ink, bottom + edge
