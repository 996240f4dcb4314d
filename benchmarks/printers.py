"""Other ways to print the rows of a log as PDF, A4 landscape, eight columns: `printers.py WAY FILE OUT`."""

import html
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

STYLE = """@page { size: A4 landscape; margin: 12mm } table { width: 100%; border-collapse: collapse }
body { font: 8pt "Noto Sans", "Noto Sans CJK SC", "Noto Sans Arabic"; font-variant-ligatures: none }
td, th { padding: 2pt 4pt; border-bottom: .5pt solid #d9e2ec; text-align: left }"""
PAGE_ROWS, PART_ROWS = 27, 2_700


def page(header: list[str], rows: list[tuple[str, ...]]) -> str:
    """Return a page with one table."""
    cells = (f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in header)
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><table><thead><tr>{heads}</tr></thead><tbody>{''.join(cells)}</tbody></table>"


def weasyprint(header: list[str], rows: list[tuple[str, ...]], out: str) -> None:
    """One table of WeasyPrint."""
    from weasyprint import HTML  # noqa: PLC0415 - only one of these is measured in a process

    HTML(string=page(header, rows)).write_pdf(out)


def plutoprint(header: list[str], rows: list[tuple[str, ...]], out: str) -> None:
    """Parts of a hundred pages, joined."""
    import pikepdf  # noqa: PLC0415
    import plutoprint as pluto  # noqa: PLC0415

    with pikepdf.new() as whole:
        for number, start in enumerate(range(0, len(rows), PART_ROWS)):
            book = pluto.Book(pluto.PAGE_SIZE_A4.landscape(), pluto.PAGE_MARGINS_NORMAL)
            book.load_html(page(header, rows[start : start + PART_ROWS]))
            book.write_to_pdf(part := f"{out}.{number}")
            with pikepdf.open(part) as opened:
                whole.pages.extend(opened.pages)
            Path(part).unlink()
        whole.save(out)


def reportlab(header: list[str], rows: list[tuple[str, ...]], out: str) -> None:
    """ReportLab's canvas: text where it belongs, no shaping, one font."""
    from reportlab.lib.pagesizes import A4, landscape  # noqa: PLC0415
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415
    from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415

    pdfmetrics.registerFont(TTFont("Noto", "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf"))
    canvas = Canvas(out, pagesize=landscape(A4))
    for start in range(0, len(rows), PAGE_ROWS):
        canvas.setFont("Noto", 8)
        for at, row in enumerate([tuple(header), *rows[start : start + PAGE_ROWS]]):
            for column, cell in enumerate(row):
                canvas.drawString(34 + 97 * column, 560 - 18 * at, cell)
            canvas.line(34, 555 - 18 * at, 808, 555 - 18 * at)
        canvas.showPage()
    canvas.save()


def typst(header: list[str], rows: list[tuple[str, ...]], out: str) -> None:
    """Typst's tables, one a page."""
    import typst as compiler  # noqa: PLC0415

    data = Path(f"{out}.json")
    data.write_text(json.dumps([header, *rows]))
    source = f"""#set page("a4", flipped: true, margin: 12mm)
#set text(font: ("Noto Sans", "Noto Sans CJK SC", "Noto Sans Arabic"), size: 8pt, ligatures: false)
#let rows = json("{data.name}")
#for page in rows.slice(1).chunks({PAGE_ROWS}) {{
  table(columns: (2fr,) + (1fr,) * 7, stroke: none, ..rows.at(0), ..page.flatten())
  pagebreak(weak: true)
}}"""
    (program := Path(f"{out}.typ")).write_text(source)
    compiler.compile(str(program), output=out)


def chromium(header: list[str], rows: list[tuple[str, ...]], out: str) -> None:
    """Chromium prints a page."""
    (document := Path(f"{out}.html")).write_text(page(header, rows))
    options = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-pdf-header-footer",
        "--disable-pdf-tagging",
    )
    subprocess.run(
        [shutil.which("chromium") or "chromium", *options, f"--print-to-pdf={out}", document.as_uri()],
        check=True,
        capture_output=True,
    )


def _rows(file: str) -> Iterator[tuple[str, ...]]:
    return zip(*(column.to_pylist() for column in pq.read_table(file).columns), strict=True)


if __name__ == "__main__":
    way, file, target = sys.argv[1:]
    content = (pq.read_schema(file).names, list(_rows(file)), target)
    began = time.perf_counter()
    globals()[way](*content)
    print(json.dumps({"seconds": time.perf_counter() - began}))
