"""Single random numbers."""

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw from low to high."""
    return float(rng.uniform(low, high))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw from low to high, evenly in the logarithm."""
    return float(np.exp(rng.uniform(math.log(low), math.log(high))))


def one_of(rng: np.random.Generator, items: Sequence[Item]) -> Item:
    """Draw one of the items; one that is listed twice comes twice as often."""
    return items[int(rng.integers(len(items)))]
