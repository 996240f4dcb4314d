"""The SMTP session: send one mail step by step, to know after an error what the server has (RFC 5321).

The connection is encrypted and verified, or stays on this machine; it never falls back to less. The
transition after a result is in `delivery.py`.
"""

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

from assets.config.base import resolve_secret
from assets.config.deployment import Smtp
from assets.deliver.channels.base import (
    DEFAULT_TIMEOUTS,
    ChannelUnavailable,
    LoginRefused,
    Timeouts,
    clean_header,
    cut_after,
)
from assets.deliver.outcome import AttemptResult, Outcome, Step
from assets.runtime.compat.smtplib_replies import smtp_client

_AUTH_WANTED = {530, 534, 535, 538}
_CLOSING = 421
_TOO_LARGE = re.compile(r"552|5\d\d 5\.(2\.3|3\.4)\b")  # RFC 3463: message length exceeds a limit
_MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5")
_LINE_START_DOT = re.compile(rb"^\.", re.MULTILINE)


class SmtpSession:
    """A connection that is ready for mail; see `open_smtp`."""

    def __init__(self, client: smtplib.SMTP, timeouts: Timeouts) -> None:
        self._client = client
        self._patience = timeouts

    @property
    def is_open(self) -> bool:
        """Tell whether another mail can be sent over it."""
        return self._client.sock is not None

    @property
    def max_bytes(self) -> int | None:
        """Return the largest mail that the server accepts, or None if it states no limit (RFC 1870)."""
        limit = self._client.esmtp_features.get("size", "")
        return int(limit) if limit.isdecimal() and int(limit) else None

    def send(
        self, sender: str, recipient: str, mail: bytes, before_commit: Callable[[], None] = lambda: None
    ) -> AttemptResult:
        """Send *mail* to one *recipient*.

        *before_commit* is called when everything but the final dot is sent, and the connection is still open:
        from then on the server may have the mail, whatever it answers. If it raises, or the dot cannot be
        sent, the server does not have the mail.
        """
        size = f" SIZE={len(mail)}" if self._client.has_extn("size") else ""
        commands = (
            (Step.MAIL, f"MAIL FROM:<{sender}>{size}", self._patience.command, {250}),
            (Step.RECIPIENT, f"RCPT TO:<{recipient}>", self._patience.command, {250, 251, 252}),
            (Step.DATA, "DATA", self._patience.data, {354}),
        )
        step = Step.MAIL
        try:
            with cut_after(lambda: self._client.sock, self._patience.whole):
                for step, command, seconds, expected in commands:
                    code, text = self._send_command(command, seconds)
                    if code not in expected:
                        return self._refusal_result(step, code, text)
                step = Step.BODY
                self._send_data(_LINE_START_DOT.sub(b"..", mail.removesuffix(b"\r\n") + b"\r\n"))
                if not (has_spoken := self._has_spoken()):
                    before_commit()
                    has_spoken = self._has_spoken()
                if has_spoken:
                    return self._refusal_result(step, *self._read_reply(self._patience.command))
                self._send_data(b".\r\n")
                step = Step.DOT
                code, text = self._read_reply(self._patience.dot)
                if 200 <= code < 300:  # noqa: PLR2004 - RFC 5321, section 4.2.1
                    return AttemptResult(Outcome.ACCEPTED, step, text)
                return self._refusal_result(step, code, text)
        except BaseException as error:
            self._client.close()
            if not isinstance(error, OSError | smtplib.SMTPException):
                raise
            outcome = Outcome.UNKNOWN if step is Step.DOT else Outcome.DEFERRED
            return AttemptResult(outcome, step, f"connection lost: the server {_describe_error(error)}")

    def _send_command(self, command: str, seconds: float) -> tuple[int, str]:
        self._wait_at_most(seconds)
        self._client.putcmd(command)
        return self._read_reply(seconds)

    def _read_reply(self, seconds: float) -> tuple[int, str]:
        self._wait_at_most(seconds)
        code, text = self._client.getreply()
        return code, clean_header(f"{code} {text.decode(errors='replace')}")

    def _has_spoken(self) -> bool:
        """Return whether the server replies before it is asked, as one that breaks off does.

        Raises SMTPServerDisconnected or OSError if it has closed the connection.
        """
        sock, reader = self._wait_at_most(0), self._client.file
        try:
            has_closed = not ((reader and reader.peek(1)) or sock.recv(1))
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        if has_closed:
            raise smtplib.SMTPServerDisconnected("closed by the server in the mail")
        return True

    def _send_data(self, data: bytes) -> None:
        self._wait_at_most(self._patience.block)
        self._client.send(data)

    def _wait_at_most(self, seconds: float) -> socket.socket:
        sock = self._client.sock
        if sock is None:
            raise smtplib.SMTPServerDisconnected("closed by the server before")
        sock.settimeout(seconds)
        return sock

    def _refusal_result(self, step: Step, code: int, text: str) -> AttemptResult:
        """Return the result of a reply that is not positive, and reset or close the connection.

        A permanent refusal of the sender, or for want of a login, concerns every mail.
        """
        is_permanent, is_refusal = 500 <= code < 600, 400 <= code < 600  # noqa: PLR2004
        if code == _CLOSING or not is_refusal or step is Step.BODY:  # it closes, or is not SMTP
            self._client.close()
        elif step is not Step.DOT:
            self._reset_session()
        is_too_large = step is not Step.RECIPIENT and bool(_TOO_LARGE.match(text))
        if is_permanent and not is_too_large and (step is Step.MAIL or code in _AUTH_WANTED):
            return AttemptResult(Outcome.HELD, step, text)
        if is_permanent:
            return AttemptResult(Outcome.FAILED, step, text, is_too_large)
        if step is Step.DOT and not is_refusal:
            return AttemptResult(Outcome.UNKNOWN, step, text)
        return AttemptResult(Outcome.DEFERRED, step, text)

    def _reset_session(self) -> None:
        try:
            is_ready = self._send_command("RSET", self._patience.command)[0] == 250  # noqa: PLR2004
        except (OSError, smtplib.SMTPException):
            is_ready = False
        if not is_ready:
            self._client.close()


