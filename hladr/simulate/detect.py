"""From particles in the laser to the numbers of the file, and back to the linear scale."""

from dataclasses import dataclass

import numpy as np

from .cytometer import MARKERS, Channel, Cytometer

# Above this mean a normal draw stands for the Poisson one: three times as fast, skewness below 0.05.
_NORMAL_ABOVE = 400.0


@dataclass(frozen=True)
class Particles:
    """Particles that cross the laser; the first n are one per event, the rest join an event as its second particle.

    Attributes
    ----------
    forward, side : array (m,)
        Scatter, lymphocyte = 1.
    molecules : array (m, 3)
        Dye molecules of each of `MARKERS`.
    autofluorescence : array (m,)
        In PE molecules.
    joins : int array (m - n,)
        The event that particle n + i joins.
    overlap : array (m - n,)
        How much of the smaller pulse lies under the peak of the larger: 0 side by side, 1 at the same moment.
    """

    forward: np.ndarray
    side: np.ndarray
    molecules: np.ndarray
    autofluorescence: np.ndarray
    joins: np.ndarray
    overlap: np.ndarray


def detect(
    particles: Particles,
    cytometer: Cytometer,
    seconds: np.ndarray,
    drift: dict[str, np.ndarray] | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Measure particles.

    Parameters
    ----------
    particles : Particles
        What passes the laser: n events.
    cytometer : Cytometer
        The instrument.
    seconds : array (n,)
        Arrival times.
    drift : dict or None
        Gain factor per event, (n,), by detector name, `forward` or `side`.
    rng : numpy.random.Generator
        Source of photon and electronic noise.

    Returns
    -------
    array (n, d)
        The numbers as written in the file, float64 (whole numbers where the file holds integers).
    """
    n = len(seconds)
    drift = drift or {}
    common = 1 + cytometer.flow_cv * rng.standard_normal(n)
    area, height = {}, {}
    for source, signal in _optical(particles, cytometer, n, rng):
        factor = common * drift[source] if source in drift else common
        area[source], height[source] = signal[0] * factor, signal[1] * factor
    _fluorescence(area, height, cytometer, rng)
    shape = 1 + cytometer.height_cv * rng.standard_normal(n)
    columns = []
    for channel in cytometer.channels:
        if channel.source == "time":
            columns.append(seconds / cytometer.timestep)
            continue
        if channel.measure == "W":
            source = "forward" if channel.source == "width" else channel.source
            columns.append(0.25 * channel.range * area[source] / np.maximum(height[source] * shape, 1e-9))
            continue
        detector = cytometer.detector(channel.source)
        if channel.measure == "H" and cytometer.scatter_channel("forward", "A") is not None:
            signal = height[channel.source] * shape * cytometer.height_ratio
        elif channel.measure == "H":
            signal = height[channel.source]
        else:
            signal = area[channel.source]
        columns.append(signal + detector.baseline + detector.noise_sd * rng.standard_normal(n))
    signals = np.column_stack(columns)
    if cytometer.compensation == "hardware":
        _compensate(signals, cytometer)
    return digitise(signals, cytometer)


def _optical(particles: Particles, cytometer: Cytometer, n: int, rng: np.random.Generator):
    """Yield per source the (area, height) before electronics: units for scatter, molecules for fluorescence."""
    for name, detector, values, exponent in (
        ("forward", cytometer.forward, particles.forward, cytometer.forward_exponent),
        ("side", cytometer.side, particles.side, cytometer.side_exponent),
    ):
        photons = detector.photoelectrons_per_molecule
        light = values**exponent if exponent != 1 else values
        light = _poisson(light * photons, rng) * (detector.units_per_molecule / photons)
        yield name, _join(light, particles, n)
    for detector in cytometer.detectors:
        molecules = particles.autofluorescence * detector.background
        if detector.marker:
            molecules = molecules + particles.molecules[:, MARKERS.index(detector.marker)]
        yield detector.name, _join(molecules, particles, n)


def _join(values: np.ndarray, particles: Particles, n: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = values[:n], values[n:]
    if not len(second):
        return first, first
    area, height = first.copy(), first.copy()
    one = first[particles.joins]
    area[particles.joins] = one + second
    height[particles.joins] = np.maximum(one, second) + particles.overlap * np.minimum(one, second)
    return area, height


def _fluorescence(area: dict, height: dict, cytometer: Cytometer, rng: np.random.Generator) -> None:
    """Turn dye molecules into signal units: spillover, then photoelectrons, which are Poisson."""
    detectors = cytometer.detectors
    gains = np.array([d.units_per_molecule for d in detectors])
    per_photoelectron = gains / np.array([d.photoelectrons_per_molecule for d in detectors])
    spillover = np.array(cytometer.spillover)
    areas = np.column_stack([area[d.name] for d in detectors]) * gains @ spillover
    heights = np.column_stack([height[d.name] for d in detectors]) * gains @ spillover
    for j, detector in enumerate(detectors):
        mean = np.maximum(areas[:, j], 0)
        drawn = _poisson(mean / per_photoelectron[j], rng) * per_photoelectron[j]
        area[detector.name] = drawn
        # the same photons make area and height
        height[detector.name] = drawn * np.divide(heights[:, j], mean, out=np.ones_like(mean), where=mean > 0)


def _poisson(mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    drawn = np.sqrt(mean)
    drawn *= rng.standard_normal(len(mean))
    drawn += mean
    small = np.flatnonzero(mean < _NORMAL_ABOVE)
    drawn[small] = rng.poisson(mean[small])
    return drawn


def _compensate(signals: np.ndarray, cytometer: Cytometer) -> None:
    columns = [cytometer.index(name) for name in cytometer.spill_names()]
    signals[:, columns] = signals[:, columns] @ np.linalg.inv(np.array(cytometer.stated_spillover))


def digitise(signals: np.ndarray, cytometer: Cytometer) -> np.ndarray:
    """Clip to the digitiser's limits and write as the file does: float32, or whole numbers on a linear or log scale.

    Parameters
    ----------
    signals : array (n, d)
        Linear scale, signal units, in the order of the channels; changed in place.
    cytometer : Cytometer
        Its channels say the scale of each column.

    Returns
    -------
    array (n, d)
        The numbers as written, float64.
    """
    for j, channel in enumerate(cytometer.channels):
        column = signals[:, j]
        if channel.gain != 1 and channel.source != "time":
            column *= channel.gain
        if channel.decades:
            per_decade = channel.range / channel.decades
            column[:] = np.floor(per_decade * np.log10(np.maximum(column, 1.0)))
        elif cytometer.data_type == "I":
            column[:] = np.floor(column)
        low = 0.0 if cytometer.data_type == "I" else cytometer.lower_limit
        if channel.source == "time" and cytometer.data_type == "F":
            continue
        np.clip(column, low, channel.range - 1, out=column)
    return signals.astype(np.float32).astype(np.float64) if cytometer.data_type == "F" else signals


def linear(written: np.ndarray, channels: tuple[Channel, ...]) -> np.ndarray:
    """Expand what a file holds to the linear scale, as the FCS standard says (`$PnE`, then `$PnG` by division).

    Parameters
    ----------
    written : array (n, d)
        The numbers as written.
    channels : tuple of Channel
        The d parameters.

    Returns
    -------
    array (n, d)
        Linear scale, uncompensated unless the hardware compensated.
    """
    values = np.array(written, dtype=np.float64)
    for j, channel in enumerate(channels):
        if channel.decades:
            values[:, j] = (channel.log_minimum or 1.0) * 10 ** (channel.decades * values[:, j] / channel.range)
        elif channel.gain != 1 and channel.source != "time":
            values[:, j] /= channel.gain
    return values
