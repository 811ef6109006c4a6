"""Damaged tubes and bead files: read as `hladr check` and the jobs do, and quantified beside the undamaged ones."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from hladr import calibration, fcs, gatingml, panel, tube
from hladr.flags import FLAGS, SpecimenError
from hladr.plots.beads import draw_beads
from hladr.plots.tube import draw_tube
from hladr.quantify import quantify
from hladr.simulate import CYTOMETERS, BeadRun, Blood
from hladr.simulate.beads import LOTS
from hladr.simulate.plan import BeadPlan, Lab, StudyPlan, TubePlan, bead_path, tube_path, write_plan
from hladr.simulate.study import lab_entry
from hladr.study import load_study

from . import events, keywords, raw

LARGEST_CHANGE = 0.05  # of an ok AB/C
LOT = ("quantibrite-pe", "96597")
WHEN = datetime(2024, 3, 4, 10, 30)
SHARE_OF_BEADS = 0.15
SHARE_OF_PICTURES = 0.03
# What no file can show: beside its matrix and the gains of channels other than PE (those of PE are compared with the
# beads), its values and which of them belong to which name.
PLAUSIBLE = ("column_scaled", "names_swapped", "columns_swapped", "foreign_data")


@dataclass(frozen=True)
class Outcome:
    """One case: what was done, what hladr said, and what is wrong with that."""

    what: str
    done: tuple[str, ...]
    said: str
    change: float | None = None
    find: str | None = None


class Specimens:
    """A tube and a bead run of every cytometer, as they should be, and the AB/C of each."""

    def __init__(self, folder: Path, n_events: int = 7_000):
        labs = [Lab(name, cytometer, lab_entry(cytometer)) for name, cytometer in CYTOMETERS.items()]
        beads = [BeadPlan(f"B-{lab.name}", lab.name, WHEN, BeadRun(values=LOTS[LOT])) for lab in labs]
        blood = Blood(n_events=n_events, monocyte_fraction=0.25, abc=9000)
        tubes = [
            TubePlan(f"T-{lab.name}", "P1", day, lab.name, blood, WHEN, f"B-{lab.name}")
            for day, lab in enumerate(labs, 1)
        ]
        self.folder = write_plan(folder, StudyPlan("fuzz", labs, beads, tubes, []), 20)
        self.study = load_study(self.folder)
        self.names = [lab.name for lab in labs]
        self.files = {t.sample_id: (self.folder / tube_path(t)).read_bytes() for t in tubes}
        self.files |= {b.bead_id: (self.folder / bead_path(b)).read_bytes() for b in beads}
        self.readings = {t.sample_id: self._read(t, t.fcs) for t in self.study.tubes}
        self.calibrations = {b.bead_id: self._calibrate(b, b.fcs) for b in self.study.bead_runs}
        self.whole = {m.sample_id: m for m in quantify(self.study, self.readings, self.calibrations)}
        for name, one in self.whole.items():
            if one.status != "ok":
                raise RuntimeError(f"the undamaged tube {name} is not ok: {one.findings}")

    def _read(self, row, path: str, picture: bool = False):
        row = {"sample_id": row.sample_id, "fcs": path, "lab": row.lab, "override": None}
        reading, arrays = tube.read_tube(self.folder, row, self.study.labs[row["lab"]], self.study.config)
        if arrays is not None:
            gatingml.write(arrays)
            if picture and arrays.gates.gates:
                draw_tube(arrays, reading)
        return tube.TubeReading.from_json(reading.to_json())

    def _calibrate(self, run, path: str, picture: bool = False):
        levels, lab = self.study.lots[(run.kit, run.lot)], self.study.labs[run.lab]
        found, arrays = calibration.calibrate(self.folder / path, run, levels, lab, self.study.config)
        if picture and arrays is not None:
            draw_beads(arrays, found)
        return calibration.Calibration.from_json(found.to_json())

    def case(self, rng: np.random.Generator) -> Outcome:
        """Damage one file once to three times, and see what becomes of it."""
        name = str(rng.choice(self.names))
        key = f"B-{name}" if rng.random() < SHARE_OF_BEADS else f"T-{name}"
        content, done = damaged(self.files, key, rng)
        (self.folder / "case.fcs").write_bytes(content)
        find = self._headers(name)
        said, change = self._result(name, key, picture=bool(rng.random() < SHARE_OF_PICTURES))
        if find is None and said == "worker_died":
            find = "an error that was not foreseen; see above"
        if find is None and said == "memory":
            find = "more memory than the limit"
        if find is None and said == "ok" and abs(change) > LARGEST_CHANGE and not self._plausible(key, done):
            find = f"ok, and AB/C is {100 * change:+.0f} % off"
        return Outcome(key, done, said, change, find)

    def _headers(self, name: str) -> str | None:
        """Read the header as `hladr check` does, and look at the words of a refusal."""
        path, lab = self.folder / "case.fcs", self.study.labs[name]
        try:
            for read in (fcs.read_header, fcs.read_acquisition):
                acquisition = read(path)
                if acquisition.n_events <= 0 or len(acquisition.events) not in (0, acquisition.n_events):
                    return f"{acquisition.n_events} events said, {len(acquisition.events)} read"
                panel.resolve(acquisition.channels, lab)
        except SpecimenError as problem:
            words = problem.sentence.split()
            if problem.code not in FLAGS or len(words) < 4 or not problem.sentence.isprintable():
                return f"refused in odd words: {problem.sentence[:200]!r}"
        return None

    def _plausible(self, key: str, done: tuple[str, ...]) -> bool:
        """Tell whether the file is in itself as good as the undamaged one, and another measurement."""
        (self.folder / "whole.fcs").write_bytes(self.files[key])
        whole, now = (fcs.read_header(self.folder / name) for name in ("whole.fcs", "case.fcs"))
        other_matrix = now.spill is not None and repr(now.spill) != repr(whole.spill)
        other_gains = [c.gain or 1 for c in now.channels] != [c.gain or 1 for c in whole.channels]
        return other_matrix or other_gains or bool(set(done) & set(PLAUSIBLE))

    def _result(self, name: str, key: str, picture: bool = False) -> tuple[str, float | None]:
        row = next(t for t in self.study.tubes if t.sample_id == f"T-{name}")
        readings, calibrations = self.readings, self.calibrations
        if key.startswith("B-"):
            run = next(b for b in self.study.bead_runs if b.bead_id == key)
            calibrations = {**calibrations, key: self._calibrate(run, "case.fcs", picture)}
        else:
            readings = {**readings, key: self._read(row, "case.fcs", picture)}
        (now,) = quantify(replace(self.study, tubes=(row,)), readings, calibrations)
        now.to_json()
        if any("memory" in f.sentence for f in now.findings):
            return "memory", None
        if any(f.code == "worker_died" for f in now.findings):
            return "worker_died", None
        return now.status, None if now.abc is None else now.abc / self.whole[row.sample_id].abc - 1


def damaged(files: dict[str, bytes], key: str, rng: np.random.Generator) -> tuple[bytes, tuple[str, ...]]:
    """Return the bytes of a file after one to three mutations, and their names."""
    content, done = files[key], []
    steps = int(rng.choice([1, 1, 2, 3]))
    if rng.random() < 0.6:  # well formed first, then perhaps as bytes
        file = keywords.parse(content)
        for _ in range(steps):
            mutate = _of(rng, keywords.MUTATIONS, events.MUTATIONS, events.WITH_OTHERS)
            try:
                mutate(file, rng, list(files.values())) if mutate in events.WITH_OTHERS else mutate(file, rng)
            except (ValueError, TypeError, IndexError, OverflowError):
                continue  # what an earlier mutation left is no table
            done.append(mutate.__name__)
        content = keywords.build(file)
        steps = int(rng.random() < 0.2)
    content = bytearray(content)
    for _ in range(steps):
        mutate = _of(rng, raw.MUTATIONS)
        if len(content) > 100:
            mutate(content, rng)
            done.append(mutate.__name__)
    return bytes(content), tuple(done)


def _of(rng, *pools):
    whole = [mutation for pool in pools for mutation in pool]
    return whole[int(rng.integers(len(whole)))]
