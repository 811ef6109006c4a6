"""Antibodies per monocyte, phenotype calls and patient courses from flow-cytometry files.

For research use only, not for diagnostic use.
"""

__version__ = "0.1.0"
RESEARCH_USE = "For research use only, not for diagnostic use"
