"""The bytes to send, kept by their SHA-256 before the first attempt: `<archive>/<workspace>/.outbox/`.

Mails are `.eml`, what goes to programs is `.json`.
"""

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from assets.errors import PermanentError
from assets.runtime.atomic_files import write_atomic
from assets.runtime.extras import require_store


class MailLost(PermanentError):
    """The bytes to send are not there, or are not those that were kept."""


class Outbox:
    """The mails of one workspace below the archive's *root*."""

    def __init__(self, root: Path, workspace: str) -> None:
        require_store(root, "archive")
        self._folder = root / workspace / ".outbox"

    def put(self, content: bytes) -> str:
        """Keep *content* durably; return its SHA-256."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._folder / f"{sha256}.{'json' if content.startswith(b'{') else 'eml'}"
        if not path.exists():
            write_atomic(path, content)
        return sha256

    def get(self, sha256: str | None) -> bytes:
        """Return what was kept. Raises MailLost."""
        if sha256 is None:
            raise MailLost("no bytes to send were ever kept")
        try:
            content = self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise MailLost(f"{self.path(sha256)} is not there") from None
        if hashlib.sha256(content).hexdigest() != sha256:
            raise MailLost(f"{self.path(sha256)} was changed")
        return content

    def prune(self, before: datetime, keep: Collection[str]) -> int:
        """Remove what was kept before that instant, but not *keep*; return how many."""
        old = [
            path
            for path in self._folder.glob("*.*")
            if path.stem not in keep and datetime.fromtimestamp(path.stat().st_mtime, UTC) < before
        ]
        for path in old:
            path.unlink()
        return len(old)

    def remove(self, sha256: str) -> None:
        """Remove what was kept under that SHA-256, if it is there."""
        self.path(sha256).unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Return where the content with that SHA-256 is kept."""
        return next(self._folder.glob(f"{sha256}.*"), self._folder / sha256)
