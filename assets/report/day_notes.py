"""The notes on the days of a report: those of the configuration and of its CSV file."""

from pydantic import ValidationError

from assets.config.day_notes import DayNote
from assets.config.mistakes import mistakes_of
from assets.config.workspace import Workspace
from assets.errors import ConfigError
from assets.periods import Period
from assets.runtime.csv_rows import MORE_CELLS, read_csv_rows


def notes_on(period: Period, workspace: Workspace) -> tuple[DayNote, ...]:
    """Return the notes on days of *period*, ordered by their first day.

    Raises ConfigError with every mistake in the file.
    """
    found = (
        note
        for note in (*workspace.notes, *read_notes(workspace))
        if note.day <= period.last_day and note.last_day >= period.first_day
    )
    return tuple(sorted(found, key=lambda note: note.day))


def read_notes(workspace: Workspace) -> tuple[DayNote, ...]:
    """Return the notes of the workspace's `notes_file`. Raises ConfigError with every mistake in it."""
    if workspace.notes_file is None:
        return ()
    path = workspace.notes_file
    notes, mistakes = list[DayNote](), list[str]()
    for line, cells in read_csv_rows(path, ("day", "text")):
        if cells[""]:
            mistakes.append(f"{path}, line {line}: {MORE_CELLS}")
            continue
        given = {name: cells[name] for name in DayNote.model_fields if cells.get(name)}
        try:
            notes.append(DayNote.model_validate(given))
        except ValidationError as error:
            mistakes += [f"{path}, line {line}: {mistake}" for mistake in mistakes_of(error, DayNote)]
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return tuple(notes)
