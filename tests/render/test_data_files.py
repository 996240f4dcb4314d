import codecs
import csv
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.render.data_files import csv_bytes, neutralize_formulas, parquet_bytes

RUNNABLE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "\u00a0=1", "|cmd", "%x"]  # fmt: skip
HARMLESS = ["-", "", "Ann", "1-1", "a=b", "'=1", "中文", "0"]


def cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


@pytest.mark.parametrize("text", RUNNABLE)
def test_a_cell_that_a_spreadsheet_would_run_reads_the_same_and_runs_no_more(text: str) -> None:
    ((_,), (cell,)) = cells(csv_bytes(pa.table({"a": [text]})))
    assert cell == f"\u200b{text}"


@pytest.mark.parametrize("text", HARMLESS)
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert neutralize_formulas(pa.chunked_array([[text]])).to_pylist() == [text]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])), min_size=1, max_size=20))
def test_any_text_comes_back_from_csv(texts: list[str]) -> None:
    rows = cells(csv_bytes(pa.table({"a": texts, "b": texts})))
    assert [row[0].removeprefix("\u200b") for row in rows[1:]] == [t.removeprefix("\u200b") for t in texts]
    assert all(row[0] == row[1] for row in rows[1:])


def test_lines_end_as_rfc_4180_says_and_an_empty_log_has_its_header() -> None:
    assert (
        csv_bytes(pa.table({"a": pa.array([], pa.string()), "b": pa.array([], pa.string())}))
        == codecs.BOM_UTF8 + b'"a","b"\r\n'
    )
    assert csv_bytes(pa.table({"a": ['say "hi"']})) == codecs.BOM_UTF8 + b'"a"\r\n"say ""hi"""\r\n'


def test_parquet_keeps_every_row_and_type() -> None:
    table = pa.table({"a": ["=1", None], "n": [1, 2]})
    assert pq.read_table(pa.BufferReader(parquet_bytes(table))) == table
