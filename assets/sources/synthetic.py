"""A synthetic inbox for the demo and for tests: the same seed gives the same file.

It is not a configurable source: it writes the CSV file that the demo's `files` source reads.
"""

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from assets.events import CONTRACT_COLUMNS, SOURCE_LABELS
from assets.runtime.atomic_files import atomic_write

_FIRST = """
    Ana Bruno Chloé Dmitri Emeka Fatima Grace Hanna Ibrahim Jürgen Keiko Liam María Nguyễn
    Olga Paulo Rosa Søren Tariq Zoë
""".split()
_LAST = """
    Almeida Bauer Castro Dubois Eriksson Ferrari García Haddad Ivanov Jensen Kowalski
    Lindqvist Müller Novák Okafor Papadopoulos Rossi Silva Tanaka Yılmaz
""".split()
_OTHER_SCRIPTS = """
    王小明 李静 田中さくら 김민준 محمد الأحمد فاطمة الزهراء דוד כהן अनिता शर्मा สมชาย ใจดี Αλέξανδρος
    Ольга Кузнецова
""".split()
_HOSTILE = (
    "<script>alert(1)</script>",
    "=1+1",
    "$x$",
    "@SUM(A1:A9)",
    "+49 151 000000",
    "-2+3",
    "Robert'); DROP TABLE contacts;--",
    '"quoted", with comma',
    "{{ 7*7 }}",
    "\u202ereversed by an override",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘",
    "👩‍👩‍👧 The Family 🇧🇷",
    "None",
    "NULL",
    "007",
    "Bartholomäus-Maximilian von und zu Hohenschwangau-Unterallgäu der Jüngere " * 2,
    "a" * 90,
    "beep\x07bell",
)
_AGENTS = (
    "Maya Chen",
    "Tom Becker",
    "Priya Nair",
    "Lucas Prado",
    "Aisha Bello",
    "Jonas Weber",
    "Sofía Ruiz",
    "陈伟",
    "ليلى حسن",
    "Nora Lund",
)
_WEIGHTS = (6, 30, 9, 3, 2, 34, 3, 5, 4, 4)
_HOURS = (1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 18, 16, 13, 15, 17, 16, 14, 10, 7, 5, 4, 3, 2, 1)
_SOURCES = (*SOURCE_LABELS, "ai_agent")


@dataclass(slots=True)
class _Contact:
    id: str
    name: str
    conversation: int
    agent: int | None = None


def write_events(path: Path, *, last_day: date, days: int = 60, events: int = 20_000, seed: int = 7) -> int:
    """Write *events* events of *days* days up to *last_day*, and some invalid rows; return the lines.

    The file also has unassignments, rows without a change, duplicates and rows with an invalid time.
    """
    rows = list(_make_rows(random.Random(seed), last_day, days, events))
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, CONTRACT_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
        file.write("e-half,2026-")  # the file of a writer that was killed
    return len(rows) + 1


def _make_rows(rng: random.Random, last_day: date, days: int, events: int) -> Iterator[dict[str, Any]]:
    contacts = [_draw_contact(rng, number) for number in range(max(40, events // 8))]
    for number, occurred_at in enumerate(_draw_instants(rng, last_day, days, events)):
        contact = contacts[int(len(contacts) * rng.random() ** 2.2)]
        if contact.agent is None and rng.random() < 0.5:
            contact.conversation += 1
        row = _make_event(rng, number, occurred_at, contact)
        yield row
        if rng.random() < 0.006:
            yield row
        if rng.random() < 0.0004:
            yield row | {
                "event_id": f"e-bad-{number}",
                "occurred_at": rng.choice(["", "yesterday", "2026-13-41T00:00:00Z"]),
            }


def _draw_instants(rng: random.Random, last_day: date, days: int, events: int) -> list[datetime]:
    """Return sorted instants with quiet nights and weekends, roughly in New York's local time."""
    instants = []
    first = last_day - timedelta(days=days - 1)
    weights = [0.35 if (first + timedelta(days=n)).weekday() > 4 else 1.0 for n in range(days)]
    for offset in rng.choices(range(days), weights, k=events):
        hour = rng.choices(range(24), _HOURS)[0]
        start = datetime.combine(first + timedelta(days=offset), datetime.min.time(), UTC) + timedelta(
            hours=5
        )
        instants.append(
            start + timedelta(hours=hour, microseconds=rng.randrange(3_600_000_000) // 1000 * 1000)
        )
    return sorted(instants)


def _draw_contact(rng: random.Random, number: int) -> _Contact:
    if number < len(_HOSTILE):
        name = _HOSTILE[number]
    elif rng.random() < 0.2:
        name = rng.choice(_OTHER_SCRIPTS)
    else:
        name = f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"
    return _Contact(f"{100_000 + number}", name, 5_000 + number * 40)


def _make_event(rng: random.Random, number: int, occurred_at: datetime, contact: _Contact) -> dict[str, Any]:
    source = rng.choices(_SOURCES, _WEIGHTS)[0]
    previous, contact.agent = contact.agent, _next_agent(rng, contact.agent)
    actor = rng.randrange(len(_AGENTS)) if source == "user" else None
    return {
        "event_id": f"e-{number:06d}",
        "occurred_at": occurred_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "conversation_id": f"{contact.conversation}",
        "contact_id": contact.id,
        "contact_name": contact.name,
        **_name_person("previous_assignee", previous),
        **_name_person("assignee", contact.agent),
        "source": source,
        **_name_person("assigned_by", actor),
    }


def _next_agent(rng: random.Random, agent: int | None) -> int | None:
    chance = rng.random()
    if chance < 0.012:  # the assignee stays: no event
        return agent
    if agent is not None and chance < 0.15:
        return None
    others = [number for number in range(len(_AGENTS)) if number != agent]
    return rng.choice(others)


def _name_person(role: str, number: int | None) -> dict[str, str]:
    known = number is not None
    return {f"{role}_id": f"u{number}" if known else "", f"{role}_name": _AGENTS[number] if known else ""}  # type: ignore[index]
