"""Whether a webhook's bytes come from whom they say: each sender's way of signing. Pure."""

import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

Headers = Mapping[str, str]
_TOLERANCE_SECONDS = 300


def signed_by_respond_io(keys: Iterable[str], headers: Headers, body: bytes, now: float) -> bool:
    """Tell whether one of *keys* signed *body*: `X-Webhook-Signature` is base64(HMAC-SHA256).

    Of the bytes as they came, or of the same JSON without spaces, as respond.io's receivers differ in it.
    No time is signed: an event that comes again is known by its id.
    """
    del now
    given = headers.get("x-webhook-signature", "").encode()
    keys = list(keys)
    return _is_one(given, (b64encode(_compute_mac(key, body)) for key in keys)) or _is_one(
        given, (b64encode(_compute_mac(key, form)) for form in _without_spaces(body) for key in keys)
    )


def signed_by_chatwoot(keys: Iterable[str], headers: Headers, body: bytes, now: float) -> bool:
    """Tell whether one of *keys* signed *body*: `X-Chatwoot-Signature` is sha256=hex(HMAC-SHA256).

    Of `X-Chatwoot-Timestamp`, a dot and the bytes; refused where that time is five minutes off.
    """
    stamp = headers.get("x-chatwoot-timestamp", "")
    given = headers.get("x-chatwoot-signature", "").removeprefix("sha256=").encode()
    if not stamp.isascii() or not stamp.isdecimal() or abs(now - int(stamp)) > _TOLERANCE_SECONDS:
        return False
    signed = stamp.encode() + b"." + body
    return _is_one(given, (_compute_mac(key, signed).hex().encode() for key in keys))


def _is_one(given: bytes, signatures: Iterable[bytes]) -> bool:
    """Compare with each, so that the time taken tells nothing."""
    return sum([hmac.compare_digest(each, given) for each in signatures]) > 0


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
