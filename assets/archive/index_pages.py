"""The archive's index pages, written from the catalog; they work from `file://`.

`index.html` lists the workspaces, `<workspace>/index.html` every version of its reports. A script searches
and filters the rows; without it, all are shown. The template is `templates/index/index.html.j2`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup
from sqlalchemy import RowMapping

from assets.archive.archive import opened_first
from assets.archive.catalog import Catalog
from assets.render.html.page import jinja_environment
from assets.render.html.stylesheet import render_stylesheet
from assets.render.template_files import TEMPLATES
from assets.runtime.atomic_files import write_atomic
from assets.runtime.extras import require_store
from assets.runtime.file_locks import file_lock

INDEX = "index.html"
_STYLE = """
td { vertical-align: middle; }
tr.old { color: var(--quiet); }
.badge { background: var(--warn); border-radius: 8pt; padding: 0 6pt; font-size: 8pt; white-space: nowrap; }
h2 { margin-top: 14pt; }
.choose { display: flex; flex-wrap: wrap; gap: 8pt 12pt; align-items: end; margin: 10pt 0; }
.choose[hidden] { display: none; }
.choose label { display: grid; font-size: 9pt; color: var(--quiet); }
"""
_STATES = ("newest", "older", "provisional", "outdated")


def write_index(catalog: Catalog, root: Path, workspaces: Sequence[str]) -> Path:
    """Write the page of each of *workspaces*, then `index.html` below *root*; return its path.

    A lock lets one process write at a time: a slower one would overwrite a newer list with an older one.
    """
    require_store(root, "archive")
    path = root / INDEX
    with file_lock(path):
        for workspace in workspaces:
            _write_page(root / workspace / INDEX, [], list(_list_entries(catalog.versions(workspace))))
        workspace_rows = catalog.workspaces()
        single_workspace = workspace_rows[0]["workspace"] if len(workspace_rows) == 1 else None
        entries = (
            list(_list_entries(catalog.versions(single_workspace), f"{single_workspace}/"))
            if single_workspace
            else []
        )
        _write_page(path, [] if single_workspace else workspace_rows, entries)
    return path


def _write_page(path: Path, workspaces: Sequence[RowMapping], entries: Sequence[dict[str, Any]]) -> None:
    style = Markup(render_stylesheet("screen") + _STYLE)  # noqa: S704 - our own files
    page = (
        jinja_environment("en")
        .get_template("index/index.html.j2")
        .render(
            style=style,
            script=Markup((TEMPLATES / "index" / "index.js").read_text(encoding="utf-8")),  # noqa: S704 - our own file
            workspaces=workspaces,
            entries=entries,
            reports=sorted({(entry["report"], entry["title"]) for entry in entries}),
            states=_STATES if entries else ("newest", "outdated"),
        )
    )
    write_atomic(path, page.encode())


def _list_entries(versions: Sequence[RowMapping], prefix: str = "") -> Iterator[dict[str, Any]]:
    """Yield the template's values of *versions* (newest first), with folders relative to the page."""
    seen = set()
    for version in versions:
        key = (version["report"], version["report_date"])
        yield dict(version) | {
            "folder": f"{prefix}{version['report']}/{version['report_date']}/v{version['version']}",
            "opens": opened_first(version["files"]),
            "is_latest": key not in seen,
            "states": " ".join(_states_of(version, is_latest=key not in seen)),
        }
        seen.add(key)


def _states_of(version: RowMapping, *, is_latest: bool) -> Iterator[str]:
    yield "newest" if is_latest else "older"
    if version["provisional"]:
        yield "provisional"
    if version["outdated_since"]:
        yield "outdated"
