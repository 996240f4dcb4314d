"""The archive's index page, rebuilt from the manifests; it works from `file://`."""

from pathlib import Path

from assets.deliver.archive import Archive
from assets.durable import one_at_a_time, replacing
from assets.render.html import environment

INDEX = "index.html"


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
                "is_latest": folder.parent not in seen,
            }
        )
        seen.add(folder.parent)
    return environment().get_template("index.html.j2").render(entries=entries)
