"""The SFTP transport: upload files to a folder, each under a temporary name and then renamed.

The server's host key is checked. Uploading a file again replaces it with the same bytes, so an attempt is
never unconfirmed.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import paramiko

from assets.config.base import resolve_secret
from assets.config.channels import Sftp
from assets.deliver.channels.base import ChannelUnavailable, Timeouts, clean_header
from assets.deliver.delivery import Delivery
from assets.deliver.outcome import AttemptResult, Outcome, Step
from assets.runtime.compat.sftp_host_keys import CheckedSftp


@dataclass(slots=True)
class SftpTransport:
    """An open SFTP session; *root* is the workspace's folder in the archive."""

    files: CheckedSftp
    folder: PurePosixPath
    root: Path
    is_open: bool = True
    max_bytes: int | None = None

    def send(self, delivery: Delivery, content: bytes, before_commit: Callable[[], None]) -> AttemptResult:
        """Upload the files that *content* lists (JSON); repeatable, so *before_commit* is not called."""
        del before_commit
        upload = json.loads(content)
        try:
            for name, file in upload["files"].items():
                self._put_file(
                    self.root / upload["folder"] / file["name"], self.folder / name, file["sha256"]
                )
        except (OSError, EOFError, paramiko.SSHException) as error:
            self.is_open = isinstance(error, PermissionError | FileNotFoundError)
            outcome = Outcome.FAILED if self.is_open else Outcome.DEFERRED
            return AttemptResult(outcome, Step.BODY, clean_header(str(error)) or type(error).__name__)
        return AttemptResult(
            Outcome.ACCEPTED, Step.DOT, f"{len(upload['files'])} files in {delivery.recipient}"
        )

    def _put_file(self, file: Path, target: PurePosixPath, sha256: str) -> None:
        data = file.read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise FileNotFoundError(f"{file.name} in the archive was changed")
        temporary = target.with_name(f".{target.name}.{sha256[:8]}")
        self.files.pipe_file(str(temporary), data)
        self.files.ftp.posix_rename(str(temporary), str(target))


@contextmanager
def open_sftp(settings: Sftp, root: Path, timeouts: Timeouts) -> Iterator[SftpTransport]:
    """Yield an open session. Raises ChannelUnavailable."""
    seconds = timeouts.connection
    login = {"password": resolve_secret(settings.password)} if settings.password else {}
    login |= {"key_filename": str(settings.key_file)} if settings.key_file else {}
    try:
        files = CheckedSftp(
            settings.known_hosts,
            settings.host,
            port=settings.port,
            username=settings.username,
            timeout=seconds,
            banner_timeout=seconds,
            auth_timeout=seconds,
            **login,
        )
        if channel := files.ftp.get_channel():
            channel.settimeout(timeouts.block)
    except (OSError, EOFError, paramiko.SSHException) as error:
        description = clean_header(str(error)) or type(error).__name__
        raise ChannelUnavailable(f"the SFTP server {settings.host}:{settings.port}: {description}") from error
    try:
        yield SftpTransport(files, PurePosixPath(settings.folder), root)
    finally:
        files.client.close()
