"""Count the balance of each assignee: contacts at the start, received, released, and at the end."""

import numpy as np

from assets.report.encoded_log import Codes
from assets.report.people_model import AssigneeBalance
from assets.report.steps import Steps


def count_balances(steps: Steps) -> tuple[AssigneeBalance, ...]:
    """Return the balance of each person of *steps* who has contacts before the period or appears in it.

    The closing is counted from the last step of each subject, independently of the other four figures, and so
    proves them. The largest closing comes first.
    """
    assignee, previous = steps.assignee, steps.previous
    held_before = np.where(steps.is_first, -1, np.roll(assignee, 1))
    gap = steps.is_event & (held_before != previous)

    def count(people_of_steps: Codes) -> Codes:
        return np.bincount(people_of_steps[people_of_steps >= 0], minlength=len(steps.labels))

    opening, closing = count(assignee[~steps.is_event]), count(assignee[steps.is_last])
    received, released = count(assignee[steps.is_event]), count(previous[steps.is_event])
    unseen = count(previous[gap]) - count(held_before[gap])
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
            steps.labels, steps.keys, steps.kinds, opening, received, released, unseen, closing, strict=True
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
