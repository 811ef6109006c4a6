"""Which components of a tube's mixture are the monocytes: the most typical one, and what belongs to it."""

import numpy as np

from ..flags import SpecimenError
from .landmarks import CD14, SIDE, THIRD, Landmarks, beyond, like_lymphocytes, mature, penalty
from .mixture import Mixture

SPREADS = np.array([0.45, 0.25, 0.30, 0.20])  # typical sd of CD14, SSC, CD45, FSC within a population, natural units
LYMPHOCYTES = 0  # their component, where there are any
FSC = 3  # the fourth axis of panels with CD45
# Natural units of CD14 above the other cells, beyond which brighter is not more like monocytes: some patients have two
# groups of them. Without CD45 debris may hide where they are to be expected; then CD14 says more.
BRIGHTEST, BRIGHTEST_ALONE = 2, 4
LARGE, OUTSHONE = 0.1, 3.0  # share of the leukocytes; log of how much less plausible
USUAL_DIM = 0.2  # of the gated monocytes
TWINS_CD45 = 1.2  # natural units: a factor of 3.3 in CD45, between groups of monocytes


def monocytes(mixture: Mixture, marks: Landmarks, n_events: float) -> tuple[int, ...]:
    """Return the components that are monocytes, the most typical first.

    Parameters
    ----------
    mixture : Mixture
    marks : Landmarks
        The lymphocytes and granulocytes that it was begun with.
    n_events : float
        Leukocytes.

    Raises
    ------
    SpecimenError
        `no_monocytes` where no component can be the monocytes.
    """
    return _members(mixture, _most_typical(mixture, marks, n_events), marks, n_events)


def _most_typical(mixture: Mixture, marks: Landmarks, n_events: float) -> int:
    """Choose the component that is most like monocytes."""
    cd14 = mixture.means[:, CD14]
    spread = np.sqrt(np.diagonal(mixture.scatters, axis1=1, axis2=2))
    score = (
        1.5 * np.clip(cd14 - marks.reference, -2, BRIGHTEST if mixture.means.shape[1] == 4 else BRIGHTEST_ALONE)
        - penalty(beyond(mixture.means[:, SIDE], marks.side), 0.25)
        - penalty(beyond(mixture.means[:, THIRD], marks.third), 0.3)
        - 0.5 * penalty(np.maximum(np.log(spread[:, SIDE] / 0.27), 0), 0.4)
        - 0.5 * penalty(np.maximum(np.log(spread[:, THIRD] / 0.30), 0), 0.4)
        + 0.6 * np.log(np.maximum(mixture.shares * n_events, 1e-9))
    )
    score[_outshone(mixture, marks, n_events)] -= OUTSHONE
    score[(mixture.shares * n_events < 8) | (cd14 < marks.reference + 0.2)] = -np.inf
    if marks.granulocytes is not None:
        score[_apart(mixture.means[:, :3], marks.granulocytes[:3]) < 2.5] = -np.inf
        if mature(marks):
            # eosinophils, whose own light looks like a little CD14, where monocytes have none or are not there
            score[mixture.means[:, SIDE] > marks.granulocytes[SIDE] + 0.3] = -np.inf
    if marks.lymphocytes is not None:
        score[like_lymphocytes(mixture.means - marks.lymphocytes)] = -np.inf
        score[mixture.means[:, SIDE] < marks.lymphocytes[SIDE] - 0.3] = -np.inf  # no leukocyte has less than they
    for other in (marks.lymphocytes, marks.granulocytes):
        if other is not None and marks.granulocytes is not None:
            score[_apart(mixture.means, doublet(marks.granulocytes, other)) < 2.5] = -np.inf
    best = int(np.argmax(score))
    if not np.isfinite(score[best]):
        raise SpecimenError("no_monocytes", "no population of CD14+ monocytes can be told from the other cells")
    return _summit(mixture, best, np.isfinite(score))


def _outshone(mixture: Mixture, marks: Landmarks, n_events: float) -> np.ndarray:
    """Tell large components (k,) beside which others lie as monocytes do beside granulocytes.

    These are brighter in CD14, with less SSC, though more than lymphocytes; no debris strewn over all axes; at least a
    twentieth of the component's events, and a few dozen.
    """
    cd14, side, shares = mixture.means[:, CD14], mixture.means[:, SIDE], mixture.shares
    floor = -np.inf if marks.lymphocytes is None else marks.lymphocytes[SIDE] + 0.3
    compact = np.sqrt(mixture.scatters[:, SIDE, SIDE]) < 1.5 * SPREADS[SIDE]
    many = (shares > 0.05 * shares[:, None]) & (shares * n_events > 50)
    beside = (cd14 > cd14[:, None] + 1.0) & (side < side[:, None] - 0.3) & (side > floor)
    return (shares > LARGE) & (beside & many & compact).any(axis=1)


def _summit(mixture: Mixture, best: int, candidates: np.ndarray) -> int:
    """Return the largest component of the hill that a component is part of: a small bright one may be its flank."""
    three = mixture.marginal((CD14, SIDE, THIRD))
    hill = [best]
    for i in np.flatnonzero(candidates):
        step = mixture.means[i] - mixture.means[best]
        if i != best and _alike(step, 1.6) and (np.abs(step[3:]) < 0.5).all() and _one_hill(three, best, i):
            hill.append(int(i))
    return max(hill, key=lambda i: mixture.shares[i])


