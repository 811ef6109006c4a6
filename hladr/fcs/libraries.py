"""Events through FlowIO, through fcsparser where FlowIO refuses; what neither reads is for our own decoding.

Both are asked only after our layout has found where the events lie and that they fit the file, and only for values of
one plain type without masks: on others FlowIO is wrong or slow, and with offsets that lie both would read elsewhere or
reserve memory without bound. What they return is taken only if it is the table that the layout promises.
"""

import warnings
from typing import BinaryIO

import numpy as np

from .decode import mask_of, n_parameters, plain_type
from .layout import Layout, bits_of
from .text import keyword, number, whole

_SAME_KEYWORDS = ("PAR", "DATATYPE", "BYTEORD")


def library_table(handle: BinaryIO, layout: Layout) -> np.ndarray | None:
    """Return the stored values, shape (n, d), not scaled, or None if no library can be trusted with them.

    Parameters
    ----------
    handle : binary file
        The file; its position is changed.
    layout : Layout
    """
    kind = plain_type(layout)
    if (
        kind is None
        or (kind.kind == "u" and _masked(layout))
        or {"tot_disagrees", "data_end_wrong", "text_end_wrong"} & set(layout.notes)
    ):
        return None
    for read in (_flowio_table, _fcsparser_table):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                table = read(handle, layout, kind)
        except Exception:
            # their errors are of every kind (KeyError, EOFError, bare ValueError): the next reader decides
            continue
        if (
            table is not None
            and table.shape == (layout.n_events, n_parameters(layout))
            and _same(handle, layout, table)
        ):
            return table
    return None


def _masked(layout: Layout) -> bool:
    bits = bits_of(layout.text, 1)
    ranges = (number(keyword(layout.text, f"P{i}R")) for i in range(1, n_parameters(layout) + 1))
    return any(range_ is None or mask_of(range_, bits) is not None for range_ in ranges)


def _flowio_table(handle: BinaryIO, layout: Layout, kind: np.dtype) -> np.ndarray | None:
    from flowio import FlowData

    handle.seek(layout.base + 42)
    analysis = [whole(handle.read(8)) or 0, whole(handle.read(8)) or 0]
    analysis += [whole(keyword(layout.text, k)) or 0 for k in ("BEGINANALYSIS", "ENDANALYSIS")]
    if any(analysis):
        return None  # FlowIO would read that segment too, at whatever size it claims
    data = FlowData(
        _Kept(handle), ignore_offset_error=True, ignore_offset_discrepancy=True, nextdata_offset=layout.base
    )
    if any((keyword(layout.text, k) or "") != data.text.get(k.lower(), "").strip() for k in _SAME_KEYWORDS):
        return None
    # FlowIO has swapped the bytes already
    return np.frombuffer(data.events, kind.newbyteorder("=")).reshape(-1, data.channel_count)


def _fcsparser_table(handle: BinaryIO, layout: Layout, kind: np.dtype) -> np.ndarray | None:
    if layout.base or kind.byteorder == ">" or not hasattr(handle, "name"):
        return None  # one data set, and byte orders that numpy 2 lets it read
    import logging

    from fcsparser.api import FCSParser

    logging.getLogger("fcsparser.api").disabled = True
    parser = FCSParser(handle.name, read_data=False)
    return np.asarray(parser.data)


def _same(handle: BinaryIO, layout: Layout, table: np.ndarray) -> bool:
    """Tell whether the first and the last event are the bytes that lie where the layout says."""
    width = layout.row_bits // 8
    order = plain_type(layout)
    for index in (0, layout.n_events - 1):
        handle.seek(layout.data_start + index * width)
        if handle.read(width) != table[index].astype(order).tobytes():
            return False
    return True


class _Kept:
    """A file that stays open when FlowIO closes it."""

    def __init__(self, handle: BinaryIO):
        self.seek, self.tell, self.read = handle.seek, handle.tell, handle.read
        self.name = "events"

    def close(self) -> None:
        """Keep the file open: it is its opener's to close."""
