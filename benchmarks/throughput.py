"""Throughput: tubes per second, CPU per tube beside FlowKit, scaling with tubes and events, what a rerun costs.

    python benchmarks/throughput.py [--tubes 600] [--cores 2] [--quick] [--study FOLDER] [--parts PART ...]

Parts: `stages` (CPU of each step of a tube and a bead run), `flowkit` (a FlowKit loop on the same files that only
reads, compensates, transforms and applies a fixed gate), `run` (the workflow with and without pictures), `events`
(10,000 to 5,000,000 events a tube, memory per worker), `tubes` (100 to 10,000 tubes as hard links; then a rerun with
nothing to do, a dry run, and one tube appended). Wall time says little on a machine that others use as well: CPU
seconds stand beside it.
"""

import argparse
import csv
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"  # before numpy is imported

import numpy as np  # noqa: E402
from throughput_study import make_study  # noqa: E402

PARTS = ("stages", "flowkit", "run", "events", "tubes")
TUBE_COUNTS = (100, 300, 1_000, 3_000, 10_000)
EVENT_COUNTS = (10_000, 30_000, 100_000, 300_000, 1_000_000, 5_000_000)


def cpu_of(work) -> tuple[float, float, object]:
    """Return CPU seconds and wall seconds of `work()` in this process, and what it returns."""
    cpu, wall = time.process_time(), time.perf_counter()
    value = work()
    return time.process_time() - cpu, time.perf_counter() - wall, value


def _row(tube) -> dict:
    return {"sample_id": tube.sample_id, "fcs": tube.fcs, "lab": tube.lab, "override": None}


