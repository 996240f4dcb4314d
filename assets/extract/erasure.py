"""Contacts that asked to be forgotten: their events stay counted, and say nothing of them any more.

A tombstone keeps them from coming back with the next load; it holds no id, but what an id hashes to.
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
    """The tombstones of one workspace: a salt, and under it the hash of each contact's id with its days."""

    warehouse: Warehouse
    salt: str
    days: Mapping[str, list[str]]

    def masks(self, contact_id: str | None) -> bool:
        """Tell whether the contact asked to be forgotten."""
        return contact_id is not None and (
            self._hash_text(contact_id) in self.days or self._is_pseudonym(contact_id)
        )

    def days_of(self, contact_id: str) -> list[date]:
        """Return the days that held the contact."""
        return [date.fromisoformat(day) for day in self.days.get(self._hash_text(contact_id), [])]

    def with_contact(self, contact_id: str, days: Iterable[date]) -> "ContactMask":
        """Return these tombstones, and that of a contact who was in *days* too; they are written down."""
        known = sorted({*self.days_of(contact_id), *days})
        after = ContactMask(
            self.warehouse, self.salt, {**self.days, self._hash_text(contact_id): [*map(str, known)]}
        )
        self.warehouse.keep(_FILE, json.dumps({"salt": after.salt, "contacts": after.days}))
        return after

    def _hash_text(self, text: str) -> str:
        return hmac.digest(self.salt.encode(), text.encode(), hashlib.sha256).hex()

    def pseudonym_of(self, contact_id: str) -> str:
        """Return what stands for an erased contact."""
        return f"{_PREFIX}{self._hash_text(contact_id)[:_DIGITS]}"

    def _pseudonym_of(self, text: str | None) -> str | None:
        return text if text is None or self._is_pseudonym(text) else self.pseudonym_of(text)

    def _is_pseudonym(self, text: str) -> bool:
        """Tell whether *text* stands for an erased contact already, as in the inbox of webhooks."""
        return text.startswith(_PREFIX) and any(key.startswith(text[len(_PREFIX) :]) for key in self.days)

    def events(self, rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
        """Return *rows* of `assignment_events` with what tells of an erased contact replaced."""
        return _mask_batches(rows, self._event_batch) if self.days else rows

    def rejected(self, rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
        """Return *rows* of `rejected_events` without the text of those that name an erased contact."""
        return _mask_batches(rows, self._rejected_batch) if self.days else rows

    def _event_batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        contacts = batch.column("contact_id").dictionary_encode()
        known = pa.array([self.masks(each) for each in contacts.dictionary.to_pylist()], pa.bool_())
        is_erased = pc.fill_null(known.take(contacts.indices), False)  # noqa: FBT003 - Arrow's
        if not pc.any(is_erased).as_py():
            return batch
        for name in ("contact_id", "conversation_id"):
            cells = batch.column(name).dictionary_encode()
            masks = pa.array([self._pseudonym_of(each) for each in cells.dictionary.to_pylist()], pa.string())
            batch = _replace_column(
                batch, name, pc.if_else(is_erased, masks.take(cells.indices), batch.column(name))
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
    """Return the tombstones of a workspace; there may be none."""
    text = warehouse.kept(_FILE)
    if text is None:
        return ContactMask(warehouse, secrets.token_hex(16), {})
    kept = json.loads(text)
    return ContactMask(warehouse, kept["salt"], kept["contacts"])


def erase_contact(warehouse: Warehouse, contact_id: str) -> list[date]:
    """Forget a contact in what is loaded, and for every load to come; return the days it was in.

    Their log has to be built again. Killed half-way, it is done again: the days are written down first.
    """
    with warehouse.writing():
        days = _days_with(warehouse, contact_id)
        erased = read_tombstones(warehouse).with_contact(contact_id, days)
        for day in days:
            events = erased.events(_read_stored(warehouse, ASSIGNMENT_EVENTS, day))
            sha256 = warehouse.replace_days(ASSIGNMENT_EVENTS, [day], events).sha256[day]
            counts = _read_stored(warehouse, LOAD_COUNTS, day).read_all()
            at, digest = counts.schema.names.index("events_sha256"), pa.array([sha256], pa.string())
            counts = counts.set_column(at, "events_sha256", digest)
            warehouse.replace_days(LOAD_COUNTS, [day], counts.to_reader())
        for day in _days_with_text(warehouse):
            rows = erased.rejected(_read_stored(warehouse, REJECTED_EVENTS, day))
            warehouse.replace_days(REJECTED_EVENTS, [day], rows)
    return erased.days_of(contact_id)


def _days_with(warehouse: Warehouse, contact_id: str) -> list[date]:
    """Return the days whose events or log hold the contact: the log is the last to forget it."""
    found: set[date] = set()
    for table in (ASSIGNMENT_EVENTS, ASSIGNMENT_LOG):
        query = select(table.c.local_day).where(table.c.contact_id == contact_id).distinct()
        found.update(warehouse.query(query).column(0).to_pylist())
    return sorted(found)


def _days_with_text(warehouse: Warehouse) -> list[date]:
    rejected = REJECTED_EVENTS.c
    query = select(rejected.local_day).where(rejected.raw.is_not(None)).distinct()
    return sorted(warehouse.query(query).column(0).to_pylist())


def _read_stored(warehouse: Warehouse, table: Table, day: date) -> pa.RecordBatchReader:
    """Return the rows of a day as they lie in its file."""
    keys = [each for each in table.primary_key.columns if each.name != "local_day"]
    query = select(table).where(table.c.local_day == day).order_by(*keys)
    return warehouse.query(query).to_reader()


def _mask_batches(
    rows: pa.RecordBatchReader, masked: Callable[[pa.RecordBatch], pa.RecordBatch]
) -> pa.RecordBatchReader:
    batches: Iterable[pa.RecordBatch] = map(masked, rows)
    return pa.RecordBatchReader.from_batches(rows.schema, batches)


def _replace_column(batch: pa.RecordBatch, name: str, column: pa.Array) -> pa.RecordBatch:
    return batch.set_column(batch.schema.names.index(name), batch.schema.field(name), column)
