"""From a mixture to polygons: the boundary at which the gate holds as many foreign events as it loses monocytes."""

from dataclasses import dataclass

import numpy as np

from .gating_mixture import Mixture

GRID = 25
RAYS = 36
REACH = 4.0  # sd around the monocytes that the grid covers
FLOOR = 0.004  # of the monocytes' peak: about 3.3 sd


@dataclass(frozen=True)
class Region:
    """Corners on third x SSC (`first`) and CD14 x SSC (`second`), natural units; expected contamination and loss."""

    first: np.ndarray
    second: np.ndarray
    contamination: float
    loss: float


def balance(mixture: Mixture, monocytes: tuple[int, ...]) -> Region:
    """Draw the boundary where contamination equals loss."""
    members = list(monocytes)
    share = mixture.shares[members] / mixture.shares[members].sum()
    mean = share @ mixture.means[members]
    between = (mixture.means[members] - mean)[:, :, None] * (mixture.means[members] - mean)[:, None, :]
    sd = np.sqrt(np.diagonal((share[:, None, None] * (mixture.covariances[members] + between)).sum(axis=0)))
    axes = [np.linspace(m - REACH * s, m + REACH * s, GRID) for m, s in zip(mean, sd, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    density = np.exp(mixture.log_densities(points))
    cell = np.prod([a[1] - a[0] for a in axes])
    mono = density[:, members].sum(axis=1).reshape(GRID, GRID, GRID) * cell
    rest = density.sum(axis=1).reshape(GRID, GRID, GRID) * cell - mono
    best = None
    for shift in np.linspace(-2.5, 2.5, 11):
        second = _mask(mono.sum(axis=2), rest.sum(axis=2), shift, 3)
        for _ in range(2):
            first = _mask(
                (mono * second[:, :, None]).sum(axis=0), (rest * second[:, :, None]).sum(axis=0), shift - 1, 0
            )
            second = _mask((mono * first[None]).sum(axis=2), (rest * first[None]).sum(axis=2), shift, 0)
        both = second[:, :, None] & first[None]
        inside, foreign = float(mono[both].sum()), float(rest[both].sum())
        lost = float(mixture.shares[members].sum()) - inside
        result = (abs(foreign - lost), shift, first, second, inside, foreign, lost)
        if best is None or result[0] < best[0]:
            best = result
    _, shift, first, second, inside, foreign, lost = best
    m2, r2 = (mono * first[None]).sum(axis=2), (rest * first[None]).sum(axis=2)
    m1, r1 = (mono * second[:, :, None]).sum(axis=0).T, (rest * second[:, :, None]).sum(axis=0).T
    return Region(
        _rays(m1, r1, shift - 1, axes[2], axes[1]),
        _rays(m2, r2, shift, axes[0], axes[1]),
        foreign / max(inside + foreign, 1e-12),
        max(lost, 0) / max(inside + max(lost, 0), 1e-12),
    )


def _mask(mono: np.ndarray, rest: np.ndarray, shift: float, _: int) -> np.ndarray:
    return (mono > np.exp(shift) * rest) & (mono > FLOOR * mono.max())


def _rays(mono: np.ndarray, rest: np.ndarray, shift: float, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Walk from the monocytes' peak outwards on `RAYS` rays until the boundary."""
    tiny = 1e-300
    odds = np.minimum(
        np.log(mono + tiny) - np.log(rest + tiny) - shift, np.log(mono + tiny) - np.log(FLOOR * mono.max())
    )
    i, j = np.unravel_index(int(np.argmax(np.where(odds > 0, mono, -1))), mono.shape)
    steps = np.arange(0, 2 * GRID, 0.1)
    angles = 2 * np.pi * np.arange(RAYS) / RAYS
    x = np.clip(i + np.cos(angles)[:, None] * steps, 0, GRID - 1.001)
    y = np.clip(j + np.sin(angles)[:, None] * steps, 0, GRID - 1.001)
    i0, j0 = x.astype(int), y.astype(int)
    fx, fy = x - i0, y - j0
    value = (
        odds[i0, j0] * (1 - fx) * (1 - fy)
        + odds[i0 + 1, j0] * fx * (1 - fy)
        + odds[i0, j0 + 1] * (1 - fx) * fy
        + odds[i0 + 1, j0 + 1] * fx * fy
    )
    outside = value <= 0
    stop = np.where(outside.any(axis=1), outside.argmax(axis=1), len(steps) - 1)
    rows = np.arange(RAYS)
    return np.column_stack([np.interp(x[rows, stop], range(GRID), xs), np.interp(y[rows, stop], range(GRID), ys)])
