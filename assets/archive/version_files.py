"""The files of an archived version: the page, the PDF and the data files, rendered from one report.

Add a file here, and its name to `Format` in `assets/config/presentation.py`. `archive.py` adds `report.json`
and the manifest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from assets.config.presentation import Format
from assets.errors import TotalsDiffer
from assets.render.html.page import render_page
from assets.render.xlsx import log_row_count, workbook_bytes
from assets.report.encoded_log import EncodedLog
from assets.report.explorer_data import ExplorerData
from assets.report.model import Report


@dataclass(frozen=True, slots=True)
class Draft:
    """A reconciled report and everything its files are rendered from.

    `tables` are its data files by name, `printed` the log rows for the other files, `coded` the encoded log,
    `explorer` the data of an explorer's page.
    """

    report: Report
    tables: Mapping[str, bytes]
    printed: pa.Table
    coded: EncodedLog
    explorer: ExplorerData | None
    formats: Sequence[Format]
    configuration: Mapping[str, object]

    def render(self, version: int) -> dict[str, bytes]:
        """Return the files of the report's *version* by name, except `report.json`.

        Raises TotalsDiffer if the workbook does not have every row of the log.
        """
        files = {name: data for name, data in self.tables.items() if name in self.report.log.files}
        shown = self.printed.slice(self.printed.num_rows - self.report.log.rows_shown)[::-1]
        if Format.XLSX in self.formats:
            files["log.xlsx"] = self._render_workbook()
        if Format.HTML in self.formats:
            files["report.html"] = render_page(
                self.report, shown, version, self.coded, self.explorer
            ).encode()
        if Format.PDF in self.formats:
            from assets.render.pdf.document import render_pdf  # noqa: PLC0415 - half a second, and only PDFs need it

            files["report.pdf"] = render_pdf(self.report, shown, version, self.tables.get("log.csv", b""))
        return files

    def _render_workbook(self) -> bytes:
        workbook = workbook_bytes(self.report, self.printed)
        if log_row_count(workbook) != self.report.total:
            raise TotalsDiffer(f"log.xlsx has {log_row_count(workbook):,} rows of {self.report.total:,}")
        return workbook
