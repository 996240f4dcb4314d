"""Common types of the configuration: frozen models, zones, paths, secrets. No I/O.

Secrets stay `${NAME}` until `resolve_secret` is called at the moment of use, so that validating a
configuration needs no environment.
"""

import os
import re
import unicodedata
from difflib import get_close_matches
from email import headerregistry
from email.errors import HeaderDefect
from pathlib import Path, PurePath
from typing import Annotated, cast
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    SecretStr,
    StringConstraints,
    ValidationInfo,
)

from assets.errors import ConfigError
from assets.runtime.characters import MAX_MARKS, limit_marks, visible_length
from assets.runtime.frozen_model import FrozenModel

MIN_SECRET_LENGTH = 16
"""Least number of characters of a secret that is not to be guessed."""
_MAX_IN_MESSAGE = 60


class ConfigModel(FrozenModel):
    """A part of the configuration: never changed, and no key is unknown."""


def in_message(text: str) -> str:
    """Return *text* as a message may show it: short, in one line, and nothing of a URL: it may be secret."""
    if "://" in text:
        return "(URL)"
    line = text if text.isprintable() else repr(text)[1:-1]
    return line if len(line) <= _MAX_IN_MESSAGE else f"{line[: _MAX_IN_MESSAGE - 1]}…"


def quote(value: object) -> str:
    """Return a *value* of the configuration as a message may show it, a text in quotes."""
    return repr(in_message(value)) if isinstance(value, str) else in_message(str(value))


def _known_zone(name: str) -> str:
    if name in available_timezones():
        return name
    near = get_close_matches(name, sorted(available_timezones()), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ', for example "Europe/Berlin"'
    raise ValueError(f"{quote(name)} is not an IANA time zone{hint}")


def resolve_path(path: Path, info: ValidationInfo) -> Path:
    """Return *path* as an absolute path, relative to the configuration's folder."""
    base: Path = (info.context or {}).get("folder", Path.cwd())
    return (base / path.expanduser()).resolve()


def parse_location(address: str) -> Path:
    """Return the absolute path of a folder, or an equivalent for the URL of a folder in an object store."""
    if "://" not in address:
        return Path(address)
    from upath import UPath  # noqa: PLC0415 - few need it

    return cast("Path", UPath(address, use_listings_cache=False))  # has the methods of Path used here


def _absolute_place(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str | PurePath):
        raise ValueError("must be the path or URL of a folder")  # noqa: TRY004 - what pydantic reports
    return parse_location(str(value)) if "://" in str(value) else resolve_path(Path(value), info)


Zone = Annotated[str, AfterValidator(_known_zone)]
Folder = Annotated[Path, AfterValidator(resolve_path)]
Place = Annotated[Path, PlainValidator(_absolute_place, json_schema_input_type=str)]
_NAME = r"^[a-z][a-z0-9_-]{0,62}$"
_ADDRESS = r"^[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\]+\.[^\s@<>,;:\"()\[\]\\.]+$"
HOST = r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
HEADER = r"^[A-Za-z][A-Za-z0-9-]*$"
COLOR = r"^#[0-9a-fA-F]{6}$"
WEB_URL = r"^https?://\S+$"
OWNER = r"^(team:[A-Za-z0-9_-]+|\S+@\S+\.\S+)$"
FORMATS = {
    _NAME: "must have lower-case letters, digits, - and _ only, at most 63, and begin with a letter",
    _ADDRESS: "must be a mail address",
    HOST: "must be a host name in lower case, without scheme and port",
    HEADER: "must be the name of an HTTP header",
    COLOR: "must be a color such as #332288",
    WEB_URL: "must be a URL that begins with https:// or http://",
    OWNER: "must be a mail address, or team:name",
}
"""What a value must be, for each pattern."""
Name = Annotated[str, Field(pattern=_NAME)]


def _one_line(max_length: int) -> AfterValidator:
    """Return a validator of a text that reports show: its characters are counted as readers see them."""

    def check(text: str) -> str:
        if text.isspace() or any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text):
            raise ValueError("must be one line of text, without control characters")
        if limit_marks(text) != text:
            raise ValueError(f"must have at most {MAX_MARKS} combining marks on a character")
        if visible_length(text) > max_length:
            raise ValueError(f"must have at most {max_length} characters")
        return text

    return AfterValidator(check)


