"""respond.io's contact list on loopback, with its pages, its limits and its moods; and who asks for it."""

import json
import threading
from collections.abc import Iterator
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from assets.config.source import RespondIoSource
from assets.sources.respond_io.contact_snapshot import Snapshot, take_snapshot
from assets.sources.webhooks.inbox import Received, open_inbox, store_events, to_microseconds
from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.conftest import Inbox


class Api:
    """The contacts as they are now; *moods* are answered first, one a request."""

    def __init__(self) -> None:
        self.assignees: dict[int, Any] = {}
        self.more: dict[int, dict[str, Any]] = {}
        self.moods: list[tuple[int, dict[str, str]]] = []
        self.asked: list[str] = []
        self.while_read: list[Any] = []

    def page(self, cursor: int) -> dict[str, Any]:
        for act in self.while_read:
            act()
        self.while_read.clear()
        ids = sorted(self.assignees)[cursor : cursor + 100]
        items = [
            {"id": each, "firstName": f"C{each}", "assignee": self.assignees[each]} | self.more.get(each, {})
            for each in ids
        ]
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


class SnapshotWorkspace:
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
        row = Received(workspace="acme", event_id=f"hook-{at:%H%M%S}-{contact}", received_at=to_microseconds(at),
                       kind="contact.assignee.updated", contact_id=str(contact), body=body)  # fmt: skip
        store_events(open_inbox(self.url), [row])

    def events(self) -> list[tuple[str, str | None, str]]:
        self.inbox.load(date(2024, 3, 5), date(2024, 3, 6))
        rows = self.inbox.rows(ASSIGNMENT_EVENTS)
        return [(row["contact_id"], row["assignee_name"], row["time_quality"]) for row in rows]


@pytest.fixture
def snapshots(inbox: Inbox, api: tuple[Api, str]) -> SnapshotWorkspace:
    return SnapshotWorkspace(inbox, *api)
