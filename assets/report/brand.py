"""The logo of a report: a small picture file as a `data:` address, so that the report needs no file."""

from base64 import b64encode
from pathlib import Path

from assets.errors import ConfigError

_LARGEST_BYTES = 1_000_000
_KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"<svg": "svg+xml", b"<?xml": "svg+xml"}


def logo_address(path: Path) -> str:
    """Return the picture at *path* as a `data:` address.

    Raises ConfigError where it is not there, too large, or not PNG, JPEG or SVG.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"brand.logo: cannot read {path}: {error.strerror}") from None
    kind = next((kind for mark, kind in _KINDS.items() if content.startswith(mark)), None)
    if kind is None or len(content) > _LARGEST_BYTES:
        raise ConfigError(f"brand.logo: {path} must be a PNG, JPEG or SVG file of at most 1 MB")
    return f"data:image/{kind};base64,{b64encode(content).decode()}"
