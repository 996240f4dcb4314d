"""The log of one day, built from its accepted events, and its counts by source. Pure."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.events import Action
from assets.warehouse.dictionary_encoding import combine_chunks, equals
from assets.warehouse.schema import ASSIGNMENT_LOG, CODED, DAILY_SOURCE_AGGREGATES, arrow_schema, coded_schema

_NOBODY = pa.scalar(None, pa.int32())
_ACTIONS = tuple(Action)
_QUALITIES = ("stated", "inferred")


@dataclass(frozen=True, slots=True)
class DayLog:
    """The log of a day (`coded_schema`), and how many events are left out or have an inferred assignee.

    `log_of_day` gives its rows without the columns of interval_starts.py.
    """

    rows: pa.Table
    no_change_count: int
    repeated_count: int
    inferred_count: int

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of what the log adds to the day's events: which it has, and previous assignees.

        Its intervals are left out: they begin on earlier days, and change no count of this one.
        """
        added = self.rows.select(["position", "previous_assignee_id", "previous_assignee_name"])
        plain = pa.schema([("position", pa.int64()), ("id", pa.string()), ("name", pa.string())])
        (batch,) = added.rename_columns(plain.names).cast(plain).combine_chunks().to_batches() or [None]
        return hashlib.sha256(batch.serialize() if batch else b"").hexdigest()

    def with_rows(self, rows: pa.Table) -> "DayLog":
        """Return the same counts with other *rows*."""
        return replace(self, rows=rows)


def log_of_day(events: pa.Table, known: pa.Table | None, repeated: pa.Array) -> DayLog:
    """Return the log of a day's *events*, the rows of `assignment_events` in order.

    *known* has each event's assignee beforehand (`known_id`, `known_name`); None where every source states
    it. *repeated* are the positions of events whose id is taken. One that does not change the known assignee
    is without change.
    """
    if known is not None:
        for name in ("id", "name"):
            events = _fill_unstated(events, f"previous_assignee_{name}", known[f"known_{name}"])
    is_repeated = pc.is_in(events["position"], value_set=repeated)
    is_inferred = pc.invert(events["previous_stated"])
    is_unchanged = pc.and_(is_inferred, is_same_assignee(events)) if known is not None else is_repeated
    is_logged = pc.invert(pc.or_(is_repeated, is_unchanged))
    logged_count, repeated_count = _true_count(is_logged), _true_count(is_repeated)
    rows = events if logged_count == events.num_rows else events.filter(is_logged)
    return DayLog(
        _log_rows(rows),
        no_change_count=events.num_rows - logged_count - repeated_count,
        repeated_count=repeated_count,
        inferred_count=_true_count(pc.and_(is_logged, is_inferred)),
    )


def _log_rows(rows: pa.Table) -> pa.Table:
    """Return *rows*, all of which are logged, with the columns that the log adds."""
    is_user = equals(rows["source"], "user")
    is_unassigned, was_nobody = _is_nobody(rows, "assignee"), _is_nobody(rows, "previous_assignee")
    action = pc.if_else(
        is_unassigned,
        _action_index(Action.UNASSIGNED),
        pc.if_else(was_nobody, _action_index(Action.ASSIGNED), _action_index(Action.REASSIGNED)),
    )
    columns = {name: rows[name] for name in rows.column_names}
    for name in ("assigned_by_id", "assigned_by_name"):
        cells = combine_chunks(rows[name])
        by_user = pc.if_else(is_user, cells.indices, _NOBODY)
        columns[name] = pa.DictionaryArray.from_arrays(by_user, cells.dictionary)
    columns["action"] = pa.DictionaryArray.from_arrays(action, [member.value for member in _ACTIONS])
    is_inferred = pc.cast(pc.invert(combine_chunks(rows["previous_stated"])), pa.int32())
    columns["previous_quality"] = pa.DictionaryArray.from_arrays(is_inferred, _QUALITIES)
    schema = pa.schema(field for field in coded_schema(ASSIGNMENT_LOG) if field.name in columns)
    return pa.table({name: columns[name] for name in schema.names}).cast(schema)


def counts_by_source(log: pa.Table) -> pa.Table:
    """Count a day's *log* by source and action, with distinct contacts and conversations."""
    sources = combine_chunks(log["source"])
    codes, size = sources.indices.to_numpy(), len(sources.dictionary)

    def count(where: pa.Array) -> np.ndarray:
        return np.bincount(codes[where.to_numpy(zero_copy_only=False)], minlength=size)

    def count_distinct(name: str) -> np.ndarray:
        cells = combine_chunks(log[name]).dictionary_encode()
        text_count = max(1, len(cells.dictionary))
        pairs = pc.add(pc.multiply(sources.indices.cast(pa.int64()), text_count), cells.indices)
        distinct = np.sort(pairs.drop_null())
        return np.bincount(distinct[np.diff(distinct, prepend=-1) > 0] // text_count, minlength=size)

    by_action = {f"{action.value}_count": count(equals(log["action"], action.value)) for action in _ACTIONS}
    counted = pa.table(
        {
            "source": sources.dictionary,
            "assignment_count": sum(by_action.values()),
            **by_action,
            "contact_count": count_distinct("contact_id"),
            "conversation_count": count_distinct("conversation_id"),
        },
        schema=arrow_schema(DAILY_SOURCE_AGGREGATES),
    )
    return counted.filter(pc.greater(counted["assignment_count"], 0)).sort_by("source")


def _fill_unstated(events: pa.Table, name: str, known: pa.ChunkedArray) -> pa.Table:
    """Return *events* with the column *name* taken from *known* where the source does not state it."""
    stated = events[name].cast(pa.string())
    cells = pc.if_else(events["previous_stated"], stated, known).cast(CODED)
    return events.set_column(events.schema.get_field_index(name), name, cells)


def is_same_assignee(events: pa.Table) -> pa.ChunkedArray:
    """Return whether the assignee stays: by id where both have one, else by name; nobody stays nobody."""
    was_id, was_name, id_, name = (
        events[column].cast(pa.string())
        for column in ("previous_assignee_id", "previous_assignee_name", "assignee_id", "assignee_name")
    )
    lacks_id = pc.or_(was_id.is_null(), id_.is_null())
    is_nobody = pc.and_(pc.coalesce(was_id, was_name, id_, name).is_null(), lacks_id)
    by_name = pc.and_kleene(lacks_id, pc.equal(was_name, name))
    return pc.or_kleene(pc.or_kleene(pc.equal(was_id, id_), by_name), is_nobody).fill_null(False)  # noqa: FBT003 - a value


def _is_nobody(rows: pa.Table, role: str) -> pa.Array:
    return pc.and_(
        combine_chunks(rows[f"{role}_id"]).is_null(), combine_chunks(rows[f"{role}_name"]).is_null()
    )


def _action_index(action: Action) -> pa.Scalar:
    return pa.scalar(_ACTIONS.index(action), pa.int32())


def _true_count(flags: pa.ChunkedArray) -> int:
    return int(pc.sum(flags).as_py() or 0)
