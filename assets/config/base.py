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
    ValidationInfo,
)

from assets.errors import ConfigError
from assets.runtime.frozen_model import FrozenModel


class ConfigModel(FrozenModel):
    """A part of the configuration: never changed, and no key is unknown."""


def _known_zone(name: str) -> str:
    if name in available_timezones():
        return name
    near = get_close_matches(name, sorted(available_timezones()), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ', for example "Europe/Berlin"'
    raise ValueError(f"{name!r} is not an IANA time zone{hint}")


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
FORMATS = {
    _NAME: "must have lower-case letters, digits, - and _ only, at most 63, and begin with a letter",
    _ADDRESS: "must be a mail address",
    HOST: "must be a host name in lower case, without scheme and port",
    HEADER: "must be the name of an HTTP header",
}
"""What a value must be, for each pattern that says little to its reader."""
Name = Annotated[str, Field(pattern=_NAME)]


def _in_one_line(text: str) -> str:
    if text.isspace() or any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text):
        raise ValueError("must be one line of text, without control characters")
    return text


Title = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_in_one_line)]
NoteText = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_in_one_line)]


def _absolute_sqlite(url: SecretStr, info: ValidationInfo) -> SecretStr:
    scheme, slashes, path = url.get_secret_value().partition(":///")
    if not scheme.startswith("sqlite") or not slashes or path.startswith(("/", "${")):
        return url
    return SecretStr(f"{scheme}:///{resolve_path(Path(path), info)}")


DatabaseUrl = Annotated[SecretStr, AfterValidator(_absolute_sqlite)]


def _as_the_server_takes_it(address: str) -> str:
    """Return a mail address in ASCII, with its domain as in the DNS (RFC 5890)."""
    name, _, domain = address.rpartition("@")
    if not name.isascii():
        raise ValueError(
            f"{address}: must have only ASCII characters before the @, which is all that most servers accept"
        )
    try:
        return headerregistry.Address(addr_spec=f"{name}@{domain.encode('idna').decode()}").addr_spec
    except (UnicodeError, ValueError, HeaderDefect):
        raise ValueError(f"{address!r} is not a mail address") from None


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


def missing_names(secret: SecretStr) -> list[str]:
    """Return the variables that *secret* uses and the environment does not define."""
    return [name for name in _VARIABLE.findall(secret.get_secret_value()) if name not in os.environ]


def refuse_duplicates(names: list[str], noun: str) -> None:
    """Raise ValueError where a name occurs twice in *names*; *noun* says in its message what they are."""
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise ValueError(f"duplicate {noun} (- and _ count as the same): {', '.join(duplicates)}")
