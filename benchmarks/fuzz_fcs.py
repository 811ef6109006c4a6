"""Mutate FCS files and read them: `python benchmarks/fuzz_fcs.py [--cases 20000] [--results 0] [--seed 1]`.

Simulated tubes of every cytometer are damaged in header, keywords, offsets and data, once to three times each, and then
read. Counted as a find: any exception but a SpecimenError, more than ten seconds, more than a gigabyte, odd words in a
sentence. With `--results N`, the first N cases go on to the gates: a find is then also a tube whose status is ok, whose
PE settings and matrix are those of the undamaged one, and whose PE differs by more than 5 %.
"""

import argparse
import collections
import re
import resource
import signal
import tempfile
import time
import traceback
from datetime import datetime
from pathlib import Path

import numpy as np

SECONDS = 10
MEGABYTES = 1024
NUMBERS = (
    "0",
    "1",
    "-1",
    "2",
    "7",
    "8",
    "24",
    "33",
    "64",
    "65",
    "255",
    "1023",
    "1024",
    "65535",
    "99999999",
    "100000000",
)
NUMBERS += (
    "4294967296",
    "9" * 12,
    "9" * 18,
    "9" * 30,
    "1e9",
    "1.5",
    "nan",
    "inf",
    "",
    " ",
    "x",
    "4,0",
    "4,1",
    "1,2,3,4",
    "0,0,0",
)
KEYS = (
    "$PAR",
    "$TOT",
    "$BEGINDATA",
    "$ENDDATA",
    "$BEGINSTEXT",
    "$ENDSTEXT",
    "$NEXTDATA",
    "$DATATYPE",
    "$BYTEORD",
    "$MODE",
)
KEYS += (
    "$TIMESTEP",
    "$SPILLOVER",
    "$DATE",
    "$BTIM",
    "$ETIM",
    "$CYT",
    "$BEGINANALYSIS",
    "$ENDANALYSIS",
    "$COMP",
    "$DFC1TO2",
)
OF_CHANNEL = "BRNESGV"


def header_bytes(content, rng):
    at = int(rng.integers(0, 58))
    content[at] = int(rng.choice(list(b"0123456789 -x\0\xff")))


def header_offset(content, rng):
    at = 10 + 8 * int(rng.integers(0, 6))
    number = re.sub(rb"\D", b"", bytes(content[at : at + 8])) or b"0"
    step = int(rng.choice([1, -1, 2, 4, -4, 8, 28, 1000, -1000, 10**7]))
    content[at : at + 8] = f"{max(int(number) + step, -999):>8d}"[-8:].encode()


def keyword_value(content, rng):
    key = str(rng.choice(KEYS)) if rng.random() < 0.5 else f"$P{rng.integers(1, 10)}{rng.choice(list(OF_CHANNEL))}"
    value = str(rng.choice(NUMBERS))
    found = re.search(re.escape(key.encode()) + rb"([\f\\|/])([^\f\\|/]*)", bytes(content[:20000]))
    if found is None:
        return
    old = found.group(2)
    new = value.encode()
    if rng.random() < 0.7:  # in place, so that the offsets stay right
        new = new[: len(old)].ljust(len(old))
    content[found.start(2) : found.end(2)] = new


def keyword_digit(content, rng):
    digits = [m.start() for m in re.finditer(rb"\d", bytes(content[58:6000]))]
    if digits:
        content[58 + int(rng.choice(digits))] = int(rng.integers(48, 58))


def text_bytes(content, rng):
    at = int(rng.integers(58, min(6000, len(content))))
    content[at] = int(rng.integers(0, 256))


def keyword_gone(content, rng):
    keys = [m for m in re.finditer(rb"[\f\\|/]\$\w+", bytes(content[:6000]))]
    if keys:
        chosen = keys[int(rng.integers(len(keys)))]
        content[chosen.start() + 1] = ord("#")


def _place(content, rng):
    start = int(rng.integers(min(3000, len(content) - 1), len(content)))
    return start, min(start + int(rng.integers(1, 4000)), len(content))


def data_random(content, rng):
    start, stop = _place(content, rng)
    content[start:stop] = rng.bytes(stop - start)


def data_constant(content, rng):
    start, stop = _place(content, rng)
    content[start:stop] = bytes([int(rng.choice([0, 0xFF, 0x7F, 0x20]))]) * (stop - start)


def data_copied(content, rng):
    start, stop = _place(content, rng)
    source = int(rng.integers(0, len(content) - (stop - start)))
    content[start:stop] = bytes(content[source : source + stop - start])


def data_bits(content, rng):
    for at in rng.integers(min(3000, len(content) - 1), len(content), 20):
        content[int(at)] ^= 1 << int(rng.integers(8))


def cut(content, rng):
    del content[int(len(content) * rng.random()) :]


def piece_gone(content, rng):
    start, stop = _place(content, rng)
    del content[start:stop]


def piece_more(content, rng):
    start, stop = _place(content, rng)
    content[start:start] = rng.bytes(stop - start)


def twice(content, rng):
    content += bytes(content)


MUTATIONS = (
    *(header_bytes, header_offset, header_offset, keyword_value, keyword_value, keyword_value, keyword_digit),
    *(text_bytes, keyword_gone, data_random, data_constant, data_copied, data_bits, cut, piece_gone, piece_more, twice),
)


def seeds(n_events: int) -> dict[str, bytes]:
    from hladr.simulate import CYTOMETERS, random_blood, simulate_tube
    from hladr.simulate.fcs_write import fcs_bytes

    made = {}
    for name, cytometer in CYTOMETERS.items():
        rng = np.random.default_rng(7)
        tube = simulate_tube(random_blood(rng, n_events=n_events), cytometer, rng)
        made[name] = fcs_bytes(tube, datetime(2024, 3, 4, 10, 30))
    return made


