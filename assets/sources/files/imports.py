"""Imported files: the days that they cover are read from them, and no longer from the source.

Each is stored in a folder of its own with its metadata, so that its days can be reloaded at any time.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import cast

from pydantic import BaseModel

from assets.config.source import IMPORTED, FilesSource, reading_version
from assets.runtime.atomic_files import atomic_folder
from assets.sources.base import Source
from assets.sources.files.source import Files

_ABOUT = "import.json"


class About(BaseModel):
    """The metadata of an imported file: the days that it covers, both included, and its reading options."""

    first_day: date
    last_day: date
    options: FilesSource


@dataclass(frozen=True, slots=True)
class Import:
    """An imported file; a later import has a higher `number`."""

    number: int
    about: About
    folder: Path

    @property
    def source(self) -> Files:
        """Return the reader of the file."""
        return Files(self.about.options.model_copy(update={"path": str(self.folder / "data" / "*")}))

    def covers(self, day: date) -> bool:
        """Return whether *day* is read from the file."""
        return self.about.first_day <= day <= self.about.last_day


def imports_of(folder: Path) -> list[Import]:
    """Return the imports in the *folder* of a workspace, the latest first."""
    folders = sorted((int(path.parent.name), path.parent) for path in folder.glob(f"*/{_ABOUT}"))
    return [
        Import(number, About.model_validate_json((path / _ABOUT).read_text()), path)
        for number, path in reversed(folders)
    ]


def keep_import(folder: Path, file: Path, about: About) -> Import:
    """Copy *file* into the *folder* of a workspace; from now on its days are read from the copy."""
    number = max((existing.number for existing in imports_of(folder)), default=0) + 1
    place = folder / str(number)
    with atomic_folder(place) as temporary:
        (temporary / "data").mkdir()
        shutil.copyfile(file, temporary / "data" / file.name)
        (temporary / _ABOUT).write_text(about.model_dump_json(indent=2))
    return Import(number, about, place)


@dataclass(frozen=True, slots=True)
class DaySources:
    """The source of each day of a workspace: the latest import that covers it, else the main source."""

    main: Source
    imports: list[Import]

    def version_of(self, day: date) -> str:
        """Return the version of reading *day*: of the source's configuration, or of an import."""
        covering = self._import_of(day)
        return f"{IMPORTED}{covering.number}" if covering else self.main_version

    @property
    def main_version(self) -> str:
        """Return the version of the main source's configuration."""
        return reading_version(cast("BaseModel", self.main.options))

    def is_imported(self, day: date) -> bool:
        """Return whether *day* is read from an imported file."""
        return self._import_of(day) is not None

    def parts(self, days: Iterable[date]) -> Iterator[tuple[Source, list[date]]]:
        """Yield each source with those of *days* that are read from it, in order of their first day."""
        by_number = dict[int, tuple[Source, list[date]]]()
        for day in sorted(days):
            covering = self._import_of(day)
            by_number.setdefault(
                covering.number if covering else 0, (covering.source if covering else self.main, [])
            )[1].append(day)
        yield from by_number.values()

    def _import_of(self, day: date) -> Import | None:
        return next((candidate for candidate in self.imports if candidate.covers(day)), None)
