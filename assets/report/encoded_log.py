"""The encoded log: columns of integer codes, used for counting and embedded in the HTML report.

Each text is stored once; code -1 is "none". Figures are counted elsewhere.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assets.runtime.code_order import stable_order

Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Person = tuple[str | None, str | None]
"""(id, None), or (None, name) for a person without an id."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Distinct (id, name) pairs in the order of their first row; either may be None, not both."""

    ids: list[str | None]
    names: list[str | None]

    @property
    def labels(self) -> list[str]:
        """Return the text of each pair: the name, or else the id."""
        return [name or id_ or "" for id_, name in zip(self.ids, self.names, strict=True)]


@dataclass(frozen=True, slots=True)
class Persons:
    """The persons of `Pairs`.

    By person: `who` is the id or name, `names` the last name, `labels` that name, with the id if another
    person has it too, `label_pair` the pair with that name. By pair: `of_pair` is the person; it ends with
    -1, so that pair -1 (unassigned) is person -1.
    """

    who: list[Person]
    names: list[str]
    labels: list[str]
    label_pair: Codes
    of_pair: Codes

    @property
    def keys(self) -> list[str]:
        """Return each person's filter value: the id, or else the name."""
        return [id_ or name or "" for id_, name in self.who]


@dataclass(frozen=True)
class EncodedLog:
    """A log of n rows in its order: n instants (microseconds, UTC) and n codes per column.

    `kinds` has the kind of each of `persons`, such as `ai_agent`, or None if the source does not state it.
    `teams` are the names of the workspace's teams, if any, and `team_of` has the team of each of `persons`.
    `all_names` are the names that an id ever had, also those that no row has.
    """

    instants: Codes
    sources: list[str]
    source: Codes
    conversations: list[str]
    conversation: Codes
    contacts: Pairs
    contact: Codes
    people: Pairs
    persons: Persons
    previous: Codes
    assignee: Codes
    assigned_by: Codes
    labels: Mapping[Person, str]
    kinds: list[str | None]
    all_names: Mapping[str, Sequence[str]]
    teams: Sequence[str] = ()
    team_of: Codes | None = None

    def __len__(self) -> int:
        return len(self.instants)

    @cached_property
    def by_conversation(self) -> Codes:
        """The rows with a conversation, one conversation after the other."""
        return grouped_rows(self.conversation)


def grouped_rows(codes: Codes) -> Codes:
    """Return the rows with a code, grouped by it, each group in the order of the log."""
    rows = np.flatnonzero(codes >= 0)
    return rows[stable_order(codes[rows])]


def encode_log(
    rows: pa.Table, before: pa.Table | None = None, all_names: Mapping[str, Sequence[str]] | None = None
) -> EncodedLog:
    """Return *rows* (columns of `assignment_log`) with each text replaced by its code.

    `labels` include people who appear only in the rows *before*, with a contact at the start.
    """
    sources, source = encode_column(rows["source"])
    conversations, conversation = encode_column(rows["conversation_id"])
    contacts, (contact,) = encode_pairs([(rows["contact_id"], rows["contact_name"])])
    people, (previous, assignee, assigned_by) = encode_pairs(
        (rows[f"{name}_id"], rows[f"{name}_name"])
        for name in ("previous_assignee", "assignee", "assigned_by")
    )
    persons = resolve_persons(people, assignee, assigned_by)
    labels = label_persons(persons, _persons_with_contacts(before) if before is not None else persons)
    persons = replace(persons, labels=[labels[person] for person in persons.who])
    return EncodedLog(
        instants=to_numpy(rows["occurred_at"].cast(pa.timestamp("us")).cast(pa.int64())),
        sources=sources,
        source=source,
        conversations=conversations,
        conversation=conversation,
        contacts=contacts,
        contact=contact,
        people=people,
        persons=persons,
        previous=previous,
        assignee=assignee,
        assigned_by=assigned_by,
        labels=labels,
        kinds=kinds_of(rows, persons.of_pair[assignee], len(persons.keys)),
        all_names=all_names or {},
    )


