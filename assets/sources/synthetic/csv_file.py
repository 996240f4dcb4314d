"""The CSV file of a synthetic inbox, with the flaws of real exports: duplicates and unreadable rows."""

import csv
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from assets.events import CONTRACT_COLUMNS
from assets.runtime.atomic_files import atomic_write
from assets.sources.synthetic.inbox import DAY, Step, simulate
from assets.sources.synthetic.names import OTHER_SCRIPT_AGENTS, draw_hostile_name, draw_name
from assets.sources.synthetic.staff import ASSIGNEES

ZONE = ZoneInfo("America/New_York")
_INVALID_TIMES = ("", "#VALUE!", "2026-09-31T10:15:00Z")
_FIRST_CONTACT, _FIRST_CONVERSATION = 100_000, 5_000
_Row = dict[str, str]


def write_events(  # noqa: PLR0913 - the options of `demo-data`
    path: Path, *, last_day: date, days: int = 100, events: int = 20_000, seed: int = 7, hostile: bool = False
) -> int:
    """Write *events* events of *days* days up to *last_day*, and some invalid rows; return the lines.

    The days are those of New York. The file also has rows without a change, duplicates, rows with an invalid
    time and an unfinished last line. In a *hostile* inbox names are markup, formulas and of other scripts.
    """
    rng = random.Random(seed)
    first_day = last_day - timedelta(days=days - 1)
    steps = simulate(rng, first_day, days, events)
    instants = find_instants(steps, first_day, days)
    rows = list(_add_flaws(rng, make_rows(rng, steps, instants, hostile=hostile)))
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, CONTRACT_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
        file.write("e-half,2026-")  # the file of a writer that was killed
    return len(rows) + 1


def find_instants(steps: Iterable[Step], first_day: date, days: int) -> Iterator[datetime]:
    """Yield the UTC instant of each of *steps*; none is before the one of the step before it.

    The hours of a day are counted from its noon, so that shifts begin on time on days of 23 or 25 hours.
    """
    noons = [
        datetime.combine(first_day + timedelta(days=number), time(12), ZONE).astimezone(UTC)
        for number in range(days)
    ]
    latest = noons[0] - timedelta(days=1)
    for step in steps:
        day, milliseconds = divmod(step.at, DAY)
        latest = max(latest, noons[day] + timedelta(milliseconds=milliseconds - DAY // 2))
        yield latest


def make_rows(
    rng: random.Random, steps: Iterable[Step], instants: Iterable[datetime], *, hostile: bool
) -> Iterator[_Row]:
    """Yield a row for each of *steps*; contacts and conversations are numbered as they appear."""
    previous, assigned, assigned_by = (
        _cells_of_people(role, hostile=hostile) for role in ("previous_assignee", "assignee", "assigned_by")
    )
    contacts: dict[int, _Row] = {}
    conversations: dict[int, str] = {}
    for number, (step, instant) in enumerate(zip(steps, instants, strict=True)):
        if step.contact not in contacts:
            name = draw_hostile_name(rng, len(contacts)) if hostile else draw_name(rng)
            contacts[step.contact] = {"contact_id": f"{_FIRST_CONTACT + len(contacts)}", "contact_name": name}
        if step.conversation not in conversations:
            conversations[step.conversation] = f"{_FIRST_CONVERSATION + len(conversations)}"
        yield {
            "event_id": f"e-{number:06d}",
            "occurred_at": instant.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "conversation_id": conversations[step.conversation],
            **contacts[step.contact],
            **previous[step.previous],
            **assigned[step.assignee],
            "assignee_kind": "" if step.assignee is None else ASSIGNEES[step.assignee].kind,
            "source": step.source,
            **assigned_by[step.assigned_by],
        }


def _cells_of_people(role: str, *, hostile: bool) -> dict[int | None, _Row]:
    """Return the cells of *role* for each position in `ASSIGNEES`, and for nobody."""
    other_names = OTHER_SCRIPT_AGENTS if hostile else {}
    cells: dict[int | None, _Row] = {
        number: {f"{role}_id": person.id, f"{role}_name": other_names.get(person.id, person.name)}
        for number, person in enumerate(ASSIGNEES)
    }
    return cells | {None: {f"{role}_id": "", f"{role}_name": ""}}


def _add_flaws(rng: random.Random, rows: Iterable[_Row]) -> Iterator[_Row]:
    """Yield *rows*, some of them twice, and some again without a valid time."""
    for row in rows:
        yield row
        if rng.random() < 0.004:
            yield row
        if rng.random() < 0.0004:
            yield row | {"event_id": f"{row['event_id']}-x", "occurred_at": rng.choice(_INVALID_TIMES)}
