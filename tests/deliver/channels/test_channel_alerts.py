"""An alert and its all-clear reach programs and chats as they reach mailboxes."""

import json
from pathlib import Path

import pytest

from tests.deliver.delivery_deployment import deployment_of
from tests.deliver.test_alerts import BUSY, send_days
from tests.servers.web_receiver import Receiver

EXPECTED = {
    "Alert: Assignments 3 (above 2) · Acme Support": "Alert: Yesterday",
    "All-clear: Assignments 1 (above 2) · Acme Support": "Met since the report of Mon, Jun 15, 2026, and no longer.",
}


@pytest.mark.parametrize("channel", ["webhook", "slack", "teams", "google_chat"])
def test_a_channel_receives_an_alert_once_and_then_its_all_clear(
    folder: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, channel: str
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "a key of a program")
    url = {"url": "${HOOK_URL}"} | ({"secret": "${HOOK_SECRET}"} if channel == "webhook" else {})
    deployment = deployment_of(folder, **{channel: url}, when=[BUSY], all_clear=True)
    send_days(deployment, [3, 4, 1])
    bodies = [body.decode() for _, body in receiver.requests]
    assert len(bodies) == len(EXPECTED)
    if channel == "webhook":
        events = [json.loads(body) for body in bodies]
        assert [event["type"] for event in events] == ["report.alert", "report.all_clear"]
        told = [event["data"]["alert"]["conditions"][0] for event in events]
        assert [(each["value"], each["is_met"], each["since"]) for each in told] == [
            (3, True, "2026-06-15"),
            (1, False, "2026-06-15"),
        ]
    else:
        for body, (subject, text) in zip(bodies, EXPECTED.items(), strict=True):
            assert subject in body
            assert text in body
