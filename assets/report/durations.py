"""Describe durations by group: number, median, 90th percentile and longest, exact to the microsecond."""

import numpy as np

from assets.report.encoded_log import Codes
from assets.report.people_model import Durations

_FEWEST = 5
_MICROSECONDS = 1_000_000
NONE = Durations(median_seconds=None, p90_seconds=None, longest_seconds=None)


def describe_groups(groups: Codes, micros: Codes, count: int) -> list[Durations]:
    """Return the durations of each of *count* groups; *micros* are durations in microseconds.

    Percentiles are interpolated linearly between the two nearest, in whole tenths of microseconds.
    """
    order = np.lexsort((micros, groups))
    in_order = micros[order]
    sizes = np.bincount(groups, minlength=count)
    return [
        _describe(in_order[end - size : end])
        for end, size in zip(np.cumsum(sizes).tolist(), sizes.tolist(), strict=True)
    ]


def describe(micros: Codes) -> Durations:
    """Return the figures of *micros*, durations in microseconds in any order."""
    return _describe(np.sort(micros))


def _describe(in_order: Codes) -> Durations:
    if not len(in_order):
        return NONE
    few = len(in_order) < _FEWEST
    return Durations(
        median_seconds=None if few else _percentile(in_order, 5),
        p90_seconds=None if few else _percentile(in_order, 9),
        longest_seconds=seconds(in_order[-1]),
    )


def _percentile(in_order: Codes, tenths: int) -> float:
    """Return the percentile at *tenths* of the way from the smallest to the largest."""
    below, rest = divmod((len(in_order) - 1) * tenths, 10)
    low, high = int(in_order[below]), int(in_order[min(below + 1, len(in_order) - 1)])
    return _round((low * (10 - rest) + high * rest), 10 * _MICROSECONDS)


def seconds(micros: int | np.int64) -> float:
    """Return *micros* in seconds, with three decimals."""
    return _round(int(micros), _MICROSECONDS)


def _round(amount: int, per_second: int) -> float:
    """Return *amount* in seconds with three decimals, halves up."""
    return (amount * 2000 + per_second) // (2 * per_second) / 1000
