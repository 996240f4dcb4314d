"""fsspec's SFTP file system cannot be given a file of known hosts; this one accepts no other server's key.

Saves: files from being sent to whoever answers at the address. Versions: fsspec 2026.9, whose
`host_key_policy` is asked only after a type of key is agreed on, which may be another than the known one.
"""

from pathlib import Path

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem


class CheckedSftp(SFTPFileSystem):
    """fsspec's file system of a server whose key is in the file *known_hosts*."""

    cachable = False

    def __init__(self, known_hosts: Path, host: str, **login: object) -> None:
        self._known_hosts = known_hosts
        super().__init__(host, **login)

    def _connect(self) -> None:
        self.client = paramiko.SSHClient()
        self.client.load_host_keys(str(self._known_hosts))
        self.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        try:
            self.client.connect(self.host, **self.ssh_kwargs, allow_agent=False, look_for_keys=False)
            self.ftp = self.client.open_sftp()
        except BaseException:
            self.client.close()  # else its thread keeps the connection
            raise
