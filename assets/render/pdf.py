"""HTML to PDF by WeasyPrint, which may fetch nothing: the document carries all it needs."""

import os
from typing import Any

from weasyprint import HTML
from weasyprint.urls import FatalURLFetchingError, URLFetcher


class NothingFetched(URLFetcher):
    """Refuse every address but `data:`; a document that asks for one is not printed at all."""

    def fetch(self, url: str, headers: Any = None) -> Any:
        """Return the content of a `data:` URL. Raises FatalURLFetchingError for any other."""
        if not url.startswith("data:"):
            raise FatalURLFetchingError(f"a report must not fetch {url}")
        return super().fetch(url, headers)


def pdf_bytes(document: str) -> bytes:
    """Return *document* (HTML) as PDF with embedded fonts, bookmarks and metadata."""
    # fontTools writes the time into each subset of a font; at this one the bytes stay the same.
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    printed: bytes = HTML(string=document, url_fetcher=NothingFetched()).write_pdf()
    return printed
