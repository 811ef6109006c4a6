"""Stability of an acquisition over time: event rate, scatter and stains by blocks, and the monocytes' PE after gating.

Blocks hold equal numbers of events in the order of the time channel (of the file, where there is none). The decision
which stretch is stable looks at the event rate, scatter, CD45 and the share of leukocytes, never at HLA-DR.
"""

import math
from dataclasses import dataclass

import numpy as np

BLOCK_EVENTS = 400  # at least, so that a block's median is sharp
MOST_BLOCKS = 100
SIGNIFICANT = 4.0  # standard errors: with hundreds of comparisons chance hardly reaches it
CLEAR, LIKELY = 3.0, 2.5  # standard errors between the first and the last fifth: one comparison in each tube
PASSING = 5.0  # standard errors of a fifth against the others: five comparisons of two signals in each of many tubes


@dataclass(frozen=True)
class Stability:
    """What happened over time.

    Attributes
    ----------
    unstable_share : float
        Share of the events in blocks whose rate or signals differ from the rest.
    odd_rate_time : float
        Share of the time in blocks whose rate differs: few events pass while the cytometer clogs.
    reasons : tuple of str
        What was unstable, in plain words.
    carry_over : bool
        The share of leukocytes differs in the first block, and only within the first fifth: something was carried over.
    stable_stretch : (float, float) or None
        The longest stable stretch, from its first time up to (not including) the second; None without a time channel.
    """

    unstable_share: float
    odd_rate_time: float
    reasons: tuple[str, ...]
    carry_over: bool
    stable_stretch: tuple[float, float] | None


