"""The colors of sources, shared by charts, tables and the page's script."""

from assets.events import SOURCE_LABELS
from assets.report.model import SourceCount

PALETTE = ("#332288", "#88ccee", "#44aa99", "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499")
"""Paul Tol's "muted" scheme, safe for color-blind readers: one color for each known source."""

OTHERS = ("#6e6e6e", "#b15928", "#1f78b4", "#a6a6a6")


def source_colors(sources: tuple[SourceCount, ...]) -> list[str]:
    """Return the color of each source; a known source always has the same one."""
    known = dict(zip(SOURCE_LABELS, PALETTE, strict=True))
    unknown = sorted(source.source for source in sources if source.source not in known)
    return [
        known.get(source.source) or OTHERS[unknown.index(source.source) % len(OTHERS)] for source in sources
    ]
