"""Snapshots of respond.io's contacts (Developer API v2): a difference to the last one is a missed event.

A difference is stored as an event of the inbox with the interval in which it happened, for `webhooks.py`.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from sqlalchemy import Connection, Engine, delete, func, insert, select
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from assets.clock import Clock
from assets.config.base import resolve_secret
from assets.config.source import RespondIoSource
from assets.errors import SourceUnavailable, SourceUnreadable
from assets.sources.respond_io.webhooks import ASSIGNED, SNAPSHOT
from assets.sources.webhooks.inbox import (
    CONTACT_STATES,
    RECEIVED,
    Received,
    open_inbox,
    store_events,
    to_microseconds,
)

_PAGE = 100
_TRIES = 8
_SECONDS_BETWEEN = 0.2
_LONGEST_WAIT = 60.0
_AGAIN = {429, 449}
_SERVER_FAULT = 500
_LARGEST_SECONDS = 1e11
_KEPT = ("id", "firstName", "lastName", "assignee", "created_at")
_OLDER = (
    "was not in the list before although it is older, as after an unmerge; nobody tells when it was assigned"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Assignee = tuple[str | None, str | None]
Since = tuple[Assignee, datetime]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The result of listing all contacts; *missed* is None the first time, with nothing to compare.

    *not_understood* are contacts without an id, or whose assignee is neither a person nor empty.
    """

    contacts: int
    missed: int | None
    not_understood: int = 0


