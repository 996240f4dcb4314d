"""Messages to Slack, Microsoft Teams and Google Chat: posted through the ledger, plain whatever the names."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.config.presentation import Filters
from assets.deliver.channels.google_chat import google_chat_body
from assets.deliver.channels.slack import slack_body
from assets.deliver.channels.teams import teams_body
from assets.render.chat import MAX_LISTED, ChatMessage, chat_message
from assets.render.mail import Correction, MailContext, summarize_report
from assets.report.model import Finding, Reason, ReasonCode, Report, Rule, SourceCount
from orchestration.cli.config_check import examine_config
from tests.conftest import HEADER
from tests.deliver.delivery_deployment import BEFORE, EVENTS, deployment_of
from tests.render.made_reports import make_report
from tests.render.test_mail import ADDRESS, comparing, speaking
from tests.servers.web_receiver import TOKEN, Receiver

BODIES: dict[str, Callable[[ChatMessage], bytes]] = {
    "slack": slack_body,
    "teams": teams_body,
    "google_chat": google_chat_body,
}
URL = {"url": "${HOOK_URL}"}

each_chat = pytest.mark.parametrize("chat", BODIES)


def message_of(report: Report, **context: Any) -> ChatMessage:
    context = {"version": 2, "place": ADDRESS, "max_listed": MAX_LISTED, **context}
    summary = summarize_report(report, MailContext(**context))
    return chat_message(report, summary, {"PDF": ADDRESS.replace("html", "pdf")})


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield each object within *value*."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(each)


def shown(chat: str, body: bytes) -> str:
    """Return the texts that readers see, without links; fails where a name could be more than text."""
    message = json.loads(body)
    if chat == "teams":
        card = message["attachments"][0]["content"]
        assert card["msteams"] == {"width": "Full"}, "without entities, nobody is mentioned"
        types = {each["type"] for each in objects(card["body"])}
        assert types <= {"RichTextBlock", "TextRun", "Container"}, "no text block, which reads Markdown"
        return "\n".join(each["text"] for each in objects(card["body"]) if each["type"] == "TextRun")
    if chat == "slack":
        assert message["mrkdwn"] is False
        texts = texts_of_slack(message)
        assert all(text["emoji"] is False for text in texts if text["type"] == "plain_text")
        assert all(text["verbatim"] is True for text in texts if text["type"] == "mrkdwn")
        markup = re.sub(
            f".*{ADDRESS[:28]}.*", "", "\n".join([message["text"], *(text["text"] for text in texts)])
        )
    else:
        assert not re.search("[<>]", message["fallbackText"])
        widgets = [each for each in objects(message["cardsV2"]) if "text" in each and "onClick" not in each]
        markup = "\n".join(f"{each.get('topLabel', '')} {each['text']}".strip() for each in widgets)
        markup = re.sub("</?b>", "", markup).replace("<br>", "\n")
    assert not re.search("[<>]|&(?!amp;|lt;|gt;)", markup)
    return unescape(markup)


def texts_of_slack(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in objects(message["blocks"]) if isinstance(each.get("text"), str)]


def urls(chat: str, body: bytes) -> list[str]:
    """Return the addresses that the message links to."""
    message = json.loads(body)
    if chat == "slack":
        return [url for text in texts_of_slack(message) for url in re.findall(r"<(.*?)\|", text["text"])]
    return [each["url"] for each in objects(message) if "url" in each]


@each_chat
def test_a_chat_is_sent_each_report_once_by_its_secret_url(
    folder: Path, receiver: Receiver, chat: str
) -> None:
    deployment = deployment_of(folder, **{chat: URL})
    deployment.settings["archive_url"] = "https://reports.example.org"
    deployment.configure()
    receiver.statuses.extend([429, 202])
    receiver.echoes = True
    deployment.make_and_send()
    (row,) = deployment.rows()
    assert (row.recipient, row.state) == (chat, "deferred")
    deployment.round(timedelta(minutes=2))
    deployment.round(timedelta(hours=1))
    (headers, first), (_, second) = receiver.requests
    (row,) = deployment.rows()
    assert (row.state, row.reason) == ("accepted", "dot: 202")
    assert first == second == (folder / f"out/acme/.outbox/{row.content}.json").read_bytes()
    assert headers["Content-Type"] == "application/json"
    assert "webhook-signature" not in headers
    text = shown(chat, first)
    assert row.subject == "Acme Support: Yesterday, Jun 14: 3 assignments"
    assert row.subject in text
    assert "• User: 2 (66.7%)" in text
    version = "https://reports.example.org/acme/yesterday/2026-06-15/v1"
    assert urls(chat, first) == [f"{version}/report.html", f"{version}/log.csv"]
    assert not [path for path in folder.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


@each_chat
def test_a_chat_is_told_what_a_mail_says(chat: str) -> None:
    reason = Reason(code=ReasonCode.INPUT_UNREADABLE, facts={"count": 1, "first": "a.csv"})
    report = comparing({"user": 30, "bot": 5}, user=40, bot=2)
    report = report.model_copy(
        update={"provisional": True, "reasons": (reason,), "filters": Filters(source=("User",))}
    )
    body = BODIES[chat](message_of(report))
    text = shown(chat, body).replace("\u200b", "")
    for part in (
        "Acme <b>Support</b>: Last 7 Days, Nov 1\u2009–\u20097: 42 assignments",
        "Time zone: America/New_York",
        "Source: User",
        "Provisional.",
        "• 1 input could not be read: a.csv",
        "+20.0% vs. previous period",
        "• User was the top source: 40 assignments (80.0%).",
        "• User: 40 (95.2%) +10",
        "Report date: Sun, Nov 8, 2026 · version 2",
    ):
        assert part in text, part
    assert re.search(r"Reassignments:?\s+\*?20\*?\s+-4.8%", text)
    assert re.search(r"Unassignments:?\s+\*?1,234", text)
    assert urls(chat, body) == [ADDRESS, ADDRESS.replace("html", "pdf")]
    bare = BODIES[chat](message_of(report, figures=False, place="acme/x/v2")).decode()
    assert "top source" not in bare
    assert "All files: acme/x/v2" in bare
    corrected = message_of(
        report, figures=False, correction=Correction(1, (("total", 30, 42), ("Bot", 1, 2)))
    )
    text = shown(chat, BODIES[chat](corrected))
    assert "Correction: Acme" in text
    assert "This report corrects version 1, which was sent to you earlier." in text
    assert "• Total: 30 → 42 (+12)\n• Bot: 1 → 2 (+1)" in text


@each_chat
def test_a_report_without_a_url_has_no_link(chat: str) -> None:
    report, context = make_report({"user": 1}), MailContext(version=1, place="acme/last_7_days/2026-11-08/v1")
    body = BODIES[chat](chat_message(report, summarize_report(report, context), {})).decode()
    assert "http" not in body.replace("http://adaptivecards.io/schemas/adaptive-card.json", "")
    assert "All files: acme/last_7_days/2026-11-08/v1" in body


@each_chat
def test_a_message_reads_from_right_to_left_in_arabic(chat: str) -> None:
    message = message_of(speaking(comparing({"user": 30}, user=40), "ar"))
    lines = shown(chat, BODIES[chat](message)).splitlines()
    assert [
        line
        for line in lines
        if re.search("[\u0600-\u06ff]", line) and not line.lstrip("*").startswith("\u200f\u2067")
    ] == []
    if chat == "teams":
        card = json.loads(teams_body(message))["attachments"][0]["content"]
        assert {each["horizontalAlignment"] for each in card["body"]} == {"right"}


PIECES = (
    *("<!channel>", "<users/all>", "<at>all</at>", "<@U1>", "@here", "<https://evil.example|x>", "[x](http://evil.example)"),
    *("www.evil.example", "mailto:a@evil.example", "*b*", "_i_", "~s~", "`c`", "<b>", "</b>", "<a href='x'>", "&lt;", "&"),
    *("{{DATE(2026-01-01T00:00:00Z)}}", ":tada:", "\n", "\u2028", '"', "\\", "# h", "- l", "1. n", "|", "${x}", "Zoë", " "),
)  # fmt: skip


@each_chat
@settings(max_examples=40)
@given(name=st.lists(st.sampled_from(PIECES), min_size=1, max_size=2).map("".join))
def test_names_stay_plain_text(chat: str, name: str) -> None:
    finding = Finding(
        rule=Rule.TOP_ASSIGNEE, facts={"assignee": name, "count": 3, "share": 100.0}, fragment=""
    )
    report = make_report({"user": 3}, provisional=True).model_copy(
        update={
            "workspace_name": name,
            "own_title": name,
            "by_source": (SourceCount(source=name, label=name, count=3, share_pct=100.0),),
            "findings": (finding,),
            "reasons": (Reason(code=ReasonCode.INPUT_UNREADABLE, facts={"count": 1, "first": name}),),
            "filters": Filters(assigned_to=(name,)),
        }
    )
    message = message_of(report, correction=Correction(1, ((name, 2, 3),)))
    text = shown(chat, BODIES[chat](message))
    shown_name = re.sub("[\n\u2028]+", " ", name).strip()
    assert text.replace("\u200b", "").count(shown_name) >= 5
    assert not re.search(r"://|www\.e|\.example|@\w|:tada|\{\{|mailto:a", text)


MANY = {
    "letters": "Workflow {:04} - Übergabe an das Team für Rückfragen" * 4,
    "signs": "{:04} <&'\"" * 40,
    "marks": "{:04} " + "की" * 200,
    "faces": "{:04} " + "👩‍👩‍👧‍👦" * 60,
}


@each_chat
@pytest.mark.parametrize("name", MANY.values(), ids=MANY)
def test_a_message_about_hundreds_of_long_names_is_not_refused(chat: str, name: str) -> None:
    names = [name.format(n, *[n] * 39) for n in range(230)]
    finding = Finding(
        rule=Rule.TOP_ASSIGNEE, facts={"assignee": names[0], "count": 3, "share": 9.0}, fragment=""
    )
    reason = Reason(code=ReasonCode.INPUT_UNREADABLE, facts={"count": 3, "first": names[0]})
    report = make_report({each: 300 - n for n, each in enumerate(names)}, provisional=True).model_copy(
        update={
            "workspace_name": names[0],
            "findings": (finding,) * 12,
            "reasons": (reason,) * 5,
            "filters": Filters(source=tuple(names[:10]), contact=tuple(names[:10])),
        }
    )
    changes = tuple((each, n, 300) for n, each in enumerate(names))
    for message in (message_of(report), message_of(report, figures=False, correction=Correction(1, changes))):
        body = BODIES[chat](message)
        assert max(len(body), len(body.decode().encode("utf-16-le"))) <= 28_000
        assert "0000" in shown(chat, body)
        if chat == "slack":
            check_limits_of_slack(json.loads(body)["blocks"])
    assert "220 more sources" in shown(chat, BODIES[chat](message_of(report)))


def check_limits_of_slack(blocks: list[dict[str, Any]]) -> None:
    limits = {"header": 150, "section": 3_000, "context": 3_000}
    assert len(blocks) <= 50
    for block in blocks:
        elements = block.get("elements", [])
        fields = block.get("fields", [])
        assert len(elements) <= 10
        assert len(fields) <= 10
        for text in (block.get("text"), *elements, *fields):
            assert text is None or 0 < len(text["text"]) <= limits[block["type"]]


def test_check_config_names_what_is_wrong_with_a_url(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = deployment_of(folder, google_chat=URL)
    (folder / "events").mkdir()
    (folder / "events" / "all.csv").write_text("\n".join([HEADER, *EVENTS]))
    assert list(examine_config(deployment.config, BEFORE)) == []
    monkeypatch.setenv("HOOK_URL", f"http://hooks.example.org/{TOKEN}")
    (finding,) = examine_config(deployment.config, BEFORE)
    assert finding.is_error
    assert finding.text == (
        "workspaces.acme.subscriptions.managers.google_chat.url: http://hooks.example.org: "
        "`url` must be https, or http to this machine"
    )
    monkeypatch.delenv("HOOK_URL")
    (finding,) = examine_config(deployment.config, BEFORE)
    assert finding.text == "workspaces.0.subscriptions.0.url: environment variable HOOK_URL is not set"
