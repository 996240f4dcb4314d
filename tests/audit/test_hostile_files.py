"""Files that are broken, enormous or no files at all: each is read or named, and the file beside it is read."""

import bz2
import codecs
import gzip
import io
import json
import os
import random
import resource
import socket
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.audit.conftest import Tally
from tests.conftest import HEADER, Inbox, line

MIB = 1 << 20
GOOD = line("good", "2024-03-05T15:00:00Z", contact_id="good")
LINES = [
    line(f"e{n}", f"2024-03-05T15:{n:02}:00Z", contact_id=f"k{n}", contact_name="Zoë") for n in range(40)
]
CSV = "\n".join((HEADER, *LINES, "")).encode()
JSON = b"".join(
    json.dumps({"occurred_at": f"2024-03-05T15:{n:02}:00Z", "contact_id": f"k{n}", "assignee": "Bob"}).encode() + b"\n"
    for n in range(40)
)  # fmt: skip
MAX_SECONDS, MAX_BYTES = 60, 2 << 30


ENCODINGS = (
    *("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-7", "utf-8-sig", "cp037", "cp437"),
    *("cp1252", "latin-1", "koi8-r", "gb18030", "shift_jis", "iso2022_jp", "mac_roman"),
)


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def zstandard(content: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(content, asbytes=True))  # a frame that states its size


