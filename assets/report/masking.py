"""Mask contacts with pseudonyms: with the same key, a contact has the same pseudonym everywhere.

Pseudonyms are keyed hashes: without the key they cannot be matched, not even against a list of all contacts.
"""

import hashlib
import hmac

import pyarrow as pa
import pyarrow.compute as pc

from assets.config.base import MIN_SECRET_LENGTH
from assets.config.presentation import Filters
from assets.errors import ConfigError

_MASKED = "…"


def mask_rows(rows: pa.Table, key: str) -> pa.Table:
    """Return *rows* of the log with pseudonyms for contacts and conversations, and numbers as event ids.

    A contact's name becomes the pseudonym of its id, or of its name without an id. Raises ConfigError for a
    *key* that is too short.
    """
    if len(key) < MIN_SECRET_LENGTH:
        raise ConfigError(f"`mask_key` must have at least {MIN_SECRET_LENGTH} characters")
    columns = {
        "conversation_id": _pseudonymize(rows["conversation_id"], key, "V", 16),
        "contact_id": _pseudonymize(rows["contact_id"], key, "K", 16),
    }
    if "contact_name" in rows.column_names:
        contact = pc.coalesce(rows["contact_id"], rows["contact_name"])
        columns["contact_name"] = _pseudonymize(contact, key, "Contact ", 8)
    if "event_id" in rows.column_names:
        columns["event_id"] = pa.array(range(rows.num_rows)).cast(pa.string())
    for name, column in columns.items():
        rows = rows.set_column(rows.column_names.index(name), rows.schema.field(name), column)
    return rows


def mask_filters(filters: Filters) -> Filters:
    """Return *filters* with the values for contacts and conversations hidden."""
    masked = {name: (_MASKED,) * len(getattr(filters, name)) for name in ("contact", "conversation")}
    return filters.model_copy(update=masked)


def _pseudonymize(column: pa.ChunkedArray, key: str, prefix: str, length: int) -> pa.Array:
    encoded = column.combine_chunks().dictionary_encode()
    names = [
        f"{prefix}{_keyed_digest(text, key)[:length].upper()}" for text in encoded.dictionary.to_pylist()
    ]
    return pa.array(names, pa.string()).take(encoded.indices)


def _keyed_digest(text: str, key: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
