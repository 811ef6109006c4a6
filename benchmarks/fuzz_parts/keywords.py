"""Mutations of an FCS file that know its keywords and write it whole again: files that are well formed and wrong."""

from dataclasses import dataclass

import numpy as np

from .raw import NUMBERS

WORDS = (
    *("", " ", "A", "I", "F", "D", "L", "C", "U", "1,2,3,4", "4,3,2,1", "2,1", "3,1,2,4", "PE-A", "FSC-A", "Time"),
    *("<script>alert(1)</script>", "=1+1", "../../x", "%s%n", "\0", "\x1b[2J", "é", "ßµ", "'; --", "{}", "N" * 70000),
)
CHANNEL_KEYS = "NSRBEGV"
SETTINGS = "RBEGV"


@dataclass
class File:
    """An FCS file in its parts; a first data set that stands before the one that counts is kept as it is."""

    before: bytes
    version: bytes
    delimiter: bytes
    pairs: list[tuple[str, str]]
    data: bytes
    after: bytes = b""
    encoding: str = "latin-1"

    def find(self, key: str) -> int | None:
        """Return the place of a keyword."""
        return next((i for i, (name, _) in enumerate(self.pairs) if name == key), None)

    def get(self, key: str, default: str = "") -> str:
        """Return a keyword's value."""
        at = self.find(key)
        return default if at is None else self.pairs[at][1]

    def set(self, key: str, value: str) -> None:
        """Change or add a keyword."""
        at = self.find(key)
        if at is None:
            self.pairs.append((key, value))
        else:
            self.pairs[at] = (key, value)

    def columns(self) -> list[str]:
        """Return $PnN."""
        return [self.get(f"$P{i}N") for i in range(1, int(self.get("$PAR", "0") or 0) + 1)]

    def dtype(self) -> np.dtype:
        """Return the type of one event's value, bytes for 24 bits."""
        bits, order = int(self.get("$P1B") or 32), ">" if self.get("$BYTEORD").startswith(("4", "2")) else "<"
        if self.get("$DATATYPE") == "F":
            return np.dtype(f"{order}f4")
        return np.dtype(f"{order}u{bits // 8}") if bits in (16, 32) else np.dtype(f"V{bits // 8}")

    def table(self) -> np.ndarray:
        """Return the events, a copy, shape (n, d)."""
        return np.frombuffer(self.data, self.dtype()).reshape(-1, len(self.columns())).copy()


def parse(content: bytes) -> File:
    """Take a simulated file apart."""
    start = 0
    while True:
        header = content[start : start + 58]
        begin, end, first, last = (int(header[at : at + 8] or 0) for at in (10, 18, 26, 34))
        text = content[start + begin : start + end + 1]
        delimiter = text[:1]
        words = text.strip(b" ")[1:-1].decode("latin-1").split(delimiter.decode("latin-1"))
        pairs = list(zip(words[::2], words[1::2], strict=True))
        following = int(dict(pairs).get("$NEXTDATA", "0"))
        if not following:
            data = content[start + first : start + last + 1]
            return File(content[:start], header[:6], delimiter, pairs, data)
        start += following


def build(file: File) -> bytes:
    """Put a file together again, with offsets that are right."""
    own = ("$BEGINDATA", "$ENDDATA")

    def text(begin: int, end: int) -> bytes:
        words = []
        for key, value in file.pairs:
            place = {"$BEGINDATA": begin, "$ENDDATA": end}.get(key) if key in own else None
            words += [key, value if place is None or value not in ("@", *_digits(value)) else f"{place:010d}"]
        mark = file.delimiter.decode("latin-1")
        return (mark + mark.join(words) + mark).encode(file.encoding, "replace")

    length = len(text(0, 0))
    begin = 256 + (length + 255) // 256 * 256
    end = begin + len(file.data) - 1
    places = (256, 256 + length - 1, begin, end, 0, 0)
    header = file.version.ljust(10) + b"".join(f"{p:>8}".encode()[-8:] for p in places)
    body = header.ljust(256) + text(begin, end).ljust(begin - 256) + file.data
    return file.before + body + file.after


def _digits(value: str) -> tuple[str, ...]:
    return (value,) if value.isdigit() else ()


def _any_key(file: File, rng) -> str:
    if rng.random() < 0.5:
        return f"$P{int(rng.integers(1, 10))}{rng.choice(list(CHANNEL_KEYS))}"
    return file.pairs[int(rng.integers(len(file.pairs)))][0]


def value_odd(file, rng):
    pool = NUMBERS if rng.random() < 0.6 else WORDS
    file.set(_any_key(file, rng), pool[int(rng.integers(len(pool)))])


def setting_nudged(file, rng):
    """Write another plausible setting of a detector."""
    key = f"$P{int(rng.integers(1, len(file.columns()) + 1))}{rng.choice(list(SETTINGS))}"
    old = file.get(key)
    if key.endswith("E"):
        file.set(key, str(rng.choice(["0,0", "4,1", "4,0", "5,1", "4,0.1", "2,1"])))
    elif old:
        try:
            number = float(old)
        except ValueError:  # an earlier mutation was here
            return
        file.set(key, f"{number * float(rng.choice([0.5, 2, 4, 1.01, 0.9, 10])):g}")
    else:
        file.set(key, str(rng.choice(["1", "2", "0.5", "500"])))


def key_gone(file, rng):
    del file.pairs[int(rng.integers(len(file.pairs)))]