def _members(mixture: Mixture, seed: int, marks: Landmarks, n_events: float) -> tuple[int, ...]:
    """Add the components that form one hill with the monocytes and are as bright in CD45 and alike in SSC."""
    members = [seed]
    mean = mixture.means[seed]
    granulocytes = marks.granulocytes
    three = mixture.marginal((CD14, SIDE, THIRD))
    for i in range(len(mixture.shares)):
        if i == seed or mixture.shares[i] * n_events < 5:
            continue
        step = mixture.means[i] - mean
        if granulocytes is not None and _apart(mixture.means[i : i + 1, :3], granulocytes[:3])[0] < 2.5:
            continue
        if marks.lymphocytes is not None and _rather_lymphocytes(mixture, i, seed):
            continue
        if len(step) == 4 and _dead(mixture, i, seed):
            continue
        bright = mixture.means[i, CD14] > marks.reference + 0.6
        # a dim tail of the monocytes has their scatter and CD45, and is brighter than the other cells
        same = bright and (np.abs(step[1:]) < SPREADS[1 : len(step)]).all()
        one_hill = _alike(step, 1.8 if same else 1.1) and _one_hill(three, seed, i)
        if one_hill or (bright and _twins(step)):
            members.append(i)
    return tuple(members)


def dim_share(mixture: Mixture, members: tuple[int, ...], marks: Landmarks) -> float:
    """Return the share of the monocytes, 0 to 1, that may be a group with far less CD14, left out of the gate.

    Non-classical monocytes are as dim; they are smaller, or few: up to `USUAL_DIM` of the others nothing is said.
    """
    own = float(mixture.shares[list(members)].sum())
    dim = 0.0
    for i in set(range(len(mixture.shares))) - set(members):
        step = mixture.means[i] - mixture.means[members[0]]
        apart = marks.granulocytes is None or _apart(mixture.means[i : i + 1, :3], marks.granulocytes[:3])[0] > 2.5
        if apart and (np.abs(step[1:]) < SPREADS[1 : len(step)]).all() and -2.6 < step[CD14] < -0.5:
            dim += float(mixture.shares[i])
    return dim / (dim + own) if dim > USUAL_DIM * own else 0.0


def _twins(step: np.ndarray) -> bool:
    """Tell a group of monocytes that is apart from the others: their scatter, no dimmer in CD14, whatever its CD45.

    Nothing else is as bright in CD14 and of that size: doublets are larger, dead cells smaller, granulocytes have more
    SSC. Some patients' monocytes are in two groups of CD45, some in two of CD14.
    """
    size = step[-1]  # FSC is the last axis, with CD45 and without
    like = abs(step[SIDE]) < SPREADS[SIDE] and abs(size) < SPREADS[3]
    return bool(like and abs(step[THIRD]) < TWINS_CD45 and step[CD14] > -0.5)


def _alike(step: np.ndarray, dimmer: float) -> bool:
    """Tell whether a component may belong to the monocytes by its distance: at most so much dimmer in CD14."""
    return bool(abs(step[SIDE]) < 0.6 and abs(step[THIRD]) < 0.6 and step[CD14] > -dimmer)


def _dead(mixture: Mixture, i: int, monocytes: int) -> bool:
    """Tell dead cells: far from the monocytes in FSC, or of another size and strewn over SSC or CD45.

    How far is far is told by the FSC of the lymphocytes (or what else comes first), cells of one size.
    """
    spread = np.sqrt(np.diagonal(mixture.covariances, axis1=1, axis2=2))
    away = abs(mixture.means[i, FSC] - mixture.means[monocytes, FSC]) / max(spread[0, FSC], 0.12)
    strewn = (spread[i, [SIDE, THIRD]] > 1.5 * SPREADS[[SIDE, THIRD]]).any()
    return bool(away > 3.5 or (strewn and away > 2))


def _rather_lymphocytes(mixture: Mixture, i: int, monocytes: int) -> bool:
    """Tell whether scatter and CD45 are those of lymphocytes, and more so than they are the monocytes'."""
    away = [
        np.square(mixture.means[i] - mixture.means[other])[1:] / np.diag(mixture.covariances[other])[1:]
        for other in (LYMPHOCYTES, monocytes)
    ]
    return bool(away[0].max() < 2.5**2 and away[0].sum() < away[1].sum())


def _one_hill(mixture: Mixture, a: int, b: int) -> bool:
    line = mixture.means[a] + np.linspace(0, 1, 21)[:, None] * (mixture.means[b] - mixture.means[a])
    density = mixture.densities(line)[[a, b]].sum(axis=0)
    return bool(density.min() > 0.8 * min(density[0], density[-1]))


def _apart(means: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Distance (k,) of components from a place, in typical spreads of a population."""
    return np.sqrt((((means - other) / SPREADS[: len(other)]) ** 2).sum(axis=1))


def doublet(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where two cells in one event lie: their linear signals add."""
    return np.arcsinh(np.sinh(a) + np.sinh(b))
