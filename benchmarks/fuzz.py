"""Damage files, tables and gates, and run hladr on them: `python benchmarks/fuzz.py [--cases 20000] [--seed 1]`.

Seven tenths of the cases are FCS files (tubes and bead runs of nine cytometers, damaged as bytes, in their keywords or
in their events), the others are tables and configurations, workbooks, and gates of a reviewer. Counted as a find: an
exception, a worker that dies, more than ten seconds of CPU, more memory than the limit, odd words in a sentence, and an
AB/C that is ok and more than 5 % from that of the undamaged file. Damage of which no file can tell (another matrix that
is as plausible, another reviewer's gate) is no find; how often it goes through is printed. A case repeats by its number
(`--parts PART --only NUMBER`).
"""

import argparse
import collections
import json
import os
import resource
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"  # before numpy is imported

import numpy as np  # noqa: E402
from fuzz_parts.overrides import Overrides  # noqa: E402
from fuzz_parts.specimens import LARGEST_CHANGE, PLAUSIBLE, Specimens  # noqa: E402
from fuzz_parts.tables import Tables  # noqa: E402

from hladr.batch import run_batch  # noqa: E402

SECONDS = 10  # of CPU; a case that waits is ended after WAITING
WAITING = 120
MEGABYTES = 1000  # for one case, beyond what the libraries set aside
SHARES = {"specimens": 0.7, "tables": 0.15, "workbooks": 0.1, "overrides": 0.05}
ROUND = 500


class Slow(BaseException):
    """More than the seconds allowed."""


def _late(number, frame):
    raise Slow


class Worker:
    """One case after the other, in a process that may die."""

    def __init__(self, folder: Path, part: str, seed: int, cases: list[int]):
        specimens = Specimens(folder / "study")
        if part == "specimens":
            self.work = specimens.case
        elif part == "overrides":
            self.work = Overrides(specimens).case
        else:
            tables = Tables(folder / "tables", specimens)
            self.work = tables.text if part == "tables" else tables.workbook
        self.part, self.seed, self.cases = part, seed, cases

    def __call__(self, position: int) -> str:
        """Run a case under the alarm; return its outcome as JSON."""
        rng = np.random.default_rng([self.seed, list(SHARES).index(self.part), self.cases[position]])
        started = time.process_time()
        signal.signal(signal.SIGPROF, _late)
        signal.signal(signal.SIGALRM, _late)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.alarm(WAITING)
        try:
            outcome = asdict(self.work(rng))
        except Slow:
            outcome = {"said": "slow", "find": f"more than {SECONDS} s"}
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.alarm(0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return json.dumps({**outcome, "seconds": time.process_time() - started, "peak": peak})


def _set_aside_mb() -> int:
    with open("/proc/self/status", encoding="ascii") as handle:
        return next(int(line.split()[1]) for line in handle if line.startswith("VmData")) // 1000


def dead(position: int, how: str) -> str:
    """Stand for a case whose worker died, or raised."""
    return json.dumps({"said": "died", "find": how})


def run_part(folder: Path, part: str, cases: list[int], seed: int) -> list[dict]:
    """Run the cases of a part; print what is found."""
    worker = Worker(folder, part, seed, cases)
    outcomes = []
    for start in range(0, len(cases), ROUND):
        positions = range(start, min(start + ROUND, len(cases)))
        names = [f"{part} {cases[i]}" for i in positions]
        lines = run_batch(names, lambda i, at=start: worker(at + i), dead, None, _set_aside_mb() + MEGABYTES)
        for name, line in zip(names, lines, strict=True):
            outcomes.append(json.loads(line))
            if outcomes[-1]["find"]:
                what = f"{outcomes[-1].get('what', '')} {'+'.join(outcomes[-1].get('done', ()))}"
                print(f"FIND {name}: {what}: {outcomes[-1]['find']}", flush=True)
        print(f"{part}: {len(outcomes)} of {len(cases)}", file=sys.stderr, flush=True)
    return outcomes


def table(outcomes: dict[str, list[dict]]) -> None:
    """Print what was said, by part and kind of file."""
    print(f"\n{'part':<24}{'cases':>8}{'finds':>8}{'most CPU s':>11}{'peak MB':>9}  what hladr said")
    for part, found in outcomes.items():
        said = collections.Counter(o["said"] for o in found)
        slowest = max((o.get("seconds", 0.0) for o in found), default=0.0)
        peak = max((o.get("peak", 0.0) for o in found), default=0.0)
        finds = sum(bool(o["find"]) for o in found)
        words = ", ".join(f"{name} {count}" for name, count in said.most_common())
        print(f"{part:<24}{len(found):>8}{finds:>8}{slowest:>11.2f}{peak:>9.0f}  {words}")


def mutations(found: list[dict], title: str) -> None:
    """Print for each mutation, where it was the only one, how often the result was ok, and far off."""
    heads = f"{'cases':>8}{'ok':>8}{'review':>8}{'failed':>8}{'ok, > 5 % off':>15}"
    print(f"\n{title + ', where it was the only damage':<50}{heads}")
    alone = collections.defaultdict(list)
    for outcome in found:
        if len(outcome.get("done", ())) == 1:
            alone[outcome["done"][0]].append(outcome)
    for name, rows in sorted(alone.items()):
        said = collections.Counter(row["said"] for row in rows)
        off = sum(row["said"] == "ok" and abs(row["change"]) > LARGEST_CHANGE for row in rows)
        mark = " *" if name in (*PLAUSIBLE, "spill_edited", "setting_nudged") else ""
        numbers = f"{len(rows):>8}{said['ok']:>8}{said['review']:>8}{said['failed']:>8}{off:>15}"
        print(f"  {name + mark:<48}{numbers}")


def main() -> None:
    """Run the cases and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parts", nargs="+", choices=list(SHARES), default=list(SHARES))
    parser.add_argument("--only", type=int, help="one case of one part, by its number")
    parser.add_argument("--quick", action="store_true", help="200 cases")
    options = parser.parse_args()
    total = 200 if options.quick else options.cases
    whole = sum(SHARES[part] for part in options.parts)
    outcomes, started = {}, time.monotonic()
    for part in options.parts:
        cases = [options.only] if options.only is not None else list(range(round(total * SHARES[part] / whole)))
        with tempfile.TemporaryDirectory() as folder:
            outcomes[part] = run_part(Path(folder), part, cases, options.seed)
    for part, title in (("specimens", "FCS files"), ("overrides", "Gates")):
        if part in outcomes:
            mutations(outcomes[part], title)
    print("  * damage of which no file can tell, and any damage of a gate that leaves a gate")
    table(outcomes)
    finds = sum(bool(o["find"]) for found in outcomes.values() for o in found)
    count = sum(map(len, outcomes.values()))
    limits = f"{SECONDS} s of CPU and {MEGABYTES} MB a file"
    print(f"{count} cases, {finds} finds, {time.monotonic() - started:.0f} s; limits {limits}")
    sys.exit(1 if finds else 0)


if __name__ == "__main__":
    main()