Title = Annotated[str, Field(min_length=1), _one_line(120)]
NoteText = Annotated[str, Field(min_length=1), _one_line(200)]
Footer = Annotated[str, StringConstraints(strip_whitespace=True), _one_line(200)]


def _absolute_sqlite(url: SecretStr, info: ValidationInfo) -> SecretStr:
    scheme, slashes, path = url.get_secret_value().partition(":///")
    if not scheme.startswith("sqlite") or not slashes or path.startswith(("/", "${")):
        return url
    return SecretStr(f"{scheme}:///{resolve_path(Path(path), info)}")


def _of_sqlite_or_postgresql(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("sqlite:", "postgresql:", "postgresql+", "${")):
        raise ValueError("must be the URL of a SQLite or PostgreSQL database, such as sqlite:///name.sqlite")
    return url


def _with_a_number_as_port(url: SecretStr) -> SecretStr:
    place = re.split("[/?]", url.get_secret_value().partition("://")[2].rpartition("@")[2])[0]
    port = place.rpartition("]")[2].rpartition(":")[2] if ":" in place else ""
    if port and not port.isdecimal() and "${" not in port:
        raise ValueError("must have a number as its port")
    return url


DatabaseUrl = Annotated[SecretStr, AfterValidator(_absolute_sqlite), AfterValidator(_with_a_number_as_port)]
StoreUrl = Annotated[DatabaseUrl, AfterValidator(_of_sqlite_or_postgresql)]
"""A database that the product writes."""


def _as_the_server_takes_it(address: str) -> str:
    """Return a mail address in ASCII, with its domain as in the DNS (RFC 5890)."""
    name, _, domain = address.rpartition("@")
    if not name.isascii():
        raise ValueError(
            f"{quote(address)} must have only ASCII characters before the @, which is all that most servers "
            "accept"
        )
    try:
        return headerregistry.Address(addr_spec=f"{name}@{domain.encode('idna').decode()}").addr_spec
    except (UnicodeError, ValueError, HeaderDefect):
        raise ValueError(f"{quote(address)} is not a mail address") from None


Address = Annotated[
    str,
    Field(
        pattern=_ADDRESS,
        max_length=254,
    ),
    AfterValidator(_as_the_server_takes_it),
]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""Names of this machine: traffic to them never leaves it, so it need not be encrypted."""

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def resolve_secret(secret: SecretStr) -> str:
    """Return *secret* with each `${NAME}` replaced from the environment.

    Raises ConfigError that names the variable, never the value.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ConfigError(f"environment variable {match[1]} is not set, but the configuration uses it")
        return os.environ[match[1]]

    return _VARIABLE.sub(value, secret.get_secret_value())


def is_literal(secret: SecretStr) -> bool:
    """Return whether *secret* stands in the configuration itself, so that it can be checked at once."""
    return not _VARIABLE.search(secret.get_secret_value())


def _long_enough(secret: SecretStr) -> SecretStr:
    if is_literal(secret) and len(secret.get_secret_value()) < MIN_SECRET_LENGTH:
        raise ValueError(f"must have at least {MIN_SECRET_LENGTH} characters")
    return secret


LongSecret = Annotated[SecretStr, AfterValidator(_long_enough)]


def missing_names(secret: SecretStr) -> list[str]:
    """Return the variables that *secret* uses and the environment does not define."""
    return [name for name in _VARIABLE.findall(secret.get_secret_value()) if name not in os.environ]


def refuse_duplicates(names: list[str], noun: str) -> None:
    """Raise ValueError where a name occurs twice in *names*; *noun* says in its message what they are."""
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        listed = in_message(", ".join(duplicates))
        raise ValueError(f"duplicate {noun} (- and _ count as the same): {listed}")
