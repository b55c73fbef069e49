"""Durations as people write them."""

import argparse

SHORTEST, LONGEST = 900, 43200


def duration(text: str) -> int:
    """Read `90m`, `1h` or seconds."""
    seconds = duration_or_zero(text)
    if not SHORTEST <= seconds <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text}: give 15m to 12h")
    return seconds


def duration_or_zero(text: str) -> int:
    """Read a time without bounds."""
    factor = {"s": 1, "m": 60, "h": 3600}.get(text[-1:], 0)
    digits = text[:-1] if factor else text
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
        raise argparse.ArgumentTypeError(f"{text}: give 90m, 1h or seconds")
    return int(digits) * (factor or 1)
