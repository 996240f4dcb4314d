"""Erasure of contacts: their events stay counted, and identify them no more.

A tombstone applies an erasure to every later load; it holds a salted hash of the contact's id, not the id.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Table, select

from assets.warehouse.base import Warehouse
from assets.warehouse.schema import ASSIGNMENT_EVENTS, ASSIGNMENT_LOG, LOAD_COUNTS, REJECTED_EVENTS

_FILE = "erased.json"
_NAME, _PREFIX = "Erased contact", "erased-"
_TOKEN = re.compile(r"[^\s\"',;:{}\[\]()<>=]+")
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class ContactMask:
    """The tombstones of one workspace: *salt*, and an erased contact's days by the salted hash of its id."""

    warehouse: Warehouse
    salt: str
    days: Mapping[str, list[str]]

    def masks(self, contact_id: str | None) -> bool:
        """Return whether the contact was erased."""
        return contact_id is not None and (
            self._hash_text(contact_id) in self.days or self._is_pseudonym(contact_id)
        )

    def days_of(self, contact_id: str) -> list[date]:
        """Return the days that held events of the contact."""
        return [date.fromisoformat(day) for day in self.days.get(self._hash_text(contact_id), [])]

    def with_contact(self, contact_id: str, days: Iterable[date]) -> "ContactMask":
        """Store and return these tombstones with one more, for a contact with events on *days*."""
        all_days = sorted({*self.days_of(contact_id), *days})
        extended = ContactMask(
            self.warehouse, self.salt, {**self.days, self._hash_text(contact_id): [*map(str, all_days)]}
        )
        self.warehouse.store_text(_FILE, json.dumps({"salt": extended.salt, "contacts": extended.days}))
        return extended

    def _hash_text(self, text: str) -> str:
        return hmac.digest(self.salt.encode(), text.encode(), hashlib.sha256).hex()

    def pseudonym_of(self, contact_id: str) -> str:
        """Return the pseudonym of an erased contact."""
        return f"{_PREFIX}{self._hash_text(contact_id)[:_DIGITS]}"

    def _pseudonym_of(self, text: str | None) -> str | None:
        return text if text is None or self._is_pseudonym(text) else self.pseudonym_of(text)

    def _is_pseudonym(self, text: str) -> bool:
        """Return whether *text* is already a pseudonym, as in the inbox of webhooks."""
        return text.startswith(_PREFIX) and any(key.startswith(text[len(_PREFIX) :]) for key in self.days)

    def events(self, rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
        """Return *rows* of `assignment_events` with ids and names of erased contacts replaced."""
        return _mask_batches(rows, self._event_batch) if self.days else rows

    def rejected(self, rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
        """Return *rows* of `rejected_events` without the raw text of those that name an erased contact."""
        return _mask_batches(rows, self._rejected_batch) if self.days else rows

    def _event_batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        contacts = batch.column("contact_id").dictionary_encode()
        matches = pa.array([self.masks(text) for text in contacts.dictionary.to_pylist()], pa.bool_())
        is_erased = pc.fill_null(matches.take(contacts.indices), False)  # noqa: FBT003 - Arrow's
        if not pc.any(is_erased).as_py():
            return batch
        for name in ("contact_id", "conversation_id"):
            cells = batch.column(name).dictionary_encode()
            pseudonyms = pa.array(
                [self._pseudonym_of(text) for text in cells.dictionary.to_pylist()], pa.string()
            )
            batch = _replace_column(
                batch, name, pc.if_else(is_erased, pseudonyms.take(cells.indices), batch.column(name))
            )
        return _replace_column(
            batch, "contact_name", pc.if_else(is_erased, _NAME, batch.column("contact_name"))
        )

    def _rejected_batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = [
            None if raw and any(map(self.masks, _TOKEN.findall(raw))) else raw
            for raw in batch.column("raw").to_pylist()
        ]
        return _replace_column(batch, "raw", pa.array(texts, pa.string()))


def read_tombstones(warehouse: Warehouse) -> ContactMask:
    """Return the tombstones of a workspace, with a new salt where it has none yet."""
    text = warehouse.stored_text(_FILE)
    if text is None:
        return ContactMask(warehouse, secrets.token_hex(16), {})
    stored = json.loads(text)
    return ContactMask(warehouse, stored["salt"], stored["contacts"])


def erase_contact(warehouse: Warehouse, contact_id: str) -> list[date]:
    """Erase a contact from the loaded days and from every later load; return the days that held it.

    The log of these days must be rebuilt afterwards. An interrupted call can be repeated: the days are stored
    first.
    """
    with warehouse.writing():
        days = _days_with(warehouse, contact_id)
        mask = read_tombstones(warehouse).with_contact(contact_id, days)
        for day in days:
            events = mask.events(_read_stored(warehouse, ASSIGNMENT_EVENTS, day))
            sha256 = warehouse.replace_days(ASSIGNMENT_EVENTS, [day], events).sha256[day]
            counts = _read_stored(warehouse, LOAD_COUNTS, day).read_all()
            at, digest = counts.schema.names.index("events_sha256"), pa.array([sha256], pa.string())
            counts = counts.set_column(at, "events_sha256", digest)
            warehouse.replace_days(LOAD_COUNTS, [day], counts.to_reader())
        for day in _days_with_text(warehouse):
            rows = mask.rejected(_read_stored(warehouse, REJECTED_EVENTS, day))
            warehouse.replace_days(REJECTED_EVENTS, [day], rows)
    return mask.days_of(contact_id)


def _days_with(warehouse: Warehouse, contact_id: str) -> list[date]:
    """Return the days whose events or log hold the contact; the log is rebuilt last."""
    days: set[date] = set()
    for table in (ASSIGNMENT_EVENTS, ASSIGNMENT_LOG):
        query = select(table.c.local_day).where(table.c.contact_id == contact_id).distinct()
        days.update(warehouse.query(query).column(0).to_pylist())
    return sorted(days)


def _days_with_text(warehouse: Warehouse) -> list[date]:
    rejected = REJECTED_EVENTS.c
    query = select(rejected.local_day).where(rejected.raw.is_not(None)).distinct()
    return sorted(warehouse.query(query).column(0).to_pylist())


def _read_stored(warehouse: Warehouse, table: Table, day: date) -> pa.RecordBatchReader:
    """Return the rows of a day in the order of its file."""
    keys = [column for column in table.primary_key.columns if column.name != "local_day"]
    query = select(table).where(table.c.local_day == day).order_by(*keys)
    return warehouse.query(query).to_reader()


def _mask_batches(
    rows: pa.RecordBatchReader, mask_batch: Callable[[pa.RecordBatch], pa.RecordBatch]
) -> pa.RecordBatchReader:
    batches: Iterable[pa.RecordBatch] = map(mask_batch, rows)
    return pa.RecordBatchReader.from_batches(rows.schema, batches)


def _replace_column(batch: pa.RecordBatch, name: str, column: pa.Array) -> pa.RecordBatch:
    return batch.set_column(batch.schema.names.index(name), batch.schema.field(name), column)
