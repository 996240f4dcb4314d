"""Files that were imported once: the days that they cover are read from them, and no more from the source.

Each lies in a folder of its own with what it is, so that a day can be loaded again as often as one likes.
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
    """What an imported file is: the days that it covers, both included, and how it is read."""

    first_day: date
    last_day: date
    options: FilesSource


@dataclass(frozen=True, slots=True)
class Import:
    """A file that was imported; `number` tells which came later."""

    number: int
    about: About
    folder: Path

    @property
    def source(self) -> Files:
        """The reader of the file."""
        return Files(self.about.options.model_copy(update={"path": str(self.folder / "data" / "*")}))

    def covers(self, day: date) -> bool:
        """Tell whether *day* is read from the file."""
        return self.about.first_day <= day <= self.about.last_day


def imports_of(folder: Path) -> list[Import]:
    """Return what was imported into the *folder* of a workspace, the last first."""
    found = sorted((int(path.parent.name), path.parent) for path in folder.glob(f"*/{_ABOUT}"))
    return [
        Import(number, About.model_validate_json((path / _ABOUT).read_text()), path)
        for number, path in reversed(found)
    ]


def keep_import(folder: Path, file: Path, about: About) -> Import:
    """Copy *file* into the *folder* of a workspace: from now on its days are read from there."""
    number = max((each.number for each in imports_of(folder)), default=0) + 1
    place = folder / str(number)
    with atomic_folder(place) as temporary:
        (temporary / "data").mkdir()
        shutil.copyfile(file, temporary / "data" / file.name)
        (temporary / _ABOUT).write_text(about.model_dump_json(indent=2))
    return Import(number, about, place)


@dataclass(frozen=True, slots=True)
class DaySources:
    """Who is asked for which day of a workspace: its source, or the last import that covers it."""

    main: Source
    imports: list[Import]

    def version_of(self, day: date) -> str:
        """Return what tells the reading of *day* from another one: of the source, or of an import."""
        found = self._import_of(day)
        return f"{IMPORTED}{found.number}" if found else reading_version(cast("BaseModel", self.main.options))

    def is_imported(self, day: date) -> bool:
        """Tell whether *day* is read from an imported file."""
        return self._import_of(day) is not None

    def parts(self, days: Iterable[date]) -> Iterator[tuple[Source, list[date]]]:
        """Yield each source with those of *days* that are read from it, in order; the first day's first."""
        found = dict[int, tuple[Source, list[date]]]()
        for day in sorted(days):
            one = self._import_of(day)
            found.setdefault(one.number if one else 0, (one.source if one else self.main, []))[1].append(day)
        yield from found.values()

    def _import_of(self, day: date) -> Import | None:
        return next((each for each in self.imports if each.covers(day)), None)
