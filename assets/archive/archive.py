"""The archive: every version of a report is a folder of files with a manifest, and never changes.

A folder is `<root>/<workspace>/<report>/<report date>/v<N>/`. The same content stays the same version;
changed content becomes the next one, whose manifest names the version it supersedes and the changes.
`<report>~<variant>` beside a report holds a variant for single recipients, under the number of its
version. The index pages are in `index_pages.py`.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote

from pydantic import ValidationError

from assets.archive.version import (
    MANIFEST,
    REPORT,
    VARIANT,
    Archived,
    Cause,
    FileEntry,
    Files,
    Key,
    Manifest,
    Origin,
    Supersedes,
    changed_figures,
)
from assets.errors import PermanentError, StorageUnusable
from assets.report.model import Report
from assets.runtime.atomic_files import remove_folder, remove_leftovers, write_folder
from assets.runtime.extras import require_store


class NotArchived(PermanentError, FileNotFoundError):
    """A version is not in the archive, or no longer."""


class Archive:
    """The archived reports below *root*. Raises MissingExtraError."""

    def __init__(self, root: Path) -> None:
        require_store(root, "archive")
        self.root = root

    def holds(self, report: Report) -> bool:
        """Tell whether the newest version equals *report*.

        The as-of instants may differ if the period is over at both: they count the same events.
        """
        latest = self.latest(report.workspace, report.name, report.report_date)
        if latest is None:
            return False
        try:
            archived = Report.model_validate_json((latest[0] / REPORT).read_bytes())
        except ValidationError:  # written by a release with another model
            return False
        both_over = min(archived.as_of, report.as_of) >= report.period.end
        return archived == (report.model_copy(update={"as_of": archived.as_of}) if both_over else report)

    def latest(self, workspace: str, report: str, report_date: date) -> tuple[Path, Manifest] | None:
        """Return the newest version of a report, or None."""
        folder = self.root / workspace / report / str(report_date)
        if not (versions := _complete_versions(folder)):
            return None
        newest = folder / f"v{max(versions)}"
        return newest, _read_manifest(newest)

    def read(self, key: Key, version: int) -> Archived:
        """Return an archived version. Raises NotArchived."""
        folder = self._folder(key, version)
        try:
            return Archived(folder, _read_manifest(folder), is_new=False)
        except FileNotFoundError:
            raise NotArchived(f"{folder} is missing") from None

    def _folder(self, key: Key, version: int) -> Path:
        return self.root / key.workspace / key.report / str(key.report_date) / f"v{version}"

    def store(self, report: Report, origin: Origin, render: Callable[[int], Files]) -> Archived:
        """Store *report*; *render* returns the files of a version, and is called only for new content.

        Two runs may call this at once: the second returns the first one's version, or stores the next.
        """
        while True:
            if archived := self.find(report):
                return archived
            latest = self.latest(report.workspace, report.name, report.report_date)
            previous = latest[1] if latest else None
            folder = self.root / report.workspace / report.name / str(report.report_date)
            version = 1 + max(_started_versions(folder), default=0)
            try:
                return self._write_version(report, (report.name, version), origin, render(version), previous)
            except FileExistsError:
                continue

    def find(self, report: Report) -> Archived | None:
        """Return the newest version of *report* if it has the same content, else None."""
        latest = self.latest(report.workspace, report.name, report.report_date)
        return Archived(*latest, is_new=False) if latest and self.holds(report) else None

    def store_part(
        self, report: Report, part: str, version: int, origin: Origin, render: Callable[[int], Files]
    ) -> Archived:
        """Store *report* as the variant *part* of the archived *version*."""
        name = f"{report.name}{VARIANT}{part}"
        previous = self.latest(report.workspace, name, report.report_date)
        try:
            return self._write_version(
                report, (name, version), origin, render(version), previous[1] if previous else None
            )
        except FileExistsError:  # two subscriptions share the variant
            key = Key(report.workspace, report.name, report.report_date)
            archived = self.part(key, part, version)
            if archived is not None:
                return archived
            remove_folder(self._folder(key._replace(report=name), version), first=MANIFEST)
            return self.store_part(report, part, version, origin, render)

    def part(self, key: Key, part: str, version: int) -> Archived | None:
        """Return the variant *part* of a version, or None if it is not archived."""
        try:
            return self.read(key._replace(report=f"{key.report}{VARIANT}{part}"), version)
        except NotArchived:
            return None

    def _write_version(
        self,
        report: Report,
        named: tuple[str, int],
        origin: Origin,
        rendered: Files,
        previous: Manifest | None,
    ) -> Archived:
        """Write the folder of *report* as the version *named* (name, number). Raises FileExistsError."""
        name, version = named
        files = {REPORT: _report_bytes(report), **rendered}
        manifest = Manifest(
            workspace=report.workspace,
            workspace_name=report.workspace_name,
            report=name,
            title=report.title,
            report_date=report.report_date,
            version=version,
            period=report.period,
            as_of=report.as_of_local,
            total=report.total,
            by_source={source.label: source.count for source in report.by_source},
            provisional=report.provisional,
            reasons=tuple(reason.code for reason in report.reasons),
            has_no_data=report.has_no_data,
            data_version=report.data_version,
            configuration=dict(origin.configuration),
            made_with=dict(origin.made_with),
            files=tuple(_file_entry(name, data) for name, data in sorted(files.items())),
            supersedes=_compare_versions(previous, report, origin) if previous else None,
        )
        folder = self.root / report.workspace / name / str(report.report_date) / f"v{version}"
        files |= {MANIFEST: f"{manifest.model_dump_json(indent=2)}\n".encode()}
        write_folder(folder, files, first=REPORT, last=MANIFEST)
        return Archived(folder, manifest, is_new=True)

    def prune(self, keep: int | None, oldest: date) -> list[tuple[Key, int]]:
        """Remove report dates before *oldest* and all but the newest *keep* versions; return the removed."""
        removed = []
        for folder in sorted(self.root.glob("*/*/*/")):
            versions = sorted(_started_versions(folder))
            if not versions:
                continue
            key = Key(folder.parent.parent.name, folder.parent.name, date.fromisoformat(folder.name))
            retained = () if key.report_date < oldest else versions[-keep:] if keep else versions
            for number in [number for number in versions if number not in retained]:
                removed.append((key, number))
                remove_folder(folder / f"v{number}", first=MANIFEST)
        return removed

    def remove(self, key: Key, before: int) -> list[tuple[Key, int]]:
        """Remove the versions of a report below *before* and all its variants; return the removed."""
        removed = []
        for folder in self.root.glob(f"{key.workspace}/{key.report}*/{key.report_date}/"):
            name, _, part = folder.parent.name.partition(VARIANT)
            if name != key.report:
                continue
            for number in sorted(_started_versions(folder)):
                if part or number < before:
                    removed.append((key._replace(report=folder.parent.name), number))
                    remove_folder(folder / f"v{number}", first=MANIFEST)
        return removed

    def tidy(self, before: datetime) -> int:
        """Remove what killed writers left before *before*; return the number.

        That is temporary files and folders, or in an object store versions without a manifest.
        """
        if isinstance(self.root, Path):
            return remove_leftovers(self.root, ("", "*/", "*/*/", "*/*/*/"), before)
        begun, ended = (
            {path.parent: path for path in self.root.glob(f"*/*/*/v*/{name}")} for name in (REPORT, MANIFEST)
        )
        left = [
            folder
            for folder in begun.keys() - ended.keys()
            if begun[folder].stat().st_mtime < before.timestamp()
        ]
        for folder in left:
            remove_folder(folder, first=MANIFEST)
        return len(left)

    def held(self) -> set[tuple[Key, int]]:
        """Return every version and variant that is in the archive."""
        return {
            (
                Key(folder.parents[2].name, folder.parents[1].name, date.fromisoformat(folder.parent.name)),
                int(folder.name[1:]),
            )
            for folder in (path.parent for path in self.root.glob(f"*/*/*/v*/{MANIFEST}"))
        }

    def versions(self) -> list[tuple[Archived, datetime, datetime]]:
        """Return every version, lower numbers first, with its as-of instant and when it was archived.

        Variants are not included: they belong to their recipients.
        """
        versions = []
        for path in self.root.glob(f"*/*/*/v*/{MANIFEST}"):
            if VARIANT in path.parents[2].name:
                continue
            manifest = _read_manifest(path.parent)
            as_of = datetime.fromisoformat(json.loads((path.parent / REPORT).read_bytes())["as_of"])
            archived_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            versions.append((Archived(path.parent, manifest, is_new=False), as_of, archived_at))
        return sorted(versions, key=lambda entry: entry[0].manifest.version)


def opened_first(names: Sequence[str]) -> str:
    """Return the file of a version that a link opens."""
    return next(name for name in ("report.html", "report.pdf", REPORT) if name in names)


def address(root: Path, url: str | None, file: Path) -> str:
    """Return the URL of an archived *file*: below *url*, or a `file:` URL without one."""
    if url is None:
        return file.as_uri()
    return f"{url.rstrip('/')}/{quote(file.relative_to(root).as_posix())}"


def _read_manifest(folder: Path) -> Manifest:
    """Return the manifest in the *folder* of a version. Raises StorageUnusable where it is damaged."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except ValidationError:
        raise StorageUnusable(
            f"{folder / MANIFEST} is damaged, or of another release; restore {folder} from a backup, or "
            "remove it and run `assignment-reports reindex`, and run again"
        ) from None


def _complete_versions(folder: Path) -> list[int]:
    """Return the numbers of the complete versions, which have a manifest."""
    return [int(path.parent.name[1:]) for path in folder.glob(f"v*/{MANIFEST}")]


def _started_versions(folder: Path) -> list[int]:
    """Return every number in use: on an object store a killed process leaves an incomplete version."""
    return [int(path.name[1:]) for path in folder.glob("v*") if path.name[1:].isdigit()]


def _report_bytes(report: Report) -> bytes:
    return report.model_dump_json(indent=2).encode() + b"\n"


def _file_entry(name: str, data: bytes) -> FileEntry:
    return FileEntry(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())


def _compare_versions(previous: Manifest, report: Report, origin: Origin) -> Supersedes:
    causes = {
        Cause.CONFIGURATION: previous.configuration != json.loads(json.dumps(origin.configuration)),
        Cause.DATA: previous.data_version != report.data_version,
    }
    return Supersedes(
        version=previous.version,
        changes=changed_figures(previous, report),
        causes=tuple(cause for cause, holds in causes.items() if holds),
    )