class _Later(Exception):
    """The server asks to repeat the request after some seconds."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class _Seen:
    """A contact, and when its page was requested and received: it was in this state at some time between."""

    contact: dict[str, Any]
    asked_at: datetime
    came_at: datetime

    @property
    def contact_id(self) -> str | None:
        return _text_field(self.contact, "id")

    @property
    def assignee(self) -> Assignee | None:
        return assignee_of(self.contact)


def list_contacts(options: RespondIoSource, clock: Clock) -> Iterator[_Seen]:
    """Yield every contact, a hundred per request, five requests per second.

    Raises SourceError: SourceUnreadable where there is no token, or it is refused.
    """
    if options.api_token is None:
        raise SourceUnreadable("`api_token` of the source: required")
    cursor: str | None = None
    with httpx.Client(
        headers={"Authorization": f"Bearer {resolve_secret(options.api_token)}"}, timeout=30
    ) as client:
        while True:
            asked_at = clock()
            page = _fetch_page(client, options.api_url, cursor)
            came_at = clock()
            for item in page["items"]:
                contact = item if isinstance(item, dict) else {}
                yield _Seen({name: contact.get(name) for name in _KEPT}, asked_at, came_at)
            next_url = page["pagination"].get("next") or ""
            if not isinstance(next_url, str):
                raise SourceUnreadable(f"{options.api_url}: `pagination.next` is not a URL")
            next_cursor = parse_qs(urlsplit(next_url).query).get("cursorId")
            if not next_cursor:
                return
            if next_cursor[0] == cursor:
                raise SourceUnavailable(f"{options.api_url}: the list of contacts does not end")
            cursor = next_cursor[0]
            time.sleep(_SECONDS_BETWEEN)


def _fetch_page(client: httpx.Client, url: str, cursor: str | None) -> dict[str, Any]:
    body = {"search": "", "timezone": "UTC", "filter": {"$and": []}}
    params = {"limit": str(_PAGE)} | ({"cursorId": cursor} if cursor else {})

    def request_page() -> dict[str, Any]:
        try:
            response = client.post(f"{url}/contact/list", params=params, json=body)
        except httpx.TransportError as error:
            raise _Later(f"not reachable ({error})") from None
        if response.status_code in _AGAIN or response.status_code >= _SERVER_FAULT:
            raise _Later(f"answers {response.status_code}", _retry_after(response))
        if response.is_error:
            message = f"{url}: answers {response.status_code}; correct `api_token` and `api_url`"
            raise SourceUnreadable(message)
        return _check_response(response, url)

    retrying = Retrying(
        retry=retry_if_exception_type(_Later), stop=stop_after_attempt(_TRIES), wait=_retry_wait, reraise=True
    )
    try:
        return retrying(request_page)
    except _Later as error:
        raise SourceUnavailable(f"{url}: {error}, {_TRIES} times") from None


def _check_response(response: httpx.Response, url: str) -> dict[str, Any]:
    try:
        page = response.json()
        is_valid = isinstance(page["items"], list) and isinstance(page["pagination"], dict)
    except (ValueError, KeyError, TypeError):
        is_valid = False
    if not is_valid:
        raise SourceUnreadable(f"{url}: the answer is not a list of contacts; correct `api_url`")
    checked: dict[str, Any] = page
    return checked


def _retry_after(response: httpx.Response) -> float | None:
    try:
        return float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return None


def _retry_wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    requested = error.seconds if isinstance(error, _Later) else None
    return min(_LONGEST_WAIT, 2.0 ** (state.attempt_number - 1) / 2 if requested is None else requested)


def take_snapshot(options: RespondIoSource, workspace: str, clock: Clock) -> Snapshot:
    """List all contacts, and store an event for each assignee that no webhook reported.

    No event is stored where a webhook reported that assignee, before the contact's page was requested or
    since.
    """
    inbox = open_inbox(resolve_secret(options.inbox))
    with inbox.begin() as connection:
        known, last = _read_known(connection, workspace)
    listed = list(list_contacts(options, clock))
    seen = {contact.contact_id: contact for contact in listed if contact.contact_id and contact.assignee}
    with inbox.begin() as connection:
        reported = _read_told_assignees(connection, workspace, last)
    missed = [
        _build_event(workspace, contact, since, is_new=contact_id not in known)
        for contact_id, contact in seen.items()
        if last is not None
        and (since := _missed_since(contact, known.get(contact_id), reported[contact_id], last))
    ]
    store_events(
        inbox, missed
    )  # first: what is then killed finds the same differences again, under the same ids
    _store_assignees(inbox, workspace, seen, known, listed)
    return Snapshot(len(listed), None if last is None else len(missed), len(listed) - len(seen))


def _store_assignees(
    inbox: Engine,
    workspace: str,
    seen: Mapping[str, _Seen],
    known: Mapping[str, Since],
    listed: Iterable[_Seen],
) -> None:
    """Store each contact's assignee for the next snapshot; one that was not understood keeps the old one."""
    now = {
        contact_id: (contact.assignee, contact.asked_at)
        for contact_id, contact in seen.items()
        if contact.assignee
    }
    unclear = {contact.contact_id for contact in listed if contact.contact_id} - now.keys()
    states = {contact_id: known[contact_id] for contact_id in unclear & known.keys()} | now
    rows = [
        {
            "workspace": workspace,
            "contact_id": contact_id,
            "assignee_id": assignee[0],
            "assignee_name": assignee[1],
            "seen_at": to_microseconds(seen_at),
        }
        for contact_id, (assignee, seen_at) in states.items()
    ]
    with inbox.begin() as connection:
        connection.execute(delete(CONTACT_STATES).where(CONTACT_STATES.c.workspace == workspace))
        if rows:
            connection.execute(insert(CONTACT_STATES), rows)


def _read_known(
    connection: Connection, workspace: str
) -> tuple[dict[str, tuple[Assignee, datetime]], datetime | None]:
    """Return each contact's assignee in the last snapshot with its time, and when that snapshot began."""
    states = CONTACT_STATES.c
    rows = connection.execute(
        select(states.contact_id, states.assignee_id, states.assignee_name, states.seen_at).where(
            states.workspace == workspace
        )
    ).all()
    known = {row.contact_id: ((row.assignee_id, row.assignee_name), _to_instant(row.seen_at)) for row in rows}
    first = connection.scalar(select(func.min(states.seen_at)).where(states.workspace == workspace))
    return known, None if first is None else _to_instant(first)


