"""Detection of truncated SMTP replies: smtplib accepts a line without its end, such as half of `250`.

Saves: a mail that was never accepted from being recorded as accepted. Versions: Python 3.11 to 3.13, whose
`SMTP.getreply` reads with `readline` and does not check for a line end.
"""

import smtplib
import socket
from io import BufferedReader
from ssl import SSLContext


class _WholeLines(BufferedReader):
    """A reader that returns an empty line in place of a truncated one."""

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        return line if line.endswith(b"\n") or len(line) == size else b""


class _Plain(smtplib.SMTP):
    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _WholeLines(self.sock.makefile("rb", buffering=0))
        return super().getreply()


class _Tls(_Plain, smtplib.SMTP_SSL):
    """The same client, within TLS from the first byte."""


def smtp_client(host: str, seconds: float, tls: SSLContext | None = None) -> smtplib.SMTP:
    """Return a client that is not connected yet; with *tls*, TLS begins with the first byte.

    *host* is the name that TLS verifies, which smtplib sets only where its constructor connects.
    """
    name = socket.gethostname()
    client = (
        _Tls(local_hostname=name, timeout=seconds, context=tls)
        if tls
        else _Plain(local_hostname=name, timeout=seconds)
    )
    client._host = host  # type: ignore[attr-defined] # noqa: SLF001 - nothing else sets it
    return client
