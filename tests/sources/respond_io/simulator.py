"""A simulated respond.io workspace: what truly happened, and what its webhooks, contact list and log say of it.

The truth is a list of changes of assignees, made from a seed. Faults are those that integrators report: webhooks
out of order, doubled, days late or lost; contacts merged and unmerged; an AI agent among the assignees.
"""

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from assets.sources.webhooks.inbox import Received, to_microseconds

START = datetime(2024, 3, 4, 6, tzinfo=UTC)
AGENTS: dict[int, dict[str, Any]] = {
    1: {"id": 1, "firstName": "Bob", "lastName": None, "email": "bob@example.com"},
    2: {"id": 2, "firstName": "Eve", "lastName": "Hall", "email": "eve@example.com"},
    3: {"id": 3, "firstName": "Cem", "lastName": "", "email": None},
    4: {"id": 4, "firstName": "Aria", "lastName": None, "type": "ai_agent"},
}
NOBODY: tuple[Any, ...] = (None, {}, {"id": None, "firstName": None, "lastName": None})
SOURCES = ("User", "Workflow", "Developer API", "Zapier")


def name_of(agent: int | None) -> str | None:
    """Return what the log prints for an agent; None for nobody."""
    who = AGENTS.get(agent or 0, {})
    return " ".join(part for part in (who.get("firstName"), who.get("lastName")) if part) or None


@dataclass(frozen=True)
class Change:
    """One true change of a contact's assignee."""

    number: int
    contact: int
    at: datetime
    previous: int | None
    assignee: int | None
    source: str


@dataclass
class Workspace:
    """What happened to *contacts* contacts in *days* days, about *steps* changes each.

    The first *merged* contacts are merged into another one in the middle third of the time, and then unmerged:
    they return with the assignee that they had.
    """

    seed: int
    contacts: int = 40
    days: int = 3
    steps: int = 12
    merged: int = 0
    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        seconds = sorted(chance.sample(range(self.days * 86_400), self.contacts * self.steps))
        holder: dict[int, int | None] = {}
        for number, second in enumerate(seconds):
            contact, at = chance.randrange(1, self.contacts + 1), START + timedelta(seconds=second)
            if self.is_merged(contact, at):
                continue
            before = holder.get(contact)
            assignee = chance.choice([each for each in (None, *AGENTS) if each != before])
            self.changes.append(Change(number, contact, at, before, assignee, chance.choice(SOURCES)))
            holder[contact] = assignee

    def assignees(self, at: datetime) -> dict[int, int | None]:
        """Return who truly has each contact just before *at*."""
        found: dict[int, int | None] = dict.fromkeys(range(1, self.contacts + 1))
        return found | {change.contact: change.assignee for change in self.changes if change.at < at}

    def is_merged(self, contact: int, at: datetime) -> bool:
        """Return whether *contact* is a part of another one at *at*."""
        third = timedelta(days=self.days) / 3
        return contact <= self.merged and START + third <= at < START + 2 * third

    def contact_list(self, at: datetime) -> dict[int, Any]:
        """Return the assignee of each contact that the API lists at *at*."""
        return {
            contact: AGENTS.get(agent or 0, NOBODY[contact % 3])
            for contact, agent in self.assignees(at).items()
            if not self.is_merged(contact, at)
        }

    def conversations(self) -> dict[str, list[Change]]:
        """Return the changes of each conversation: a contact has one on each day on which it is assigned."""
        found: dict[str, list[Change]] = {}
        for change in self.changes:
            found.setdefault(f"v{change.contact}-{change.at:%m%d}", []).append(change)
        return found

    def openings_and_closings(self) -> Iterator[Received]:
        """Yield the webhooks around each conversation; the closing states when it was last assigned."""
        for name, changes in self.conversations().items():
            opened, closed = changes[0].at - timedelta(seconds=1), changes[-1].at + timedelta(seconds=2)
            about = {"id": name, "openedTime": opened.isoformat()}
            last = {
                "lastAssignmentTime": int(changes[-1].at.timestamp() * 1000),
                "closedTime": closed.isoformat(),
            }
            for kind, at, conversation in (("opened", opened, about), ("closed", closed, about | last)):
                contact = {"id": changes[0].contact, "firstName": f"C{changes[0].contact}"}
                yield Received(
                    workspace="acme",
                    event_id=f"{name}-{kind}",
                    received_at=to_microseconds(at),
                    kind=f"conversation.{kind}",
                    contact_id=str(changes[0].contact),
                    body=json.dumps({"contact": contact, "conversation": conversation}),
                )

    def printed_log(self) -> Iterator[str]:
        """Yield the lines of the original's eight-column log, in UTC."""
        yield "Timestamp,Conversation ID,Contact ID,Contact Name,Previous Assignee,Assigned To,Source,Assigned By"
        for change in self.changes:
            previous, assignee = name_of(change.previous) or "-", name_of(change.assignee) or "Unassigned"
            by = "Bob" if change.source == "User" else "-"
            yield (
                f"{change.at:%Y-%m-%d %H:%M:%S},V{change.contact},{change.contact},C{change.contact},"
                f"{previous},{assignee},{change.source},{by}"
            )


@dataclass
class Delivery:
    """How webhooks arrive: shares of those that are lost, doubled, and late by up to *latest*."""

    seed: int
    lost: float = 0
    doubled: float = 0
    late: float = 0
    latest: timedelta = timedelta()

    def deliver(self, changes: Iterable[Change]) -> list[Received]:
        """Return the webhooks of *changes* as the receiver stores them, in the order in which they arrive."""
        chance = random.Random(self.seed)
        arrived: list[Received] = []
        for change in changes:
            if chance.random() < self.lost:
                continue
            delay = timedelta(milliseconds=chance.randrange(50, 900))
            if chance.random() < self.late:
                delay += self.latest * chance.random()
            arrivals = (change.at + delay, change.at + delay + timedelta(seconds=60))
            arrived.extend(webhook(change, at) for at in arrivals[: 1 + (chance.random() < self.doubled)])
        return sorted(arrived, key=lambda row: row["received_at"])


def webhook(change: Change, received_at: datetime) -> Received:
    """Return *change* as the receiver stores it."""
    assignee = AGENTS.get(change.assignee or 0, NOBODY[change.number % 3])
    contact = {"id": change.contact, "firstName": f"C{change.contact}", "assignee": assignee}
    event = {"event_type": "contact.assignee.updated", "event_id": f"e{change.number}", "contact": contact}
    return Received(
        workspace="acme",
        event_id=f"e{change.number}",
        received_at=to_microseconds(received_at),
        kind="contact.assignee.updated",
        contact_id=str(change.contact),
        body=json.dumps(event),
    )
