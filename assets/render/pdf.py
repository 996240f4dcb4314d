"""HTML to PDF by WeasyPrint, which may fetch nothing: the document carries all it needs."""

import os
from datetime import UTC, datetime
from typing import Any

from weasyprint import HTML, Attachment
from weasyprint.urls import FatalURLFetchingError, URLFetcher

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NothingFetched(URLFetcher):
    """Refuse every address but `data:`; a document that asks for one is not printed at all."""

    def fetch(self, url: str, headers: Any = None) -> Any:
        """Return the content of a `data:` URL. Raises FatalURLFetchingError for any other."""
        if not url.startswith("data:"):
            raise FatalURLFetchingError(f"a report must not fetch {url}")
        return super().fetch(url, headers)


def pdf_bytes(document: str, log: bytes | None = None) -> bytes:
    """Return *document* (HTML) as tagged PDF with embedded fonts, bookmarks and metadata.

    It is PDF/UA-1; with *log*, a CSV file to keep inside, PDF/A-3a: no file may claim to be both.
    """
    # fontTools writes the time into each subset of a font; at this one the bytes stay the same.
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    attachments = [
        Attachment(
            string=log,
            name="log.csv",
            description="Contact Assignments Log",
            relationship="Data",
            created=_EPOCH,
            modified=_EPOCH,
        )
        for log in ([log] if log is not None else [])
    ]
    printed: bytes = HTML(string=document, url_fetcher=NothingFetched()).write_pdf(
        pdf_variant="pdf/a-3a" if attachments else "pdf/ua-1", attachments=attachments, finisher=_mend_tags
    )
    return printed


def _mend_tags(_document: Any, pdf: Any) -> None:
    """Tell of each header cell what it heads, and let links be printed; WeasyPrint 70 leaves out both.

    Source: ISO 14289-1, 7.5 and 7.18.1.
    """
    objects: list[Any] = [each for each in pdf.objects if isinstance(each, dict)]
    elements = {each.reference: each for each in objects if "S" in each}
    for element in elements.values():
        if element["S"] == "/TH":
            section = elements[elements[element["P"]]["P"]]
            element["A"]["Scope"] = "/Column" if section["S"] == "/THead" else "/Row"
    for each in objects:
        if each.get("Subtype") == "/Link":
            each["F"] = 4
