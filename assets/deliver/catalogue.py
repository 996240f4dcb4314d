"""The archive's index page, rebuilt from the manifests; it works from `file://`."""

from pathlib import Path

from markupsafe import Markup

from assets.deliver.archive import REPORT, Archive, Manifest
from assets.durable import one_at_a_time, replacing
from assets.render.html import environment
from assets.render.style import stylesheet

INDEX = "index.html"
_STYLE = """
td { vertical-align: middle; }
tr.old { color: var(--quiet); }
.badge { background: var(--warn); border-radius: 8pt; padding: 0 6pt; font-size: 8pt; }
h2 { margin-top: 14pt; }
"""


def write_index(archive: Archive) -> Path:
    """Write `index.html` with every archived version; return its path.

    One process at a time: a slower one would overwrite a newer list with an older.
    """
    path = archive.root / INDEX
    with one_at_a_time(path), replacing(path) as temporary:
        temporary.write_text(_page(archive), encoding="utf-8")
    return path


def _page(archive: Archive) -> str:
    entries = []
    seen: set[Path] = set()
    for folder, manifest in archive.manifests():  # newest versions first
        entries.append(
            {
                "manifest": manifest,
                "folder": folder.relative_to(archive.root).as_posix(),
                "opens": _opens(manifest),
                "is_latest": folder.parent not in seen,
            }
        )
        seen.add(folder.parent)
    return (
        environment("en")
        .get_template("index.html.j2")
        .render(entries=entries, style=Markup(stylesheet("screen") + _STYLE))  # noqa: S704 - our own files
    )


def _opens(manifest: Manifest) -> str:
    """Return the file that a reader wants first."""
    names = {each.name for each in manifest.files}
    return next(name for name in ("report.html", "report.pdf", REPORT) if name in names)
