"""Cytometers as central laboratories have them: their channels, scales, voltages and file formats.

Gains are chosen so that the brightest Quantibrite level lies where operators put it; between the models the signal per
PE molecule spans three decades. Efficiencies and spillovers are plausible round numbers for such instruments, not
measurements of one.
"""

from dataclasses import replace

import numpy as np

from .cytometer import Cytometer, to_tuples
from .models_bd import accuri, calibur, canto, fortessa
from .models_others import attune, cytek, cytoflex, fc500, navios

CYTOMETERS: dict[str, Cytometer] = {
    c.model: c for c in (canto(), fortessa(), navios(), fc500(), calibur(), cytoflex(), accuri(), attune(), cytek())
}


def random_cytometer(
    rng: np.random.Generator, model: str | None = None, pe_gain: float | None = None, spread: float = 3.0
) -> Cytometer:
    """Draw an instrument: a model with other gains, noise, spillover, optics and serial.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draw.
    model : str, optional
        Key of `CYTOMETERS`; drawn where left out.
    pe_gain : float, optional
        Factor on the PE gain; drawn between 1/sqrt(spread) and sqrt(spread) where left out.
    spread : float
        Ratio of the largest to the smallest gain drawn; scatter gains take about its fourth root (operators set them to
        the display).

    Returns
    -------
    Cytometer
        PE stays on scale for cells: a gain that would put 150,000 PE molecules over the range is reduced.
    """
    base = CYTOMETERS[model or sorted(CYTOMETERS)[rng.integers(len(CYTOMETERS))]]
    factors = {d.name: float(spread ** rng.uniform(-0.5, 0.5)) for d in base.detectors}
    for d in base.detectors:
        channel = next(c for c in base.channels if c.source == d.name)
        top = 10**channel.decades if channel.decades else channel.range
        brightest = {"HLA-DR": 150_000, "CD14": 350_000, "CD45": 600_000}.get(d.marker, 50_000)
        if d.marker == "HLA-DR" and pe_gain is not None:
            factors[d.name] = pe_gain
        else:
            factors[d.name] = min(factors[d.name], top / (d.units_per_molecule * brightest))
    factors["forward"] = float(spread ** rng.uniform(-0.12, 0.12))
    factors["side"] = float(spread ** rng.uniform(-0.12, 0.12))
    changed = base.with_gains(factors)
    spill = np.array(changed.spillover) * np.exp(0.25 * rng.standard_normal((len(changed.detectors),) * 2))
    np.fill_diagonal(spill, 1.0)
    log_minimum = float(rng.integers(2))  # some files write $PnE 4,0 where they mean 4,1
    return replace(
        changed,
        channels=tuple(replace(c, log_minimum=log_minimum) if c.decades else c for c in changed.channels),
        serial=f"{base.serial[:-3]}{rng.integers(100, 1000)}",
        spillover=to_tuples(spill),
        stated_spillover=to_tuples(spill),
        detectors=tuple(
            replace(
                d,
                noise_sd=d.noise_sd * float(2 ** rng.uniform(-1, 1)),
                baseline=0.3 * d.noise_sd * float(rng.standard_normal()),
                photoelectrons_per_molecule=d.photoelectrons_per_molecule * float(2 ** rng.uniform(-1, 1)),
                voltage=None if d.voltage is None else float(round(d.voltage * factors[d.name] ** (1 / 7))),
            )
            for d in changed.detectors
        ),
        flow_cv=float(rng.uniform(0.012, 0.045)),
        height_cv=float(rng.uniform(0.015, 0.04)),
        height_ratio=float(rng.uniform(0.6, 1.1)),
        side_exponent=float(rng.uniform(0.85, 1.12)),
        forward_exponent=float(rng.uniform(0.8, 1.15)),
        event_rate=base.event_rate * float(2 ** rng.uniform(-1, 1)),
    )
