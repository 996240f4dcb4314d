"""Encode a report's logo as a `data:` URL, so that the report needs no other file."""

from base64 import b64encode
from pathlib import Path

from assets.errors import ConfigError

_MAX_BYTES = 1_000_000
_TYPES_BY_SIGNATURE = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"<svg": "svg+xml", b"<?xml": "svg+xml"}


def logo_address(path: Path) -> str:
    """Return the image at *path* as a `data:` URL.

    Raises ConfigError if it is missing, larger than 1 MB, or not PNG, JPEG or SVG.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"brand.logo: cannot read {path}: {error.strerror}") from None
    kind = next(
        (kind for signature, kind in _TYPES_BY_SIGNATURE.items() if content.startswith(signature)), None
    )
    if kind is None or len(content) > _MAX_BYTES:
        raise ConfigError(f"brand.logo: {path} must be a PNG, JPEG or SVG file of at most 1 MB")
    return f"data:image/{kind};base64,{b64encode(content).decode()}"