def _read_told_assignees(
    connection: Connection, workspace: str, since: datetime | None
) -> defaultdict[str, list[Since]]:
    """Return the assignees that webhooks reported since the last snapshot began, in order, by contact."""
    reported: defaultdict[str, list[Since]] = defaultdict(list)
    if since is None:
        return reported
    rows = connection.execute(
        select(RECEIVED.contact_id, RECEIVED.body, RECEIVED.received_at)
        .where(
            RECEIVED.workspace == workspace,
            RECEIVED.kind.in_((ASSIGNED, SNAPSHOT)),
            RECEIVED.received_at >= to_microseconds(since),
        )
        .order_by(RECEIVED.received_at, RECEIVED.event_id)
    )
    for row in rows:
        event = json.loads(row.body)
        contact = event.get("contact")
        is_stated = "assignee" in event or (isinstance(contact, dict) and "assignee" in contact)
        if is_stated and (assignee := assignee_of(contact, event)):
            reported[row.contact_id].append((assignee, _to_instant(row.received_at)))
    return reported


def _missed_since(seen: _Seen, known: Since | None, reported: list[Since], last: datetime) -> datetime | None:
    """Return since when an unreported change of assignee may have happened, or None where there is none.

    A webhook received after the page was requested may be newer than the page.
    """
    state = known or ((None, None), last)  # a contact that is new had nobody
    earlier = [state, *((assignee, at) for assignee, at in reported if state[1] <= at <= seen.asked_at)]
    later = [assignee for assignee, at in reported if at > seen.asked_at]
    current = assignee_of(seen.contact)
    if current is None or any(_is_same(current, other) for other in (earlier[-1][0], *later)):
        return None
    return earlier[-1][1]


def assignee_of(contact: Any, event: dict[str, Any] | None = None) -> Assignee | None:
    """Return id and name of the assignee; None for a value that is neither a person nor empty.

    Unassigned is written as null, `{}` or an object of nulls, and returned as (None, None).
    """
    fields = contact if isinstance(contact, dict) else {}
    person = (event or {}).get("assignee", fields.get("assignee"))
    if person is None:
        return None, None
    if not isinstance(person, dict):
        return None
    name = " ".join(part for key in ("firstName", "lastName") if (part := _text_field(person, key)))
    assignee = _text_field(person, "id"), name or _text_field(person, "name") or _text_field(person, "email")
    has_values = any(value not in (None, "", {}) for value in person.values())
    return assignee if any(assignee) or not has_values else None


def _text_field(fields: dict[str, Any], key: str) -> str | None:
    """Return a text or a number as text; None for anything else, and for an empty text."""
    value = fields.get(key)
    is_value = isinstance(value, str | int | float) and not isinstance(value, bool)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() or None if is_value else None


def _is_same(first: Assignee, second: Assignee) -> bool:
    """Return whether both are the same assignee: by id where both have one, else by name."""
    return first[0] == second[0] if first[0] and second[0] else first[1] == second[1]


def _build_event(workspace: str, seen: _Seen, since: datetime, *, is_new: bool) -> Received:
    contact_id = str(seen.contact_id)
    body = {"contact": seen.contact, "not_before": since.isoformat()}
    if is_new and (created_at := _created_at(seen.contact)) and created_at < since:
        body["fault"] = _OLDER
    return {
        "workspace": workspace,
        "event_id": f"snapshot-{contact_id}-{to_microseconds(since)}",
        "received_at": to_microseconds(seen.came_at),
        "kind": SNAPSHOT,
        "contact_id": contact_id,
        "body": json.dumps(body),
    }


def _created_at(contact: dict[str, Any]) -> datetime | None:
    """Return when a contact was created: an epoch, or ISO 8601 with its zone; None for anything else."""
    text = _text_field(contact, "created_at") or ""
    try:
        if text.replace(".", "", 1).isdigit():
            seconds = float(text)
            return datetime.fromtimestamp(seconds / 1000 if seconds > _LARGEST_SECONDS else seconds, UTC)
        instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return instant if instant.tzinfo else None


def _to_instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
