"""The socket on which a server listens: one of its own, or the one that systemd holds for it.

A socket that systemd holds outlives the server: who connects during a restart waits for the next one.
"""

import os
import socket
from dataclasses import dataclass

from assets.errors import ConfigError

_FIRST_PASSED = 3  # sd_listen_fds(3)


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a server listens; port 0 is any free port."""

    host: str
    port: int

    def bind(self) -> socket.socket:
        """Return a socket that has the port. Raises ConfigError where that is impossible."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        bound = socket.socket(family)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((self.host, self.port))
        except OSError as error:
            bound.close()
            raise ConfigError(
                f"cannot listen on {self.host} port {self.port}: {error.strerror}\n"
                "hint: choose another with --host or --port"
            ) from None
        return bound

    def passed_or_bind(self) -> socket.socket:
        """Return the socket that systemd passed to this process, else one that has the port."""
        is_passed = os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1"
        return socket.socket(fileno=_FIRST_PASSED) if is_passed else self.bind()

    def address_of(self, bound: socket.socket) -> str:
        """Return the host and port of a socket that is *bound*, as in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{bound.getsockname()[1]}"
