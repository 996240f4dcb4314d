"""Rows are ordered by their codes as a stable sort orders them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from assets.runtime.code_order import stable_order

codes = st.integers(0, 3) | st.integers(0, 1 << 17) | st.integers(0, 1 << 40)


@given(st.lists(codes, max_size=30), st.sampled_from([np.int64, np.int32]))
def test_rows_of_one_code_keep_their_order(numbers: list[int], kind: type) -> None:
    if kind is np.int32:
        numbers = [number & 0x7FFF_FFFF for number in numbers]
    ordered = stable_order(np.array(numbers, kind))
    assert ordered.tolist() == np.argsort(np.array(numbers, kind), kind="stable").tolist()
