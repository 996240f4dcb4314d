"""The colors of sources and of totals, shared by charts, tables and the page's script."""

from collections.abc import Sequence

from assets.events import SOURCE_LABELS

PALETTE = ("#332288", "#88ccee", "#44aa99", "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499")
"""Paul Tol's "muted" scheme, safe for color-blind readers: one color for each known source."""

OTHERS = ("#6e6e6e", "#b15928", "#1f78b4", "#a6a6a6")

TOTAL, PREVIOUS = "#4a6572", "#9aa5b1"
"""The colors of all sources together, now and in the previous period; no source has them."""


def source_colors(sources: Sequence[str]) -> list[str]:
    """Return the color of each source code; a known source always has the same one."""
    known = dict(zip(SOURCE_LABELS, PALETTE, strict=True))
    unknown = sorted(source for source in sources if source not in known)
    return [known.get(source) or OTHERS[unknown.index(source) % len(OTHERS)] for source in sources]