def stability(
    time: np.ndarray | None, leukocytes: np.ndarray, signals: dict[str, np.ndarray], change: float, rate_factor: float
) -> Stability | None:
    """Compare blocks of events over the acquisition.

    Parameters
    ----------
    time : ndarray (n,) or None
        Time channel; None: the file's order counts, and there is no rate.
    leukocytes : ndarray of bool (n,)
        Events whose signals are compared.
    signals : dict of str to ndarray (n,)
        Name in plain words -> linear values; never HLA-DR.
    change : float
        Relative change of a block's median that matters.
    rate_factor : float
        Event rate this many times above or below the usual one.

    Returns
    -------
    Stability or None
        None for files too short to say anything (under five blocks).
    """
    n = len(leukocytes)
    blocks = min(MOST_BLOCKS, n // BLOCK_EVENTS)
    if blocks < 5:
        return None
    order = np.arange(n) if time is None else np.argsort(time, kind="stable")
    edges = np.linspace(0, n, blocks + 1).astype(int)
    unstable = np.zeros(blocks, dtype=bool)
    reasons = []
    odd_time = 0.0
    if time is not None:
        odd, odd_time = _odd_rates(time[order], edges, rate_factor)
        if odd.any():
            much = max(float(odd.mean()), odd_time)
            reasons.append(f"the event rate was unusual in {100 * much:.0f} % of the acquisition")
            unstable |= odd
    inside = leukocytes[order]
    odd = _odd_shares(inside, edges)
    carry_over = bool(odd[0] and odd[: blocks // 5].sum() == odd.sum())
    if odd.any():
        where = "at the start: something was carried over" if carry_over else f"in {100 * odd.mean():.0f} % of it"
        reasons.append(f"the share of leukocytes differs {where}")
        unstable |= odd
    for name, values in signals.items():
        odd = _odd_medians(values[order], inside, edges, change)
        if odd.any():
            reasons.append(f"{name} changed in {100 * odd.mean():.0f} % of the acquisition")
            unstable |= odd
    stretch = None if time is None else _longest(time[order], edges, unstable)
    sizes = np.diff(edges)
    return Stability(float(sizes[unstable].sum() / n), odd_time, tuple(reasons), carry_over, stretch)


def _odd_rates(time: np.ndarray, edges: np.ndarray, factor: float) -> tuple[np.ndarray, float]:
    """Return the blocks with an unusual rate, and their share of the time."""
    ends = np.append(time[edges[:-1]], time[-1])
    durations = np.diff(ends)
    usual = float(np.median(durations))
    if not math.isfinite(usual) or usual <= 0:
        return np.zeros(len(durations), dtype=bool), 0.0
    odd = (durations > factor * usual) | (durations < usual / factor)
    return odd, float(durations[odd].sum() / durations.sum())


def _odd_shares(inside: np.ndarray, edges: np.ndarray) -> np.ndarray:
    sizes = np.diff(edges)
    shares = np.add.reduceat(inside.astype(float), edges[:-1]) / sizes
    usual = float(np.median(shares))
    error = np.sqrt(max(usual * (1 - usual), 0.01) / sizes)
    return np.abs(shares - usual) > np.maximum(0.1, SIGNIFICANT * error)


def _odd_medians(values: np.ndarray, inside: np.ndarray, edges: np.ndarray, change: float) -> np.ndarray:
    """Return the blocks whose median is another: by the change that matters, and by more than chance.

    Chance is the interval of a median between order statistics. Neutrophils and lymphocytes are two peaks of side
    scatter: where the median lies between them it moves easily, which a standard error from quartiles does not know.
    Shares below and above the usual median answer both questions; the second round leaves out what the first found.
    """
    gated = values[inside]
    places = np.append(0, np.cumsum(inside))[edges]
    sizes = np.diff(places)
    clear = 0.5 + 0.5 * SIGNIFICANT / np.sqrt(np.maximum(sizes, 1))

    def share(chosen: np.ndarray) -> np.ndarray:
        return np.diff(np.append(0, np.cumsum(chosen))[places]) / np.maximum(sizes, 1)

    odd = np.zeros(len(sizes), dtype=bool)
    for _ in range(2):
        kept = gated[np.repeat(~odd, sizes)] if odd.any() else gated
        usual = float(np.partition(kept, len(kept) // 2)[len(kept) // 2]) if len(kept) else 0.0
        if not usual > 0:
            return np.zeros(len(sizes), dtype=bool)
        lower, higher = share(gated < (1 - change) * usual) > 0.5, share(gated > (1 + change) * usual) > 0.5
        odd = (sizes >= 50) & (lower | higher)
        if not odd.any():
            break
        odd &= (lower & (share(gated < usual) > clear)) | (higher & (share(gated > usual) > clear))
    return odd


def _longest(time: np.ndarray, edges: np.ndarray, unstable: np.ndarray) -> tuple[float, float] | None:
    """Return the longest run of stable blocks as an interval of time."""
    best, start = (0, 0), None
    for i, bad in enumerate([*unstable, True]):
        if not bad and start is None:
            start = i
        elif bad and start is not None:
            best = max(best, (i - start, -start))
            start = None
    length, start = best[0], -best[1]
    if not length:
        return None
    stop = edges[start + length]
    end = float(time[stop]) if stop < len(time) else float(np.nextafter(time[-1], np.inf))
    return float(time[edges[start]]), end


@dataclass(frozen=True)
class Change:
    """Medians of a signal in two parts of the acquisition, and how far chance alone would part the two.

    Attributes
    ----------
    first, last : float
        Medians.
    errors : float
        Difference of the ranks of the two parts in its standard errors (rank sum test).
    """

    first: float
    last: float
    errors: float

    @property
    def relative(self) -> float:
        """Relative change from first to last; infinite where the signal began at or below zero."""
        return self.last / self.first - 1 if self.first > 0 else math.inf

    def status(self, review: float, failed: float) -> str | None:
        """Say what the change does to a tube: `failed`, `review`, or None where it is small or may be chance.

        Medians of few cells, and of two populations, differ by chance, also by as much as fails a tube. A large change
        with less evidence than a refusal needs is for a person to look at.
        """
        size = abs(self.relative)
        if size > failed and self.errors > CLEAR:
            return "failed"
        return "review" if size > review and self.errors > (LIKELY if size > failed else CLEAR) else None


def fifths(time: np.ndarray | None, values: np.ndarray, inside: np.ndarray) -> Change | None:
    """Compare a signal of gated events between the first and the last fifth of all events.

    Returns
    -------
    Change or None
        None with fewer than 15 gated events at an end, or where neither median is positive.

    Notes
    -----
    At 60 cells an end and a spread of 0.5 (ln) the medians of a steady tube differ by 11 % (one standard error). The
    ranks tell a change from that with a third fewer cells than the medians themselves would need.
    """
    parts = _parts(time, values, inside)
    return _change(parts[0], parts[-1])


def odd_fifth(
    time: np.ndarray | None, values: np.ndarray, inside: np.ndarray, least: float
) -> tuple[int, Change] | None:
    """Compare each fifth of all events with the four others: what changes and comes back shows here alone.

    Parameters
    ----------
    time : ndarray (n,) or None
    values : ndarray (n,)
    inside : ndarray of bool (n,)
        The gated events.
    least : float
        Relative change of the median from which on it matters.

    Returns
    -------
    (int, Change) or None
        Which fifth (from 0) differs most among those that differ by more than chance, and by how much; None where none
        does, or where gated events are too few to tell.
    """
    parts = _parts(time, values, inside)
    changes = []
    for i, part in enumerate(parts):
        change = _change(np.concatenate([*parts[:i], *parts[i + 1 :]]), part, least)
        if change is not None and change.errors > PASSING:
            changes.append((i, change))
    return max(changes, key=lambda found: abs(found[1].relative), default=None)


def _parts(time: np.ndarray | None, values: np.ndarray, inside: np.ndarray) -> list[np.ndarray]:
    """Take the gated values of each fifth of all events; events that five does not divide are the middle fifth's."""
    n = len(inside)
    order = np.arange(n) if time is None else np.argsort(time, kind="stable")
    gated = inside[order]
    ends = np.append(0, np.cumsum(gated))[[n // 5, 2 * (n // 5), n - 2 * (n // 5), n - n // 5]]
    return np.split(values[order[gated]], ends)


def _change(early: np.ndarray, late: np.ndarray, least: float = -1.0) -> Change | None:
    """Compare two parts; None with fewer than 15 values in one, or where neither median is positive.

    Also None for a change up to `least`: most changes are small, and their ranks, which take the time, of no interest.
    """
    if min(len(early), len(late)) < 15:
        return None
    first, last = float(np.median(early)), float(np.median(late))
    if max(first, last) <= 0 or (first > 0 and abs(last / first - 1) <= least):
        return None
    early, late = np.sort(early), np.sort(late)
    # Pairs in which the late event is the larger one, ties by half: the rank sum test of scipy.stats, whose import
    # alone would cost each batch job a second or two.
    larger = (np.searchsorted(early, late, "left") + np.searchsorted(early, late, "right")).sum() / 2
    pairs = len(early) * len(late)
    error = math.sqrt(pairs * (len(early) + len(late) + 1) / 12)
    return Change(first, last, abs(float(larger) - pairs / 2) / error)
