"""What can be wrong with a specimen: each code once, with its status, its meaning and its remedy (data/flags.csv).

A specimen problem is a value (`Finding`) that travels to the tables and the report; it never stops a run.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass

from .paths import data_file

FAILED = "failed"
REVIEW = "review"
OK = "ok"


@dataclass(frozen=True)
class Flag:
    """One code of the contract.

    Attributes
    ----------
    code : str
        The name in the column `flags`.
    status : str
        `failed`, `review`, or `failed or review` where the size of the problem decides.
    meaning : str
        What it says, for a technician.
    remedy : str
        What to do about it.
    """

    code: str
    status: str
    meaning: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """A code that was set, with the numbers of this specimen.

    Attributes
    ----------
    code : str
        A key of `FLAGS`.
    sentence : str
        What was found, in plain words, without a full stop at the end.
    status : str
        `failed` or `review`.
    """

    code: str
    sentence: str
    status: str


class SpecimenError(Exception):
    """A specimen that cannot be used: caught once per tube or bead run and turned into a `Finding`."""

    def __init__(self, code: str, sentence: str):
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence

    @property
    def finding(self) -> Finding:
        """What the specimen failed with."""
        return finding(self.code, self.sentence, FAILED)


def _read_flags() -> dict[str, Flag]:
    with open(data_file("flags.csv"), encoding="utf-8", newline="") as handle:
        return {row["code"]: Flag(**row) for row in csv.DictReader(handle)}


FLAGS: dict[str, Flag] = _read_flags()


def finding(code: str, sentence: str, status: str | None = None) -> Finding:
    """Make a `Finding`; `status` is needed only for the codes that can be either.

    Raises
    ------
    ValueError
        For a status that the code cannot have.
    """
    allowed = FLAGS[code].status
    if status is None:
        status = allowed
    if status not in (FAILED, REVIEW) or status not in allowed.split(" or "):
        raise ValueError(f"{code} cannot have the status {status!r}: {allowed}")
    return Finding(code, sentence, status)


def status_of(findings: Iterable[Finding]) -> str:
    """Combine findings: `failed` beats `review` beats `ok`."""
    statuses = {f.status for f in findings}
    return FAILED if FAILED in statuses else REVIEW if REVIEW in statuses else OK


def codes_of(findings: Iterable[Finding]) -> str:
    """Join the codes by `;`, failures first, each once, for the column `flags`."""
    return ";".join(dict.fromkeys(f.code for f in ordered(findings)))


def reason_of(findings: Iterable[Finding]) -> str:
    """Join what was found to one plain sentence, failures first; empty without findings."""
    parts = list(dict.fromkeys(f.sentence for f in ordered(findings)))
    return "; ".join(parts) + "." if parts else ""


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Order findings: failures first, otherwise as found."""
    return sorted(findings, key=lambda f: f.status != FAILED)
