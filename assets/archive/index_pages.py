"""The archive's index pages, written from the catalog; they work from `file://`.

`index.html` lists the workspaces, `<workspace>/index.html` its newest reports as cards, and the versions of
the newest report dates in a table. Where there are more, `<workspace>/2026-11.html` lists those of a month;
such a page is written only when it changes. A script searches and filters the rows; without it, all are
shown. `<workspace>/<report>/index.html` leads to the newest version of a report, so that versions can link to
it.
"""

import hashlib
import json
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup
from sqlalchemy import RowMapping

from assets.archive.archive import opened_first
from assets.archive.catalog import Catalog
from assets.archive.version import REPORT
from assets.periods import Preset
from assets.render.changes import list_changes
from assets.render.html.page import jinja_environment
from assets.render.html.stylesheet import INK, brand_rule
from assets.render.i18n import load_words
from assets.render.template_files import TEMPLATES
from assets.report.model import Look, Verbatim
from assets.runtime.atomic_files import write_atomic
from assets.runtime.extras import require_store
from assets.runtime.file_locks import file_lock

INDEX = "index.html"
INDEX_TEMPLATE = "index.html.j2"
MAX_LISTED = 500
"""With this number of versions, the page of a workspace lists only those of the newest report dates."""

_MONTHS = ".months.json"
_DUE = ".index_due"
_DEFAULT_LANGUAGE = "en"
_LISTED_CHANGES = 5
_FILE_KINDS = ("html", "pdf", "xlsx", "csv", "parquet", "json")
_ORDER = (Preset.EXPLORER, *Preset)


def mark_index_due(root: Path, workspace: str) -> None:
    """Remember below *root* that the pages of *workspace* must be written, even if this process dies."""
    write_atomic(root / workspace / _DUE, b"")


def is_index_due(root: Path, workspace: str) -> bool:
    """Tell whether the catalog of *workspace* may have changed since its pages were written."""
    return (root / workspace / _DUE).exists()


def write_index(catalog: Catalog, root: Path, workspaces: Sequence[str]) -> Path:
    """Write the page of each of *workspaces*, then `index.html` below *root*; return its path.

    A lock lets one process write at a time: a slower one would overwrite a newer list with an older one.
    Raises the first OSError of a workspace's folder, after the other pages are written.
    """
    require_store(root, "archive")
    path = root / INDEX
    failed: OSError | None = None
    written = []
    with file_lock(path):
        for workspace in workspaces:
            try:
                _write_workspace(catalog, root, workspace)
            except OSError as error:
                failed = failed or error
            else:
                written.append(workspace)
        rows = catalog.workspaces()
        if len(rows) == 1:
            slug = rows[0]["workspace"]
            page = _workspace_page(catalog, root, slug, f"{slug}/")
        else:
            page = _render_page(_common_language(catalog.languages()), None, workspaces=rows)
        write_atomic(path, page.encode())
        for workspace in written:
            (root / workspace / _DUE).unlink(missing_ok=True)
    if failed:
        raise failed
    return path


def _write_workspace(catalog: Catalog, root: Path, workspace: str) -> None:
    write_atomic(root / workspace / INDEX, _workspace_page(catalog, root, workspace).encode())
    _write_months(catalog, root, workspace)
    _write_redirects(root, workspace, catalog.newest_of_each(workspace))


def _workspace_page(catalog: Catalog, root: Path, workspace: str, prefix: str = "") -> str:
    """Return the page of *workspace*; its links begin with *prefix*."""
    newest = catalog.newest_of_each(workspace)
    language = _common_language({row["language"] for row in newest})
    cards = sorted(_list_entries(newest, prefix, language), key=_position)
    since = catalog.date_of_row(workspace, MAX_LISTED)
    versions = _ordered(catalog.versions(workspace, since or date.min))
    return _render_page(
        language,
        _read_look(newest, root),
        entries=list(_list_entries(versions, prefix, language)),
        cards=cards,
        reports=cards,
        months=catalog.months(workspace) if since else (),
        prefix=prefix,
    )


def _write_months(catalog: Catalog, root: Path, workspace: str) -> None:
    """Write the page of each month of report dates that has changed, and remove pages of no month."""
    folder, newest = root / workspace, catalog.newest_of_each(workspace)
    look, language = _read_look(newest, root), _common_language({row["language"] for row in newest})
    months = catalog.months(workspace) if catalog.date_of_row(workspace, MAX_LISTED) else {}
    made_of_all = [language, look and look.model_dump_json(), _templates_digest()]
    stored = {path.name for path in folder.glob("????-??.html")}
    before: dict[str, str] = {}
    with suppress(FileNotFoundError, ValueError):  # without it, every page is written again
        before = json.loads((folder / _MONTHS).read_bytes())
    digests = {}
    for later, month, earlier in zip([None, *months], months, [*list(months)[1:], None], strict=False):
        name = _month_page(month)
        made_of = json.dumps([months[month], later, earlier, *made_of_all], default=str)
        digests[name] = hashlib.sha256(made_of.encode()).hexdigest()
        if name not in stored or before.get(name) != digests[name]:
            versions = _ordered(catalog.versions(workspace, month, _last_day(month)))
            entries = list(_list_entries(versions, "", language))
            reports = sorted({entry["report"]: entry for entry in entries}.values(), key=_position)
            values = {"entries": entries, "reports": reports, "later": later, "month": month}
            write_atomic(folder / name, _render_page(language, look, **values, earlier=earlier).encode())
    for name in stored - digests.keys():
        (folder / name).unlink()
    if digests != before:
        write_atomic(folder / _MONTHS, json.dumps(digests, indent=1).encode())


