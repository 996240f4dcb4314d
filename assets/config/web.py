"""Who may use the web server that `assignment-reports serve` starts. No I/O."""

from typing import Annotated, Self

from pydantic import Field, IPvAnyNetwork, model_validator

from assets.config.base import HEADER, HOST, ConfigModel, LongSecret

HostName = Annotated[str, Field(pattern=HOST)]


class Web(ConfigModel):
    """The web server: the names that it answers to, and how a request proves that it may come in."""

    allowed_hosts: tuple[HostName, ...] = Field(
        default=(), description="Host names in the address of the UI, beside those of this machine."
    )
    token: LongSecret | None = Field(
        default=None,
        description="Password of the UI for people, and bearer token for programs; at least 16 characters.",
    )
    trusted_header: str | None = Field(
        default=None,
        pattern=HEADER,
        description="Header in which a proxy names the person who has logged in, such as X-Forwarded-User.",
    )
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description="Addresses or networks of the proxies that may send `trusted_header`."
    )

    @model_validator(mode="after")
    def _header_has_a_sender(self) -> Self:
        if (self.trusted_header is None) != (not self.trusted_proxies):
            raise ValueError("`trusted_header` and `trusted_proxies` are required together")
        return self

    @property
    def has_login(self) -> bool:
        """Return whether a request must prove who sends it."""
        return self.token is not None or self.trusted_header is not None
