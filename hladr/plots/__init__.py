"""Figures from values: `tube` and `beads` draw gate pictures, `cohort`, `plane` and `study` figures of many.

Nothing is imported here: the report needs the layout of a picture (`png`), not what draws one.
"""
