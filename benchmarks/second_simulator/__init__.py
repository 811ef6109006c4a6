"""A second simulator of blood tubes, independent of `hladr.simulate`: parts of benchmarks/gating_second.py.

It was written by somebody who had not read hladr's own simulator, and shares no code with it, the FCS writer included.
A tube is blood (`blood`, `regimes`), its `populations`, an author's way of drawing cells from them (`authors`), events
with their doublets and platelets (`events`), a cytometer's `signals` and a file (`layouts`, `fcs_file`). `sets` lists
the tubes, `tube` makes one, `ceiling` says how well it can be gated at all.
"""
