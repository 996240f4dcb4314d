"""Percentages: shares that add up to 100.0, and others, with halves rounded away from zero."""


def shares_pct(counts: list[int]) -> list[float | None]:
    """Return each count's share in percent, one decimal, by the largest-remainder method.

    Where remainders tie, the earlier count gets the tenth. A total of 0 has no shares.
    Source: docs/reference/definitions.md, Rounding.
    """
    total = sum(counts)
    if not total:
        return [None] * len(counts)
    tenths = [count * 1000 // total for count in counts]
    by_remainder = sorted(range(len(counts)), key=lambda index: -(counts[index] * 1000 % total))
    for index in by_remainder[: 1000 - sum(tenths)]:
        tenths[index] += 1
    return [tenth / 10 for tenth in tenths]


def percent_of(part: int, whole: int) -> float:
    """Return *part* of *whole* (greater than 0) in percent, one decimal, halves rounded away from zero.

    Source: docs/reference/definitions.md, Rounding. Computed in whole numbers: 0.05 is no binary fraction.
    """
    tenths = (2000 * abs(part) + whole) // (2 * whole)
    return (tenths if part >= 0 else -tenths) / 10
