"""Why a ratio of cohort.csv, or its interval, is empty: too little happened in one of the arms."""

from collections.abc import Iterator, Mapping
from typing import Any


def why_empty(row: Mapping[str, Any]) -> str:
    """Say why a row has no ratio, or no interval of it.

    Parameters
    ----------
    row : mapping
        A row of `cohort.rows`.

    Returns
    -------
    str
        Such as `no interval: none of placebo`; empty where nothing is missing, or there is no second arm.
    """
    name = "hazard_ratio" if row["endpoint"] == "time_to_reversal" else "odds_ratio"
    if row.get(f"{name}_low") is not None or not row["arm_b"]:
        return ""
    missing = "ratio" if row.get(name) is None else "interval"
    return f"no {missing}: {', '.join(_reasons(row, name)) or 'these counts do not determine it'}"


def _reasons(row: Mapping[str, Any], name: str) -> Iterator[str]:
    empty = [row[f"arm_{side}"] for side in "ab" if not row[f"n_{side}"]]
    if empty:
        yield from (f"no patients in {arm}" for arm in empty)
        return
    if row.get("events_a") is None:
        yield "the states of the arms do not overlap, or are all alike"
        return
    for side in "ab":
        events, n, arm = row[f"events_{side}"], row[f"n_{side}"], row[f"arm_{side}"]
        if events == 0:
            yield f"none of {arm}"
        elif events == n and name == "odds_ratio":
            yield f"all of {arm}"
