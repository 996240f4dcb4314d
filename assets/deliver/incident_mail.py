"""The mail about an incident: subject, text and thread. Pure; the operator's mails are in English."""

import hashlib
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from assets.state.incident import Incident, pause_after

_MINUTES = 60


def thread_of(incident: Incident, domain: str) -> tuple[str, tuple[str, ...]]:
    """Return the Message-ID of the next mail about *incident*, and those of the mails before it, in order.

    They are the same for every attempt to send it.
    """
    name = f"{incident.seen.key}\0{incident.since.timestamp()}"
    thread = hashlib.sha256(name.encode()).hexdigest()[:32]
    *earlier, message_id = (f"<{thread}.{number + 1}@{domain}>" for number in range(incident.mails + 1))
    return message_id, tuple(earlier)


def subject_of(incident: Incident) -> str:
    """Return the subject of the next mail about *incident*."""
    prefix = "" if incident.is_open and not incident.mails else "Re: " if incident.is_open else "Resolved: "
    return f"{prefix}Assignment Reports: {incident.seen.title}"


def paragraphs_of(incident: Incident, at_risk: tuple[str, ...], zone: ZoneInfo) -> list[str]:
    """Return the text of the next mail about *incident*, which puts the reports *at_risk* at risk."""
    seen = incident.seen
    paragraphs = [f"{seen.title}."] if incident.is_open else [f"Resolved: {seen.title}.", incident.ending]
    paragraphs += [f"What went wrong: {seen.text}", _duration(incident, zone)]
    if at_risk:
        heading = "Reports at risk" if incident.is_open else "Reports that are not complete yet"
        paragraphs.append("\n".join((f"{heading} ({zone.key}):", *(f"* {line}" for line in at_risk))))
    if not incident.is_open:
        return paragraphs
    if seen.next_step:
        paragraphs.append(f"What happens next: {seen.next_step}")
    if seen.remedy:
        paragraphs.append(f"What you can do: {seen.remedy}")
    if seen.run:
        paragraphs.append(f"Run: {seen.run}")
    minutes = pause_after(incident.mails + 1) // timedelta(minutes=1)
    paragraphs.append(
        f"The next mail about this comes when it is over, or if there is news, in {minutes} minutes at the "
        "earliest."
    )
    return paragraphs


def _duration(incident: Incident, zone: ZoneInfo) -> str:
    """Return since when it lasts or how long it lasted, and how often it was seen."""
    since, last = _local(incident.since, zone), _local(incident.last_at, zone)
    times = incident.times + (f", the last at {last}" if incident.count > 1 else "")
    if incident.ended_at is None:
        return f"Since: {since} ({zone.key}); {times}."
    minutes = (incident.ended_at - incident.since) // timedelta(minutes=1)
    length = f"{minutes // _MINUTES} h {minutes % _MINUTES} min" if minutes >= _MINUTES else f"{minutes} min"
    return f"From {since} to {_local(incident.ended_at, zone)} ({zone.key}), {length}; {times}."


def _local(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"
