"""The outbox: content to send, stored under its SHA-256 before the first attempt.

Files are `<archive>/<workspace>/.outbox/<sha256>.eml` for mails and `.json` for other channels.
"""

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from assets.errors import PermanentError
from assets.runtime.atomic_files import write_atomic
from assets.runtime.extras import require_store


class MailLost(PermanentError):
    """The content to send is missing, or is not what was stored."""


class Outbox:
    """The outbox of one workspace below the archive's *root*. Raises MissingExtraError."""

    def __init__(self, root: Path, workspace: str) -> None:
        require_store(root, "archive")
        self._folder = root / workspace / ".outbox"

    def put(self, content: bytes) -> str:
        """Store *content* durably; return its SHA-256."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._folder / f"{sha256}.{'json' if content.startswith(b'{') else 'eml'}"
        if not path.exists():
            write_atomic(path, content)
        return sha256

    def get(self, sha256: str | None) -> bytes:
        """Return the stored content with that SHA-256. Raises MailLost."""
        if sha256 is None:
            raise MailLost("the content of the mail was never stored")
        try:
            content = self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise MailLost(f"{self.path(sha256)} is missing") from None
        if hashlib.sha256(content).hexdigest() != sha256:
            raise MailLost(f"{self.path(sha256)} was changed")
        return content

    def prune(self, before: datetime, keep: Collection[str]) -> int:
        """Remove the content stored before that instant, except *keep*; return the number of files."""
        expired = [
            path
            for path in self._folder.glob("*.*")
            if path.stem not in keep and datetime.fromtimestamp(path.stat().st_mtime, UTC) < before
        ]
        for path in expired:
            path.unlink()
        return len(expired)

    def remove(self, sha256: str) -> None:
        """Remove the content with that SHA-256, if it is stored."""
        self.path(sha256).unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Return the path of the content with that SHA-256, which need not exist."""
        return next(self._folder.glob(f"{sha256}.*"), self._folder / sha256)
