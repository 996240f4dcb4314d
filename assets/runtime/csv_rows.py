"""Rows of a CSV file that a person wrote in a spreadsheet or an editor. No rule of what the cells mean."""

import csv
from collections.abc import Collection, Iterator
from pathlib import Path

from assets.errors import ConfigError

MORE_CELLS = "more cells than columns; put a text that has the separator in double quotes"


def read_csv_rows(path: Path, required: Collection[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and cells by column of each row that is not empty.

    Column names are in lower case; cells beyond the last column stand under "". The delimiter is a comma,
    semicolon or tab. Raises ConfigError if the file cannot be read or a *required* column is missing.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            rows = csv.reader(file, delimiter=max(",;\t", key=first.count), strict=True)
            columns = [name.strip().lower() for name in next(rows, [])]
            if missing := {*required} - {*columns}:
                raise ConfigError(
                    f"{path}: required column {', '.join(sorted(missing))} is missing in the first line"
                )
            for cells in rows:
                if any(cell.strip() for cell in cells):
                    cells_by_column = zip(columns, map(str.strip, cells), strict=False)
                    yield rows.line_num, {**dict(cells_by_column), "": "".join(cells[len(columns) :]).strip()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: {error}") from None
