"""Events by the million with the skew of a real inbox, the same for the same seed.

The columns are the ones that the yardstick reads. The previous assignee is the one of the contact's event
before, or another where that would change nothing.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.report.encoded_log import Codes

LAST_DAY = date(2025, 12, 30)
DAYS = 60
_BLOCK = 5_000_000
_DAY_SECONDS = 86_400
_FIRST = """
    Ana Bruno Chloé Dmitri Emeka Fatima Grace Hanna Ibrahim Jürgen Keiko Liam María Olga Paulo
""".split()
_LAST = """
    Almeida Bauer Castro Dubois Eriksson Ferrari García Haddad Jensen Kowalski Müller Okafor Rossi
""".split()
_OTHERS = ("王小明", "محمد الأحمد", "अनिता शर्मा", "Ольга Кузнецова", "김민준")
_SOURCES = {
    "Workflow": 34, "User": 32, "Broadcast": 9, "Contacts Module": 8, "Workflow AI Agent": 6,
    "Click To Chat": 4, "Growth Widget": 4, "Click To Call": 3,
}  # fmt: skip
_HOURS = (1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 18, 16, 13, 15, 17, 16, 14, 10, 7, 5, 4, 3, 2, 1)
_PEOPLE = 60
_EVENTS_OF_A_CONTACT = 6


def event_batches(count: int, days: int = DAYS, seed: int = 7) -> Iterator[pa.RecordBatch]:
    """Yield *count* events of *days* days up to `LAST_DAY`, oldest first."""
    rng = np.random.default_rng(seed)
    end = int(datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day, 23, tzinfo=UTC).timestamp())
    blocks = -(-count // _BLOCK)
    for number in range(blocks):
        first = number * count // blocks
        size = (number + 1) * count // blocks - first
        span = days * _DAY_SECONDS // blocks
        start = end - days * _DAY_SECONDS + number * span
        yield _block(rng, first, size, start, span)


def _block(rng: np.random.Generator, first: int, size: int, start: int, span: int) -> pa.RecordBatch:
    times = _times(rng, size, start, span)
    contacts = size // _EVENTS_OF_A_CONTACT + 1
    # The busiest contacts have some hundred events, most have one or two.
    contact = np.minimum((rng.pareto(1.2, size) * contacts / 12).astype(np.int64), contacts - 1)
    assignee = rng.integers(-2, _PEOPLE, size).clip(-1)
    order = np.argsort(contact, kind="stable")
    is_next = np.concatenate(([False], contact[order[1:]] == contact[order[:-1]]))
    previous = np.full(size, -1)
    previous[order[1:]] = np.where(is_next[1:], assignee[order[:-1]], -1)
    previous = np.where(assignee == previous, (previous + 1) % _PEOPLE, previous)
    source = rng.choice(len(_SOURCES), size, p=np.array(list(_SOURCES.values())) / 100)
    people = pa.array([f"{_FIRST[n % 15]} {_LAST[n % 13]}" for n in range(_PEOPLE)])
    names = pa.array([_contact_name(number) for number in range(contacts)])
    by = rng.integers(0, _PEOPLE, size)
    user = list(_SOURCES).index("User")
    return pa.record_batch(
        {
            "event_id": pc.binary_join_element_wise("ev-", _text(np.arange(first, first + size)), ""),
            "occurred_at": pa.array(times * 1_000).cast(pa.timestamp("us", "UTC")),
            "contact_name": names.take(pa.array(contact)),
            "conversation_id": pc.binary_join_element_wise("cv-", _text(first + contact), ""),
            "previous_assignee_name": _taken(people, previous, previous < 0),
            "assignee_name": _taken(people, assignee, assignee < 0),
            "source": pa.array(list(_SOURCES)).take(pa.array(source)),
            "assigned_by_name": _taken(people, by, source != user),
        }
    )


def _times(rng: np.random.Generator, size: int, start: int, span: int) -> Codes:
    """Return milliseconds, sorted: more at office hours than at night."""
    hours = rng.choice(24, size, p=np.array(_HOURS) / sum(_HOURS))
    days = rng.integers(0, max(1, span // _DAY_SECONDS), size)
    within = rng.integers(0, 3_600_000, size)
    return np.sort((start + days * _DAY_SECONDS + hours * 3_600) * 1_000 + within)


def _contact_name(number: int) -> str:
    if number % 40 == 7:
        return f"{_OTHERS[number % len(_OTHERS)]} {number}"
    return f"{_FIRST[number % 15]} {_LAST[number % 13]} {number % 997}"


def _text(numbers: Codes) -> pa.Array:
    return pa.array(numbers).cast(pa.string())


def _taken(texts: pa.Array, codes: object, is_null: object) -> pa.Array:
    return texts.take(pa.array(codes, mask=is_null))
