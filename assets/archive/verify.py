"""Verify the archive: read and hash every file of versions and outboxes again."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from assets.archive.version import MANIFEST, FileEntry, Key, Manifest


@dataclass(slots=True)
class Verified:
    """The number of versions and files read, and a sentence for each fault."""

    version_count: int = 0
    file_count: int = 0
    faults: list[str] = field(default_factory=list)


def verify_archive(root: Path, listed: Iterable[tuple[Key, int]]) -> Verified:
    """Compare every version below *root* with its manifest, and all of them with those *listed*.

    Temporary folders of an active run, whose names begin with a dot, are ignored.
    """
    verified = Verified()
    folders = sorted(path for path in root.glob("*/*/*/v*") if path.name[1:].isdecimal())
    for folder in folders:
        verified.version_count += 1
        try:
            verified.file_count += sum(path.is_file() for path in folder.iterdir())
            faults = list(_find_faults(folder))
        except OSError as error:
            faults = [f"cannot be read: {error.strerror}"]
        verified.faults += (f"{folder.relative_to(root)}: {fault}" for fault in faults)
    for mail in sorted(root.glob("*/.outbox/[0-9a-f]*.*")):
        verified.file_count += 1
        if _hash_file(mail) != mail.stem:
            verified.faults.append(f"{mail.relative_to(root)} was changed")
    missing = {_version_folder(root, key, version) for key, version in listed} - set(folders)
    verified.faults += (
        f"{folder.relative_to(root)}: is in the catalog, but missing" for folder in sorted(missing)
    )
    return verified


def _version_folder(root: Path, key: Key, version: int) -> Path:
    return root / key.workspace / key.report / str(key.report_date) / f"v{version}"


def _find_faults(folder: Path) -> Iterator[str]:
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        yield f"{MANIFEST} is missing"
        return
    except ValidationError as error:
        yield f"{MANIFEST} is damaged or of another release ({error.error_count():,} invalid values)"
        return
    key = Key(manifest.workspace, manifest.report, manifest.report_date)
    root = folder.parents[3]
    if _version_folder(root, key, manifest.version) != folder:
        yield f"{MANIFEST} is that of {_version_folder(root, key, manifest.version).relative_to(root)}"
    yield from filter(None, (_find_fault(folder / entry.name, entry) for entry in manifest.files))
    unexpected = (
        {path.name for path in folder.iterdir()} - {entry.name for entry in manifest.files} - {MANIFEST}
    )
    yield from (f"{name} is not in the manifest" for name in sorted(unexpected))


def _find_fault(path: Path, entry: FileEntry) -> str | None:
    if not path.is_file():
        return f"{entry.name} is missing"
    if path.stat().st_size != entry.size:
        return f"{entry.name} has {path.stat().st_size:,} bytes of {entry.size:,}"
    return None if _hash_file(path) == entry.sha256 else f"{entry.name} was changed"


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
