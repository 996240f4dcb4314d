"""The archive: every report as a folder of files with a manifest, in versions that never change.

`<root>/<workspace>/<report>/<report date>/v<N>/`. Same content, same version; changed content, the
next one, which names the one it supersedes and what changed. `<report>~<part>` beside a report holds
what single recipients are sent of it, under the version's own number. The pages are in `index_pages.py`.
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
from assets.errors import PermanentError
from assets.report.model import Report
from assets.runtime.atomic_files import remove_folder, write_folder
from assets.runtime.extras import require_store


class NotArchived(PermanentError, FileNotFoundError):
    """A version is not in the archive, or not any more."""


class Archive:
    """The archived reports below *root*. Raises MissingExtraError."""

    def __init__(self, root: Path) -> None:
        require_store(root, "archive")
        self.root = root

    def holds(self, report: Report) -> bool:
        """Tell whether the newest version says what *report* says.

        The as-of instant of a period that was over makes no difference: it counts the same events.
        """
        latest = self.latest(report.workspace, report.name, report.report_date)
        if latest is None:
            return False
        try:
            kept = Report.model_validate_json((latest[0] / REPORT).read_bytes())
        except ValidationError:  # written by a release that said other things
            return False
        both_over = min(kept.as_of, report.as_of) >= report.period.end
        return kept == (report.model_copy(update={"as_of": kept.as_of}) if both_over else report)

    def latest(self, workspace: str, report: str, report_date: date) -> tuple[Path, Manifest] | None:
        """Return the newest version of a report, or None."""
        folder = self.root / workspace / report / str(report_date)
        if not (versions := _whole_versions(folder)):
            return None
        newest = folder / f"v{max(versions)}"
        return newest, Manifest.model_validate_json((newest / MANIFEST).read_bytes())

    def read(self, key: Key, version: int) -> Archived:
        """Return a version that is archived. Raises NotArchived."""
        folder = self._folder(key, version)
        try:
            manifest = (folder / MANIFEST).read_bytes()
        except FileNotFoundError:
            raise NotArchived(f"{folder} is not there") from None
        return Archived(folder, Manifest.model_validate_json(manifest), is_new=False)

    def _folder(self, key: Key, version: int) -> Path:
        return self.root / key.workspace / key.report / str(key.report_date) / f"v{version}"

    def store(self, report: Report, origin: Origin, render: Callable[[int], Files]) -> Archived:
        """Keep *report*; *render* makes a version's files, and is called only where its content is new.

        Two runs may do this at once: the second finds what the first kept, or keeps the next version.
        """
        while True:
            latest = self.latest(report.workspace, report.name, report.report_date)
            if latest and self.holds(report):
                return Archived(*latest, is_new=False)
            before = latest[1] if latest else None
            folder = self.root / report.workspace / report.name / str(report.report_date)
            version = 1 + max(_begun_versions(folder), default=0)
            try:
                return self._write_version(report, (report.name, version), origin, render(version), before)
            except FileExistsError:
                continue

    def store_part(
        self, report: Report, part: str, version: int, origin: Origin, render: Callable[[int], Files]
    ) -> Archived:
        """Keep *report* as the *part* of the archived *version* that its recipients are sent."""
        name = f"{report.name}{VARIANT}{part}"
        before = self.latest(report.workspace, name, report.report_date)
        try:
            return self._write_version(
                report, (name, version), origin, render(version), before[1] if before else None
            )
        except FileExistsError:  # two subscriptions have the same part
            key = Key(report.workspace, report.name, report.report_date)
            kept = self.part(key, part, version)
            if kept is not None:
                return kept
            remove_folder(self._folder(key._replace(report=name), version), first=MANIFEST)
            return self.store_part(report, part, version, origin, render)

    def part(self, key: Key, part: str, version: int) -> Archived | None:
        """Return the *part* of a version, where somebody was sent it already."""
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
        before: Manifest | None,
    ) -> Archived:
        """Keep *report* as the version *named*: its folder, and its number."""
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
            by_source={each.label: each.count for each in report.by_source},
            provisional=report.provisional,
            reasons=tuple(each.code for each in report.reasons),
            has_no_data=report.has_no_data,
            data_version=report.data_version,
            configuration=dict(origin.configuration),
            made_with=dict(origin.made_with),
            files=tuple(_file_entry(name, data) for name, data in sorted(files.items())),
            supersedes=_compare_versions(before, report, origin) if before else None,
        )
        folder = self.root / report.workspace / name / str(report.report_date) / f"v{version}"
        files |= {MANIFEST: f"{manifest.model_dump_json(indent=2)}\n".encode()}
        write_folder(folder, files, first=REPORT, last=MANIFEST)
        return Archived(folder, manifest, is_new=True)

    def prune(self, keep: int | None, oldest: date) -> list[tuple[Key, int]]:
        """Remove report dates before *oldest*, and all but the newest *keep* versions; return what went."""
        removed = []
        for folder in sorted(self.root.glob("*/*/*/")):
            versions = sorted(_begun_versions(folder))
            if not versions:
                continue
            key = Key(folder.parent.parent.name, folder.parent.name, date.fromisoformat(folder.name))
            kept = () if key.report_date < oldest else versions[-keep:] if keep else versions
            for number in (each for each in versions if each not in kept):
                removed.append((key, number))
                remove_folder(folder / f"v{number}", first=MANIFEST)
        return removed

    def remove(self, key: Key, before: int) -> list[tuple[Key, int]]:
        """Remove the versions of a report older than *before*, and all its parts; return what went."""
        removed = []
        for folder in self.root.glob(f"{key.workspace}/{key.report}*/{key.report_date}/"):
            name, _, part = folder.parent.name.partition(VARIANT)
            if name != key.report:
                continue
            for number in sorted(_begun_versions(folder)):
                if part or number < before:
                    removed.append((key._replace(report=folder.parent.name), number))
                    remove_folder(folder / f"v{number}", first=MANIFEST)
        return removed

    def held(self) -> set[tuple[Key, int]]:
        """Return every version and part that is there."""
        return {
            (
                Key(folder.parents[2].name, folder.parents[1].name, date.fromisoformat(folder.parent.name)),
                int(folder.name[1:]),
            )
            for folder in (path.parent for path in self.root.glob(f"*/*/*/v*/{MANIFEST}"))
        }

    def versions(self) -> list[tuple[Archived, datetime, datetime]]:
        """Return every version, older ones first, with its as-of instant and when it was archived.

        Parts are left out: they belong to those they were sent to.
        """
        found = []
        for path in self.root.glob(f"*/*/*/v*/{MANIFEST}"):
            if VARIANT in path.parents[2].name:
                continue
            manifest = Manifest.model_validate_json(path.read_bytes())
            as_of = datetime.fromisoformat(json.loads((path.parent / REPORT).read_bytes())["as_of"])
            archived_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            found.append((Archived(path.parent, manifest, is_new=False), as_of, archived_at))
        return sorted(found, key=lambda each: each[0].manifest.version)


def opened_first(names: Sequence[str]) -> str:
    """Return which of a version's files people open."""
    return next(name for name in ("report.html", "report.pdf", REPORT) if name in names)


