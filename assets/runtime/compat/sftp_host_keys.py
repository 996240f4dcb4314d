"""Host key verification for fsspec's SFTP file system, which takes no file of known hosts.

Saves: files from being sent to whatever server responds at the address. Versions: fsspec 2026.9, whose
`host_key_policy` applies only after a key type is agreed on, which may differ from the known one.
"""

from pathlib import Path

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem


class CheckedSftp(SFTPFileSystem):
    """fsspec's file system of a server whose key is in the file *known_hosts*; other servers are refused."""

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
            self.client.close()  # otherwise its thread keeps the connection open
            raise
