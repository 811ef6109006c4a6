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


def _rgb(colour: str) -> tuple[int, int, int]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def _ramp(colours: Sequence[str]) -> np.ndarray:
    stops = np.array([_rgb(c) for c in colours], dtype=float)
    at = np.linspace(0, len(stops) - 1, STEPS)
    shades = np.column_stack([np.interp(at, np.arange(len(stops)), stops[:, k]) for k in range(3)])
    return np.vstack([[255, 255, 255], shades]).round().astype(np.uint8)


RAMPS = (_ramp(DENSITY), _ramp(CHOSEN))


def _palette() -> np.ndarray:
    """List the colours that a picture may hold: the density ramp, and each ink faded towards white."""
    fades = np.linspace(0, 1, 6)[1:, None]
    inks = [fades * np.array(_rgb(c)) + (1 - fades) * 255 for c in (INK, MUTED, GATE, OTHER_GATE)]
    return np.unique(np.vstack([*RAMPS, *inks]).round().astype(np.uint8), axis=0)


_COLOURS = _palette()


def _nearest_colour() -> np.ndarray:
    """Tabulate the nearest palette entry of each colour, 5 bits a channel."""
    steps = (np.arange(32) * 255 / 31).astype(np.float32)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    colours = _COLOURS.astype(np.float32)
    distance = (grid**2).sum(1)[:, None] - 2 * grid @ colours.T + (colours**2).sum(1)[None]
    return distance.argmin(axis=1).astype(np.uint8)


_NEAREST = _nearest_colour()


def to_png(ground: np.ndarray, overlay: np.ndarray) -> bytes:
    """Lay RGBA over RGB, reduce to the palette, and compress."""
    rows, columns = np.nonzero(overlay[..., 3])
    ink = overlay[rows, columns].astype(np.uint16)
    alpha = ink[:, 3:]
    mixed = (ink[:, :3] * alpha + ground[rows, columns] * (255 - alpha) + 127) // 255
    ground[rows, columns] = mixed.astype(np.uint8)
    coarse = ground >> 3
    place = coarse[..., 0].astype(np.uint16) << 5
    place |= coarse[..., 1]
    place <<= 5
    place |= coarse[..., 2]
    index = _NEAREST[place]
    image = Image.fromarray(index)
    image.putpalette(_COLOURS.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def reduced(pixels: np.ndarray, colours: int = 48) -> bytes:
    """Turn opaque pixels (rows, columns, 4) into a PNG with a palette of its own."""
    image = Image.fromarray(pixels[..., :3]).quantize(colours, method=Image.Quantize.MEDIANCUT, dither=0)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
