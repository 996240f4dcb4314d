"""Each limit of a file: what is read at the limit, and what is said one beyond."""

import gzip
import io
import zipfile
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from assets.sources.base import CELL_LIMIT
from tests.conftest import HEADER, Inbox, line

UNPACKED = "unpacks to more than 200 times its size; decompress it yourself if so intended"
AT = "2024-03-05T15:00:00Z"


@pytest.fixture
def small_files(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    """An inbox whose files may unpack to 100,000 bytes, or to 200 times their size."""
    monkeypatch.setattr("assets.sources.files.text_files._RATIO_FROM_BYTES", 100_000)
    inbox.source = {"timezone": "UTC"}
    return inbox


def text_of(size: int) -> bytes:
    text = f"{HEADER}\n{line('e1', AT)}\n".encode()
    return text + b"\n" * (size - len(text))


@pytest.mark.parametrize(("size", "reasons"), [(100_000, []), (100_001, [f"a.csv.gz: {UNPACKED}"])])
def test_a_compressed_file_unpacks_to_so_much(small_files: Inbox, size: int, reasons: list[str]) -> None:
    small_files.write_bytes(gzip.compress(text_of(size)), "a.csv.gz")
    small_files.load()
    assert small_files.reasons() == reasons


@pytest.mark.parametrize(
    ("length", "reasons"), [(1_000, []), (1_001, ["a.csv: has a line of more than 0 MiB"])]
)
def test_a_line_has_so_many_bytes(
    small_files: Inbox, monkeypatch: pytest.MonkeyPatch, length: int, reasons: list[str]
) -> None:
    monkeypatch.setattr("assets.sources.files.text_files.MAX_LINE_BYTES", 1_000)
    monkeypatch.setattr("assets.sources.files.text_files._LOOKED_AT", 64)
    name = "a" * (length - len(line("e1", AT, contact_name="")))
    small_files.write(line("e1", AT, contact_name=name), name="a.csv")
    small_files.load()
    assert [reason.partition(";")[0] for reason in small_files.reasons()] == reasons


def workbook(padding: int, *, says: int | None = None) -> bytes:
    """Return a workbook with so many bytes more than needed, which *says* how many there are."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER.split(","))
        sheet.write_row(1, 0, line("e1", AT).split(","))
    packed, part = io.BytesIO(), "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name) + b" " * (padding if name == part else 0))
        size = new.getinfo(part).file_size
    content = packed.getvalue()
    return (
        content if says is None else content.replace(size.to_bytes(4, "little"), says.to_bytes(4, "little"))
    )


def unpacked(content: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        return sum(part.file_size for part in parts.infolist())


def test_a_workbook_unpacks_to_so_much(small_files: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.sources.files.text_files.MAX_RATIO", 1)
    limit = unpacked(workbook(5_000))
    monkeypatch.setattr("assets.sources.files.text_files._RATIO_FROM_BYTES", limit)
    small_files.write_bytes(workbook(5_000), "a.xlsx")
    small_files.load()
    assert small_files.reasons() == []
    small_files.write_bytes(workbook(5_001), "a.xlsx")
    small_files.load()
    assert small_files.reasons() == [f"a.xlsx: {UNPACKED}"]


def test_a_workbook_that_says_it_is_small_is_not_believed(small_files: Inbox) -> None:
    small_files.write_bytes(workbook(5_000_000, says=1_000), "a.xlsx")
    small_files.load()
    assert "is not a readable XLSX workbook (Bad CRC-32" in small_files.reasons()[0]


def parquet_file(names: pa.Array) -> bytes:
    buffer = io.BytesIO()
    times = [datetime(2024, 3, 5, 15, tzinfo=UTC)] * len(names)
    pq.write_table(
        pa.table({"occurred_at": times, "contact_id": ["k"] * len(names), "assignee": names}), buffer
    )
    return buffer.getvalue()


@pytest.mark.parametrize("cell", [100, 1_000])
def test_a_parquet_file_unpacks_to_so_much_though_it_has_equal_texts_once(
    small_files: Inbox, monkeypatch: pytest.MonkeyPatch, cell: int
) -> None:
    rows = 200
    content = parquet_file(pa.array([f"{n % 3}{'a' * (cell - 1)}" for n in range(rows)]))
    monkeypatch.setattr("assets.sources.files.text_files.MAX_RATIO", 0)
    for limit, reasons in ((rows * (cell + 1), []), (rows * (cell + 1) - 1, [f"a.parquet: {UNPACKED}"])):
        monkeypatch.setattr("assets.sources.files.text_files._RATIO_FROM_BYTES", limit)
        small_files.write_bytes(content, "a.parquet")
        small_files.load()
        assert small_files.reasons() == reasons


@pytest.mark.parametrize(("size", "is_read"), [(CELL_LIMIT, True), (CELL_LIMIT + 1, False)])
def test_a_cell_of_any_source_has_so_many_bytes(inbox: Inbox, size: int, *, is_read: bool) -> None:
    inbox.write_bytes(parquet_file(pa.array(["a" * size, "Bob"])), "a.parquet")
    loaded = inbox.load()
    assert loaded.stored_events == 1 + is_read
    said = [] if is_read else [f"assignee_name has {size:,} bytes; the limit is {CELL_LIMIT:,}"]
    assert inbox.reasons() == said
