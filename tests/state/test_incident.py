"""The rule of incidents: when the operator hears of what, told by a table of what happens."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from assets.state.incident import (
    Incident,
    Observation,
    after_end,
    after_mail,
    after_observation,
    after_risk,
    after_silence,
    pause_after,
)

START = datetime(2026, 6, 15, tzinfo=UTC)
NO_FILE = Observation(
    "acme/load", "SourceUnreadable", "acme: the load fails", "no file matches", occurrence="1"
)
SIGNS = {
    "fails": NO_FILE,
    "fails again": replace(NO_FILE, occurrence="2"),
    "fails a third time": replace(NO_FILE, occurrence="3"),
    "fails otherwise": replace(NO_FILE, kind="SourceUnavailable", occurrence="4", title="another title"),
    "another text": replace(NO_FILE, text="no file matches *.csv"),
}
LATE, OVER = "a report is late", "over"


def mails(*story: tuple[int, str]) -> list[str]:
    """Return the minutes at which the operator is mailed, with the count, where a sensor looks each minute."""
    incident: Incident | None = None
    told = []
    for minute in range(400):
        now = START + timedelta(minutes=minute)
        for _, name in (event for event in story if event[0] == minute):
            if name == OVER:
                assert incident
                incident = after_end(incident, "it works", now)
            elif name == LATE:
                assert incident
                incident = after_risk(incident, ("yesterday is late",), now)
            else:
                incident = after_observation(incident, SIGNS[name], now)
        if incident and incident.due_at and incident.due_at <= now:
            told.append(f"{minute}: {'' if incident.is_open else 'over, '}{incident.count}")
            incident = after_mail(incident, incident.revision, now)
    return told


@pytest.mark.parametrize(
    ("story", "told"),
    [
        ([(0, "fails")], ["0: 1"]),
        ([(0, "fails"), (1, "fails"), (30, "fails")], ["0: 1"]),
        ([(0, "fails"), (3, "fails again"), (4, "fails a third time")], ["0: 1", "5: 3"]),
        ([(0, "fails"), (9, "fails again")], ["0: 1", "9: 2"]),
        ([(0, "fails"), (5, "fails again"), (6, "fails a third time")], ["0: 1", "5: 2", "15: 3"]),
        ([(0, "fails"), (1, "fails otherwise")], ["0: 1", "1: 2"]),
        ([(0, "fails"), (2, LATE)], ["0: 1", "5: 1"]),
        ([(0, "fails"), (2, "another text")], ["0: 1"]),
        ([(0, "fails"), (3, OVER)], ["0: 1", "3: over, 1"]),
        ([(0, "fails"), (3, "fails again"), (4, OVER), (5, OVER)], ["0: 1", "4: over, 2"]),
        ([(0, "fails"), (3, OVER), (8, "fails again")], ["0: 1", "3: over, 1", "8: 1"]),
    ],
)
def test_the_operator_hears_at_once_then_after_pauses_and_of_the_end(
    story: list[tuple[int, str]], told: list[str]
) -> None:
    assert mails(*story) == told


def test_what_fails_all_the_time_is_mailed_once_an_hour_at_last() -> None:
    names = ("fails", "fails again")
    told = [int(mail.partition(":")[0]) for mail in mails(*((n, names[n % 2]) for n in range(400)))]
    assert told == [0, 5, 15, 35, 75, 135, 195, 255, 315, 375]
    assert max(pause_after(number) for number in range(50)) == timedelta(hours=1)


def test_what_happens_while_a_mail_is_sent_is_told_by_the_next_one() -> None:
    incident = after_observation(None, NO_FILE, START)
    ended = after_end(incident, "it works", START)
    assert after_mail(ended, incident.revision, START).due_at == START
    failed = after_observation(incident, SIGNS["fails again"], START)
    assert after_mail(failed, incident.revision, START).due_at == START + timedelta(minutes=5)


def test_an_end_that_was_not_mailed_is_none_if_it_fails_again() -> None:
    incident = after_mail(after_observation(None, NO_FILE, START), 1, START)
    again = after_observation(after_end(incident, "it works", START), SIGNS["fails again"], START)
    assert (again.is_open, again.count, again.since, again.due_at) == (True, 2, START, START)


def test_the_thread_keeps_its_subject_and_what_is_never_seen_again_is_forgotten() -> None:
    incident = after_mail(after_observation(None, NO_FILE, START), 1, START)
    assert after_observation(incident, SIGNS["fails otherwise"], START).seen.title == NO_FILE.title
    assert after_silence(incident, START + timedelta(days=7)) is incident
    forgotten = after_silence(incident, START + timedelta(days=8))
    assert (forgotten.is_open, forgotten.due_at) == (False, None)