def encode_pairs(columns: Iterable[tuple[pa.ChunkedArray, pa.ChunkedArray]]) -> tuple[Pairs, list[Codes]]:
    """Return the distinct pairs of all (id, name) *columns* together, and the codes of each column."""
    column_pairs = list(columns)
    ids, id_codes = encode_column(
        pa.chunked_array(chunk for column, _ in column_pairs for chunk in _text_chunks(column))
    )
    names, name_codes = encode_column(
        pa.chunked_array(chunk for _, column in column_pairs for chunk in _text_chunks(column))
    )
    if not ids or not names:
        pairs_of_one = Pairs(ids or [None] * len(names), names or [None] * len(ids))
        return pairs_of_one, np.split(id_codes if ids else name_codes, len(column_pairs))
    keys = (id_codes + 1) * (len(names) + 1) + name_codes + 1
    distinct, codes = encode_column(pa.chunked_array([pa.array(keys, mask=keys == 0)]))
    pairs = [divmod(key, len(names) + 1) for key in distinct]
    distinct_pairs = Pairs(
        [ids[id_ - 1] if id_ else None for id_, _ in pairs],
        [names[name - 1] if name else None for _, name in pairs],
    )
    return distinct_pairs, np.split(codes, len(column_pairs))


def _text_chunks(column: pa.ChunkedArray) -> list[pa.Array]:
    return [chunk.cast(pa.string()) for chunk in column.chunks] or [pa.array([], pa.string())]


def encode_column(column: pa.ChunkedArray) -> tuple[list[Any], Codes]:
    """Return the distinct values of *column* in order of appearance, and each row's index into them."""
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), to_numpy(encoded.indices.fill_null(-1).cast(pa.int64()))


def to_numpy(column: pa.ChunkedArray | pa.Array) -> Codes:
    """Return the numbers of *column*, which has no nulls."""
    numbers: Codes = column.to_numpy()
    return numbers


def kinds_of(rows: pa.Table, assignees: Codes, count: int) -> list[str | None]:
    """Return the kind of each of *count* persons, as stated by the last of *rows* that assigns to them."""
    names, codes = encode_column(rows["assignee_kind"].cast(pa.string()))
    last = np.full(count + 1, -1)
    is_stated = codes >= 0
    last[assignees[is_stated]] = codes[is_stated]
    return [names[code] if code >= 0 else None for code in last[:-1].tolist()]


def resolve_persons(people: Pairs, *seen: Codes) -> Persons:
    """Return the persons of *people*: distinct ids, and names without an id.

    `persons.py` has already added the ids that own names. A person's name is the last one in the columns
    *seen*, which come first to last; a pair in none of them has an older name.
    """
    places: dict[tuple[str | None, str | None], int] = {}
    of_pair = [
        places.setdefault((id_, name if id_ is None else None), len(places))
        for id_, name in zip(people.ids, people.names, strict=True)
    ]
    last_row = np.full(len(of_pair) + 1, -1)  # the last item is for code -1, unassigned
    for codes in seen:
        last_row[codes] = np.maximum(last_row[codes], np.arange(len(codes)))
    label_pair = np.zeros(len(places), np.int64)
    for pair in sorted(
        range(len(of_pair)), key=lambda pair: (bool(people.names[pair]), last_row[pair], pair)
    ):
        label_pair[of_pair[pair]] = pair
    names = [people.labels[pair] for pair in label_pair]
    return Persons(list(places), names, names, label_pair, np.array([*of_pair, -1], np.int64))


def _persons_with_contacts(before: pa.Table) -> Persons:
    people, (assignee,) = encode_pairs([(before["assignee_id"], before["assignee_name"])])
    return resolve_persons(people, assignee)


def label_persons(persons: Persons, others: Persons) -> dict[Person, str]:
    """Return the labels of *persons* and *others*: the name, with the id if another person has it too."""
    names = dict(zip(others.who, others.names, strict=True)) | dict(
        zip(persons.who, persons.names, strict=True)
    )
    occurrences = Counter(names.values())
    return {
        person: f"{name} ({person[0]})" if occurrences[name] > 1 and person[0] else name
        for person, name in names.items()
    }
