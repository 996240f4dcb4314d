"""Count the balance of each assignee: contacts at the start, received, released, and at the end."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
from sqlalchemy import Select, func, select

from assets.periods import Period
from assets.report.encoded_log import (
    Codes,
    EncodedLog,
    encode_column,
    encode_pairs,
    kinds_of,
    resolve_persons,
)
from assets.report.model import AssigneeBalance
from assets.warehouse.schema import ASSIGNMENT_LOG
from assets.warehouse.subjects import subject_of, subjects_of

_COLUMNS = (
    "contact_id",
    "conversation_id",
    "assignee_of",
    "previous_assignee_id",
    "previous_assignee_name",
    "assignee_id",
    "assignee_name",
    "assignee_kind",
)


def last_steps(
    period: Period, since: date | None = None, columns: Sequence[str] = (*_COLUMNS, "occurred_at")
) -> Select[tuple[object, ...]]:
    """Return the query for *columns* of each subject's last log row before *period*.

    Days before *since* are not considered.
    """
    log = ASSIGNMENT_LOG.c
    newest_first = func.row_number().over(
        partition_by=subject_of(log), order_by=(log.occurred_at.desc(), log.position.desc())
    )
    ranked = (
        select(*(log[name] for name in {*columns, "occurred_at", "position"}), newest_first.label("age"))
        .where(log.local_day < period.first_day, log.local_day >= (since or date.min))
        .subquery()
    )
    selected = (ranked.c[name] for name in columns)
    return select(*selected).where(ranked.c.age == 1).order_by(ranked.c.occurred_at, ranked.c.position)


def count_balances(before: pa.Table, rows: pa.Table, log: EncodedLog) -> tuple[AssigneeBalance, ...]:
    """Return the balance of each person who has contacts *before* the period or appears in its *rows*.

    *log* is *rows* encoded together with *before*; its labels are used. The closing is counted from the last
    row of each subject, independently of the other four figures, and so proves them. The largest closing
    comes first.
    """
    steps = pa.concat_tables([before.select(_COLUMNS), rows.select(_COLUMNS)])
    people, (previous, assignee) = encode_pairs(
        (steps[f"{name}_id"], steps[f"{name}_name"]) for name in ("previous_assignee", "assignee")
    )
    persons = resolve_persons(people, assignee)
    labels = [log.labels.get(person, name) for person, name in zip(persons.who, persons.names, strict=True)]
    previous, assignee = persons.of_pair[previous], persons.of_pair[assignee]
    kinds = kinds_of(steps, assignee, len(labels))
    is_event = np.arange(steps.num_rows) >= before.num_rows
    order = np.argsort(subjects := encode_subjects(steps), kind="stable")
    is_first = np.diff(subjects[order], prepend=-1) != 0
    is_last = np.roll(is_first, -1)
    held_before = np.where(is_first, -1, np.roll(assignee[order], 1))
    gap = is_event[order] & (held_before != previous[order])

    def count(people_of_steps: Codes) -> Codes:
        return np.bincount(people_of_steps[people_of_steps >= 0], minlength=len(labels))

    opening, closing = count(assignee[~is_event]), count(assignee[order][is_last])
    received, released = count(assignee[is_event]), count(previous[is_event])
    unseen = count(previous[order][gap]) - count(held_before[gap])
    balances = (
        AssigneeBalance(
            assignee=label,
            key=key,
            kind=kind,
            opening=int(a),
            received=int(b),
            released=int(c),
            unseen=int(d),
            closing=int(e),
        )
        for label, key, kind, a, b, c, d, e in zip(
            labels, persons.keys, kinds, opening, received, released, unseen, closing, strict=True
        )
    )
    participants = (
        balance
        for balance in balances
        if any((balance.opening, balance.received, balance.released, balance.unseen))
    )
    return tuple(
        sorted(participants, key=lambda balance: (-balance.closing, -balance.received, balance.assignee))
    )


def encode_subjects(rows: pa.Table) -> Codes:
    """Return a code per row for its subject: the contact or conversation whose assignee it changes."""
    return encode_column(subjects_of(rows))[1]
