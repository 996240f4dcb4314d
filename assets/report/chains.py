"""Count the most reassigned conversations, bounce-backs, and the reassignment matrix."""

import numpy as np

from assets.report.encoded_log import Codes, EncodedLog
from assets.report.model import Chain, Chains, HandOffs, ReturnPair

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
    order = np.argsort(log.conversation, kind="stable")
    order = order[log.conversation[order] >= 0]
    first, second = order[:-1], order[1:]
    person = log.persons.of_pair
    previous, assignee = person[log.previous], person[log.assignee]
    is_return = (
        (log.conversation[first] == log.conversation[second])
        & (previous[first] >= 0)
        & (assignee[first] >= 0)
        & (previous[second] == assignee[first])
        & (assignee[second] == previous[first])
        & (log.instants[second] - log.instants[first] <= return_hours * _HOUR)
    )
    rows = first[is_return]
    return previous[rows], assignee[rows], second[is_return]


def find_hand_offs(log: EncodedLog) -> HandOffs:
    """Return the reassignment matrix of the people with the most assignments from and to them."""
    persons = log.persons
    labels = persons.labels
    previous, assignee = persons.of_pair[log.previous], persons.of_pair[log.assignee]
    size = len(labels) + 1  # one more for "unassigned", whose code of -1 is the last index
    counts = np.bincount((previous % size) * size + assignee % size, minlength=size * size).reshape(
        size, size
    )
    activity = counts.sum(0) + counts.sum(1)
    order = sorted(
        np.flatnonzero(activity[:-1]).tolist(), key=lambda index: (-activity[index], labels[index], index)
    )
    groups = [*([index] for index in order[:_MOST]), order[_MOST:], [len(labels)]]
    return HandOffs(
        people=tuple(labels[index] for index in order[:_MOST]),
        keys=tuple(persons.keys[index] for index in order[:_MOST]),
        kinds=tuple(log.kinds[index] for index in order[:_MOST]),
        counts=tuple(tuple(int(counts[np.ix_(row, column)].sum()) for column in groups) for row in groups),
    )
