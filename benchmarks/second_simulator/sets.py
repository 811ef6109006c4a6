"""Which tubes a set holds."""

from dataclasses import dataclass

from .authors import AUTHORS
from .regimes import REGIMES

SETS = ("quick", "large", "held", "fresh")


@dataclass(frozen=True)
class Plan:
    """A tube to make: its regime, author and seed, and the name by which it is reported."""

    tube_id: str
    regime: str
    author: str
    seed: int


def plan(name: str) -> list[Plan]:
    """List the tubes of a set.

    `quick` and `large` were looked at while the gates were developed. `held` has seeds of its own; some of its failures
    were looked at once. `fresh` has the plan of `held` and seeds that nobody looked at before its figures were taken:
    take new ones once a failure of them has changed the gates. 70000 and 80000 did (doublets taken for monocytes),
    110000 and 120000 (a dim tail of the monocytes left out), 130000 and 140000 (lymphocytes lost without CD45).
    """
    others = [regime for regime in REGIMES if regime != "grid"]
    rows = []
    for number, author in enumerate(AUTHORS):
        if name == "quick":
            rows += [("grid", author, 100 + k) for k in range(4)]
            rows += [(others[(number * 6 + k) % len(others)], author, 200 + k) for k in range(6)]
        elif name == "large":
            rows += [("grid", author, 1000 + k) for k in range(25)]
            rows += [(regime, author, 2000 + k) for regime in others for k in range(2)]
        else:
            first, second = {"held": (5000, 6000), "fresh": (150_000, 160_000)}[name]
            rows += [("grid", author, first + k) for k in range(15)]
            rows += [(regime, author, second) for regime in others]
    return [Plan(f"{name}-{regime}-{author[0]}-{seed}", regime, author, seed) for regime, author, seed in rows]
