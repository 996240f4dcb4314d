"""Where conversations bounce: the most assigned ones, straight returns, and who hands to whom."""

import numpy as np

from assets.report.encoded_log import Codes, EncodedLog
from assets.report.model import Chain, Chains, HandOffs, ReturnPair

_MOST = 10
_STEPS = 12
_HOUR = 3_600_000_000


def find_chains(log: EncodedLog, return_hours: int) -> Chains:
    """Return the chains of *log*; a return is A to B to A in a conversation within *return_hours*."""
    counts = np.bincount(log.conversation[log.conversation >= 0], minlength=1)
    most = np.argsort(-counts, kind="stable")[:_MOST]
    labels = log.persons.labels
    firsts, seconds = _find_returns(log, return_hours * _HOUR)
    pairs, pair_counts = np.unique(firsts * len(labels) + seconds, return_counts=True)
    largest = np.argsort(-pair_counts, kind="stable")[:_MOST]
    return Chains(
        conversation_count=int((counts > 0).sum()),
        reassigned_count=int((counts > 1).sum()),
        most_assigned=tuple(
            _describe_chain(log, int(code), int(counts[code])) for code in most if counts[code] > 1
        ),
        return_hours=return_hours,
        return_count=len(firsts),
        return_pairs=tuple(
            ReturnPair(
                first=labels[pairs[at] // len(labels)],
                second=labels[pairs[at] % len(labels)],
                count=int(pair_counts[at]),
            )
            for at in largest
        ),
    )


def _describe_chain(log: EncodedLog, conversation: int, count: int) -> Chain:
    rows = np.flatnonzero(log.conversation == conversation)
    labels = [*log.persons.labels, None]  # the last one is found at -1: nobody
    steps = log.persons.of_pair[[log.previous[rows[0]], *log.assignee[rows[:_STEPS]]]]
    contacts = [*log.contacts.labels, ""]
    return Chain(
        conversation_id=log.conversations[conversation],
        contact=contacts[log.contact[rows[0]]],
        count=count,
        path=tuple(labels[step] for step in steps[int(steps[0] < 0) :]),
        is_cut=count > _STEPS,
    )


def _find_returns(log: EncodedLog, within: int) -> tuple[Codes, Codes]:
    """Return A and B of each A to B to A: two rows of one conversation, one right after the other."""
    order = np.argsort(log.conversation, kind="stable")
    order = order[log.conversation[order] >= 0]
    one, two = order[:-1], order[1:]
    person = log.persons.of_pair
    previous, assignee = person[log.previous], person[log.assignee]
    found = (
        (log.conversation[one] == log.conversation[two])
        & (previous[one] >= 0)
        & (assignee[one] >= 0)
        & (previous[two] == assignee[one])
        & (assignee[two] == previous[one])
        & (log.instants[two] - log.instants[one] <= within)
    )
    return previous[one[found]], assignee[one[found]]


def find_hand_offs(log: EncodedLog) -> HandOffs:
    """Return the matrix of the people with the most assignments from and to them."""
    persons = log.persons
    labels = persons.labels
    previous, assignee = persons.of_pair[log.previous], persons.of_pair[log.assignee]
    size = len(labels) + 1  # one more for nobody, whose code of -1 is found at the end
    counts = np.bincount((previous % size) * size + assignee % size, minlength=size * size).reshape(
        size, size
    )
    busy = counts.sum(0) + counts.sum(1)
    order = sorted(np.flatnonzero(busy[:-1]).tolist(), key=lambda at: (-busy[at], labels[at], at))
    groups = [*([at] for at in order[:_MOST]), order[_MOST:], [len(labels)]]
    return HandOffs(
        people=tuple(labels[at] for at in order[:_MOST]),
        keys=tuple(persons.keys[at] for at in order[:_MOST]),
        kinds=tuple(log.kinds[at] for at in order[:_MOST]),
        counts=tuple(tuple(int(counts[np.ix_(row, column)].sum()) for column in groups) for row in groups),
    )
