"""Count the most reassigned conversations, bounce-backs, and the reassignment matrix."""

import numpy as np

from assets.report.encoded_log import Codes, EncodedLog
from assets.report.model import Chain, Chains, ReturnPair
from assets.report.people_model import HandOffs

_MOST = 10
_STEPS = 12
_HOUR = 3_600_000_000


def find_chains(log: EncodedLog, return_hours: int) -> Chains:
    """Return the most assigned conversations and the bounce-backs of *log*.

    A bounce-back is A to B to A in one conversation within *return_hours*.
    """
    is_assigned = (log.conversation >= 0) & (log.assignee >= 0)
    counts = np.bincount(log.conversation[is_assigned], minlength=len(log.conversations))
    most_assigned = np.argsort(-counts, kind="stable")[:_MOST]
    labels = log.persons.labels
    firsts, seconds, _ = find_returns(log, return_hours)
    pairs, pair_counts = np.unique(firsts * len(labels) + seconds, return_counts=True)
    largest = np.argsort(-pair_counts, kind="stable")[:_MOST]
    return Chains(
        assigned_count=int((counts > 0).sum()),
        reassigned_count=int((counts > 1).sum()),
        most_assigned=tuple(
            _describe_chain(log, int(code), int(counts[code])) for code in most_assigned if counts[code] > 1
        ),
        return_hours=return_hours,
        return_count=len(firsts),
        return_pairs=tuple(
            ReturnPair(
                first=labels[pairs[index] // len(labels)],
                second=labels[pairs[index] % len(labels)],
                count=int(pair_counts[index]),
            )
            for index in largest
        ),
    )


def _describe_chain(log: EncodedLog, conversation: int, count: int) -> Chain:
    rows = np.flatnonzero(log.conversation == conversation)
    labels = [*log.persons.labels, None]  # the last label is for code -1: unassigned
    steps = log.persons.of_pair[[log.previous[rows[0]], *log.assignee[rows[:_STEPS]]]]
    contacts = [*log.contacts.labels, ""]
    return Chain(
        conversation_id=log.conversations[conversation],
        contact=contacts[log.contact[rows[0]]],
        count=count,
        path=tuple(labels[step] for step in steps[int(steps[0] < 0) :]),
        is_cut=len(rows) > _STEPS,
    )


def find_returns(log: EncodedLog, return_hours: int) -> tuple[Codes, Codes, Codes]:
    """Return the person codes A and B of each A to B to A in two consecutive rows, and the second row.

    The rows are of one conversation and at most *return_hours* apart.
    """
    order, person = log.by_conversation, log.persons.of_pair
    previous, assignee = person[log.previous[order]], person[log.assignee[order]]
    is_return = (
        (np.diff(log.conversation[order]) == 0)
        & (previous[:-1] >= 0)
        & (assignee[:-1] >= 0)
        & (previous[1:] == assignee[:-1])
        & (assignee[1:] == previous[:-1])
        & (np.diff(log.instants[order]) <= return_hours * _HOUR)
    )
    first = np.flatnonzero(is_return)
    return previous[first], assignee[first], order[first + 1]


def find_hand_offs(log: EncodedLog) -> HandOffs:
    """Return the reassignment matrix of the people with the most assignments from and to them."""
    persons = log.persons
    labels = persons.labels
    previous, assignee = persons.of_pair[log.previous], persons.of_pair[log.assignee]
    activity = _count_persons(previous, len(labels)) + _count_persons(assignee, len(labels))
    order = sorted(
        np.flatnonzero(activity).tolist(), key=lambda index: (-activity[index], labels[index], index)
    )
    shown = order[:_MOST]
    size = len(shown) + 2
    line = np.full(len(labels) + 1, size - 2)  # the others; the last code is -1, unassigned
    line[shown], line[-1] = np.arange(len(shown)), size - 1
    counts = np.bincount(line[previous] * size + line[assignee], minlength=size * size).reshape(size, size)
    return HandOffs(
        people=tuple(labels[index] for index in shown),
        keys=tuple(persons.keys[index] for index in shown),
        kinds=tuple(log.kinds[index] for index in shown),
        counts=tuple(map(tuple, counts.tolist())),
    )


def _count_persons(codes: Codes, size: int) -> Codes:
    """Return the number of rows of each person; -1 is nobody."""
    return np.bincount(codes[codes >= 0], minlength=size)
