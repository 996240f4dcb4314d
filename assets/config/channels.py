"""Channels other than mail: webhooks, Slack, SFTP. No I/O."""

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from assets.config.base import LOOPBACK, ConfigModel, Folder, resolve_secret
from assets.errors import ConfigError


class Webhook(ConfigModel):
    """A program that is told of each report, by a signed POST."""

    url: SecretStr = Field(description="Such as `${HOOK_URL}`; https, or http to this machine.")
    secret: SecretStr = Field(description="Key of the signature, such as `${HOOK_SECRET}`.")


class Slack(ConfigModel):
    """A channel of Slack, or of what takes the same messages."""

    url: SecretStr = Field(description="Of its incoming webhook, such as `${SLACK_URL}`.")


class Sftp(ConfigModel):
    """A folder of an SFTP server that gets the attached files."""

    host: str
    port: int = Field(default=22, ge=1, le=65535)
    username: str
    password: SecretStr | None = None
    key_file: Folder | None = Field(default=None, description="Private key, in place of `password`.")
    known_hosts: Folder = Field(description="File with the server's key, as `ssh-keyscan` prints it.")
    folder: str = Field(default=".", description="On the server; it is there already.")

    @model_validator(mode="after")
    def _it_can_log_in(self) -> Self:
        if (self.password is None) == (self.key_file is None):
            raise ValueError("give `password` or `key_file`")
        return self


Channel = Webhook | Slack | Sftp


def safe_url(secret: SecretStr) -> str:
    """Return the URL in *secret*. Raises ConfigError where it is invalid or not encrypted."""
    url = resolve_secret(secret).strip()
    try:
        parts = urlsplit(url)
        is_valid = url.isascii() and url.isprintable() and " " not in url and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ConfigError("a channel's `url` is no URL")
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url
    raise ConfigError(f"{parts.scheme}://{parts.hostname}: a `url` is https, or http to this machine")
