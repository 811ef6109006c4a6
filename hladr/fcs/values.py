"""What a file gives to the rest of hladr: channels, settings, matrix, events. No other keyword is handed on."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from ..flags import Finding

# What was odd about a file but resolved: for the auditor's page of a tube.
NOTES = {
    "offsets_disagree": "HEADER and TEXT disagree about where the events lie; the place that fits the file was read",
    "data_start_wrong": "the stated start of the events is wrong; the place where events lie was read",
    "data_end_off_by_one": "the stated end of the events is off by one byte",
    "data_end_wrong": "the stated end of the events is wrong; $TOT events were read",
    "tot_disagrees": "$TOT is not the number of events in the file; those in the file were read",
    "text_end_wrong": "the stated end of the keywords is wrong; they were read up to the events",
    "next_data_invalid": "the file names a further data set that is not there",
    "two_data_sets": "the FCS 3.0 data set of a Beckman file was read",
    "data_sets_differ": "the two data sets of a Beckman file have different numbers of events",
    "high_bits_masked": "bits above the range of a channel hold other data and were masked",
    "already_linear": "the file says log amplification but holds linear numbers; they were not expanded again",
    "duplicate_names": "two channels of the file have the same name",
    "identity_matrix": "the spillover matrix in the file is an identity: nothing was compensated by it",
    "no_matrix": "the file holds no spillover matrix",
    "matrix_unreadable": "the spillover matrix in the file cannot be understood",
    "compensated_on_cytometer": "the cytometer compensated the events; its percentages were not applied again",
}


@dataclass(frozen=True)
class Channel:
    """One parameter of a file.

    Attributes
    ----------
    name, stain : str
        `$PnN` and `$PnS` (empty if not stated).
    range : float
        `$PnR`.
    decades, log_minimum : float
        `$PnE`: 0, 0 for a linear channel; a stated minimum of 0 on a log-amplified channel counts as 1.
    gain, voltage : float or None
        `$PnG` and `$PnV`; None if not stated.
    bits : int
        `$PnB`.
    """

    name: str
    stain: str
    range: float
    decades: float
    log_minimum: float
    gain: float | None
    voltage: float | None
    bits: int


@dataclass(frozen=True)
class Settings:
    """What a file says about its acquisition; None where it says nothing that can be understood.

    Attributes
    ----------
    cytometer, serial : str or None
        Name and serial number of the cytometer.
    acquired_at : datetime or date or None
        Start of the acquisition: with its offset from universal time where the file states one, else the cytometer's
        local time; a date where no time is stated.
    duration_seconds : float or None
        From start to end.
    version : str
        Of the FCS data set that was read.
    datatype : str
        `I`, `F` or `D`.
    """

    cytometer: str | None
    serial: str | None
    acquired_at: date | None  # a datetime is a date too
    duration_seconds: float | None
    version: str
    datatype: str


@dataclass(frozen=True)
class Spillover:
    """A spillover matrix: row i says how much of detector i's dye is seen in each detector; diagonal 1.

    Attributes
    ----------
    detectors : tuple of str
        `$PnN` of the k detectors.
    matrix : ndarray, shape (k, k)
        Unitless.
    """

    detectors: tuple[str, ...]
    matrix: np.ndarray


@dataclass(frozen=True)
class Acquisition:
    """One acquisition.

    Attributes
    ----------
    events : ndarray, shape (n, d), float32 or float64
        Linear scale, uncompensated; every event of the file, damaged ones too, so that masks are as long as the file.
        float32 only where it holds exactly the numbers that FlowKit computes. Shape (0, d) from `read_header`.
    channels : tuple of Channel
        The d columns.
    settings : Settings
    spill : Spillover or None
        The file's own matrix.
    notes : tuple of str
        What was odd but resolved: keys of `NOTES`.
    findings : tuple of Finding
        `corrupt_events` (review) where less than 1 % of the events is damaged; more is a SpecimenError.
    flowkit_preprocess : bool
        The `preprocess` argument with which FlowKit sees these events; False for floats that still carry `$PnE 4,0`.
    damaged : ndarray, shape (n,), bool, or None
        Events that are not numbers, all zero, out of range or copies of a block; None if there is none. They stay in
        `events`, so that a mask is as long as the file; nothing should be learnt from them.
    n_events : int
        Number of events that the file holds.
    """

    events: np.ndarray
    channels: tuple[Channel, ...]
    settings: Settings
    spill: Spillover | None
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    flowkit_preprocess: bool = True
    damaged: np.ndarray | None = None
    n_events: int = 0
