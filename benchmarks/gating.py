"""Accuracy, doubt and speed of the gates on a hard simulated grid: `python benchmarks/gating.py [--quick]`.

Beside our gates: a template set on a healthy tube, the best simple valley gate, and as a ceiling a supervised
classifier that knows each tube's truth. For research use only, not for diagnostic use.
"""

import argparse
import json
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import yaml
from gating_methods import CANDIDATES, ceiling, f1, hladr_gate, template_gate, valley_gate
from gating_tubes import by_channel, columns_of, make_tube, truth_of

from hladr.gating import apply
from hladr.gating.doubt import central, pe_doubt, spread_ln
from hladr.gating.learn import learn
from hladr.simulate import Blood, random_cytometer, simulate_tube

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="40 tubes of at most 60,000 events, no ceiling by trees")
    parser.add_argument("--tubes", type=int, help="number of tubes (default 200)")
    parser.add_argument("--first", type=int, default=0, help="seed of the first tube")
    parser.add_argument("--candidates", action="store_true", help="also the methods that were tried and not chosen")
    parser.add_argument("--without-cd45", action="store_true", help="the two-colour panel")
    parser.add_argument("--out", type=Path, default=Path("gating-benchmark"), help="folder of pictures and rows.jsonl")
    options = parser.parse_args()
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    count = options.tubes or (40 if options.quick else 200)
    largest = 60_000 if options.quick else 1_000_000
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed in range(options.first, options.first + count):
        rows.append(one(seed, largest, config, options))
        if sys.stderr.isatty():
            print(f"\r{len(rows)} of {count}", end="", file=sys.stderr)
    with open(options.out / "rows.jsonl", "w", encoding="utf-8") as handle:
        handle.writelines(json.dumps(row) + "\n" for row in rows)
    report(rows, config)
    pictures(rows, largest, config, options)
    speed(config)


def one(seed: int, largest: int, config: dict, options) -> dict:
    tube, text = make_tube(seed, largest, not options.without_cd45)
    columns, pe = columns_of(tube)
    truth = truth_of(tube)
    settings = config["gating"]
    mask, learned, masks = hladr_gate(columns, tube, settings)
    row = {"seed": seed, "text": text, "n": int(truth.sum())}
    row |= {"f1": f1(mask, truth), "error": error(pe, mask, truth)}
    if learned is not None:
        names = {"main": "monocytes", "tight": "monocytes_tight", "wide": "monocytes_wide"}
        values = {s: {k: central(pe[masks[v]], s) for k, v in names.items()} for s in ("median", "geometric_mean")}
        doubt = pe_doubt(learned.doubt, values, spread_ln(pe[mask]))
        row |= {
            "contamination": learned.doubt.contamination,
            "loss": learned.doubt.loss,
            "sd": doubt["median"].total_ln,
        }
        row |= population(tube, values["median"]["main"], spread_ln(pe[mask]), int(mask.sum()), row["sd"])
        row["flagged"] = learned.doubt.uncertain(settings["uncertain_above"])
    row["true_contamination"] = float(1 - (mask & truth).sum() / max(mask.sum(), 1))
    row["true_loss"] = float(1 - (mask & truth).sum() / max(truth.sum(), 1))
    row["ceiling"] = ceiling(columns, tube)
    methods = {
        "template": template_gate,
        "valley CD14": lambda c, t, s: valley_gate(c, t, s, False),
        "valley CD14, SSC": valley_gate,
    }
    if options.candidates:
        methods |= CANDIDATES
    for name, method in methods.items():
        other = method(columns, tube, settings)
        row[f"f1 {name}"], row[f"error {name}"] = f1(other, truth), error(pe, other, truth)
    return row


def population(tube, median: float | None, spread: float | None, n: int, gate: float) -> dict:
    """Compare with the population behind the tube, the gain being known: ln error and the sd that is stated for it."""
    if median is None or spread is None:
        return {}
    detector = next(d for d in tube.cytometer.detectors if d.marker == "HLA-DR")
    abc = median / detector.units_per_molecule / tube.blood.pe_per_antibody
    stated = np.hypot(gate, np.sqrt(np.pi / 2) * spread / np.sqrt(n))
    return {"population_ln": float(np.log(abc / tube.true_abc)), "stated_ln": float(stated)}


def error(pe: np.ndarray, mask: np.ndarray, truth: np.ndarray) -> float | None:
    """Relative error of the median PE against the tube's true monocytes; None where there is none."""
    found, true = central(pe[mask], "median"), central(pe[truth], "median")
    return None if found is None or true is None else found / true - 1


