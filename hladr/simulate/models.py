"""Cytometers as central laboratories have them: their channels, scales, voltages and file formats.

Gains are chosen so that the brightest Quantibrite level lies where operators put it; between the models the signal per
PE molecule spans three decades. Efficiencies and spillovers are plausible round numbers for such instruments, not
measurements of one.
"""

from dataclasses import replace

import numpy as np

from .cytometer import Channel, Cytometer, Detector, to_tuples

# Spillover in units of equal gain (signal per own dye molecule); row: dye, column: detector. FITC has no stain here.
_FITC_PE_PERCP_APC = np.array(
    [
        [1.0, 0.22, 0.03, 0.0],
        [0.012, 1.0, 0.20, 0.003],
        [0.001, 0.006, 1.0, 0.10],
        [0.0, 0.002, 0.05, 1.0],
    ]
)


def _spill(detectors: tuple[Detector, ...], base: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Rescale a matrix of equal gains to these detectors' gains, capped where a dim detector is run very bright."""
    gains = np.array([d.units_per_molecule for d in detectors])
    matrix = np.minimum(base * gains[None, :] / gains[:, None], 0.6)
    np.fill_diagonal(matrix, 1.0)
    return to_tuples(np.round(matrix, 6))


def _scatter(
    forward: float, side: float, noise: float, volts: tuple[float | None, float | None]
) -> dict[str, Detector]:
    return {
        "forward": Detector("forward", "", forward, 4000.0, noise, volts[0]),
        "side": Detector("side", "", side, 1500.0, noise, volts[1]),
    }


def _canto() -> Cytometer:
    detectors = (
        Detector("PE", "HLA-DR", 0.6, 0.15, 14.0, 480.0),
        Detector("PerCP-Cy5.5", "CD14", 0.35, 0.03, 14.0, 560.0, background=2.0),
        Detector("APC", "CD45", 0.16, 0.12, 12.0, 580.0, background=0.6),
    )
    return Cytometer(
        model="canto",
        cyt="FACSCanto II",
        serial="V96300271",
        **_scatter(62000.0, 17000.0, 60.0, (310.0, 430.0)),
        detectors=detectors,
        channels=(
            Channel("FSC-A", "", "forward", "A"),
            Channel("FSC-H", "", "forward", "H"),
            Channel("SSC-A", "", "side", "A"),
            Channel("PE-A", "HLA-DR PE", "PE", "A"),
            Channel("PerCP-Cy5-5-A", "CD14 PerCP-Cy5-5", "PerCP-Cy5.5", "A"),
            Channel("APC-A", "CD45 APC", "APC", "A"),
            Channel("Time", "", "time", "", gain=0.01),
        ),
        spillover=(spill := _spill(detectors, _FITC_PE_PERCP_APC[1:, 1:])),
        stated_spillover=spill,
        compensation="in_file",
    )


def _fortessa() -> Cytometer:
    detectors = (
        Detector("FITC", "", 0.5, 0.10, 12.0, 470.0, background=3.0),
        Detector("PE", "HLA-DR", 1.4, 0.22, 16.0, 510.0),
        Detector("PerCP-Cy5.5", "CD14", 0.7, 0.04, 16.0, 620.0, background=2.0),
        Detector("V500", "CD45", 0.25, 0.05, 16.0, 440.0, background=3.5),
    )
    base = np.array(
        [[1.0, 0.18, 0.02, 0.01], [0.015, 1.0, 0.16, 0.003], [0.0, 0.008, 1.0, 0.002], [0.08, 0.02, 0.01, 1.0]]
    )
    return Cytometer(
        model="fortessa",
        cyt="LSRFortessa",
        serial="H64717700115",
        **_scatter(48000.0, 21000.0, 60.0, (280.0, 250.0)),
        detectors=detectors,
        channels=(
            Channel("FSC-A", "", "forward", "A"),
            Channel("FSC-H", "", "forward", "H"),
            Channel("FSC-W", "", "forward", "W"),
            Channel("SSC-A", "", "side", "A"),
            Channel("SSC-H", "", "side", "H"),
            Channel("FITC-A", "", "FITC", "A"),
            Channel("PE-A", "HLA-DR", "PE", "A"),
            Channel("PerCP-Cy5-5-A", "CD14", "PerCP-Cy5.5", "A"),
            Channel("V500-A", "CD45", "V500", "A"),
            Channel("Time", "", "time", "", gain=0.01),
        ),
        spillover=(spill := _spill(detectors, base)),
        stated_spillover=spill,
        compensation="in_file",
        spill_keyword="$SPILLOVER",
        version="FCS3.1",
        event_rate=2500.0,
        side_exponent=1.05,
    )


def _navios() -> Cytometer:
    detectors = (
        Detector("FL1", "", 2.0, 0.06, 40.0, 430.0, background=3.0),
        Detector("FL2", "HLA-DR", 3.2, 0.10, 60.0, 400.0),
        Detector("FL4", "CD14", 1.6, 0.025, 50.0, 560.0, background=2.0),
        Detector("FL6", "CD45", 0.9, 0.08, 50.0, 610.0, background=0.6),
    )
    full = 1 << 20
    return Cytometer(
        model="navios",
        cyt="Navios",
        serial="AR18047",
        **_scatter(215000.0, 52000.0, 250.0, (360.0, 380.0)),
        detectors=detectors,
        channels=(
            Channel("FS INT", "FS INT", "forward", "A", full),
            Channel("FS PEAK", "FS PEAK", "forward", "H", full),
            Channel("SS INT", "SS INT", "side", "A", full),
            Channel("FL1 INT", "", "FL1", "A", full),
            Channel("FL2 INT", "HLA-DR PE", "FL2", "A", full),
            Channel("FL4 INT", "CD14 PC5.5", "FL4", "A", full),
            Channel("FL6 INT", "CD45 APC", "FL6", "A", full),
            Channel("TIME", "TIME", "time", "", full),
        ),
        spillover=(spill := _spill(detectors, _FITC_PE_PERCP_APC)),
        stated_spillover=spill,
        compensation="separate",
        data_type="I",
        bits=32,
        big_endian=False,
        lower_limit=0.0,
        two_data_sets=True,
        timestep=0.01,
        height_ratio=0.9,
        side_exponent=0.92,
    )


def _fc500() -> Cytometer:
    detectors = (
        Detector("FL1", "", 1.0, 0.05, 25.0, 420.0, background=3.0),
        Detector("FL2", "HLA-DR", 1.3, 0.07, 30.0, 450.0),
        Detector("FL4", "CD14", 0.8, 0.02, 30.0, 590.0, background=2.0),
        Detector("FL5", "CD45", 0.35, 0.03, 30.0, 640.0, background=1.5),
    )
    full = 1 << 20
    base = _FITC_PE_PERCP_APC.copy()
    base[2, 3], base[1, 3] = 0.12, 0.02
    return Cytometer(
        model="fc500",
        cyt="Cytomics FC 500",
        serial="AL11290",
        **_scatter(190000.0, 60000.0, 400.0, (95.0, 610.0)),
        detectors=detectors,
        channels=(
            Channel("FS", "", "forward", "A", full),
            Channel("SS", "", "side", "A", full),
            Channel("FL1", "", "FL1", "A", full),
            Channel("FL2", "", "FL2", "A", full),
            Channel("FL4", "", "FL4", "A", full),
            Channel("FL5", "", "FL5", "A", full),
            Channel("TIME", "", "time", "", 1024),
        ),
        spillover=(spill := _spill(detectors, base)),
        stated_spillover=spill,
        compensation="separate",
        data_type="I",
        bits=32,
        big_endian=False,
        lower_limit=0.0,
        two_data_sets=True,
        bare_second_header=True,
        timestep=0.3,
        event_rate=800.0,
        flow_cv=0.03,
        side_exponent=0.9,
    )


def _calibur() -> Cytometer:
    detectors = (
        Detector("FL1", "", 0.03, 0.03, 0.4, 540.0, background=3.0),
        Detector("FL2", "HLA-DR", 0.042, 0.04, 0.4, 515.0),
        Detector("FL3", "CD14", 0.012, 0.015, 0.4, 580.0, background=2.0),
        Detector("FL4", "CD45", 0.006, 0.05, 0.4, 640.0, background=0.6),
    )
    return Cytometer(
        model="calibur",
        cyt="FACSCalibur",
        serial="E3597",
        **_scatter(290.0, 75.0, 2.0, (None, 400.0)),
        detectors=detectors,
        channels=(
            Channel("FSC-H", "FSC-Height", "forward", "H", 1024),
            Channel("SSC-H", "SSC-Height", "side", "H", 1024),
            Channel("FL1-H", "", "FL1", "H", 1024, 4.0),
            Channel("FL2-H", "HLA-DR PE", "FL2", "H", 1024, 4.0),
            Channel("FL3-H", "CD14 PerCP-Cy5.5", "FL3", "H", 1024, 4.0),
            Channel("FL4-H", "CD45 APC", "FL4", "H", 1024, 4.0),
            Channel("Time", "Time (102.40 sec.)", "time", "", 1024),
        ),
        spillover=(spill := _spill(detectors, _FITC_PE_PERCP_APC)),
        stated_spillover=spill,
        compensation="hardware",
        version="FCS2.0",
        data_type="I",
        bits=16,
        lower_limit=0.0,
        timestep=0.1,
        event_rate=600.0,
        flow_cv=0.03,
    )


def _cytoflex() -> Cytometer:
    detectors = (
        Detector("PE", "HLA-DR", 22.0, 0.6, 180.0, 110.0),
        Detector("PC5.5", "CD14", 14.0, 0.08, 160.0, 140.0, background=2.0),
        Detector("APC", "CD45", 8.0, 0.3, 120.0, 160.0, background=0.6),
    )
    full = 1 << 24
    return Cytometer(
        model="cytoflex",
        cyt="CytoFLEX S",
        serial="AY21084",
        **_scatter(820000.0, 160000.0, 700.0, (95.0, 70.0)),
        detectors=detectors,
        channels=(
            Channel("FSC-H", "FSC-H", "forward", "H", full),
            Channel("FSC-A", "FSC-A", "forward", "A", full),
            Channel("SSC-H", "SSC-H", "side", "H", full),
            Channel("SSC-A", "SSC-A", "side", "A", full),
            Channel("PE-A", "HLA-DR PE-A", "PE", "A", full),
            Channel("PE-H", "HLA-DR PE-H", "PE", "H", full),
            Channel("PC5.5-A", "CD14 PC5.5-A", "PC5.5", "A", full),
            Channel("APC-A", "CD45 APC-A", "APC", "A", full),
            Channel("FSC-Width", "FSC-Width", "width", "W", 4096),
            Channel("Time", "Time", "time", "", full),
        ),
        spillover=(spill := _spill(detectors, _FITC_PE_PERCP_APC[1:, 1:])),
        stated_spillover=spill,
        compensation="in_file",
        spill_keyword="$SPILLOVER",
        version="FCS3.1",
        big_endian=False,
        lower_limit=-full,
        timestep=0.001,
        event_rate=3000.0,
        flow_cv=0.025,
        height_ratio=1.1,
        side_exponent=1.1,
    )


def _accuri() -> Cytometer:
    detectors = (
        Detector("FL1", "", 3.0, 0.08, 90.0, background=3.0),
        Detector("FL2", "HLA-DR", 4.0, 0.09, 110.0),
        Detector("FL3", "CD14", 2.5, 0.03, 90.0, background=2.0),
        Detector("FL4", "CD45", 1.2, 0.06, 80.0, background=0.6),
    )
    full = 1 << 24
    return Cytometer(
        model="accuri",
        cyt="BD Accuri C6 Plus",
        serial="R660517590188",
        **_scatter(1100000.0, 230000.0, 1500.0, (None, None)),
        detectors=detectors,
        channels=(
            Channel("FSC-A", "FSC-A", "forward", "A", full),
            Channel("SSC-A", "SSC-A", "side", "A", full),
            Channel("FL1-A", "", "FL1", "A", full),
            Channel("FL2-A", "HLA-DR PE", "FL2", "A", full),
            Channel("FL3-A", "CD14 PerCP-Cy5.5", "FL3", "A", full),
            Channel("FL4-A", "CD45 APC", "FL4", "A", full),
            Channel("FSC-H", "FSC-H", "forward", "H", full),
            Channel("SSC-H", "SSC-H", "side", "H", full),
            Channel("Width", "Width", "width", "W", 1024),
            Channel("Time", "Time", "time", "", full),
        ),
        spillover=(spill := _spill(detectors, _FITC_PE_PERCP_APC)),
        stated_spillover=spill,
        compensation="separate",
        version="FCS3.1",
        data_type="I",
        bits=32,
        lower_limit=0.0,
        timestep=0.1,
        event_rate=1000.0,
        flow_cv=0.03,
        height_ratio=0.7,
    )


def _attune() -> Cytometer:
    detectors = (
        Detector("BL1", "", 2.0, 0.08, 60.0, 360.0, background=3.0),
        Detector("BL2", "HLA-DR", 4.5, 0.15, 80.0, 330.0),
        Detector("BL3", "CD14", 3.0, 0.04, 70.0, 400.0, background=2.0),
        Detector("RL1", "CD45", 1.0, 0.1, 60.0, 380.0, background=0.6),
    )
    full = 1 << 20
    return Cytometer(
        model="attune",
        cyt="Attune NxT",
        serial="2AFC228060217",
        **_scatter(150000.0, 42000.0, 200.0, (320.0, 300.0)),
        detectors=detectors,
        channels=(
            Channel("Time", "", "time", "", full),
            Channel("FSC-A", "", "forward", "A", full),
            Channel("SSC-A", "", "side", "A", full),
            Channel("BL1-A", "", "BL1", "A", full),
            Channel("BL2-A", "HLA-DR PE", "BL2", "A", full),
            Channel("BL3-A", "CD14 PerCP-Cy5.5", "BL3", "A", full),
            Channel("RL1-A", "CD45 APC", "RL1", "A", full),
            Channel("FSC-H", "", "forward", "H", full),
            Channel("SSC-H", "", "side", "H", full),
        ),
        spillover=(spill := _spill(detectors, _FITC_PE_PERCP_APC)),
        stated_spillover=spill,
        compensation="in_file",
        version="FCS3.1",
        big_endian=False,
        lower_limit=-full,
        timestep=0.001,
        event_rate=4000.0,
        height_ratio=0.95,
        side_exponent=1.05,
    )


def _cytek() -> Cytometer:
    detectors = (
        Detector("B1", "", 20.0, 0.08, 400.0, 500.0, background=3.0),
        Detector("B2", "HLA-DR", 40.0, 0.12, 700.0, 520.0),
        Detector("B3", "CD14", 22.0, 0.03, 600.0, 620.0, background=2.0),
        Detector("R1", "CD45", 9.0, 0.1, 400.0, 560.0, background=0.6),
    )
    full = 1 << 24
    return Cytometer(
        model="cytek",
        cyt="Cytek xP5",
        serial="F13-046",
        **_scatter(2400000.0, 900000.0, 4000.0, (300.0, 340.0)),
        detectors=detectors,
        channels=(
            Channel("FSC-A", "", "forward", "A", full),
            Channel("FSC-H", "", "forward", "H", full),
            Channel("SSC-A", "", "side", "A", full),
            Channel("BluFL1", "", "B1", "A", full),
            Channel("BluFL2", "HLA-DR PE", "B2", "A", full),
            Channel("BluFL3", "CD14 PerCP-Cy5.5", "B3", "A", full),
            Channel("RedFL1", "CD45 APC", "R1", "A", full),
            Channel("TIME", "", "time", "", full),
        ),
        spillover=(spill := _spill(detectors, _FITC_PE_PERCP_APC)),
        stated_spillover=spill,
        compensation="in_file",
        data_type="I",
        bits=24,
        lower_limit=0.0,
        timestep=0.01,
        flow_cv=0.03,
    )


CYTOMETERS: dict[str, Cytometer] = {
    c.model: c
    for c in (_canto(), _fortessa(), _navios(), _fc500(), _calibur(), _cytoflex(), _accuri(), _attune(), _cytek())
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
    return replace(
        changed,
        serial=f"{base.serial[:-3]}{rng.integers(100, 1000)}",
        spillover=to_tuples(spill),
        stated_spillover=to_tuples(spill),
        detectors=tuple(
            replace(
                d,
                noise_sd=d.noise_sd * float(2 ** rng.uniform(-1, 1)),
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
