"""The way to the mail server: encrypted and verified, or on this machine; nothing falls back to less."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from assets.config import Smtp
from assets.setting import reveal

_TIMEOUT_SECONDS = 20


@contextmanager
def connected(settings: Smtp) -> Iterator[smtplib.SMTP]:
    """Yield a connection that is ready for mail.

    Raises smtplib.SMTPException or OSError where the server cannot be reached, verified or logged in to.
    """
    context = ssl.create_default_context()
    if settings.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            settings.host, settings.port, timeout=_TIMEOUT_SECONDS, context=context
        )
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=_TIMEOUT_SECONDS)
    with server:
        if settings.security == "starttls":
            server.starttls(context=context)
        if settings.username and settings.password:
            server.login(settings.username, reveal(settings.password))
        yield server