@contextmanager
def open_smtp(settings: Smtp, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> Iterator[SmtpSession]:
    """Yield an open session for any number of mails.

    Raises ChannelUnavailable with a sentence; LoginRefused if user name or password are wrong.
    """
    tls = ssl.create_default_context() if settings.security == "tls" else None
    with closing(smtp_client(settings.host, timeouts.connection, tls)) as client:
        try:
            with cut_after(lambda: client.sock, timeouts.whole):
                _greet_server(client, settings)
        except (OSError, smtplib.SMTPException) as error:
            is_refused = isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500  # noqa: PLR2004
            unavailable = LoginRefused if is_refused else ChannelUnavailable
            server = f"the mail server {settings.host}:{settings.port}"
            raise unavailable(f"{server} {_describe_error(error)}") from error
        try:
            yield SmtpSession(client, timeouts)
        finally:
            with (
                suppress(OSError, smtplib.SMTPException),
                cut_after(lambda: client.sock, timeouts.connection),
            ):
                client.quit()  # the answer does not matter: accepted mails stay accepted


def _greet_server(client: smtplib.SMTP, settings: Smtp) -> None:
    code, text = client.connect(settings.host, settings.port)
    if code != 220:  # noqa: PLR2004
        raise smtplib.SMTPConnectError(code, text)
    if client.sock:
        # Without it each dot waits 40 ms for an ACK.
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _say_hello(client)
    if settings.security == "starttls":
        client.starttls(context=ssl.create_default_context())
        _say_hello(client)
    if settings.username and settings.password:
        _log_in(client, settings.username, resolve_secret(settings.password))


def _say_hello(client: smtplib.SMTP) -> None:
    code, text = client.ehlo()
    if code != _CLOSING and not 200 <= code < 300:  # noqa: PLR2004
        code, text = client.helo()
    if not 200 <= code < 300:  # noqa: PLR2004
        raise smtplib.SMTPHeloError(code, text)


def _log_in(client: smtplib.SMTP, username: str, password: str) -> None:
    """Log in with one mechanism: smtplib tries all, and servers lock accounts after a few attempts."""
    offered = client.esmtp_features.get("auth", "").upper().split()
    if chosen := [mechanism for mechanism in _MECHANISMS if mechanism in offered]:
        client.esmtp_features["auth"] = chosen[0]
    client.login(username, password)


def _describe_error(error: Exception) -> str:
    """Return a plain description of a connection error, without its subject."""
    match error:
        case ssl.SSLCertVerificationError():
            description = f"has an invalid certificate: {error.verify_message}"
        case smtplib.SMTPAuthenticationError():
            description = f"refused the login: {error.smtp_code}"
        case smtplib.SMTPNotSupportedError():
            description = f"does not support what is required: {error}"
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=text):
            description = (
                f"answered {code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
            )
        case smtplib.SMTPServerDisconnected():
            description = f"closed the connection: {error}"
        case _:
            description = f"is not reachable: {error or type(error).__name__}"
    return clean_header(description)
