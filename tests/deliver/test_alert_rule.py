"""The rule of alerts: told once while conditions stay met, whatever could not be told in between."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from assets.config.subscription import Subscription
from assets.deliver.alert_rule import Verdict, Verdicts, next_verdict
from assets.deliver.delivery import Kind

FIRST = date(2026, 6, 1)
OUTCOMES = st.sampled_from([True, False, None])
Day = tuple[tuple[bool | None, ...], bool]
"""The outcome of each condition, and whether a mail of that day arrives."""


def days_with(conditions: int) -> st.SearchStrategy[list[Day]]:
    return st.lists(st.tuples(st.tuples(*[OUTCOMES] * conditions), st.booleans()), max_size=12)


def is_any(outcomes: tuple[bool | None, ...]) -> bool | None:
    return True if True in outcomes else None if None in outcomes else False


def sent_on(days: list[Day], **options: bool) -> list[Kind | None]:
    """Return what one recipient is sent each day while any condition is met."""
    subscription = Subscription.model_validate(
        {"name": "a", "reports": ["yesterday"], "recipients": ["ann@acme.example"]}
        | {"when": [{"metric": "assignments", "above": 1}]}
        | options
    )
    together: Verdict | None = None
    each: list[Verdict | None] = [None] * (len(days[0][0]) if days else 0)
    told: list[date] = []
    sent = []
    for n, (outcomes, arrives) in enumerate(days):
        day = FIRST + timedelta(n)
        verdicts = Verdicts(
            next_verdict(together, day, is_met=is_any(outcomes)),
            tuple(
                next_verdict(before, day, is_met=is_met)
                for before, is_met in zip(each, outcomes, strict=True)
            ),
        )
        since = verdicts.told_since
        kind, _ = verdicts.choose(subscription, is_told=any(since and sent >= since for sent in told))
        if kind is Kind.ALERT and arrives:
            told.append(day)
        together = together if verdicts.together.is_met is None else verdicts.together
        each = [
            before if now.is_met is None else now for before, now in zip(each, verdicts.each, strict=True)
        ]
        sent.append(kind)
    return sent


def runs_of(outcomes: list[bool | None]) -> list[list[int]]:
    """Return the runs of days on which something is met; days that cannot be told end none."""
    runs: list[list[int]] = [[]]
    for n, is_met in enumerate(outcomes):
        if is_met:
            runs[-1].append(n)
        elif is_met is False:
            runs.append([])
    return [run for run in runs if run]


@given(days_with(2))
def test_each_run_of_each_condition_is_told_until_a_mail_arrives_and_not_after(days: list[Day]) -> None:
    sent = sent_on(days)
    expected = set()
    for condition in (0, 1):
        for run in runs_of([outcomes[condition] for outcomes, _ in days]):
            arriving = [n for n in range(run[0], run[-1] + 1) if sent[n] is Kind.ALERT and days[n][1]]
            expected |= {n for n in run if n <= min(arriving, default=run[-1])}
    assert {n for n, kind in enumerate(sent) if kind is Kind.ALERT} == expected


@given(days_with(1), st.booleans())
def test_an_all_clear_follows_each_run_that_was_told_once(
    days: list[Day],
    repeat: bool,  # noqa: FBT001 - what hypothesis draws
) -> None:
    sent = sent_on(days, repeat=repeat, all_clear=True)
    outcomes = [is_met for (is_met,), _ in days]
    expected = set()
    for run in runs_of(outcomes):
        end = next((n for n in range(run[-1] + 1, len(days)) if outcomes[n] is False), None)
        if end is not None and any(days[n][1] for n in run):
            expected.add(end)
    assert {n for n, kind in enumerate(sent) if kind is Kind.ALL_CLEAR} == expected


@given(days_with(2))
def test_with_repeat_every_met_day_is_an_alert(days: list[Day]) -> None:
    met = [is_any(outcomes) is True for outcomes, _ in days]
    assert [kind is Kind.ALERT for kind in sent_on(days, repeat=True)] == met
