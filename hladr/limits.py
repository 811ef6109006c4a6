"""Comparing a value with a limit: differences below a relative 1e-9 of the limit count as equal to it."""

RELATIVE_TOLERANCE = 1e-9


def equal(value: float, limit: float) -> bool:
    """Say whether a value counts as equal to a limit."""
    return abs(value - limit) <= RELATIVE_TOLERANCE * abs(limit)


def above(value: float, limit: float) -> bool:
    """Say whether a value lies above a limit, and is not equal to it."""
    return value > limit and not equal(value, limit)


def below(value: float, limit: float) -> bool:
    """Say whether a value lies below a limit, and is not equal to it."""
    return value < limit and not equal(value, limit)


def at_most(value: float, limit: float) -> bool:
    """Say whether a value lies below a limit or is equal to it."""
    return not above(value, limit)


def at_least(value: float, limit: float) -> bool:
    """Say whether a value lies above a limit or is equal to it."""
    return not below(value, limit)
