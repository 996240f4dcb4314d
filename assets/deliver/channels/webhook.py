"""The webhook transport: signed POST requests (Standard Webhooks 1.0), and unsigned ones to chats.

A request is made step by step, to know after an error whether the receiver may have it. The messages to
chats are in `slack.py`, `teams.py` and `google_chat.py`.
"""

import base64
import hashlib
import hmac
import http.client
import json
import re
import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

from assets.archive.version import Archived
from assets.clock import Clock
from assets.config.channels import safe_url, signing_key
from assets.deliver.channels.base import Timeouts, clean_header, cut_after
from assets.deliver.delivery import Delivery
from assets.deliver.outcome import AttemptResult, Outcome, Step
from assets.render.mail import MailContext

_RETRYABLE = {408, 425, 429}
_MAX_ANSWER_BYTES = 1_000
_SECRET = re.compile("[^/?&=]{16,}")  # in a URL: keys and tokens are that long, names are shorter


@dataclass(frozen=True, slots=True)
class WebTransport:
    """POSTs to one URL; each delivery is a request of its own, signed if there is a *key*."""

    url: str
    key: bytes | None
    timeouts: Timeouts
    clock: Clock
    is_open: bool = True
    max_bytes: int | None = None

    def send(self, delivery: Delivery, content: bytes, before_commit: Callable[[], None]) -> AttemptResult:
        """POST *content*. The `webhook-id` is the delivery's, so a receiver can drop a repeated one."""
        parts = urlsplit(self.url)
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        step = Step.MAIL
        with closing(self._new_connection(parts)) as connection:
            try:
                connection.connect()
                before_commit()
                step = Step.DOT
                sock = connection.sock
                with cut_after(lambda: sock, self.timeouts.connection):
                    connection.request("POST", target, content, self._request_headers(delivery, content))
                    response = connection.getresponse()
                    text = response.read(_MAX_ANSWER_BYTES).decode(errors="replace")
            except (OSError, http.client.HTTPException) as error:
                description = f"{parts.hostname}: {clean_header(str(error)) or type(error).__name__}"
                return AttemptResult(
                    Outcome.UNKNOWN if step is Step.DOT else Outcome.DEFERRED, step, description
                )
        for secret in _SECRET.findall(target):  # pages about errors repeat the URL
            text = text.replace(secret, "***").replace(unquote(secret), "***")
        return _result_of_status(response.status, clean_header(text))

    def _new_connection(self, parts: SplitResult) -> http.client.HTTPConnection:
        host, seconds = parts.hostname or "", self.timeouts.connection
        if parts.scheme == "https":
            secure = ssl.create_default_context()
            return http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=secure)
        return http.client.HTTPConnection(host, parts.port, timeout=seconds)

    def _request_headers(self, delivery: Delivery, content: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "assignment-reports"}
        if self.key is None:
            return headers
        timestamp = str(int(self.clock().timestamp()))  # the receiver compares it with its own clock
        signature = hmac.digest(self.key, f"{delivery.id}.{timestamp}.".encode() + content, hashlib.sha256)
        return headers | {
            "webhook-id": delivery.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
        }


def web_transport(url: SecretStr, secret: SecretStr | None, timeouts: Timeouts, clock: Clock) -> WebTransport:
    """Return the transport to *url*; with a *secret*, requests are signed. Raises ConfigError."""
    return WebTransport(safe_url(url), signing_key(secret) if secret else None, timeouts, clock)


def _result_of_status(status: int, text: str) -> AttemptResult:
    """Return the result of an answer. The *text* of an acceptance is left out: it may repeat the message."""
    if 200 <= status < 300:  # noqa: PLR2004
        return AttemptResult(Outcome.ACCEPTED, Step.DOT, str(status))
    is_temporary = status in _RETRYABLE or status >= 500  # noqa: PLR2004
    outcome = Outcome.DEFERRED if is_temporary else Outcome.FAILED
    return AttemptResult(outcome, Step.DOT, f"{status} {text}".strip())


def webhook_body(archived: Archived, place: Callable[[str], str], context: MailContext) -> bytes:
    """Return the JSON event: the report's figures, and its files with their *place* (URL by name)."""
    report, manifest = archived.report(), archived.manifest
    head = {"workspace", "workspace_name", "name", "report_date", "as_of", "period", "filters", "notes"}
    figures = {"total", "by_source", "comparison", "goals", "provisional", "reasons", "missing_days"}
    data = report.model_dump(mode="json", include=head | figures)
    data |= {
        "title": report.title,
        "version": manifest.version,
        "files": [entry.model_dump() | {"place": place(entry.name)} for entry in manifest.files],
    }
    event = "report.archived"
    if notice := context.alert:
        event = "report.all_clear" if notice.is_all_clear else "report.alert"
        data["alert"] = notice.result.model_dump(mode="json")
        for condition, since in zip(data["alert"]["conditions"], notice.since, strict=False):
            condition["since"] = since and str(since)
    if correction := context.correction:
        event = "report.corrected"
        changes = {name: [before, now] for name, before, now in correction.changes}
        data["corrects"] = {"version": correction.version, "changes": changes}
    body = {"type": event, "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
