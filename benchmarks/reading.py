"""Time and memory of reading FCS files, beside FlowIO alone: `python benchmarks/reading.py [--events 60000 1000000]`.

The files have 7 channels, in the forms of a digital BD, a FACSCalibur, a Cytek with 24 bits and a Beckman with channel
tags in the high bits. FlowIO's column is `FlowData(path).as_array()`, which looks for no damage; `-` where it cannot
read the form. Memory is the peak of a process that reads the file, less that after reading a small one (Linux only).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

NAMES = ("FSC-A", "FSC-H", "SSC-A", "PE-A", "PerCP-Cy5-5-A", "APC-A", "Time")


def header(n: int, n_bytes: int, datatype: str, bits: int, byteord: str, range_: int, log: bool, step: bool) -> bytes:
    text = {"$MODE": "L", "$DATATYPE": datatype, "$BYTEORD": byteord, "$NEXTDATA": "0", "$PAR": "7", "$TOT": str(n)}
    for i, name in enumerate(NAMES, start=1):
        scale = "4,0" if log and 4 <= i <= 6 else "0,0"
        text |= {f"$P{i}N": name, f"$P{i}B": str(bits), f"$P{i}R": str(range_), f"$P{i}E": scale}
    if step:
        text["$TIMESTEP"] = "0.01"

    def encode(begin: int) -> bytes:
        places = {"$BEGINDATA": f"{begin:012d}", "$ENDDATA": f"{begin + n_bytes - 1:012d}"}
        words = [word for pair in {**text, **places}.items() for word in pair]
        return ("|" + "|".join(words) + "|").encode()

    begin = 58 + len(encode(0))
    numbers = (58, begin - 1, begin, begin + n_bytes - 1, 0, 0)
    return b"FCS3.1    " + b"".join(f"{x:>8d}".encode() for x in numbers) + encode(begin)


def make(kind: str, n: int, folder: Path) -> Path:
    generator = np.random.default_rng(1)
    values = generator.lognormal(6, 1, (n, 7))
    values[:, 6] = np.arange(n) / 10
    path = folder / f"{kind}_{n}.fcs"
    if kind.startswith("float"):
        data = values.astype(">f4").tobytes()
        content = header(n, len(data), "F", 32, "4,3,2,1", 262144, False, kind.endswith("step")) + data
    elif kind == "16 bit log":
        data = np.clip(values, 0, 1023).astype(">u2").tobytes()
        content = header(n, len(data), "I", 16, "2,1", 1024, True, False) + data
    elif kind == "16 bit tags":
        data = (np.clip(values, 0, 1023).astype("<u2") | np.arange(7, dtype="<u2") << 12).tobytes()
        content = header(n, len(data), "I", 16, "1,2", 1024, False, False) + data
    else:
        wide = np.clip(values, 0, 2**18 - 1).astype(">u4")
        data = wide.view(np.uint8).reshape(n, 7, 4)[:, :, 1:].tobytes()
        content = header(n, len(data), "I", 24, "4,3,2,1", 2**18, False, False) + data
    path.write_bytes(content)
    return path


def by_hladr(path: Path):
    from hladr.fcs import read_acquisition

    return read_acquisition(path).events


def by_flowio(path: Path):
    import flowio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return flowio.FlowData(str(path)).as_array()


READERS = {"hladr": by_hladr, "flowio": by_flowio}


def best_ms(read, path: Path, repeats: int) -> float | None:
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        try:
            read(path)
        except Exception:
            return None
        times.append(1000 * (time.perf_counter() - begun))
    return min(times)


def peak_kilobytes() -> int:
    # not ru_maxrss: a child inherits its parent's
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))


def added_megabytes(reader: str, path: Path) -> float | None:
    """Return the peak memory of one reading in a process of its own, less that of reading a small file."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import reading\n"
        "from pathlib import Path\n"
        "reading.READERS[sys.argv[2]](Path(sys.argv[4]))\n"
        "small = reading.peak_kilobytes()\n"
        "kept = reading.READERS[sys.argv[2]](Path(sys.argv[3]))\n"
        "print(reading.peak_kilobytes() - small)"
    )
    small = path.with_name(path.name.rsplit("_", 1)[0] + "_1000.fcs")
    arguments = [sys.executable, "-c", code, os.path.dirname(__file__), reader, str(path), str(small)]
    result = subprocess.run(arguments, capture_output=True, text=True)
    return int(result.stdout) / 1024 if result.returncode == 0 else None


def shown(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs="+", default=[60_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="60,000 events, twice")
    options = parser.parse_args()
    if options.quick:
        options.events, options.repeats = [60_000], 2
    kinds = ("float", "float, time step", "16 bit log", "16 bit tags", "24 bit")
    print(
        f"{'form':18}{'events':>10}{'hladr ms':>10}{'FlowIO ms':>11}{'hladr MB':>10}{'FlowIO MB':>11}{'float32 MB':>12}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in kinds:
            make(kind, 1000, folder)
            for n in options.events:
                path = make(kind, n, folder)
                cells = [best_ms(read, path, options.repeats) for read in READERS.values()]
                cells += [added_megabytes(reader, path) for reader in READERS]
                print(
                    f"{kind:18}{n:>10}{shown(cells[0]):>10}{shown(cells[1]):>11}{shown(cells[2]):>10}{shown(cells[3]):>11}"
                    f"{n * 7 * 4 / 2**20:>12.1f}"
                )


if __name__ == "__main__":
    main()