def key_twice(file, rng):
    key, value = file.pairs[int(rng.integers(len(file.pairs)))]
    other = NUMBERS[int(rng.integers(len(NUMBERS)))] if rng.random() < 0.5 else value
    file.pairs.insert(int(rng.integers(len(file.pairs) + 1)), (key, other))


def keys_small(file, rng):
    file.pairs = [(key.lower(), value) for key, value in file.pairs]


def keys_shuffled(file, rng):
    rng.shuffle(file.pairs)


def delimiter_in_value(file, rng):
    at = int(rng.integers(len(file.pairs)))
    mark = file.delimiter.decode("latin-1") * int(rng.integers(1, 4))
    file.pairs[at] = (file.pairs[at][0], f"a{mark}b" if rng.random() < 0.5 else file.pairs[at][1] + mark)


def delimiter_other(file, rng):
    file.delimiter = bytes([int(rng.choice(list(b"/|!,\x1e\t \0a1$\xff")))])


def text_utf16(file, rng):
    file.encoding = str(rng.choice(["utf-16", "utf-16-be", "utf-8-sig", "cp500"]))


def text_accents(file, rng):
    file.encoding = str(rng.choice(["utf-8", "latin-1", "cp1253"]))
    file.set("$CYT", "Cytomètre Ελένη µ")


def version_other(file, rng):
    file.version = str(rng.choice(["FCS1.0", "FCS2.0", "FCS3.0", "FCS3.1", "FCS3.2", "FCS4.0", "fcs3.1"])).encode()


def total_other(file, rng):
    n = int(file.get("$TOT") or 0)
    file.set("$TOT", str(int(rng.choice([n + 1, n - 1, n // 2, 2 * n, int(0.9 * n), 0, n + 1000, 10 * n]))))


def parameters_other(file, rng):
    n = len(file.columns())
    file.set("$PAR", str(int(rng.choice([n - 1, n + 1, 1, 2 * n, n // 2, 999]))))


def order_other(file, rng):
    file.set("$BYTEORD", str(rng.choice(["1,2,3,4", "4,3,2,1", "2,1", "1,2", "3,4,1,2", "2,1,4,3", "1,2,3"])))


def type_other(file, rng):
    file.set("$DATATYPE", str(rng.choice(list("IFDA"))))


def bits_other(file, rng):
    bits = str(rng.choice(["8", "10", "16", "24", "32", "64", "*", "12"]))
    for i in range(1, len(file.columns()) + 1):
        file.set(f"$P{i}B", bits)


def names_swapped(file, rng):
    """Let two channels bear each other's name; with all their settings, or without."""
    n = len(file.columns())
    if n < 2:
        return
    i, j = (int(k) + 1 for k in rng.choice(n, 2, replace=False))
    for letter in CHANNEL_KEYS if rng.random() < 0.3 else "N":
        one, two = file.get(f"$P{i}{letter}"), file.get(f"$P{j}{letter}")
        file.set(f"$P{i}{letter}", two)
        file.set(f"$P{j}{letter}", one)


def name_other(file, rng):
    names = file.columns() or ["PE-A"]
    i = int(rng.integers(1, len(names) + 1))
    file.set(f"$P{i}N", str(rng.choice([*names, "PE-A ", "pe-a", "PE-H", "Time", ""])))


def _spill_key(file) -> str | None:
    return next((k for k in ("$SPILLOVER", "SPILL", "$COMP", "$SPILL") if file.find(k) is not None), None)


def spill_broken(file, rng):
    """Write a matrix that is none: short, long, singular, not numbers, foreign names."""
    key = _spill_key(file)
    if key is None:
        file.set("$SPILLOVER", str(rng.choice(["2,PE-A,APC-A,1,0,0,1", "0", "3,A,B,C,1,0,0", "99999999,PE-A"])))
        return
    words = file.get(key).split(",")
    kind = int(rng.integers(5))
    if kind == 0:
        words.pop(int(rng.integers(len(words))))
    elif kind == 1:
        words[int(rng.integers(len(words)))] = NUMBERS[int(rng.integers(len(NUMBERS)))]
    elif kind == 2:
        words[0] = str(int(rng.integers(0, 99)))
    elif kind == 3:
        words += ["0"] * int(rng.integers(1, 30))
    else:
        words = [words[0], *words[1:4], *["1"] * (len(words) - 4)]
    file.set(key, ",".join(words))


def spill_edited(file, rng):
    """Write another matrix that is as plausible: no file says that its own is not the right one."""
    key = _spill_key(file)
    if key is None:
        return
    words = file.get(key).split(",")
    size = int(words[0]) if words[0].isdigit() else 0
    if size < 2 or len(words) != 1 + size + size * size:
        return
    matrix = np.array(words[1 + size :]).reshape(size, size)
    kind = int(rng.integers(3))
    if kind == 0:
        i, j = rng.choice(size, 2, replace=False)
        matrix[i, j] = f"{float(rng.uniform(0, 0.5)):.4g}"
    elif kind == 1:
        matrix = matrix.T
    else:
        i, j = (int(k) + 1 for k in rng.choice(size, 2, replace=False))
        words[i], words[j] = words[j], words[i]
    file.set(key, ",".join([*words[: 1 + size], *matrix.ravel()]))


MUTATIONS = (
    *(value_odd, value_odd, setting_nudged, setting_nudged, key_gone, key_twice, keys_small, keys_shuffled),
    *(delimiter_in_value, delimiter_other, text_utf16, text_accents, version_other, total_other, parameters_other),
    *(order_other, type_other, bits_other, names_swapped, name_other, spill_broken, spill_edited),
)