def report(rows: list[dict], config: dict) -> None:
    used = [r for r in rows if r["n"] >= 100]
    print(f"{len(rows)} tubes, {len(used)} with at least 100 true monocytes\n")
    print(f"{'method':28s}  F1 median   decile    worst  |error| median 95th pct  none")
    names = [("hladr", "f1", "error")]
    names += [(k[3:], k, f"error {k[3:]}") for k in used[0] if k.startswith("f1 ")]
    for name, score, wrong in names:
        print(line(name, [r[score] for r in used], [r[wrong] for r in used]))
    top = np.array([r["ceiling"] for r in used])
    print(f"{'supervised ceiling':28s}{np.median(top):11.4f}{np.percentile(top, 10):9.4f}{top.min():9.4f}")
    gap = top - np.array([r["f1"] for r in used])
    print(f"\nbehind the ceiling: median {np.median(gap):.4f}, 90th percentile {np.percentile(gap, 90):.4f}")
    easy = [r for r in used if r["ceiling"] >= 0.97]
    if easy:
        print(line(f"where the ceiling is >= 0.97 ({len(easy)})", [r["f1"] for r in easy], [r["error"] for r in easy]))
    calm = [r for r in used if not r.get("flagged", True)]
    print(line(f"unflagged ({len(calm)})", [r["f1"] for r in calm], [r["error"] for r in calm]))
    bad, good = [r for r in used if r["f1"] < 0.9], [r for r in used if r["f1"] >= 0.97]
    print(f"F1 < 0.9: {sum(r.get('flagged', True) for r in bad)} of {len(bad)} flagged")
    print(f"F1 >= 0.97: {sum(r.get('flagged', True) for r in good)} of {len(good)} flagged")
    found = [r for r in used if r.get("sd") and r["error"] is not None and not r["flagged"]]
    z = np.array([np.log1p(r["error"]) / r["sd"] for r in found])
    beyond = np.mean(np.abs(z) > 2)
    print(f"unflagged tubes, error over stated doubt: sd {np.sqrt(np.mean(z**2)):.2f}, beyond 2: {beyond:.3f}")
    known = [r for r in used if "stated_ln" in r and not r["flagged"]]
    inside = [abs(r["population_ln"]) <= 1.96 * r["stated_ln"] for r in known]
    print(
        f"unflagged tubes, 95 % intervals (gate, sampling; gain known) that hold the population: {np.mean(inside):.3f}"
    )
    for key in ("contamination", "loss"):
        pairs = np.array([(r[key], r[f"true_{key}"]) for r in used if key in r])
        print(f"{key}: expected {pairs[:, 0].mean():.3f}, true {pairs[:, 1].mean():.3f}")


def line(name: str, scores: list[float], errors: list[float | None]) -> str:
    known = np.abs([e for e in errors if e is not None])
    none = sum(e is None for e in errors)
    return (
        f"{name:28s}{np.median(scores):11.4f}{np.percentile(scores, 10):9.4f}{np.min(scores):9.4f}"
        f"{100 * np.median(known):15.2f}%{100 * np.percentile(known, 95):9.2f}%{none:6d}"
    )


def pictures(rows: list[dict], largest: int, config: dict, options) -> None:
    """Draw the worst ten."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    print("\nworst ten")
    for row in sorted((r for r in rows if r["n"] >= 100), key=lambda r: r["f1"])[:10]:
        tube, text = make_tube(row["seed"], largest, not options.without_cd45)
        columns, _ = columns_of(tube)
        mask, _, _ = hladr_gate(columns, tube, config["gating"])
        truth = truth_of(tube)
        flagged = "flagged" if row.get("flagged", True) else "not flagged"
        print(f"F1 {row['f1']:.3f} (ceiling {row['ceiling']:.3f}), {flagged}: {text}")
        figure = Figure((10, 5), dpi=80)
        FigureCanvasAgg(figure)
        for place, third in enumerate((columns.cd14, columns.cd45 or columns.forward)):
            axes = figure.add_subplot(1, 2, place + 1)
            x, y = np.arcsinh(third.values / (third.top * 2e-4)), columns.side.values
            for chosen, colour in ((~truth, "0.8"), (truth, "tab:red")):
                axes.plot(x[chosen][:20000], y[chosen][:20000], ".", ms=1, color=colour)
            axes.plot(x[mask & ~truth], y[mask & ~truth], ".", ms=2, color="tab:blue")
            axes.set_xlabel(f"{third.channel} (asinh)")
            axes.set_ylabel(columns.side.channel)
        figure.suptitle("red: true monocytes; blue: gated, but not monocytes", fontsize=9)
        figure.savefig(options.out / f"worst_{row['seed']}.png")


def speed(config: dict) -> None:
    """Time and memory of gating one tube, CPU time of one core, imports excluded."""
    print("\nevents      ms (best of 3)   peak memory / float32 events")
    for n in (60_000, 1_000_000):
        rng = np.random.default_rng(5)
        tube = simulate_tube(Blood(n_events=n), random_cytometer(rng, model="canto"), rng)
        columns, _ = columns_of(tube)
        values = by_channel(columns)
        size = tube.events.shape[0] * tube.events.shape[1] * 4
        del tube

        def gate(columns=columns, values=values, n=n):
            learned = learn(columns, config["gating"])
            apply(learned.gates, lambda axis: values[axis.channel], n, learned.scaled, learned.masks)

        best = min(_cpu(gate) for _ in range(3))
        tracemalloc.start()
        gate()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"{n:9,d} {1000 * best:13.0f} {peak / size:25.1f}")


def _cpu(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
