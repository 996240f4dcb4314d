import codecs
import csv
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.render.data_files import csv_bytes, parquet_bytes
from assets.runtime.spreadsheet_cells import protect_cells, unprotect_cells

RUNNABLE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "\u00a0=1", "|cmd", "%x"]  # fmt: skip
CHANGED = ["00123", "01", "1234567890123456", "1234567890123456789", "12e10", "1.5E-7", "1-1", "3/4", "2024-03-05", "1.10", "10:30"]  # fmt: skip
HARMLESS = ["-", "", "Ann", "a=b", "'=1", "中文", "0", "123456789012345", "1a", "00123x", "12e", "2024-03-05 10:00:00-05:00", "5e7a-00"]  # fmt: skip
CELLS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])),
    st.text(st.sampled_from('\u200b\ufeff\u00a0 =+-@|%0123456789.eE/:a"')),
)


def cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


@pytest.mark.parametrize("text", RUNNABLE + CHANGED)
def test_a_cell_that_a_spreadsheet_would_run_or_change_reads_the_same_and_stays_text(text: str) -> None:
    ((_,), (cell,)) = cells(csv_bytes(pa.table({"a": [text]})))
    assert cell == f"\u200b{text}"


@pytest.mark.parametrize("text", HARMLESS)
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert protect_cells(pa.chunked_array([[text]])).to_pylist() == [text]


@given(st.lists(CELLS, min_size=1, max_size=20))
def test_any_text_comes_back_from_csv(texts: list[str]) -> None:
    rows = cells(csv_bytes(pa.table({"a": texts, "b": texts})))
    assert unprotect_cells(pa.array([row[0] for row in rows[1:]])).to_pylist() == texts
    assert all(row[0] == row[1] for row in rows[1:])


@pytest.mark.parametrize("text", ["\u200bAnn", "\u200b", "\u200b-", "\u200b7"])
def test_a_zero_width_space_that_belongs_to_the_text_is_not_removed(text: str) -> None:
    assert unprotect_cells(pa.array([text])).to_pylist() == [text]


def test_lines_end_as_rfc_4180_says_and_an_empty_log_has_its_header() -> None:
    assert (
        csv_bytes(pa.table({"a": pa.array([], pa.string()), "b": pa.array([], pa.string())}))
        == codecs.BOM_UTF8 + b'"a","b"\r\n'
    )
    assert csv_bytes(pa.table({"a": ['say "hi"']})) == codecs.BOM_UTF8 + b'"a"\r\n"say ""hi"""\r\n'


def test_the_byte_order_mark_can_be_left_out() -> None:
    table = pa.table({"a": ["Zoë"]})
    assert csv_bytes(table, has_bom=False) == csv_bytes(table).removeprefix(codecs.BOM_UTF8)


def test_parquet_keeps_every_row_and_type() -> None:
    table = pa.table({"a": ["=1", None], "n": [1, 2]})
    assert pq.read_table(pa.BufferReader(parquet_bytes(table))) == table
