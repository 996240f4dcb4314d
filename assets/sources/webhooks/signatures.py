"""Verification of webhook signatures, one function per sender. Pure."""

import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

Headers = Mapping[str, str]
_TOLERANCE_SECONDS = 300


def signed_by_respond_io(keys: Iterable[str], headers: Headers, body: bytes, now: float) -> bool:
    """Return whether one of *keys* signed *body*: `X-Webhook-Signature` is base64(HMAC-SHA256).

    The signature covers the received bytes, or the same JSON without spaces: respond.io's receivers differ in
    that. No time is signed: a repeated event is recognized by its id.
    """
    del now
    signature = headers.get("x-webhook-signature", "").encode()
    keys = list(keys)
    return _is_one(signature, (b64encode(_compute_mac(key, body)) for key in keys)) or _is_one(
        signature, (b64encode(_compute_mac(key, form)) for form in _without_spaces(body) for key in keys)
    )


def signed_by_chatwoot(keys: Iterable[str], headers: Headers, body: bytes, now: float) -> bool:
    """Return whether one of *keys* signed *body*: `X-Chatwoot-Signature` is sha256=hex(HMAC-SHA256).

    The signature covers `X-Chatwoot-Timestamp`, a dot and the bytes; a time that is off by over five minutes
    is refused.
    """
    stamp = headers.get("x-chatwoot-timestamp", "")
    signature = headers.get("x-chatwoot-signature", "").removeprefix("sha256=").encode()
    if not stamp.isascii() or not stamp.isdecimal() or abs(now - int(stamp)) > _TOLERANCE_SECONDS:
        return False
    signed = stamp.encode() + b"." + body
    return _is_one(signature, (_compute_mac(key, signed).hex().encode() for key in keys))


def _is_one(signature: bytes, signatures: Iterable[bytes]) -> bool:
    """Return whether *signature* is one of *signatures*; compares all, so that timing reveals nothing."""
    return sum([hmac.compare_digest(expected, signature) for expected in signatures]) > 0


def _without_spaces(body: bytes) -> list[bytes]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return []
    return [
        json.dumps(value, separators=(",", ":"), ensure_ascii=escaped).encode("utf-8", "surrogatepass")
        for escaped in (False, True)
    ]


def _compute_mac(key: str, content: bytes) -> bytes:
    return hmac.digest(key.encode(), content, sha256)


SIGNED_BY: Mapping[str, Callable[[Iterable[str], Headers, bytes, float], bool]] = {
    "respond_io": signed_by_respond_io,
    "chatwoot_webhooks": signed_by_chatwoot,
}
