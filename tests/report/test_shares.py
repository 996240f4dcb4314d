import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.report.shares import shares_pct


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=40).filter(any))
def test_printed_shares_add_up_to_100_and_are_never_a_tenth_off(counts: list[int]) -> None:
    shares = [share for share in shares_pct(counts) if share is not None]
    assert round(sum(round(share * 10) for share in shares)) == 1000
    for count, share in zip(counts, shares, strict=True):
        assert abs(share - 100 * count / sum(counts)) < 0.1


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        ([1, 1, 1], [33.4, 33.3, 33.3]),
        ([2, 1], [66.7, 33.3]),
        ([7], [100.0]),
        ([0, 0], [None, None]),
        ([], []),
    ],
)
def test_known_shares(counts: list[int], shares: list[float | None]) -> None:
    assert shares_pct(counts) == shares
