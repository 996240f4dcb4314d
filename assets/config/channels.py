"""Channels other than mail: webhooks, chats, SFTP. No I/O."""

import base64
from collections.abc import Callable
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from assets.config.base import LOOPBACK, ConfigModel, Folder, is_literal, resolve_secret
from assets.errors import ConfigError

_BASE64 = "whsec_"


def safe_url(secret: SecretStr) -> str:
    """Return the URL in *secret*. Raises ConfigError where it is invalid or not encrypted."""
    url = resolve_secret(secret).strip()
    try:
        parts = urlsplit(url)
        is_valid = url.isascii() and url.isprintable() and " " not in url and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ConfigError("`url` of a channel must be a URL, such as https://hooks.example.org/reports")
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url
    raise ConfigError(f"{parts.scheme}://{parts.hostname}: `url` must be https, or http to this machine")


def signing_key(secret: SecretStr) -> bytes:
    """Return the bytes of a key; after the standard's prefix `whsec_` it is base64. Raises ConfigError."""
    text = resolve_secret(secret)
    if not text.startswith(_BASE64):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_BASE64), validate=True)
    except ValueError:
        raise ConfigError("`secret` of a webhook must be base64 after whsec_") from None


def _check_literal(check: Callable[[SecretStr], object]) -> AfterValidator:
    """Return a validator that calls *check*, unless the secret is in the environment."""

    def checked(secret: SecretStr) -> SecretStr:
        if is_literal(secret):
            try:
                check(secret)
            except ConfigError as error:
                raise ValueError(f"{error}") from None
        return secret

    return AfterValidator(checked)


ChannelUrl = Annotated[SecretStr, _check_literal(safe_url)]
SigningKey = Annotated[SecretStr, _check_literal(signing_key)]


class Webhook(ConfigModel):
    """A program that is notified of each report by a signed POST request."""

    url: ChannelUrl = Field(description="URL, such as `${HOOK_URL}`; https, or http to this machine.")
    secret: SigningKey = Field(description="Signing key, such as `${HOOK_SECRET}`.")


class Slack(ConfigModel):
    """A Slack channel, or a service that accepts the same messages."""

    url: ChannelUrl = Field(description="URL of the incoming webhook, such as `${SLACK_URL}`.")


class Teams(ConfigModel):
    """A channel or a chat of Microsoft Teams."""

    url: ChannelUrl = Field(description="URL of the workflow's webhook, such as `${TEAMS_WORKFLOW_URL}`.")


class GoogleChat(ConfigModel):
    """A space of Google Chat."""

    url: ChannelUrl = Field(description="URL of the incoming webhook, such as `${GOOGLE_CHAT_URL}`.")


class Sftp(ConfigModel):
    """A folder on an SFTP server that receives the attached files."""

    host: str
    port: int = Field(default=22, ge=1, le=65535)
    username: str
    password: SecretStr | None = None
    key_file: Folder | None = Field(default=None, description="Private key file, instead of `password`.")
    known_hosts: Folder = Field(description="File with the server's host key, as printed by `ssh-keyscan`.")
    folder: str = Field(default=".", description="Existing folder on the server.")

    @model_validator(mode="after")
    def _it_can_log_in(self) -> Self:
        if (self.password is None) == (self.key_file is None):
            raise ValueError("either `password` or `key_file` is required, not both")
        return self


Channel = Webhook | Slack | Teams | GoogleChat | Sftp
