"""XLSX workbooks: the cells of one sheet as text; cells formatted as dates are dates.

calamine parses them. Times in a spreadsheet carry no zone.
"""

import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa

from assets.config.source import FilesSource
from assets.runtime import duckdb_engine
from assets.sources.base import Batch, is_printed_log, match_columns
from assets.sources.files.delimited import with_faults
from assets.sources.files.workbook_limits import refuse_bomb


def read_xlsx(path: Path, origin: str, options: FilesSource) -> Iterator[Batch]:
    """Yield the mapped columns of the configured sheet, or of the first; its first row is the header.

    Raises ValueError for a missing sheet or column, or a workbook that expands too much.
    """
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - few need it

    try:
        refuse_bomb(path)
        with CalamineWorkbook.from_path(path) as workbook:
            name = options.sheet or workbook.sheet_names[0]
            if name not in workbook.sheet_names:
                raise ValueError(f"has no sheet {name!r}; it has {', '.join(workbook.sheet_names)}")
            rows = workbook.get_sheet_by_name(name).iter_rows()
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, CalamineError) as error:
        raise ValueError(f"is not a readable XLSX workbook ({error})") from None
    numbered = ((number, row) for number, row in enumerate(rows) if any(cell != "" for cell in row))
    header_at, cells = next(numbered, (0, []))
    if not cells:
        raise ValueError("is empty: it has no header")
    names = [_cell_text(cell) for cell in cells]
    columns = match_columns(names, options.columns)
    places = {column: names.index(name) for column, name in columns.items()}
    while chunk := list(islice(numbered, duckdb_engine.BATCH_ROWS)):
        cell_columns = {
            column: pa.array([_cell_text(row[at]) for _, row in chunk], pa.string())
            for column, at in places.items()
        }
        numbers = pa.array(np.array([number - header_at for number, _ in chunk]))
        batch = pa.RecordBatch.from_pydict(cell_columns | {"row_number": numbers})
        yield Batch(with_faults(batch.select(list(places)), batch), origin, is_printed_log(names), columns)


def _cell_text(cell: object) -> str:
    """Return a cell as text: whole numbers without a point, dates and times in ISO 8601."""
    match cell:
        case bool():
            return str(cell)
        case float() if cell.is_integer():
            return format(Decimal(f"{cell:.15g}"), "f")  # a spreadsheet stores 15 digits
        case datetime():
            return cell.isoformat(" ")
        case date():
            return f"{cell} 00:00:00"
        case time():
            return cell.isoformat()
    return str(cell)
