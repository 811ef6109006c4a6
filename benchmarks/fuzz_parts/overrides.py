"""Damaged gates of a reviewer: used, or refused in plain words."""

import random
import re

import numpy as np

from hladr import gatingml, tube

from .specimens import Outcome, Specimens
from .tables import bytes_damaged

VALUES = ("", "0", "-1", "nan", "inf", "-inf", "1e400", "1e-400", "x", "9" * 400, "PE-A", "monocytes", "FCS", "é", "\t")
ENTITIES = (
    b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/passwd">]>'
)


def value_replaced(text: bytes, rng: random.Random) -> bytes:
    places = [m.span(1) for m in re.finditer(rb'="([^"]*)"', text)]
    for start, stop in sorted(rng.sample(places, rng.randrange(1, 4)), reverse=True):
        text = text[:start] + rng.choice(VALUES).encode() + text[stop:]
    return text


def values_swapped(text: bytes, rng: random.Random) -> bytes:
    """Swap two attributes' values: names, parents (also in a circle), corners, bounds."""
    (a, b), (c, d) = sorted(m.span(1) for m in rng.sample(list(re.finditer(rb'="([^"]*)"', text)), 2))
    return text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:]


def number_nudged(text: bytes, rng: random.Random) -> bytes:
    """Draw a corner or a bound elsewhere: another gate, as good as the first by all that the file says."""
    start, stop = rng.choice([m.span(1) for m in re.finditer(rb'="(-?[\d.]+(?:e-?\d+)?)"', text)])
    return (
        text[:start]
        + f"{float(text[start:stop]) * rng.choice([0, 0.5, 0.9, 1.1, 2, -1, 1e9]):g}".encode()
        + text[stop:]
    )


def element_changed(text: bytes, rng: random.Random) -> bytes:
    """Drop or double a piece between two tags."""
    tags = [m.start() for m in re.finditer(rb"<", text)]
    start, stop = sorted(rng.sample(tags, 2))
    return text[:start] + text[stop:] if rng.random() < 0.5 else text[:stop] + text[start:stop] + text[stop:]


def entities(text: bytes, rng: random.Random) -> bytes:
    body = text[text.index(b"?>") + 2 :]
    return ENTITIES + body.replace(b'="monocytes"', rng.choice([b'="&c;"', b'="&d;"', b'="monocytes"']), 1)


def nested(text: bytes, rng: random.Random) -> bytes:
    depth = rng.choice([10, 300, 20_000])
    return b"<a>" * depth + text + b"</a>" * depth


def many_corners(text: bytes, rng: random.Random) -> bytes:
    found = re.search(rb"<gating:vertex>.*?</gating:vertex>", text, re.DOTALL)
    return text if found is None else text.replace(found.group(), found.group() * rng.choice([50, 2000]), 1)


MUTATIONS = (
    *(bytes_damaged, value_replaced, values_swapped, number_nudged, element_changed, entities, nested, many_corners),
)


class Overrides:
    """A tube with a reviewer's gate: the automatic one, written as GatingML."""

    def __init__(self, specimens: Specimens):
        self.study, self.folder = specimens.study, specimens.folder
        self.row = next(t for t in self.study.tubes if t.sample_id == "T-canto")
        row = {"sample_id": "T-canto", "fcs": self.row.fcs, "lab": self.row.lab, "override": None}
        reading, arrays = tube.read_tube(self.folder, row, self.study.labs[self.row.lab], self.study.config)
        self.text, self.pe = gatingml.write(arrays).encode(), reading.pe["median"]["main"]
        (self.folder / "case.xml").write_bytes(self.text)  # FlowKit is imported here, not within a case
        reading, _ = tube.read_tube(
            self.folder, row | {"override": "case.xml"}, self.study.labs[self.row.lab], self.study.config
        )
        if reading.pe["median"]["main"] != self.pe:
            raise RuntimeError("the undamaged gate of the reviewer gives another PE than the automatic one")

    def case(self, rng: np.random.Generator) -> Outcome:
        """Damage the gate, and read the tube with it."""
        chance = random.Random(int(rng.integers(2**60)))
        mutate = chance.choice(MUTATIONS)
        (self.folder / "case.xml").write_bytes(mutate(self.text, chance))
        row = {"sample_id": "T-canto", "fcs": self.row.fcs, "lab": self.row.lab, "override": "case.xml"}
        reading, arrays = tube.read_tube(self.folder, row, self.study.labs[self.row.lab], self.study.config)
        if arrays is not None:
            gatingml.write(arrays)
        reading.to_json()
        codes = {f.code for f in reading.findings}
        sentences = " ".join(f.sentence for f in reading.findings)
        find = None
        if "worker_died" in codes:
            find = "an error that was not foreseen; see above"
        elif "memory" in sentences:
            find = "more memory than the limit"
        elif not sentences.isprintable() or str(self.folder) in sentences:
            find = f"odd words: {sentences[:200]!r}"
        failed = any(f.status == "failed" for f in reading.findings)
        said = "failed" if failed else "review" if codes else "ok"
        change = None if failed or not reading.pe else reading.pe["median"]["main"] / self.pe - 1
        return Outcome("gate", (mutate.__name__,), said, change, find)
