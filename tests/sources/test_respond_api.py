"""respond.io's contact list on loopback, with its pages, its limits and its moods."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from assets.errors import SourceUnavailable
from assets.source_config import RespondIoSource
from assets.sources.inbox import Received, micros, open_inbox, store
from assets.sources.respond_api import Snapshot, take_snapshot
from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.conftest import Inbox

NOON = datetime(2024, 3, 5, 12, tzinfo=UTC)
BOB, EVE = {"id": 1, "firstName": "Bob", "lastName": None}, {"id": 2, "firstName": "Eve"}


class Api:
    """The contacts as they are now; *moods* are answered first, one a request."""

    def __init__(self) -> None:
        self.assignees: dict[int, Any] = {}
        self.moods: list[tuple[int, dict[str, str]]] = []
        self.asked: list[str] = []
        self.while_read: list[Any] = []

    def page(self, cursor: int) -> dict[str, Any]:
        for act in self.while_read:
            act()
        self.while_read.clear()
        ids = sorted(self.assignees)[cursor : cursor + 100]
        items = [{"id": each, "firstName": f"C{each}", "assignee": self.assignees[each]} for each in ids]
        following = f"https://elsewhere.example/v2/contact/list?limit=100&cursorId={cursor + 100}"
        has_more = len(self.assignees) > cursor + 100
        return {"items": items, "pagination": {"next": following if has_more else ""}}


@pytest.fixture
def api() -> Iterator[tuple[Api, str]]:
    served = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            assert json.loads(self.rfile.read(length))["filter"] == {"$and": []}
            served.asked.append(self.headers["Authorization"])
            status, headers = served.moods.pop(0) if served.moods else (200, {})
            cursor = parse_qs(urlsplit(self.path).query).get("cursorId", ["0"])[0]
            body = json.dumps(served.page(int(cursor)) if status == 200 else {}).encode()
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield served, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Office:
    """One workspace that takes snapshots of *api*."""

    def __init__(self, inbox: Inbox, api: Api, url: str) -> None:
        self.inbox, self.api = inbox, api
        self.url = f"sqlite:///{inbox.folder}/inbox.sqlite"
        inbox.source = {
            "type": "respond_io", "inbox": self.url, "signing_keys": ["k"], "api_token": "token", "api_url": url,
        }  # fmt: skip

    def snapshot(self, at: datetime, *later: datetime) -> Snapshot:
        """Take a snapshot; its clock says *at*, then each of *later*, the last one for ever."""
        options = self.inbox.workspace.source
        assert isinstance(options, RespondIoSource)
        times = chain((at, *later), repeat((at, *later)[-1]))
        return take_snapshot(options, "acme", lambda: next(times))

    def webhook(self, at: datetime, contact: int, assignee: Any) -> None:
        body = json.dumps({"contact": {"id": contact, "assignee": assignee}})
        row = Received(workspace="acme", event_id=f"hook-{at:%H%M%S}-{contact}", received_at=micros(at),
                       kind="contact.assignee.updated", contact_id=str(contact), body=body)  # fmt: skip
        store(open_inbox(self.url), [row])

    def events(self) -> list[tuple[str, str | None, str]]:
        self.inbox.load(date(2024, 3, 5), date(2024, 3, 6))
        rows = self.inbox.rows(ASSIGNMENT_EVENTS)
        return [(row["contact_id"], row["assignee_name"], row["time_quality"]) for row in rows]


@pytest.fixture
def office(inbox: Inbox, api: tuple[Api, str]) -> Office:
    return Office(inbox, *api)


LATER = NOON + timedelta(hours=2)


def test_the_first_snapshot_tells_nothing_and_the_next_what_was_missed(office: Office) -> None:
    office.api.assignees = dict.fromkeys(range(1, 251), BOB)
    assert office.snapshot(NOON) == Snapshot(250, None)
    office.api.assignees |= {7: EVE, 8: None, 9: {}, 10: {"id": None}}
    assert office.snapshot(LATER) == Snapshot(250, 4)
    assert office.snapshot(LATER + timedelta(hours=1)) == Snapshot(250, 0)
    assert set(office.events()) == {
        ("7", "Eve", "bounded"), ("8", None, "bounded"), ("9", None, "bounded"), ("10", None, "bounded"),
    }  # fmt: skip
    assert office.api.asked[0] == "Bearer token"


def test_an_event_says_between_when_and_when_it_happened(office: Office) -> None:
    office.api.assignees = {7: BOB}
    office.snapshot(NOON)
    office.api.assignees = {7: EVE}
    office.snapshot(LATER)
    office.events()
    (event,) = office.inbox.rows(ASSIGNMENT_EVENTS)
    assert event["occurred_at"] == LATER
    assert event["origin"] == "contact snapshot, changed after 2024-03-05T12:00:00Z"


def test_what_a_webhook_told_was_not_missed(office: Office) -> None:
    office.api.assignees = {7: BOB, 8: BOB}
    office.snapshot(NOON)
    office.webhook(NOON + timedelta(hours=1), 7, EVE)
    office.api.assignees = {7: EVE, 8: BOB}
    office.api.while_read = [
        lambda: office.webhook(LATER + timedelta(seconds=5), 8, EVE)
    ]  # as the list is read
    assert office.snapshot(LATER) == Snapshot(2, 0)
    assert [event[2] for event in office.events()] == ["received", "received"]


def test_a_webhook_that_overtakes_a_page_is_not_taken_back(office: Office) -> None:
    office.api.assignees = {7: BOB}
    office.snapshot(NOON)
    told_at = LATER + timedelta(seconds=1)  # the page on its way still says Bob
    office.api.while_read = [lambda: office.webhook(told_at, 7, EVE)]
    assert office.snapshot(LATER, LATER + timedelta(seconds=2)) == Snapshot(1, 0)
    office.api.assignees = {7: EVE}
    assert office.snapshot(LATER + timedelta(hours=1)) == Snapshot(1, 0)
    assert [event[1] for event in office.events()] == ["Eve"]


def test_a_webhook_that_comes_too_late_changes_nothing_more(office: Office) -> None:
    office.api.assignees = {7: BOB}
    office.snapshot(NOON)
    office.api.assignees = {7: EVE}
    office.snapshot(LATER)
    office.webhook(LATER + timedelta(minutes=1), 7, EVE)
    office.events()
    office.inbox.build(date(2024, 3, 5), date(2024, 3, 6))
    assert [(row["assignee_name"], row["time_quality"]) for row in office.inbox.log()] == [("Eve", "bounded")]


def test_a_new_contact_had_nobody(office: Office) -> None:
    office.api.assignees = {7: BOB}
    office.snapshot(NOON)
    office.api.assignees = {7: BOB, 8: EVE, 9: None}
    assert office.snapshot(LATER) == Snapshot(3, 1)


def test_a_contact_that_was_merged_is_no_assignment(office: Office) -> None:
    office.api.assignees = {7: BOB, 8: BOB}
    office.snapshot(NOON)
    office.api.assignees = {7: BOB}
    assert office.snapshot(LATER) == Snapshot(1, 0)


def test_limits_and_faults_are_waited_out(office: Office) -> None:
    office.api.assignees = {7: BOB}
    office.api.moods = [
        (429, {"Retry-After": "0.1"}),
        (449, {"Retry-After": "0"}),
        (502, {"Retry-After": "0"}),
    ]
    assert office.snapshot(NOON) == Snapshot(1, None)
    assert len(office.api.asked) == 4


def test_a_token_that_is_refused_is_said_at_once(office: Office) -> None:
    office.api.moods = [(401, {})]
    with pytest.raises(SourceUnavailable, match=r"answers 401; correct `api_token`") as caught:
        office.snapshot(NOON)
    assert caught.value.permanent


def test_a_server_that_stays_away_leaves_the_last_snapshot_as_it_is(office: Office) -> None:
    office.api.assignees = {7: BOB}
    office.snapshot(NOON)
    office.api.assignees = {7: EVE}
    office.api.moods = [(503, {"Retry-After": "0"})] * 8
    with pytest.raises(SourceUnavailable, match="answers 503, 8 times"):
        office.snapshot(LATER)
    assert office.snapshot(LATER) == Snapshot(1, 1)