def address(root: Path, url: str | None, file: Path) -> str:
    """Return the URL of an archived *file*; without a web server at *url*, one of this machine."""
    if url is None:
        return file.as_uri()
    return f"{url.rstrip('/')}/{quote(file.relative_to(root).as_posix())}"


def _whole_versions(folder: Path) -> list[int]:
    """Return the versions that are whole."""
    return [int(path.parent.name[1:]) for path in folder.glob(f"v*/{MANIFEST}")]


def _begun_versions(folder: Path) -> list[int]:
    """Return every number that was begun: on an object store a killed process leaves a torn one."""
    return [int(path.name[1:]) for path in folder.glob("v*") if path.name[1:].isdigit()]


def _report_bytes(report: Report) -> bytes:
    return report.model_dump_json(indent=2).encode() + b"\n"


def _file_entry(name: str, data: bytes) -> FileEntry:
    return FileEntry(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())


def _compare_versions(before: Manifest, report: Report, origin: Origin) -> Supersedes:
    causes = {
        Cause.CONFIGURATION: before.configuration != json.loads(json.dumps(origin.configuration)),
        Cause.DATA: before.data_version != report.data_version,
    }
    return Supersedes(
        version=before.version,
        changes=changed_figures(before, report),
        causes=tuple(cause for cause, holds in causes.items() if holds),
    )
