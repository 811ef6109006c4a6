"""Mutations of a file as bytes, whatever they mean: what disks, transfers and editors do."""

import re

NUMBERS = (
    *("0", "1", "-1", "2", "7", "8", "24", "33", "64", "65", "255", "1023", "1024", "65535", "99999999", "100000000"),
    *("4294967296", "1e9", "1.5", "nan", "inf", "x", "4,0", "4,1", "1,2,3,4", "0,0,0", "-0", "1e999", "0x10", "1_000"),
    *("\u0663", "\u00bd", "9" * 12, "9" * 18, "9" * 30, "9" * 5000, "", " "),
)


def header_bytes(content, rng):
    at = int(rng.integers(0, 58))
    content[at] = int(rng.choice(list(b"0123456789 -x\0\xff")))


def header_offset(content, rng):
    at = 10 + 8 * int(rng.integers(0, 6))
    number = re.sub(rb"\D", b"", bytes(content[at : at + 8])) or b"0"
    step = int(rng.choice([1, -1, 2, 4, -4, 8, 28, 1000, -1000, 10**7]))
    content[at : at + 8] = f"{max(int(number) + step, -999):>8d}"[-8:].encode()


def text_digit(content, rng):
    digits = [m.start() for m in re.finditer(rb"\d", bytes(content[58:6000]))]
    if digits:
        content[58 + int(rng.choice(digits))] = int(rng.integers(48, 58))


def text_bytes(content, rng):
    at = int(rng.integers(58, max(min(6000, len(content)), 59)))
    content[at] = int(rng.integers(0, 256))


def text_longer(content, rng):
    """Type into the text without moving what follows: all offsets are wrong by as much."""
    at = int(rng.integers(58, max(min(6000, len(content)), 59)))
    content[at:at] = bytes(rng.choice(list(b"0 1ax\\\x0c/"), int(rng.integers(1, 9))).tolist())


def _place(content, rng):
    start = int(rng.integers(min(3000, len(content) - 1), len(content)))
    return start, min(start + int(rng.integers(1, 4000)), len(content))


def data_random(content, rng):
    start, stop = _place(content, rng)
    content[start:stop] = rng.bytes(stop - start)


def data_constant(content, rng):
    start, stop = _place(content, rng)
    content[start:stop] = bytes([int(rng.choice([0, 0xFF, 0x7F, 0x20]))]) * (stop - start)


def data_copied(content, rng):
    start, stop = _place(content, rng)
    source = int(rng.integers(0, len(content) - (stop - start)))
    content[start:stop] = bytes(content[source : source + stop - start])


def data_bits(content, rng):
    for at in rng.integers(min(3000, len(content) - 1), len(content), 20):
        content[int(at)] ^= 1 << int(rng.integers(8))


def sector_lost(content, rng):
    """Blank 4 KiB sectors, one or many, as a failing disk does."""
    for start in rng.integers(0, max(len(content) // 4096, 1), int(rng.integers(1, 12))):
        stop = min(4096 * (int(start) + 1), len(content))
        content[4096 * int(start) : stop] = bytes(stop - 4096 * int(start))


def line_ends(content, rng):
    """Transfer as text: a line feed becomes two bytes, or the reverse."""
    old, new = (b"\n", b"\r\n") if rng.random() < 0.5 else (b"\r\n", b"\n")
    content[:] = bytes(content).replace(old, new)


def high_bit(content, rng):
    """Transfer over seven bits, from a place on."""
    start = int(rng.integers(0, len(content)))
    content[start:] = bytes(b & 0x7F for b in content[start : start + 200_000]) + bytes(content[start + 200_000 :])


def cut(content, rng):
    del content[int(len(content) * rng.random()) :]


def cut_little(content, rng):
    del content[-int(rng.integers(1, 200)) :]


def piece_gone(content, rng):
    start, stop = _place(content, rng)
    del content[start:stop]


def piece_more(content, rng):
    start, stop = _place(content, rng)
    content[start:start] = rng.bytes(stop - start)


def bytes_lost_tail_kept(content, rng):
    """Lose a few bytes inside and keep the length: everything behind is out of step."""
    start, lost = int(rng.integers(min(3000, len(content) - 1), len(content))), int(rng.integers(1, 40))
    del content[start : start + lost]
    content += bytes(lost)


def tail(content, rng):
    content += rng.bytes(int(rng.integers(1, 5000)))


def twice(content, rng):
    content += bytes(content)


MUTATIONS = (
    *(header_bytes, header_offset, text_digit, text_bytes, text_longer, data_random, data_constant, data_copied),
    *(data_bits, sector_lost, line_ends, high_bit, cut, cut_little, piece_gone, piece_more, bytes_lost_tail_kept),
    *(tail, twice),
)
