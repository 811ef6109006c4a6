"""Write FCS files byte by byte, right or wrong on purpose; knows nothing of hladr."""

import numpy as np


def pack(rows, bits, datatype="F", order="<", kinds=None):
    """Pack rows of numbers as an FCS DATA segment; `bits` and `kinds` per column, any width for integers."""
    rows = [list(row) for row in rows]
    kinds = kinds or [datatype] * len(bits)
    if all(b % 8 == 0 for b in bits):
        out = bytearray()
        endian = "little" if order == "<" else "big"
        for row in rows:
            for value, b, kind in zip(row, bits, kinds, strict=True):
                if kind == "I":
                    out += int(value).to_bytes(b // 8, endian)
                else:
                    out += np.array(value, f"{order}f{b // 8}").tobytes()
        return bytes(out)
    if order == ">":  # one long string of binary digits, most significant first
        text = "".join(format(int(v), f"0{b}b") for row in rows for v, b in zip(row, bits, strict=True))
        text += "0" * (-len(text) % 8)
        return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
    total, shift = 0, 0  # one long number, first value in the lowest digits
    for row in rows:
        for value, b in zip(row, bits, strict=True):
            total |= int(value) << shift
            shift += b
    return total.to_bytes((shift + 7) // 8, "little")


def build(
    rows,
    names,
    *,
    version="3.1",
    datatype="F",
    bits=None,
    order="<",
    kinds=None,
    ranges=None,
    scales=None,
    gains=None,
    stains=None,
    voltages=None,
    keywords=None,
    drop=(),
    delimiter="/",
    tot=None,
    header_data=None,
    text_data=None,
    end_shift=0,
    pad_before_data=0,
    tail=b"",
    nextdata=0,
    data=None,
    byteord=None,
    escape=True,
):
    """Return the bytes of one data set.

    `header_data` and `text_data` replace (begin, end) in HEADER and TEXT, as a pair or as a function of the true pair;
    `end_shift` moves both ends; `keywords` adds or overrides, `drop` leaves out.
    """
    d = len(names)
    bits = bits or [{"F": 32, "D": 64, "I": 16}[datatype]] * d
    ranges = ranges or [{"F": 262144, "D": 262144, "I": 1024}[datatype]] * d
    if data is None:
        data = pack(rows, bits, datatype, order, kinds)
    text = {
        "$BEGINANALYSIS": "0",
        "$ENDANALYSIS": "0",
        "$BEGINSTEXT": "0",
        "$ENDSTEXT": "0",
        "$MODE": "L",
        "$DATATYPE": datatype,
        "$BYTEORD": byteord or {"<": "1,2,3,4", ">": "4,3,2,1"}[order],
        "$NEXTDATA": str(nextdata),
        "$PAR": str(d),
        "$TOT": str(len(rows) if tot is None else tot),
    }
    for i, name in enumerate(names, start=1):
        text[f"$P{i}N"] = name
        text[f"$P{i}B"] = str(bits[i - 1])
        text[f"$P{i}R"] = str(ranges[i - 1])
        text[f"$P{i}E"] = (scales or {}).get(name, "0,0")
        for letter, values in (("G", gains), ("S", stains), ("V", voltages)):
            if values and name in values:
                text[f"$P{i}{letter}"] = str(values[name])
        if kinds and len(set(kinds)) > 1:
            text[f"$P{i}DATATYPE"] = kinds[i - 1]
    text.update(keywords or {})
    for key in drop:
        text.pop(key)

    def encode(pairs):
        parts = []
        for key, value in pairs.items():
            parts += [key, value.replace(delimiter, delimiter * 2) if escape else value]
        return (delimiter + delimiter.join(parts) + delimiter).encode("utf-8")

    place = {} if version == "2.0" and text_data is None else {"$BEGINDATA": "0" * 10, "$ENDDATA": "0" * 10}
    text_end = 58 + len(encode({**text, **place})) - 1
    begin = text_end + 1 + pad_before_data
    true = (begin, begin + len(data) - 1 + end_shift)

    def stated(value):
        return true if value is None else value(*true) if callable(value) else value

    in_text, in_header = stated(text_data), stated(header_data)
    if place:
        place = {"$BEGINDATA": f"{in_text[0]:010d}", "$ENDDATA": f"{in_text[1]:010d}"}
    body = encode({**text, **place})
    numbers = [58, text_end, *in_header, 0, 0]
    header = f"FCS{version}".encode() + b"    " + b"".join(f"{n:>8d}".encode() for n in numbers)
    return header + body + b"\0" * pad_before_data + data + tail


def two_data_sets(first, second_of):
    """Join a Beckman file: `first(nextdata)` and the bytes of the second; offsets count from the start of each."""
    length = len(first(0))
    head = first(10 ** (len(str(length)) - 1))  # as many digits as the real one
    assert len(head) == len(first(len(head)))
    return first(len(head)) + second_of
