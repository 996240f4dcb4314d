"""Messages that many commands print. Import nothing heavy here."""

from collections.abc import Collection
from difflib import get_close_matches
from unicodedata import category

from assets.errors import ConfigError


def printable(text: str) -> str:
    """Return *text* without control characters: names in files and rows must not steer a terminal."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_control(each) else each for each in text)


def _is_control(character: str) -> bool:
    return category(character) == "Cc" and character != "\n"


def unknown_name(noun: str, name: str, known: Collection[str]) -> ConfigError:
    """Return an error that says that *name* is none of the *known* names of a *noun*, and which is alike."""
    if near := get_close_matches(name, known, n=1):
        return ConfigError(f"unknown {noun}: {name!r}\nhint: did you mean {near[0]!r}?")
    return ConfigError(f"unknown {noun}: {name!r}\nhint: expected one of {', '.join(known) or 'none'}")


def which_workspace(slugs: Collection[str]) -> ConfigError:
    """Return an error that says that one of several workspaces must be named."""
    return ConfigError(f"--workspace: required, one of {', '.join(slugs)}")
