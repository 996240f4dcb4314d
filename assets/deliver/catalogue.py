"""The archive's index page, rebuilt from the manifests; it works from `file://`."""

from pathlib import Path

from assets.deliver.archive import Archive
from assets.durable import replacing
from assets.render.html import environment

INDEX = "index.html"


def write_index(archive: Archive) -> Path:
    """Write `index.html` with every archived version; return its path."""
    entries = []
    seen: set[Path] = set()
    for folder, manifest in archive.manifests():  # newest versions first
        entries.append(
            {
                "manifest": manifest,
                "folder": folder.relative_to(archive.root).as_posix(),
                "is_latest": folder.parent not in seen,
            }
        )
        seen.add(folder.parent)
    page = environment().get_template("index.html.j2").render(entries=entries)
    path = archive.root / INDEX
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path
