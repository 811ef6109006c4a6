"""Keywords of an FCS file: the TEXT segment to pairs, and the numbers written in it."""

import math
import re
from collections.abc import Mapping

_REQUIRED = ("$PAR", "$TOT", "$DATATYPE", "$BYTEORD", "$MODE", "$BEGINDATA", "$ENDDATA", "$NEXTDATA")
MAX_PARAMETERS = 4096


def parse_text(raw: bytes) -> dict[str, str]:
    """Parse a TEXT segment: delimiter, keyword, delimiter, value, ...; a doubled delimiter is one within a value.

    Writers also leave values empty, which doubles the delimiter, too (`$TIMESTEP//$SPILLOVER/...`), although the
    standard forbids it. It forbids as well that a value begins with a delimiter: so a doubled one is an empty value
    where a value should begin, and a delimiter further on. Where a writer broke both rules, the reading under which
    more of the required keywords exist wins.

    Parameters
    ----------
    raw : bytes
        From the first delimiter to the last.

    Returns
    -------
    dict
        Keywords in capitals (with `$`), values without blanks around them. The last of repeated keywords wins, as in
        FlowIO. UTF-8, else Latin-1.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if not text:
        return {}
    delimiter, body = text[0], text[1:]
    last = body.rfind(delimiter)
    if last >= 0 and not body[last + 1 :].strip(" \0\r\n\t"):
        body = body[:last]
    words = body.split(delimiter)
    if "" not in words:
        return _pairs(words)
    readings = (_with_empty_values(words, delimiter), _join_escaped(words, delimiter), words)
    return max(map(_pairs, readings), key=completeness)  # the first of equals


def _with_empty_values(words: list[str], delimiter: str) -> list[str]:
    """Read an empty word as an empty value where a value should begin, and as a delimiter within a value."""
    read: list[str] = []
    i = 0
    while i < len(words):
        word, i = words[i], i + 1
        if len(read) % 2 == 1:
            # also where a value begins with a delimiter all the same, such as a path: that makes two empty words
            while i + 1 < len(words) and words[i] == "":
                word, i = word + delimiter + words[i + 1], i + 2
        read.append(word)
    return read


def _join_escaped(words: list[str], delimiter: str) -> list[str]:
    """Join words that were cut at a doubled delimiter: an empty word between two others stands for one delimiter."""
    joined: list[str] = []
    join = False
    for index, word in enumerate(words):
        if word == "" and 0 < index < len(words) - 1 and not join:
            join = True
        elif join:
            joined[-1] += delimiter + word
            join = False
        else:
            joined.append(word)
    return joined


def _pairs(words: list[str]) -> dict[str, str]:
    blank = " \0\r\n\t\f\v"
    return {key.strip(blank).upper(): value.strip(blank) for key, value in zip(words[::2], words[1::2], strict=False)}


def completeness(text: Mapping[str, str]) -> int:
    """Count the required keywords that are there."""
    n = min(whole(text.get("$PAR")) or 0, MAX_PARAMETERS)
    return sum(k in text for k in _REQUIRED) + sum(f"$P{i}{k}" in text for i in range(1, n + 1) for k in "NBRE")


def keyword(text: Mapping[str, str], name: str) -> str | None:
    """Return a keyword's value, with or without its `$` (FlowIO, too, makes no difference); None if absent or empty."""
    return text.get("$" + name) or text.get(name) or None


def whole(value: str | bytes | None) -> int | None:
    """Read a whole number as files write them (blanks, leading zeros, a trailing .0); None for anything else."""
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    match = re.fullmatch(r"[\s\0]*([0-9]{1,18})(?:\.0*)?[\s\0]*", value)
    return int(match.group(1)) if match else None


def number(value: str | None) -> float | None:
    """Read a number with a decimal point and perhaps an exponent; None for anything else."""
    if value is None or not re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*", value, re.ASCII):
        return None
    read = float(value)
    return read if math.isfinite(read) else None


def amplification(value: str | None) -> tuple[float, float] | None:
    """Read `$PnE`: decades and the value of channel 0; (0, 0) for linear or absent, None if it cannot be understood.

    A log-amplified channel whose minimum is stated as 0 has the minimum 1 (FCS 3.1, section 3.2.20). Decimal commas
    (`4,0,1,0`) are understood.
    """
    if value is None or not value.strip():
        return 0.0, 0.0
    parts = value.replace(";", ",").split(",")
    if len(parts) == 4:
        parts = [f"{parts[0].strip()}.{parts[1].strip()}", f"{parts[2].strip()}.{parts[3].strip()}"]
    numbers = [number(p) for p in parts]
    if len(numbers) != 2 or None in numbers:
        return None
    decades, minimum = numbers
    if decades < 0 or decades > 20 or minimum < 0:
        return None
    if decades == 0:
        return 0.0, 0.0
    return decades, minimum or 1.0
