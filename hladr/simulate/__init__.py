"""Simulated tubes, bead runs and studies with known truth: a cytometer and blood, not clouds on the final scale.

`cytometer` and `models` say how molecules become numbers in a file, `blood` and `beads` what passes the laser,
`fcs_write` writes the file, `study` and `demo` whole study folders. For research use only, not for diagnostic use.
"""

from .beads import LOTS, BeadRun, SimulatedBeads, simulate_beads
from .blood import Blood, SimulatedTube, random_blood, simulate_tube
from .cytometer import Cytometer
from .models import CYTOMETERS, random_cytometer

__all__ = [
    "CYTOMETERS",
    "LOTS",
    "BeadRun",
    "Blood",
    "Cytometer",
    "SimulatedBeads",
    "SimulatedTube",
    "random_blood",
    "random_cytometer",
    "simulate_beads",
    "simulate_tube",
]