def read(path: Path, lab: dict):
    from hladr import fcs, panel
    from hladr.fcs import compensation

    for step in (fcs.read_header, fcs.read_acquisition):
        acquisition = step(path)
        assert acquisition.n_events > 0
        assert len(acquisition.events) in (0, acquisition.n_events)
        assert acquisition.events.shape[1] == len(acquisition.channels)
        panel.resolve(acquisition.channels, lab)
        spill, _ = compensation.choose(acquisition, lab, path.parent)
        compensation.apply(acquisition.events, acquisition.channels, spill)


class Slow(BaseException):
    """More than the seconds allowed."""


def _late(number, frame):
    raise Slow


def judged(path: Path, lab: dict, codes: collections.Counter) -> str | None:
    """Return what was found, None if nothing; count the code of a refusal."""
    from hladr.flags import FLAGS, SpecimenError

    signal.alarm(SECONDS)
    try:
        read(path, lab)
        codes["read"] += 1
    except SpecimenError as problem:
        codes[problem.code] += 1
        if problem.code not in FLAGS or len(problem.sentence.split()) < 4:
            return f"refused in odd words: {problem}"
        if "memory" in problem.sentence:
            return "more than a gigabyte"
    except Slow:
        return "more than ten seconds"
    except BaseException:
        return traceback.format_exc(limit=-4)
    finally:
        signal.alarm(0)
    return None


class Results:
    """Whether a damaged tube is called ok with another PE."""

    def __init__(self, folder: Path, contents: dict[str, bytes], labs: dict[str, dict]):
        from hladr.study.config import defaults

        self.config, self.labs, self.folder = defaults(), labs, folder
        self.config["quantify"] |= {"min_monocytes": 20, "review_monocytes": 20}  # the files are small
        self.whole, self.compared = {}, 0
        for name, content in contents.items():
            (folder / "whole.fcs").write_bytes(content)
            self.whole[name] = self._read("whole.fcs", name)

    def _read(self, file: str, name: str):
        from hladr.tube import read_tube

        reading, arrays = read_tube(self.folder, {"sample_id": "T", "fcs": file}, self.labs[name], self.config)
        spill = None if arrays is None or arrays.spill is None else arrays.spill.matrix.tolist()
        return reading, spill

    def __call__(self, path: Path, name: str) -> str | None:
        """Return what was found, None if nothing."""
        try:
            (one, matrix), (two, other) = self.whole[name], self._read(path.name, name)
        except Exception:
            return traceback.format_exc(limit=-3)
        if two.findings or not two.pe or not one.pe:
            return None
        keep = ("detector", "voltage", "gain", "decades", "log_minimum", "range")
        if any(one.pe_channel[k] != two.pe_channel[k] for k in keep) or one.cytometer != two.cytometer:
            return None  # the pairing with the beads refuses it
        if matrix != other:
            return None  # another matrix is another measurement: no file says that its own is not the right one
        self.compared += 1
        before, after = one.pe["median"]["main"], two.pe["median"]["main"]
        if abs(after / before - 1) > 0.05:
            return f"ok with PE {after:.1f} instead of {before:.1f}; notes {two.notes}"
        return None


def main() -> None:
    from hladr.simulate import CYTOMETERS
    from hladr.simulate.study import lab_entry

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--results", type=int, default=0, help="cases that go on to the gates")
    parser.add_argument("--events", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the files of the finds")
    options = parser.parse_args()
    contents = seeds(options.events)
    labs = {name: {k: v for k, v in lab_entry(CYTOMETERS[name]).items() if k != "compensation"} for name in contents}
    signal.signal(signal.SIGALRM, _late)
    codes, finds, slowest = collections.Counter(), collections.Counter(), 0.0
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "case.fcs"
        results = Results(folder, contents, labs) if options.results else None
        used = int(re.search(r"VmSize:\s+(\d+)", Path("/proc/self/status").read_text()).group(1)) * 1024
        resource.setrlimit(resource.RLIMIT_AS, (used + MEGABYTES * 2**20, resource.RLIM_INFINITY))
        for case in range(options.cases):
            rng = np.random.default_rng([options.seed, case])
            cytometer = str(rng.choice(list(contents)))
            content = bytearray(contents[cytometer])
            done = []
            for _ in range(int(rng.integers(1, 4))):
                mutate = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
                if len(content) > 100:
                    mutate(content, rng)
                    done.append(mutate.__name__)
            path.write_bytes(content)
            started = time.perf_counter()
            found = judged(path, labs[cytometer], codes)
            slowest = max(slowest, time.perf_counter() - started)
            if found is None and results is not None and case < options.results:
                found = results(path, cytometer)
            if found is not None:
                finds[re.sub(r"\d+", "0", found)[-200:]] += 1
                print(f"case {case}, {cytometer}, {'+'.join(done)}: {found}")
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / f"{cytometer}_{options.seed}_{case}.fcs").write_bytes(content)
    seconds = time.perf_counter() - begun
    print(f"{options.cases} cases in {seconds:.0f} s, slowest {slowest:.2f} s, {sum(finds.values())} finds")
    if results is not None:
        print(f"  {results.compared} of them ok with the settings of the undamaged tube")
    for code, count in codes.most_common():
        print(f"  {code:20}{count:>8}")
    raise SystemExit(1 if finds else 0)


if __name__ == "__main__":
    main()
