"""The comparison of laboratories: what each sent, how well it could be read, and how they prepare blood."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from .view import Inputs


def comparison(inputs: Inputs, tubes: Sequence[Mapping], beads: Sequence[Mapping]) -> dict:
    """Summarise each laboratory and say where they differ in what they do."""
    by_lab: dict[str, list[Mapping]] = defaultdict(list)
    for t in tubes:
        by_lab[t["lab"]].append(t)
    rows = []
    for lab in sorted({*by_lab, *inputs.study.labs}):
        ours = by_lab.get(lab, [])
        values = [t for t in ours if t["abc"] is not None and t["role"] == "patient"]
        runs = [b for b in beads if b["lab"] == lab]
        slopes = [b["slope"] for b in runs if b["slope"] is not None and b["status"] != "failed"]
        status = Counter(t["status"] for t in ours)
        codes = Counter(code for t in ours for code in t["flags"].split(";") if code)
        widths = [t["high"] / t["low"] for t in values if t["low"]]
        rows.append(
            {
                "lab": lab,
                "n": len(ours),
                **{name: status.get(name, 0) for name in ("ok", "review", "failed")},
                "abc": _median(t["abc"] for t in values),
                "mono": _median(t["n_mono"] for t in ours),
                "percent": _median(t["pct"] for t in ours),
                "width": 100 * (median(widths) ** 0.5 - 1) if widths else None,
                "runs": len(runs),
                "runs_bad": sum(b["status"] != "ok" for b in runs),
                "slope": _median(slopes),
                "preparation": inputs.study.labs.get(lab, {}).get("preparation") or "not stated",
                "common": ", ".join(f"{code} ({n})" for code, n in codes.most_common(3)),
            }
        )
    stated = {row["preparation"] for row in rows if row["preparation"] != "not stated"}
    return {"rows": rows, "preparations_differ": len(stated) > 1, "strip": strip(by_lab)}


def _median(values: Iterable[float | None]) -> float | None:
    """Return the median of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def strip(by_lab: Mapping[str, Sequence[Mapping]]) -> list[dict]:
    """Give each laboratory's AB/C for a strip of points (at most 400, evenly taken), and the median of all."""
    made = []
    for lab in sorted(by_lab):
        values = sorted(t["abc"] for t in by_lab[lab] if t["abc"] and t["role"] == "patient")
        step = max(len(values) / 400, 1)
        some = [values[int(k * step)] for k in range(int(len(values) / step))]
        made.append({"lab": lab, "values": some, "median": _median(values)})
    return made
