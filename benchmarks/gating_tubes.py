"""The tubes of the gating benchmark: a hard grid of simulated septic blood, and what gating may see of each."""

import math

import numpy as np

from hladr.gating.learn import Columns, Signal
from hladr.simulate import SimulatedTube, random_blood, random_cytometer, simulate_tube
from hladr.simulate.populations import CODES, MONOCYTE

MODELS = ("canto", "fortessa", "navios", "calibur")


def make_tube(
    seed: int, largest: int, cd45: bool = True, compensation_error: float = 0.05, pe_per_antibody: float = 1.0
) -> tuple[SimulatedTube, str]:
    """Draw one tube of the grid; the same seed gives the same tube.

    CD14 at 1, 1/2, 1/3, 1/6; monocytes 8 % to 0.5 %; immature granulocytes to 20 %; neutrophil CD14 to a third of the
    monocytes'; debris to 30 %; doublets to 10 %; compensation wrong by 5 %; PMT gains shifted by up to three times.
    """
    rng = np.random.default_rng([20240304, seed])
    cytometer = random_cytometer(rng, model=MODELS[seed % len(MODELS)], spread=9.0).with_compensation_error(
        rng, compensation_error
    )
    fixed = {
        "n_events": int(math.exp(rng.uniform(math.log(3000), math.log(largest)))),
        "cd14_factor": (1.0, 1 / 2, 1 / 3, 1 / 6)[int(rng.integers(4))],
        "monocyte_fraction": float(math.exp(rng.uniform(math.log(0.005), math.log(0.08)))),
        "immature_granulocyte_fraction": float(rng.uniform(0, 0.2)),
        "neutrophil_cd14": float(rng.uniform(0.02, 1 / 3)),
        "debris_fraction": float(rng.uniform(0.02, 0.3)),
        "doublet_fraction": float(rng.uniform(0.01, 0.1)),
        "cd45": cd45,
        "pe_per_antibody": pe_per_antibody,
    }
    blood = random_blood(rng, **fixed)
    tube = simulate_tube(blood, cytometer, rng)
    text = (
        f"#{seed} {cytometer.model}, {blood.n_events:,} events, monocytes {100 * blood.monocyte_fraction:.1f} %, "
        f"CD14 x {blood.cd14_factor:.2f}, neutrophil CD14 {blood.neutrophil_cd14:.2f}, "
        f"IG {100 * blood.immature_granulocyte_fraction:.0f} %, debris {100 * blood.debris_fraction:.0f} %, "
        f"doublets {100 * blood.doublet_fraction:.0f} %, toxic {blood.toxic_granulation:.1f}"
    )
    return tube, text


def truth_of(tube: SimulatedTube) -> np.ndarray:
    """Events (n,) whose only leukocyte is a CD14+ monocyte.

    A monocyte that passes the laser together with debris, a platelet or a red cell is a monocyte to every gate and to
    every reader; a monocyte together with another leukocyte is not.
    """
    small = [CODES[name] for name in ("debris", "platelet", "red_cell")]
    first, second = tube.labels, tube.partners
    with_small = (first == MONOCYTE) & np.isin(second, small) | np.isin(first, small) & (second == MONOCYTE)
    return tube.is_monocyte | with_small


def columns_of(tube: SimulatedTube) -> tuple[Columns, np.ndarray]:
    """Return what gating sees, and compensated PE (n,) beside it."""
    cytometer, raw, compensated = tube.cytometer, tube.linear, tube.compensated
    spill = set() if cytometer.compensation == "hardware" else set(cytometer.spill_names())

    def signal(channel) -> Signal | None:
        if channel is None:
            return None
        inside = channel.name in spill
        top = 10.0**channel.decades if channel.decades else (channel.range - 1) / channel.gain
        values = (compensated if inside else raw)[:, cytometer.index(channel.name)]
        return Signal(np.ascontiguousarray(values), channel.name, inside, top)

    area = cytometer.scatter_channel("forward", "A")
    forward = area or cytometer.scatter_channel("forward", "H")
    height = cytometer.scatter_channel("forward", "H") if area is not None else None
    side = cytometer.scatter_channel("side", "A") or cytometer.scatter_channel("side", "H")
    columns = Columns(
        signal(forward),
        signal(side),
        signal(cytometer.channel_of("CD14")),
        signal(cytometer.channel_of("CD45")),
        signal(height),
    )
    return columns, compensated[:, cytometer.index(cytometer.channel_of("HLA-DR").name)]


def by_channel(columns: Columns) -> dict[str, np.ndarray]:
    """Return the linear values by $PnN."""
    every = (columns.forward, columns.side, columns.cd14, columns.cd45, columns.forward_height)
    return {signal.channel: signal.values for signal in every if signal is not None}
