"""Notes on days as outputs show them: listed, over the days of a chart, and marked in the log."""

from bisect import bisect_left, bisect_right
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.render.i18n import Words
from assets.report.model import Report

NOTE_MARK = "\u00a0†"
"""What follows the timestamp in the first row of a day with a note."""

_DATE_LENGTH = len("2000-01-01")


class ListedNote(NamedTuple):
    """A note with its number in the report, and its days in words."""

    number: int
    days: str
    text: str


class NoteSpan(NamedTuple):
    """The number of a note, and its first and last day by their index in the report."""

    number: int
    first: int
    last: int


def listed_notes(report: Report, words: Words) -> list[ListedNote]:
    """Return the notes of *report* in order; their texts are as configured."""
    return [
        ListedNote(number, words.days(note.day, note.last_day), note.text)
        for number, note in enumerate(report.notes, start=1)
    ]


def note_spans(report: Report) -> tuple[NoteSpan, ...]:
    """Return where the notes stand among the days of *report*."""
    days = [each.day for each in report.by_day]
    spans = (
        NoteSpan(number, bisect_left(days, note.day), bisect_right(days, note.last_day) - 1)
        for number, note in enumerate(report.notes, start=1)
    )
    return tuple(span for span in spans if span.first <= span.last)


def mark_noted_days(printed: pa.Table, report: Report) -> pa.Table:
    """Return *printed* rows of the log with a mark in the first row of each day that has a note."""
    if not report.notes or not printed.num_rows:
        return printed
    timestamps = printed.column(0).combine_chunks()
    days = pc.utf8_slice_codeunits(timestamps, 0, _DATE_LENGTH).dictionary_encode()
    _, first_rows = np.unique(days.indices.to_numpy(), return_index=True)
    marks = np.full(printed.num_rows, "", np.object_)
    for row, text in zip(first_rows.tolist(), days.take(first_rows).to_pylist(), strict=True):
        day = date.fromisoformat(text)
        if any(note.day <= day <= note.last_day for note in report.notes):
            marks[row] = NOTE_MARK
    marked = pc.binary_join_element_wise(timestamps, pa.array(marks, pa.string()), "")
    return printed.set_column(0, printed.column_names[0], marked)
