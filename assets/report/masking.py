"""Contacts under pseudonyms: the same contact has the same one wherever the key is the same.

A keyed hash: without the key nobody can find out which contact it is, not even from a list of all.
"""

import hashlib
import hmac

import pyarrow as pa
import pyarrow.compute as pc

from assets.config.presentation import Filters
from assets.errors import ConfigError

_MASKED = "…"
KEY_LENGTH = 16


def mask_rows(rows: pa.Table, key: str) -> pa.Table:
    """Return *rows* of the log with pseudonyms for contacts and conversations, and numbers as event ids.

    A contact's name becomes that of its id; without an id, that of its name. Raises ConfigError for a
    *key* that could be guessed.
    """
    if len(key) < KEY_LENGTH:
        raise ConfigError(f"`mask_key` must have at least {KEY_LENGTH} characters")
    contact = pc.coalesce(rows["contact_id"], rows["contact_name"])
    columns = {
        "conversation_id": _pseudonymize(rows["conversation_id"], key, "V", 16),
        "contact_id": _pseudonymize(rows["contact_id"], key, "K", 16),
        "contact_name": _pseudonymize(contact, key, "Contact ", 8),
    }
    if "event_id" in rows.column_names:
        columns["event_id"] = pa.array(range(rows.num_rows)).cast(pa.string())
    for name, column in columns.items():
        if name in rows.column_names:
            rows = rows.set_column(rows.column_names.index(name), rows.schema.field(name), column)
    return rows


def mask_filters(filters: Filters) -> Filters:
    """Return *filters* without the contacts and conversations that they name."""
    hidden = {name: (_MASKED,) * len(getattr(filters, name)) for name in ("contact", "conversation")}
    return filters.model_copy(update=hidden)


def _pseudonymize(column: pa.ChunkedArray, key: str, prefix: str, length: int) -> pa.Array:
    found = column.combine_chunks().dictionary_encode()
    names = [f"{prefix}{_keyed_digest(text, key)[:length].upper()}" for text in found.dictionary.to_pylist()]
    return pa.array(names, pa.string()).take(found.indices)


def _keyed_digest(text: str, key: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
