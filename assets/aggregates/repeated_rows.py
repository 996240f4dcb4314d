"""Find the rows whose id an earlier event has taken: they are no events.

A row without a change takes no id, and a row whose id is taken changes no assignee. So one row decides about
the next, across ids and subjects.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assets.aggregates.day_log import is_same_assignee

_Numbers = npt.NDArray[np.int64]


def find_repeated(rows: pa.Table) -> pa.Table:
    """Return `local_day` and `position` of those of *rows* whose id an earlier event has taken.

    *rows* are the result of `rows_of_shared_ids`. All are decided at once, again and again, until nothing
    differs. A decision depends on earlier rows only, so each round corrects at least the first wrong row.
    """
    ids, subjects = _codes(rows["event_id"]), _codes(rows["subject"])
    is_stated = rows["previous_stated"].to_numpy()
    by_subject = np.argsort(subjects, kind="stable")
    places = np.arange(rows.num_rows)
    is_repeated = np.zeros(rows.num_rows, bool)
    while True:
        events = by_subject[~is_repeated[by_subject]]
        takes_id = np.zeros(rows.num_rows, bool)
        takes_id[events] = is_stated[events] | _changes_assignee(rows, events, subjects)
        taken_at = np.full(rows.num_rows, rows.num_rows)
        np.minimum.at(taken_at, ids[takes_id], places[takes_id])
        was_repeated, is_repeated = is_repeated, places > taken_at[ids]
        if (is_repeated == was_repeated).all():
            return rows.select(["local_day", "position"]).filter(pa.array(is_repeated))


def _changes_assignee(rows: pa.Table, events: _Numbers, subjects: _Numbers) -> npt.NDArray[np.bool_]:
    """Return whether each of *events*, places sorted by subject, changes the assignee."""
    assignees = rows.select(["assignee_id", "assignee_name"])
    is_first = np.diff(subjects[events], prepend=-1) != 0
    previous = assignees.take(pa.array(np.roll(events, 1), mask=is_first))
    pairs = assignees.take(pa.array(events))
    for name in assignees.column_names:
        pairs = pairs.append_column(f"previous_{name}", previous[name])
    changes: npt.NDArray[np.bool_] = pc.invert(is_same_assignee(pairs)).to_numpy()
    return changes


def _codes(texts: pa.ChunkedArray) -> _Numbers:
    """Return a number for each text, the same for equal ones."""
    codes: _Numbers = pc.dictionary_encode(texts.combine_chunks()).indices.to_numpy()
    return codes