def _month_page(month: date) -> str:
    return f"{month:%Y-%m}.html"


def _last_day(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def _ordered(versions: Iterable[RowMapping]) -> list[RowMapping]:
    """Return *versions*, newest report date first, then in the order of the presets, newest version first."""
    return sorted(
        versions,
        key=lambda row: (-row["report_date"].toordinal(), _position(row)[0], row["report"], -row["version"]),
    )


@cache
def _templates_digest() -> str:
    """Return a digest of the files that the pages are made of, beside the rows."""
    names = (INDEX_TEMPLATE, "index.css", "index.js")
    return hashlib.sha256("".join(map(_read_template, names)).encode()).hexdigest()


def _write_redirects(root: Path, workspace: str, versions: Sequence[RowMapping]) -> None:
    """Write `<report>/index.html` for each report of *workspace*, which leads to its newest version.

    *versions* are these, the newest report date first. That of a report which has none yet leads to the
    list, since pages of other reports link to it.
    """
    newest = {version["report"]: version for version in versions}
    look = _read_look(versions, root)
    titles = {sibling.name: sibling.title for sibling in look.siblings} if look else {}
    titles |= {name: _title(version) for name, version in newest.items()}
    for name, title in titles.items():
        found = newest.get(name)
        language = (found["language"] if found else look and look.language) or _DEFAULT_LANGUAGE
        target = f"../{INDEX}"
        if found:
            target = f"{found['report_date']}/v{found['version']}/{opened_first(found['files'])}"
        jinja = jinja_environment(language)
        page = jinja.get_template("index/redirect.html.j2").render(title=title, target=target)
        write_atomic(root / workspace / name / INDEX, page.encode())
    for path in (root / workspace).glob(f"*/{INDEX}"):
        if path.parent.name not in titles:
            path.unlink()


def _position(row: RowMapping | dict[str, Any]) -> tuple[int, str]:
    """Return the place of a report among others: the explorer, the presets in their order, then by title."""
    name = row["report"]
    return _ORDER.index(name) if name in _ORDER else len(_ORDER), row["title"]


def _common_language(languages: set[str | None]) -> str:
    """Return the language if there is only one, else English."""
    return next(iter(languages)) or _DEFAULT_LANGUAGE if len(languages) == 1 else _DEFAULT_LANGUAGE


def _read_look(versions: Sequence[RowMapping], root: Path) -> Look | None:
    """Return the look of the newest version; None if it is lost or damaged, or of another release."""
    if not versions:
        return None
    newest = versions[0]
    try:
        report = json.loads((root / newest["workspace"] / _folder(newest) / REPORT).read_bytes())
        return Look.model_validate(report["look"])
    except (FileNotFoundError, ValueError):
        return None


def _title(version: RowMapping) -> str:
    """Return the title of a *version*: that of a preset is translated, a configured one is not."""
    name, title = version["report"], version["title"]
    return title if name in {*Preset} and title == Preset(name).label else Verbatim(title)


def _folder(version: RowMapping) -> str:
    """Return the folder of a *version*, relative to its workspace's."""
    return f"{version['report']}/{version['report_date']}/v{version['version']}"


def _render_page(language: str, look: Look | None, **values: object) -> str:
    style = brand_rule(look.color if look else INK) + _read_template("index.css")
    values = {
        "style": Markup(style),  # noqa: S704 - our own file, a checked color
        "script": Markup(_read_template("index.js")),  # noqa: S704 - our own file
        "logo": look.logo if look else "",
        "language": language,
        "workspaces": (),
        "entries": (),
        "cards": (),
        "reports": (),
        "months": (),
        "month": None,
        "page_of": _month_page,
        "explorer": Preset.EXPLORER.value,
    } | values
    return jinja_environment(language).get_template(f"index/{INDEX_TEMPLATE}").render(values)


def _read_template(name: str) -> str:
    return (TEMPLATES / "index" / name).read_text(encoding="utf-8")


def _list_entries(versions: Sequence[RowMapping], prefix: str, language: str) -> Iterator[dict[str, Any]]:
    """Yield the template's values of *versions*, whose newest report date and version comes first."""
    words = load_words(language)
    latest = set()
    for version in versions:
        key = version["report"], version["report_date"]
        changes = [(name, *values) for name, values in (version["changes"] or {}).items()]
        yield dict(version) | {
            "title": _title(version),
            "folder": f"{prefix}{_folder(version)}",
            "opens": opened_first(version["files"]),
            "files": sorted(version["files"], key=_file_position),
            "is_latest": key not in latest,
            "status": " ".join(_list_status(version, is_latest=key not in latest)),
            "change_texts": list_changes(changes, words, max_listed=_LISTED_CHANGES),
        }
        latest.add(key)


def _file_position(name: str) -> tuple[int, str]:
    """Return the place of a file in the list of links: those for people first."""
    kind = name.rpartition(".")[2]
    return _FILE_KINDS.index(kind) if kind in _FILE_KINDS else len(_FILE_KINDS), name


def _list_status(version: RowMapping, *, is_latest: bool) -> Iterator[str]:
    yield "latest" if is_latest else "superseded"
    if version["provisional"]:
        yield "provisional"
    if version["outdated_since"]:
        yield "outdated"
