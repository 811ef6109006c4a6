"""A model of a cytometer: dye molecules to photoelectrons, gain, spillover, noise, limits and digits."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

# The markers of the assay in the order of the columns of `Particles.molecules`.
MARKERS = ("HLA-DR", "CD14", "CD45")

# A photomultiplier's gain grows with about the seventh power of its voltage (dynode stages times exponent per stage).
PMT_EXPONENT = 7.0


@dataclass(frozen=True)
class Channel:
    """One parameter of the file.

    Attributes
    ----------
    name, stain : str
        `$PnN` and `$PnS`.
    source : str
        What is measured: `forward`, `side`, `time`, `width`, or the name of a fluorescence detector of the cytometer.
    measure : str
        `A` (area), `H` (height) or `W` (width); empty for time.
    range : int
        `$PnR`; the largest number written is `range - 1`.
    decades : float
        `$PnE`'s first number: decades of the logarithmic amplifier, 0 for linear.
    log_minimum : float
        `$PnE`'s second number as written (some cytometers write 0 and mean 1).
    gain : float
        `$PnG` as written; 1 where the file says nothing.
    """

    name: str
    stain: str
    source: str
    measure: str = "A"
    range: int = 262144
    decades: float = 0.0
    log_minimum: float = 0.0
    gain: float = 1.0


@dataclass(frozen=True)
class Detector:
    """One photodetector.

    Attributes
    ----------
    name : str
        The dye or the scatter it measures.
    marker : str
        The marker whose dye it is for; empty for scatter and for a detector without a stain.
    units_per_molecule : float
        Signal units in the area channel per dye molecule (scatter: per lymphocyte).
    photoelectrons_per_molecule : float
        Detection efficiency; the signal is Poisson in photoelectrons (scatter: photoelectrons per lymphocyte).
    noise_sd : float
        Electronic noise, signal units.
    voltage : float or None
        `$PnV`; None where the cytometer does not write one.
    baseline : float
        Signal units added to every event.
    background : float
        Autofluorescence that this detector sees where PE sees that of one PE molecule, in molecules of its own dye.
    """

    name: str
    marker: str
    units_per_molecule: float
    photoelectrons_per_molecule: float
    noise_sd: float
    voltage: float | None = None
    baseline: float = 0.0
    background: float = 1.0


@dataclass(frozen=True)
class Cytometer:
    """A cytometer with its settings.

    Attributes
    ----------
    model : str
        Key in `models.CYTOMETERS`.
    cyt, serial : str
        `$CYT` and `$CYTSN`, as the header says them.
    forward, side : Detector
        The scatter detectors.
    detectors : tuple of Detector
        Fluorescence detectors, in the order of the spillover matrix.
    channels : tuple of Channel
        Parameters of the file, in order.
    spillover : tuple of tuple of float
        True spillover in signal units, (k, k): row i, how much of detector i's dye each detector sees; diagonal 1.
    stated_spillover : tuple of tuple of float
        What the file (or the separate table, or the hardware) believes the spillover is.
    compensation : str
        Where the matrix is: `in_file`, `separate` (a table beside the file) or `hardware` (already applied).
    spill_keyword : str
        `SPILL` or `$SPILLOVER`.
    version : str
        `FCS2.0`, `FCS3.0` or `FCS3.1`.
    data_type : str
        `F` (float32) or `I` (integers).
    bits : int
        Bits per stored integer: 16, 24 or 32.
    big_endian : bool
        Byte order.
    lower_limit : float
        Smallest signal of the digitiser, signal units.
    two_data_sets : bool
        Beckman's LMD: FCS 2.0 with 10-bit numbers, then the same events as FCS 3.0.
    bare_second_header : bool
        The second data set states no date, cytometer or voltage (FC 500).
    timestep : float
        Seconds per unit of the time channel.
    event_rate : float
        Events per second.
    flow_cv : float
        Relative sd, common to all detectors of an event, of illumination and focus.
    height_ratio : float
        Height of a singlet's forward pulse per area.
    height_cv : float
        Relative sd of that ratio.
    side_exponent, forward_exponent : float
        Scatter of the cell classes relative to a lymphocyte is raised to this power: optics differ.
    threshold : float
        Forward threshold, in lymphocytes: smaller particles are not recorded.
    """

    model: str
    cyt: str
    serial: str
    forward: Detector
    side: Detector
    detectors: tuple[Detector, ...]
    channels: tuple[Channel, ...]
    spillover: tuple[tuple[float, ...], ...]
    stated_spillover: tuple[tuple[float, ...], ...]
    compensation: str
    spill_keyword: str = "SPILL"
    version: str = "FCS3.0"
    data_type: str = "F"
    bits: int = 32
    big_endian: bool = True
    lower_limit: float = -2000.0
    two_data_sets: bool = False
    bare_second_header: bool = False
    timestep: float = 0.01
    event_rate: float = 1500.0
    flow_cv: float = 0.02
    height_ratio: float = 0.8
    height_cv: float = 0.025
    side_exponent: float = 1.0
    forward_exponent: float = 1.0
    threshold: float = 0.25

    def detector(self, name: str) -> Detector:
        """Return the detector that a channel's `source` names."""
        return {"forward": self.forward, "side": self.side, **{d.name: d for d in self.detectors}}[name]

    def channel_of(self, marker: str) -> Channel | None:
        """Return the channel that a marker is read from: its detector's first; None without that marker."""
        for detector in self.detectors:
            if detector.marker == marker:
                return next(c for c in self.channels if c.source == detector.name)
        return None

    def index(self, name: str) -> int:
        """Return the column of the channel with this `$PnN`."""
        return [c.name for c in self.channels].index(name)

    def scatter_channel(self, source: str, measure: str) -> Channel | None:
        """Return the `forward` or `side` channel of a measure (`A`, `H`), None where the file has none."""
        return next((c for c in self.channels if c.source == source and c.measure == measure), None)

    def spill_names(self) -> tuple[str, ...]:
        """Return the `$PnN` of the channels that the matrix is for, in its order."""
        return tuple(next(c.name for c in self.channels if c.source == d.name) for d in self.detectors)

    def with_gains(self, factors: dict[str, float]) -> "Cytometer":
        """Multiply the gain of detectors (by name, or `forward`, `side`), the spillover following."""
        f = np.array([factors.get(d.name, 1.0) for d in self.detectors])

        def rescale(matrix: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
            return to_tuples(np.array(matrix) * f[None, :] / f[:, None])

        return replace(
            self,
            forward=_gain(self.forward, factors.get("forward", 1.0)),
            side=_gain(self.side, factors.get("side", 1.0)),
            detectors=tuple(_gain(d, x) for d, x in zip(self.detectors, f, strict=True)),
            spillover=rescale(self.spillover),
            stated_spillover=rescale(self.stated_spillover),
        )

    def at_voltage(self, name: str, voltage: float) -> "Cytometer":
        """Set a photomultiplier's voltage: its gain follows by the power law, the spillover follows the gain.

        Raises
        ------
        ValueError
            Where the detector states no voltage.
        """
        old = self.detector(name).voltage
        if old is None:
            raise ValueError(f"the detector {name!r} of {self.model} states no voltage")
        changed = self.with_gains({name: (voltage / old) ** PMT_EXPONENT})
        return changed._with_detector(name, voltage=voltage)

    def with_compensation_error(self, rng: np.random.Generator, relative: float) -> "Cytometer":
        """State a matrix whose off-diagonal entries are wrong, each by a normal error of this relative sd."""
        true = np.array(self.spillover)
        wrong = true * (1 + relative * rng.standard_normal(true.shape))
        np.fill_diagonal(wrong, 1.0)
        return replace(self, stated_spillover=to_tuples(wrong))

    def without(self, marker: str) -> "Cytometer":
        """Leave a marker's detector and channels out: a panel without CD45."""
        sources = {d.name for d in self.detectors if d.marker == marker}
        return self.without_channels({c.name for c in self.channels if c.source in sources})

    def without_channels(self, names: Collection[str]) -> "Cytometer":
        """Leave channels out of the file, and the detectors that have no other channel out of the matrix."""
        channels = tuple(c for c in self.channels if c.name not in names)
        sources = {c.source for c in channels}
        gone = [i for i, d in enumerate(self.detectors) if d.name not in sources]
        return replace(
            self,
            detectors=tuple(d for i, d in enumerate(self.detectors) if i not in gone),
            channels=channels,
            spillover=to_tuples(np.delete(np.delete(np.array(self.spillover), gone, 0), gone, 1)),
            stated_spillover=to_tuples(np.delete(np.delete(np.array(self.stated_spillover), gone, 0), gone, 1)),
        )

    def _with_detector(self, name: str, **changes: object) -> "Cytometer":
        if name in ("forward", "side"):
            return replace(self, **{name: replace(self.detector(name), **changes)})
        return replace(self, detectors=tuple(replace(d, **changes) if d.name == name else d for d in self.detectors))


def _gain(detector: Detector, factor: float) -> Detector:
    return replace(
        detector,
        units_per_molecule=detector.units_per_molecule * float(factor),
        # the electronics behind the photomultiplier add most of the noise, whatever its gain
        noise_sd=detector.noise_sd * float(factor) ** 0.3,
    )


def to_tuples(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Freeze a matrix."""
    return tuple(tuple(float(x) for x in row) for row in matrix)