def workbook(rows: list[list[Any]]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    return buffer.getvalue()


ROWS = [HEADER.split(","), *(each.split(",") for each in LINES)]
XLSX = workbook(ROWS)
SHEET = "xl/worksheets/sheet1.xml"


def changed_workbook(changes: dict[str, bytes]) -> bytes:
    """Return the workbook with some of its parts replaced or added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(XLSX)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, changes.get(part, old.read(part)))
        for part in changes.keys() - {*old.namelist()}:
            new.writestr(part, changes[part])
    return buffer.getvalue()


def changed_sheet(old: bytes, new: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(XLSX)) as parts:
        return changed_workbook({SHEET: parts.read(SHEET).replace(old, new, 1)})


def changed_shared(old: bytes, new: bytes) -> bytes:
    part = "xl/sharedStrings.xml"
    with zipfile.ZipFile(io.BytesIO(XLSX)) as parts:
        return changed_workbook({part: parts.read(part).replace(old, new, 1)})


def lying_workbook(unpacked: int) -> bytes:
    """Return a workbook whose sheet unpacks to *unpacked* bytes, and says that it is small."""
    content = changed_sheet(b"<sheetData>", b"<sheetData>" + b" " * unpacked)
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        size = parts.getinfo(SHEET).file_size
    return content.replace(struct.pack("<L", size), struct.pack("<L", 5_000))


def table(**columns: Any) -> bytes:
    rows = 40
    given = {
        "event_id": [f"e{n}" for n in range(rows)],
        "occurred_at": [datetime(2024, 3, 5, 15, n, tzinfo=UTC) for n in range(rows)],
        "contact_id": [f"k{n}" for n in range(rows)],
        "assignee": ["Bob"] * rows,
    } | columns
    buffer = io.BytesIO()
    pq.write_table(pa.table(given), buffer, compression="zstd")
    return buffer.getvalue()


def dictionary_bomb(cell: int, rows: int) -> bytes:
    """Return a small file with *rows* times one text of *cell* bytes, and no more rows than its size allows."""
    names = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["a" * cell]))
    columns = {
        "occurred_at": pa.array([datetime(2024, 3, 5, 15, tzinfo=UTC)] * rows),
        "contact_id": pa.array(["k"] * rows),
        "assignee": names,
        "noise": pa.array([random.Random(1).randbytes(rows // 90)] + [None] * (rows - 1)),
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd", dictionary_pagesize_limit=2 * cell + 100)
    return buffer.getvalue()


PARQUET = table()
EXPORT = {"audits": [{"id": 1, "ticket_id": 7, "created_at": "2024-03-05T15:00:00Z", "author_id": 3,
          "events": [{"id": 2, "type": "Change", "field_name": "assignee_id", "value": "4", "previous_value": "5"}]}],
          "users": [{"id": 4, "name": "Bob"}]}  # fmt: skip
Content = Callable[[], bytes]

TEXTS: dict[str, Content] = {
    "utf-8.csv": lambda: CSV,
    "bom.csv": lambda: codecs.BOM_UTF8 + CSV,
    "two boms.csv": lambda: codecs.BOM_UTF8 * 2 + CSV,
    **{f"{name}.csv": partial(CSV.decode().encode, name, "replace") for name in ENCODINGS},
    "empty.csv": lambda: b"",
    "a bom only.csv": lambda: codecs.BOM_UTF8,
    "half a bom.csv": lambda: codecs.BOM_UTF8[:2],
    "white space.csv": lambda: b" \n\t\r\n" * 1_000,
    "a header only.csv": HEADER.encode,
    "nul bytes.csv": lambda: b"\0" * MIB,
    "nul bytes in rows.csv": lambda: CSV.replace(b"Bob", b"B\0b"),
    "nul bytes in the header.csv": lambda: CSV.replace(b"contact_id", b"contact\0id"),
    "overlong utf-8.csv": lambda: CSV.replace(b"Bob", b"\xc0\xafBob"),
    "surrogates.csv": lambda: CSV.replace(b"Bob", b"\xed\xa0\x80Bob"),
    "half a character.csv": lambda: CSV[:-1] + b"\xf0\x9f",
    "random bytes.csv": lambda: random.Random(1).randbytes(MIB),
    "a program.csv": lambda: b"\x7fELF" + random.Random(2).randbytes(MIB),
    "a page.csv": lambda: b"<!doctype html><html><body><p>Please log in</p></body></html>" * 99,
    "json.csv": lambda: JSON,
    "csv.ndjson": lambda: CSV,
    "carriage returns.csv": lambda: CSV.replace(b"\n", b"\r"),
    "all kinds of ends.csv": lambda: CSV.replace(b"\n", b"\r\n", 20).replace(b"k9", b"k9\r"),
    "a million ends.csv": lambda: CSV + b"\n" * 1_000_000,
    "a million commas.csv": lambda: CSV + b"," * 1_000_000,
    "a million quotes.csv": lambda: CSV + b'"' * 1_000_001,
    "quotes only.csv": lambda: b'"' * MIB,
    "an open quote in the header.csv": lambda: b'"' + CSV,
    "an open quote.csv": lambda: CSV.replace(b"Bob", b'"Bob', 1),
    "ten thousand columns.csv": lambda: CSV.replace(b"\n", b"," * 10_000 + b"\n"),
    "the same column thrice.csv": lambda: b"assignee,assignee," + CSV,
    "a header of a mebibyte.csv": lambda: b"x" * MIB + b"," + CSV,
    "a line of 31 MiB.csv": lambda: CSV + b"a" * (31 * MIB) + b"\n" + LINES[0].encode(),
    "a line of 33 MiB.csv": lambda: CSV + b"a" * (33 * MIB) + b"\n" + LINES[0].encode(),
    "a line without end.csv": lambda: b"a" * (100 * MIB),
    "a header without end.csv": lambda: b"a," * (20 * MIB),
    "a row of two million cells.csv": lambda: CSV + b"a," * 2_000_000 + b"\n",
    "a cell of a mebibyte.csv": lambda: CSV + line("x", "2024-03-05T16:00:00Z", contact_name="a" * MIB).encode(),
    "a cell beyond it.csv": lambda: CSV + line("x", "2024-03-05T16:00:00Z", contact_name="a" * (MIB + 1)).encode(),
    "a time of a mebibyte.csv": lambda: CSV + line("x", "2" * MIB).encode(),
    "only a hint.csv": lambda: b"sep=;",
    "a hint of nothing.csv": lambda: b"sep=\n" + CSV,
    "deep.ndjson": lambda: JSON + b"[" * 900_000 + b"\n",
    "deep objects.ndjson": lambda: JSON + b'{"occurred_at":' * 60_000 + b"1" + b"}" * 60_000 + b"\n",
    "a line of two mebibytes.ndjson": lambda: JSON + b'{"occurred_at":"' + b"1" * 2 * MIB + b'"}\n',
    "a number without end.ndjson": lambda: JSON + b'{"occurred_at":' + b"1" * 500_000 + b',"assignee":"Bob"}\n',
    "an exponent.ndjson": lambda: JSON + b'{"occurred_at":1e999999999,"assignee":"Bob","contact_id":1e999}\n',
    "a key twice.ndjson": lambda: JSON + b'{"occurred_at":1,"occurred_at":"2024-03-05T15:00:00Z","assignee":"A"}\n',
    "half characters.ndjson": lambda: JSON + b'{"assignee":"\\ud800","contact_id":"\\udfff\\ud800","occurred_at":1}\n',
    "nul escapes.ndjson": lambda: JSON + b'{"assignee":"\\u0000","\\u0000":1,"occurred_at":"2024-03-05T15:00:00Z"}\n',
    "a hundred thousand keys.ndjson": lambda: JSON + b"{" + b",".join(b'"%d":1' % n for n in range(90_000)) + b"}\n",
    "no objects.ndjson": lambda: b'1\n"a"\nnull\n[]\n[[]]\ntrue\nNaN\n{}\n{\n}\n',
    "a comment.ndjson": lambda: b"// a comment\n" + JSON,
    "one document.ndjson": lambda: b"[" + JSON.replace(b"\n", b",\n")[:-2] + b"]",
}  # fmt: skip

COMPRESSED: dict[str, Content] = {
    "sound.csv.gz": lambda: gzipped(CSV),
    "sound.csv.bz2": lambda: bz2.compress(CSV),
    "sound.csv.zst": lambda: zstandard(CSV),
    "empty.csv.gz": lambda: b"",
    "nothing in it.csv.gz": lambda: gzipped(b""),
    "plain text.csv.gz": lambda: CSV,
    "a zip.csv.gz": lambda: XLSX,
    "compressed twice.csv.gz": lambda: gzipped(gzipped(CSV)),
    "compressed but not named so.csv": lambda: gzipped(CSV),
    "two members.csv.gz": lambda: gzipped(CSV) + gzipped(LINES[0].encode()),
    "something behind.csv.gz": lambda: gzipped(CSV) + b"rest",
    "a wrong sum.csv.gz": lambda: gzipped(CSV)[:-8] + b"12345678",
    "a bomb of lines.csv.gz": lambda: gzipped(CSV + b"\n" * (400 * MIB)),
    "a bomb of nulls.csv.gz": lambda: gzipped(b"\0" * (400 * MIB)),
    "a bomb of rows.csv.gz": lambda: gzipped(CSV + (LINES[0].encode() + b"\n") * (4 * MIB)),
    "a bomb.csv.bz2": lambda: bz2.compress(CSV + b"\n" * (400 * MIB)),
    "a bomb.ndjson.zst": lambda: zstandard(JSON + b"\n" * (400 * MIB)),
    "a bomb in a bomb.csv.gz": lambda: gzipped(gzipped(b"\n" * (400 * MIB))),
}

WORKBOOKS: dict[str, Content] = {
    "sound.xlsx": lambda: XLSX,
    "csv.xlsx": lambda: CSV,
    "no parts.xlsx": lambda: b"PK\x05\x06" + b"\0" * 18,
    "no sheet.xlsx": lambda: changed_workbook({SHEET: b""}),
    "no relations.xlsx": lambda: changed_workbook({"xl/_rels/workbook.xml.rels": b"<x/>"}),
    "torn xml.xlsx": lambda: changed_sheet(b"</row>", b"<row"),
    "a string that is not there.xlsx": lambda: changed_sheet(b'<c r="A1" t="s"><v>0</v>', b'<c r="A1" t="s"><v>99999999</v>'),
    "a string before the first.xlsx": lambda: changed_sheet(b'<c r="A1" t="s"><v>0</v>', b'<c r="A1" t="s"><v>-1</v>'),
    "a cell at the far corner.xlsx": lambda: changed_sheet(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'),
    "a cell beyond all rows.xlsx": lambda: changed_sheet(b"</sheetData>", b'<row r="4294967295"><c r="A4294967295"><v>1</v></c></row></sheetData>'),
    "a column beyond all.xlsx": lambda: changed_sheet(b"</sheetData>", b'<row r="99"><c r="ZZZZZZZ99"><v>1</v></c></row></sheetData>'),
    "a place that is none.xlsx": lambda: changed_sheet(b'r="A2"', b'r="!!"'),
    "strings without end.xlsx": lambda: changed_shared(b'uniqueCount="', b'uniqueCount="99999999999999'),
    "strings that are counted wrongly.xlsx": lambda: changed_shared(b'count="', b'count="18446744073709551615" x="'),
    "a lonely cell in single quotes.xlsx": lambda: changed_sheet(b"</sheetData>", b"<row><c r = 'XFC1048576'><v>1</v></c></row></sheetData>"),
    "merged cells of all.xlsx": lambda: changed_sheet(b"</sheetData>", b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'),
    "a false dimension.xlsx": lambda: changed_sheet(b'<dimension ref="', b'<dimension ref="A1:XFD1048576" x="'),
    "entities.xlsx": lambda: changed_sheet(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet'),
    "a billion laughs.xlsx": lambda: changed_sheet(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "ha">' + b"".join(b'<!ENTITY a%d "%s">' % (n + 1, b"&a%d;" % n * 10) for n in range(9)) + b"]><worksheet"),
    "a date of another age.xlsx": lambda: workbook([*ROWS, ["x", 1e300, "c", "k", "n", "", "Bob", "user", ""]]),
    "a path out of it.xlsx": lambda: changed_workbook({"../../escaped.txt": b"x"}),
    "a bomb.xlsx": lambda: changed_sheet(b"<sheetData>", b"<sheetData>" + b" " * (300 * MIB)),
    "a bomb that says it is small.xlsx": lambda: lying_workbook(300 * MIB),
    "locked.xlsx": lambda: XLSX.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01").replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"),
}  # fmt: skip

TABLES: dict[str, Content] = {
    "sound.parquet": lambda: PARQUET,
    "csv.parquet": lambda: CSV,
    "magic only.parquet": lambda: b"PAR1PAR1",
    "no rows.parquet": lambda: table(event_id=pa.array([], pa.string()), occurred_at=pa.array([], pa.string()), contact_id=pa.array([], pa.string()), assignee=pa.array([], pa.string())),
    "lists.parquet": lambda: table(assignee=[["Bob"]] * 40),
    "structs.parquet": lambda: table(assignee=[{"name": "Bob"}] * 40),
    "maps.parquet": lambda: table(contact_id=pa.array([[("a", 1)]] * 40, pa.map_(pa.string(), pa.int64()))),
    "bytes.parquet": lambda: table(contact_id=[b"\xff\xfe"] * 40),
    "truth values.parquet": lambda: table(assignee=[True] * 40),
    "durations.parquet": lambda: table(assignee=pa.array([5] * 40, pa.duration("s"))),
    "decimals.parquet": lambda: table(contact_id=pa.array([1] * 40, pa.decimal256(60, 5))),
    "nulls.parquet": lambda: table(assignee=pa.nulls(40), occurred_at=pa.nulls(40)),
    "dates as times.parquet": lambda: table(occurred_at=pa.array([19_787] * 40, pa.date32())),
    "times of day as times.parquet": lambda: table(occurred_at=pa.array([5] * 40, pa.time64("us"))),
    "years beyond all.parquet": lambda: table(occurred_at=pa.array([2**62] * 40, pa.timestamp("ms", "UTC"))),
    "years before all.parquet": lambda: table(occurred_at=pa.array([-(2**62)] * 40, pa.timestamp("us"))),
    "floats as times.parquet": lambda: table(occurred_at=[float("inf"), float("nan"), *[1e300] * 38]),
    "text that is not utf-8.parquet": lambda: table(assignee=pa.array([b"\xff"] * 40, pa.binary()).view(pa.string())),
    "one text that is not utf-8.parquet": lambda: table(assignee=pa.array([b"Z\xf6e", *[b"Bob"] * 39], pa.binary()).view(pa.string())),
    "a cell of two mebibytes.parquet": lambda: table(assignee=["a" * 2 * MIB, *["Bob"] * 39]),
    "a thousand columns.parquet": lambda: table(**{f"c{n}": ["x"] * 40 for n in range(1_000)}),
    "a bomb of one text.parquet": lambda: dictionary_bomb(MIB, 100_000),
    "a bomb of one long text.parquet": lambda: dictionary_bomb(64 * MIB, 1_000),
    "a bomb of pages.parquet": lambda: table(assignee=["a" * (8 * MIB) for _ in range(40)]),
}  # fmt: skip


def damaged(kinds: dict[str, bytes]) -> Iterator[tuple[str, Content]]:
    """Yield files cut at some points, and with some bytes changed."""
    for name, content in kinds.items():
        rng = random.Random(name)
        for part in (0.01, 0.3, 0.7, 0.95, 0.999):
            yield f"cut at {part} of {name}", partial(bytes, content[: int(len(content) * part)])
        for number in range(12):
            flipped = bytearray(content)
            for _ in range(1 + number // 3):
                flipped[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            yield f"damage {number} in {name}", partial(bytes, flipped)


DAMAGED = dict(
    damaged(
        {
            "csv.csv": CSV,
            "gz.csv.gz": gzipped(CSV),
            "bz2.csv.bz2": bz2.compress(CSV),
            "zst.csv.zst": zstandard(CSV),
            "json.ndjson": JSON,
            "workbook.xlsx": XLSX,
            "table.parquet": PARQUET,
        }
    )
)


def harm_of(inbox: Inbox) -> str:
    """Load the inbox; return what went wrong beside what a file may say of itself."""
    memory, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    try:
        loaded = inbox.load()
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return f"{type(error).__name__}: {error}"[:300]
    if not loaded.is_reconciled or not any(row.startswith("good") for row in inbox_ids(inbox)):
        return "the other file is not read"
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory)
    took = time.monotonic() - started
    return (
        f"takes {took:.0f} s" if took > MAX_SECONDS else f"takes {grown:,} bytes" if grown > MAX_BYTES else ""
    )


def inbox_ids(inbox: Inbox) -> list[str]:
    return [row["event_id"] for row in inbox.rows(ASSIGNMENT_EVENTS)]


def drive(inbox: Inbox, contents: dict[str, Content]) -> dict[str, str]:
    inbox.source = {"timezone": "UTC"}
    inbox.write(GOOD, name="good.csv")
    outcomes = {}
    for name, content in contents.items():
        path = inbox.folder / "events" / name
        path.write_bytes(content())
        outcomes[name] = harm_of(inbox)
        path.unlink()
    return outcomes


@pytest.mark.parametrize(
    ("kind", "contents"),
    [
        ("text files: encodings, endless lines, NUL bytes, deep JSON", TEXTS),
        ("compressed files: bombs, cut and mislabeled ones", COMPRESSED),
        ("workbooks: bombs, entities, cells that are nowhere", WORKBOOKS),
        ("Parquet files: bombs, odd types, odd times", TABLES),
        ("files with damaged and missing bytes", DAMAGED),
    ],
    ids=["texts", "compressed", "workbooks", "tables", "damaged"],
)
def test_a_file_is_read_or_named_and_the_other_is_read(
    inbox: Inbox, tally: Tally, kind: str, contents: dict[str, Content]
) -> None:
    tally(kind, drive(inbox, contents))


def special_files(folder: Path) -> Iterator[tuple[str, Callable[[Path], object]]]:
    """Yield what has the name of a file of events and is none, or is one elsewhere."""
    yield "a folder", Path.mkdir
    yield "a pipe", os.mkfifo
    yield "a link to nothing", lambda path: path.symlink_to("nowhere")
    yield "a link to itself", lambda path: path.symlink_to(path.name)
    yield "a link to a device", lambda path: path.symlink_to("/dev/zero")
    yield "a link to a full device", lambda path: path.symlink_to("/dev/full")
    yield "a link to a folder", lambda path: path.symlink_to(folder)
    yield "a link to a process's memory", lambda path: path.symlink_to("/proc/self/mem")
    yield "a socket", bind_socket
    yield "a sparse file of 20 GB", write_sparse


def write_sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 20 << 30)


def bind_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))


NAMES = (
    *("a\nb.csv", "*.csv", "[x].csv", "a b;c,d.csv", "-rf.csv", "$(x).csv", "a" * 251 + ".csv", "é.csv", "e\u0301.csv"),
    *("\u202evsc.csv", "<b>.csv", "'; DROP TABLE x;--.csv", "%s.csv", "{x}.csv", ".csv", "a..csv", "CON.csv", "a\\b.csv"),
    *("ä.CSV", "\udcff.csv", "\x01.csv", "=1+1.csv", "a.csv.csv", "a.csv.gz.csv"),
)  # fmt: skip


def test_what_is_no_file_and_what_has_an_odd_name_is_named(
    inbox: Inbox, tally: Tally, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.source = {"timezone": "UTC"}
    inbox.write(GOOD, name="good.csv")
    monkeypatch.chdir(tmp_path / "events")
    outcomes = {}
    for name, make in special_files(tmp_path):
        path = Path("special.csv")
        make(path)
        outcomes[name] = harm_of(inbox)
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    for number, name in enumerate(NAMES):
        path = Path(os.fsdecode(os.fsencode(name)))
        path.write_bytes(CSV.replace(b"\ne", b"\n%d-e" % number))
        outcomes[f"named {name!r}"] = harm_of(inbox)
        path.unlink()
    tally("pipes, devices, links and odd names among the files of events", outcomes)
