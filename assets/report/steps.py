"""The steps of a report: the last one of each subject before its period, and all of the period.

Balances, holding times and the figures of people are counted from them.
"""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.report.encoded_log import (
    Codes,
    EncodedLog,
    Flags,
    Person,
    encode_column,
    encode_pairs,
    kinds_of,
    resolve_persons,
    to_numpy,
)
from assets.runtime.code_order import stable_order
from assets.warehouse.subjects import subjects_of

_COLUMNS = (
    "contact_id",
    "conversation_id",
    "assignee_of",
    "previous_assignee_id",
    "previous_assignee_name",
    "assignee_id",
    "assignee_name",
    "assignee_kind",
    "occurred_at",
)


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of all subjects, grouped by subject, those of one in the order of time.

    By step: `instants` in microseconds (UTC), person codes `previous` and `assignee` (-1: nobody),
    `is_event` (False: before the period), `is_stated` (the source states `previous`), and whether it is the
    first or the last of its subject. By person: `who`, `labels`, `keys` (filter values) and `kinds`.
    """

    instants: Codes
    previous: Codes
    assignee: Codes
    is_event: Flags
    is_stated: Flags
    is_first: Flags
    is_last: Flags
    who: list[Person]
    labels: list[str]
    keys: list[str]
    kinds: list[str | None]

    def without_stays(self) -> "Steps":
        """Return the steps that change the assignee: none within a team, if teams stand for persons."""
        changes = self.is_first | (self.assignee != np.roll(self.assignee, 1))
        columns = ("instants", "previous", "assignee", "is_event", "is_stated", "is_first")
        kept = {name: getattr(self, name)[changes] for name in columns}
        return replace(self, **kept, is_last=np.roll(kept["is_first"], -1))


def group_steps(before: pa.Table, rows: pa.Table, log: EncodedLog) -> Steps:
    """Return the steps of *rows* (columns of `assignment_log`), and of the last rows *before*.

    *log* is *rows* encoded together with *before*; its labels are used.
    """
    table = pa.concat_tables([before.select(_COLUMNS), rows.select(_COLUMNS)])
    people, (previous, assignee) = encode_pairs(
        (table[f"{name}_id"], table[f"{name}_name"]) for name in ("previous_assignee", "assignee")
    )
    persons = resolve_persons(people, assignee)
    assignee = persons.of_pair[assignee]
    is_event = np.arange(table.num_rows) >= before.num_rows
    is_stated = np.concatenate(
        [
            np.ones(before.num_rows, bool),
            states_previous(rows),
        ]
    )
    order = stable_order(subjects := encode_subjects(table))
    is_first = np.diff(subjects[order], prepend=-1) != 0
    return Steps(
        instants=to_numpy(table["occurred_at"].cast(pa.timestamp("us")).cast(pa.int64()))[order],
        previous=persons.of_pair[previous][order],
        assignee=assignee[order],
        is_event=is_event[order],
        is_stated=is_stated[order],
        is_first=is_first,
        is_last=np.roll(is_first, -1),
        who=persons.who,
        labels=[
            log.labels.get(person, name) for person, name in zip(persons.who, persons.names, strict=True)
        ],
        keys=persons.keys,
        kinds=kinds_of(table, assignee, len(persons.who)),
    )


def states_previous(rows: pa.Table) -> Flags:
    """Tell for each row whether its source states the previous assignee."""
    stated: Flags = pc.equal(rows["previous_quality"].cast(pa.string()), "stated").to_numpy()
    return stated


def encode_subjects(rows: pa.Table) -> Codes:
    """Return a code per row for its subject: the contact or conversation whose assignee it changes."""
    return encode_column(subjects_of(rows))[1]