def stages(study, n: int) -> float:
    """Print CPU per tube of each step; return that of a tube and its share of a bead run, without pictures."""
    from hladr import calibration, fcs, gatingml, provenance, tube
    from hladr.plots import beads as plots_beads
    from hladr.plots import tube as plots_tube

    seconds: dict[str, float] = {}

    def timed(module, name, label):
        inner = getattr(module, name)

        def outer(*arguments, **named):
            start = time.process_time()
            try:
                return inner(*arguments, **named)
            finally:
                seconds[label] = seconds.get(label, 0.0) + time.process_time() - start

        setattr(module, name, outer)
        return module, name, inner

    folder, tubes = Path(study.folder), [t for t in study.tubes if t.fcs][:n]
    runs = study.bead_runs[: max(n // 4, 1)]
    patched = [
        timed(fcs, "read_acquisition", "reading"),
        timed(tube.compensation, "apply", "compensation"),
        timed(tube, "learn", "gates: learning"),
        timed(tube, "apply", "gates: applying"),
        timed(tube, "stability_of", "stability over time"),
        timed(tube, "measure", "counts and PE"),
    ]

    def one(item, picture=True):
        values, arrays = tube.read_tube(folder, _row(item), study.labs[item.lab], study.config)
        if arrays is not None:
            start = time.process_time()
            gatingml.write(arrays)
            values.to_json()
            seconds["GatingML and JSON"] = seconds.get("GatingML and JSON", 0.0) + time.process_time() - start
            if picture:
                start = time.process_time()
                plots_tube.draw_tube(arrays, values)
                seconds["picture"] = seconds.get("picture", 0.0) + time.process_time() - start

    one(tubes[0])
    seconds.clear()
    total, _, _ = cpu_of(lambda: [one(item) for item in tubes])
    start = time.process_time()
    provenance.digest_files({item.sample_id: folder / item.fcs for item in tubes})
    seconds["checksum"] = time.process_time() - start
    for module, name, inner in patched:
        setattr(module, name, inner)
    drawn = seconds.pop("picture", 0.0)
    print(f"\nCPU per tube, {len(tubes)} tubes, ms")
    for label, value in seconds.items():
        print(f"  {label:24s}{1000 * value / len(tubes):8.1f}")
    per_tube = (total - drawn + seconds["checksum"]) / len(tubes)
    print(f"  {'all without picture':24s}{1000 * per_tube:8.1f}")
    print(f"  {'picture':24s}{1000 * drawn / len(tubes):8.1f}")

    def bead(run):
        levels = study.lots.get((run.kit, run.lot), ())
        return calibration.calibrate(folder / run.fcs, run, levels, study.labs[run.lab], study.config, {})

    bead(runs[0])
    used, _, done = cpu_of(lambda: [bead(run) for run in runs])
    pictures, _, _ = cpu_of(lambda: [plots_beads.draw_beads(arrays, c) for c, arrays in done if arrays is not None])
    print(f"CPU per bead run, {len(runs)} runs, ms: {1000 * used / len(runs):.1f}, ", end="")
    print(f"picture {1000 * pictures / len(runs):.1f}")
    return per_tube + used / len(runs) / 4


def flowkit_loop(study, n: int) -> float:
    """Return CPU per tube of a plain FlowKit loop: read, compensate, transform, one fixed gate of three polygons."""
    import flowkit as fk

    folder = Path(study.folder)
    from hladr import fcs, panel
    from hladr.fcs import compensation

    plans = {}
    tubes = [t for t in study.tubes if t.fcs][:n]
    for item in tubes:
        if item.lab not in plans:  # what a user would type in once per laboratory, not counted
            acquisition = fcs.read_acquisition(folder / item.fcs)
            found = panel.resolve(acquisition.channels, study.labs[item.lab])
            spill, _ = compensation.choose(acquisition, study.labs[item.lab], folder)
            names = [acquisition.channels[i].name for i in (found.forward, found.side, found.cd14, found.cd45)]
            top = [float(acquisition.channels[i].range) for i in (found.forward, found.side, found.cd14, found.cd45)]
            plans[item.lab] = (names, top, spill, acquisition.flowkit_preprocess, _several(folder / item.fcs))

    def strategy(names, top, spill):
        made = fk.GatingStrategy()
        scales = [fk.transforms.AsinhTransform(t, 4.0, 0.0) for t in top]
        for name, scale in zip(names, scales, strict=True):
            made.add_transform(name + "_asinh", scale)
        if spill is not None:
            made.add_comp_matrix(
                "spill", fk.Matrix(np.array(spill.matrix), list(spill.detectors), list(spill.detectors))
            )

        def axis(i):
            known = spill is not None and names[i] in spill.detectors
            return fk.Dimension(names[i], "spill" if known else "uncompensated", names[i] + "_asinh")

        corners = [(0.35, 0.3), (0.9, 0.3), (0.95, 0.9), (0.3, 0.9)]
        path = ("root",)
        for label, i, j in (("scatter", 0, 1), ("leukocytes", 3, 1), ("monocytes", 2, 1)):
            made.add_gate(fk.gates.PolygonGate(label, [axis(i), axis(j)], corners), path)
            path = (*path, label)
        return made

    strategies = {lab: strategy(*plan[:3]) for lab, plan in plans.items()}

    def one(item):
        path = folder / item.fcs
        *_, preprocess, several = plans[item.lab]
        if several:
            sample = fk.read_multi_dataset_fcs(path, preprocess=preprocess)[-1]
        else:
            sample = fk.Sample(path, preprocess=preprocess)
        return strategies[item.lab].gate_sample(sample).get_gate_count("monocytes")

    one(tubes[0])
    used, _, _ = cpu_of(lambda: [one(item) for item in tubes])
    return used / len(tubes)


def _several(path: Path) -> bool:
    """Tell whether FlowKit must read the file as one of several data sets (Beckman's LMD)."""
    import flowio

    try:
        flowio.FlowData(path)
    except flowio.exceptions.MultipleDataSetsError:
        return True
    return False


def run(folder: Path, cores: int, *options: str) -> tuple[float, float, float]:
    """Run `hladr run` on a study; return wall seconds, CPU seconds and the largest process's MB."""
    start = time.perf_counter()
    code = (
        "import resource, subprocess, sys\n"
        "status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "use = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(status, use.ru_utime + use.ru_stime, use.ru_maxrss / 1024)\n"
    )
    command = [sys.executable, "-m", "hladr", "run", str(folder), "--cores", str(cores), *options]
    answer = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True).stdout
    status, cpu, memory = answer.split()
    if status != "0":
        raise RuntimeError(f"hladr run ended with the status {status}; see {folder / 'logs'}")
    return time.perf_counter() - start, float(cpu), float(memory)


def _settings(folder: Path, pictures: bool, **more) -> None:
    """Write the study's config.yaml anew, with or without pictures."""
    config = {"contract": 1, "study": "throughput", "run": {"pictures": pictures, **more}}
    (folder / "config.yaml").write_text(json.dumps(config), encoding="utf-8")


def whole_runs(folder: Path, n: int, cores: int) -> None:
    """Run the whole workflow with and without pictures, from nothing."""
    import shutil

    print(f"\nWhole runs, {n} tubes, {cores} cores: report and tables included")
    for pictures in (False, True):
        for made in ("results", "logs", ".snakemake"):
            shutil.rmtree(folder / made, ignore_errors=True)
        (folder / "audit.jsonl").unlink(missing_ok=True)
        _settings(folder, pictures)
        wall, cpu, memory = run(folder, cores)
        size = sum(p.stat().st_size for p in (folder / "results").rglob("*") if p.is_file()) / 1e6
        print(
            f"  {'with' if pictures else 'without'} pictures: {wall:.1f} s = {n / wall:.1f} tubes/s; CPU {cpu:.1f} s = "
            f"{1000 * cpu / n:.0f} ms per tube, so at most {cores * n / cpu:.1f} tubes/s on {cores} idle cores; "
            f"largest process {memory:.0f} MB; results {size:.0f} MB",
            flush=True,
        )


def _one_file(folder: Path, queue) -> None:
    from hladr import gatingml, tube
    from hladr.study import load_study

    study = load_study(folder)
    item = study.tubes[0]
    before = _peak_mb()
    best = float("inf")
    learning = []
    inner = tube.learn

    def learn(*arguments, **named):
        start = time.process_time()
        value = inner(*arguments, **named)
        learning.append(time.process_time() - start)
        return value

    tube.learn = learn
    for _ in range(3):
        used, _, (reading, arrays) = cpu_of(
            lambda: tube.read_tube(folder, _row(item), study.labs[item.lab], study.config)
        )
        best = min(best, used)
        if arrays is not None:
            gatingml.write(arrays)
    queue.put((reading.n_events, best, min(learning), before, _peak_mb()))


def _peak_mb() -> float:
    """Return the largest memory that this process held; ru_maxrss would include that of its parent."""
    with open("/proc/self/status", encoding="ascii") as handle:
        return next(int(line.split()[1]) for line in handle if line.startswith("VmHWM")) / 1024


def events_scaling(scratch: Path, counts) -> None:
    """Print time and memory of one tube by its number of events, and the fitted slopes."""
    print("\nOne tube by events: CPU of reading, gating, measuring (best of 3); peak memory of the process")
    rows = []
    for count in counts:
        folder = make_study(scratch / f"events-{count}", 5, count, 5)
        context = multiprocessing.get_context("spawn")
        queue = context.Queue()
        child = context.Process(target=_one_file, args=(folder, queue))
        child.start()
        rows.append(queue.get())
        child.join()
        n, used, learning, before, peak = rows[-1]
        print(
            f"  {n:>9,} events: {1000 * used:8.1f} ms, learning the gates {1000 * learning:6.1f} ms; {peak:6.0f} MB "
            f"({peak - before:.0f} MB above the imports)",
            flush=True,
        )
    table = np.array(rows)
    _slope("time", table[:, 0], table[:, 1])
    _slope("memory above the imports", table[:, 0], np.maximum(table[:, 4] - table[:, 3], 1))


def _slope(what: str, x: np.ndarray, y: np.ndarray) -> None:
    """Print the straight line, how much of the variance it explains, and the fitted power of the growth."""
    if len(x) < 3:
        return
    per_unit, start = np.polyfit(x, y, 1)
    left = np.sum((y - start - per_unit * x) ** 2) / np.sum((y - y.mean()) ** 2)
    power = np.polyfit(np.log(x[-3:]), np.log(y[-3:]), 1)[0]
    print(
        f"  {what}: {start:.3g} + {per_unit:.3g} per unit, R² {1 - left:.4f}; "
        f"power over the three largest {power:.2f} (1 is linear)"
    )


def tubes_scaling(scratch: Path, counts, events: int, cores: int) -> None:
    """Print time by number of tubes, then what a rerun, a dry run and one appended tube cost at the largest."""
    print(f"\nRuns by tubes, {events:,} events each, hard links, no pictures, {cores} cores")
    rows, folder = [], None
    for count in counts:
        folder = make_study(scratch / f"tubes-{count}", count, events, 40)
        _settings(folder, False)
        wall, cpu, memory = run(folder, cores)
        rows.append((count, wall, cpu, memory))
        print(f"  {count:>6,} tubes: {wall:7.1f} s, CPU {cpu:7.1f} s; largest process {memory:.0f} MB", flush=True)
    table = np.array(rows)
    _slope("CPU", table[:, 0], table[:, 2])
    _slope("memory", table[:, 0], table[:, 3])
    reruns(folder, cores)


def reruns(folder: Path, cores: int) -> None:
    """Print what a rerun, a dry run and an appended tube cost on a finished study."""
    for label, options in (("rerun with nothing to do", ()), ("dry run", ("-n",))):
        wall, cpu, memory = run(folder, cores, *options)
        print(f"  {label}: {wall:.1f} s, CPU {cpu:.1f} s, {memory:.0f} MB", flush=True)
    with open(folder / "samples.csv", encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    added = {**rows[0], "sample_id": "APPENDED-1", "patient_id": "APPENDED"}
    with open(folder / "samples.csv", "a", encoding="utf-8", newline="") as handle:
        csv.DictWriter(handle, list(added)).writerow(added)
    wall, cpu, memory = run(folder, cores)
    jobs = sorted(p.stem for p in (folder / "logs" / "gate").glob("*.progress"))
    print(
        f"  one tube appended: {wall:.1f} s, CPU {cpu:.1f} s, {memory:.0f} MB; batches gated again: {', '.join(jobs)}"
    )


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tubes", type=int, default=600)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--sample", type=int, default=48, help="tubes for the stages and the FlowKit loop")
    parser.add_argument("--quick", action="store_true", help="24 tubes, smaller scaling")
    parser.add_argument("--study", type=Path, help="a study of throughput_study.py to use, instead of a new one")
    parser.add_argument("--scaling-events", type=int, default=2_000, help="events per tube when tubes are scaled")
    parser.add_argument("--tube-counts", type=int, nargs="+", help="numbers of tubes that are scaled over")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.tubes, arguments.sample = min(arguments.tubes, 24), 24
    with tempfile.TemporaryDirectory(prefix="hladr-throughput-") as scratch:
        folder = arguments.study or Path(scratch) / "study"
        if {"stages", "flowkit", "run"}.intersection(arguments.parts) and arguments.study is None:
            make_study(folder, arguments.tubes, arguments.events)
        _parts(arguments, folder, Path(scratch))


def _parts(arguments, folder: Path, scratch: Path) -> None:
    from hladr.study import load_study

    ours = theirs = None
    if "stages" in arguments.parts or "flowkit" in arguments.parts:
        study = load_study(folder)
        step = max(len(study.tubes) // arguments.sample, 1)  # all kinds of cytometers
        study = _with_tubes(study, study.tubes[::step])
        if "stages" in arguments.parts:
            ours = stages(study, arguments.sample)
        if "flowkit" in arguments.parts:
            theirs = flowkit_loop(study, arguments.sample)
            print(f"CPU per tube of the FlowKit loop: {1000 * theirs:.1f} ms")
    if ours and theirs:
        print("hladr without pictures, a quarter of a bead run and checksums included: ", end="")
        print(f"{1000 * ours:.1f} ms, {ours / theirs:.2f} times the loop")
    if "run" in arguments.parts:
        whole_runs(folder, arguments.tubes, arguments.cores)
    if "events" in arguments.parts:
        events_scaling(scratch, EVENT_COUNTS[:3] if arguments.quick else EVENT_COUNTS)
    if "tubes" in arguments.parts:
        counts = arguments.tube_counts or (TUBE_COUNTS[:2] if arguments.quick else TUBE_COUNTS)
        tubes_scaling(scratch, counts, arguments.scaling_events, arguments.cores)


def _with_tubes(study, tubes):
    import dataclasses

    return dataclasses.replace(study, tubes=tuple(tubes))


if __name__ == "__main__":
    main()
