"""What a patient's blood and its staining are like, in units relative to lymphocytes."""

from dataclasses import dataclass

import numpy as np

from .draws import log_uniform, one_of, uniform

CYTOMETERS = ("calibur", "bd", "bc20", "big24")


@dataclass(frozen=True)
class Blood:
    """Parameters of one tube. FSC, SSC and CD45 of lymphocytes and CD14 of healthy monocytes are 1.

    Attributes
    ----------
    cytometer : str
        One of CYTOMETERS.
    n_events : int
    monocytes, lymphocytes, immature, eosinophils, basophils : float
        Shares of the leukocytes, before these are made to add up to 1.
    nonclassical : float
        Share of the monocytes.
    debris, red_cells, platelets, noise : float
        Shares of all events; noise is spread evenly over the detectors' range.
    doublets : float
        Share of all events.
    aggregates : float
        Share of the classical monocytes that carry a platelet.
    monocyte_cd14 : float
        1 is healthy.
    cd14_decades : float
        From the CD14 of negative cells to that of healthy monocytes, in powers of ten.
    neutrophil_cd14 : float
        As a share of the monocytes'.
    neutrophil_ssc, neutrophil_fsc, monocyte_fsc : float
    monocyte_ssc_position : float
        From lymphocytes (0) to neutrophils (1), on a log scale.
    fsc_offset : float
        What the cytometer adds to FSC.
    neutrophil_cd45, monocyte_cd45, debris_cd45 : float
    immature_cd45 : float
        As a share of the neutrophils'.
    abc, abc_sd_ln, b_cell_abc : float
        HLA-DR antibodies per monocyte, their spread (ln) and antibodies per B cell.
    spread_scale : float
        All spreads but those of HLA-DR are multiplied by it.
    compensation : str
        `none`: nothing spills. `right`: a matrix in the file that is right. `precomp`: compensated before it was
        written. `wrong_rel`, `wrong_abs`: a matrix that is wrong by a share of itself, or by points. `uncomp`: no
        matrix although the dyes spill.
    fsc_height, time : bool
        The file has these channels (the FACSCalibur has no height besides).
    cd14_pe_correlation : float
        Of CD14 and HLA-DR within the monocytes (authors C, D, E).
    threshold : float
        On FSC, 0 for none.
    noise_scale : str
        `linear` or `log`.
    cd45 : bool
        The panel has CD45.
    gain_errors : tuple of float
        Factors on SSC, CD45 and CD14.
    neutrophils : float or None
        Share of the leukocytes; None: what the others leave.
    dead : float
        Share of dead neutrophils, beside the leukocytes.
    """

    cytometer: str
    n_events: int
    monocytes: float
    lymphocytes: float
    immature: float
    eosinophils: float
    basophils: float
    nonclassical: float
    debris: float
    doublets: float
    noise: float
    aggregates: float
    monocyte_cd14: float
    cd14_decades: float
    neutrophil_cd14: float
    neutrophil_ssc: float
    monocyte_ssc_position: float
    monocyte_fsc: float
    neutrophil_fsc: float
    fsc_offset: float
    neutrophil_cd45: float
    monocyte_cd45: float
    immature_cd45: float
    debris_cd45: float
    abc: float
    abc_sd_ln: float
    b_cell_abc: float
    spread_scale: float
    compensation: str
    fsc_height: bool
    time: bool
    cd14_pe_correlation: float
    threshold: float
    noise_scale: str
    red_cells: float = 0.0
    platelets: float = 0.0
    dead: float = 0.0
    neutrophils: float | None = None
    cd45: bool = True
    gain_errors: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def negative_cd14(self) -> float:
        """CD14 of a cell that has none."""
        return 10.0**-self.cd14_decades


def draw_blood(rng: np.random.Generator) -> Blood:
    """Draw what a septic patient's blood on some cytometer looks like."""
    return Blood(
        cytometer=one_of(rng, CYTOMETERS),
        n_events=int(log_uniform(rng, 8000, 40_000)),
        monocytes=log_uniform(rng, 0.02, 0.08),
        lymphocytes=log_uniform(rng, 0.06, 0.3),
        immature=uniform(rng, 0, 0.05),
        eosinophils=uniform(rng, 0, 0.02),
        basophils=uniform(rng, 0, 0.006),
        nonclassical=uniform(rng, 0.02, 0.1),
        debris=uniform(rng, 0.01, 0.12),
        doublets=uniform(rng, 0.005, 0.04),
        noise=uniform(rng, 0, 0.01),
        aggregates=uniform(rng, 0, 0.06),
        monocyte_cd14=uniform(rng, 0.5, 1),
        cd14_decades=uniform(rng, 1.6, 2.7),
        neutrophil_cd14=log_uniform(rng, 0.005, 0.08),
        neutrophil_ssc=log_uniform(rng, 2.2, 7),
        monocyte_ssc_position=uniform(rng, 0.35, 0.6),
        monocyte_fsc=uniform(rng, 1.4, 1.9),
        neutrophil_fsc=uniform(rng, 1.3, 2.1),
        fsc_offset=uniform(rng, -0.25, 0.5),
        neutrophil_cd45=log_uniform(rng, 0.1, 0.6),
        monocyte_cd45=uniform(rng, 0.45, 1.0),
        immature_cd45=uniform(rng, 0.35, 0.85),
        debris_cd45=log_uniform(rng, 0.003, 0.03),
        abc=log_uniform(rng, 1800, 30_000),
        abc_sd_ln=uniform(rng, 0.3, 0.55),
        b_cell_abc=log_uniform(rng, 15_000, 60_000),
        spread_scale=uniform(rng, 0.85, 1.2),
        compensation=one_of(rng, ("none", "right", "right", "precomp")),
        fsc_height=bool(rng.random() < 0.6),
        time=bool(rng.random() < 0.8),
        cd14_pe_correlation=uniform(rng, 0, 0.4),
        threshold=one_of(rng, (0, 0, 0.35, 0.5)),
        noise_scale=one_of(rng, ("linear", "log")),
    )
