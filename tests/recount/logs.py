"""Logs of nasty structure, made from a seed: the same seed gives the same lines."""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

HEADER = (
    "event_id,occurred_at,conversation_id,contact_id,contact_name,previous_assignee_id,previous_assignee,"
    "assignee_id,assignee,assignee_kind,source,assigned_by_id,assigned_by"
)
WITHOUT_PREVIOUS = HEADER.replace("previous_assignee_id,previous_assignee,", "")
COUNT = 900
SOURCES = (
    "User",
    "workflow",
    "Developer API",
    "api",
    "bot",
    "zapier",
    "AI Agent",
    "ai_agent",
    "Growth Widget",
    "",
)
KINDS = ("", "", "person", "AI agent", "bot")
SPACES = (" ", " ", " ", "\x07", "\t")
PEOPLE = (
    ("1", "Bob"), ("2", "Bob"), ("", "Bob"), ("3", "Eve"), ("3", "Eve Hall"), ("", "Eve"), ("", "Eve Hall"), ("4", ""), ("", "Zoë"),
    ("5", "Ωmega"), ("", "Unassigned"), ("", "-"), ("", ""),
)  # fmt: skip


def nasty(seed: int, zone: str, first: date, *, has_previous: bool, days: int = 55) -> Iterator[str]:
    """Yield the lines of a CSV file, its header first, over *days* days from *first* on.

    It has equal names, ids of some, instants shared, and rows that are no events.
    """
    chance = random.Random(seed)
    yield HEADER if has_previous else WITHOUT_PREVIOUS
    start = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(zone)) - timedelta(hours=3)
    at = start
    span = timedelta(days=days, hours=6) / COUNT
    held: dict[str, tuple[str, str]] = {}
    for number in range(COUNT):
        if chance.random() > 0.15:
            at = start + number * span + timedelta(seconds=chance.randrange(0, 3600))
        contact = f"k{int(COUNT / 6 * chance.random() ** 2)}"
        conversation = "" if chance.random() < 0.05 else f"v{contact}{chance.randrange(2)}"
        previous = held.get(contact, ("", "")) if chance.random() < 0.9 else chance.choice(PEOPLE)
        assignee = previous if chance.random() < 0.05 else chance.choice(PEOPLE)
        held[contact] = assignee
        by = chance.choice(PEOPLE)
        event_id = f"e{number if chance.random() > 0.03 else chance.randrange(number + 1)}"
        time = "no time" if chance.random() < 0.01 and number else at.isoformat(timespec="milliseconds")
        before = f"{','.join(previous)}," if has_previous else ""
        yield (
            f"{event_id},{time},{conversation},{contact},{chance.choice(SPACES).join(('Name', 'of', contact))},"
            f"{before}{','.join(assignee)},{chance.choice(KINDS)},{chance.choice(SOURCES)},{','.join(by)}"
        )
