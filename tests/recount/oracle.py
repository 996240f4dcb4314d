"""Every figure of a report, counted again from the raw rows by plain Python.

It imports nothing of the product, so that a mistake there cannot hide here. What the figures mean is in
docs/reference/definitions.md; a new component comes with its recount.
"""

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

LABELS = {
    "developer_api": "Developer API", "workflow": "Workflow", "bot": "Bot", "zapier": "Zapier", "make": "Make", "user": "User",
    "contact_import": "Contact Import", "close_conversation": "Close Conversation (Legacy)", "click_to_chat_ad": "Click-to-Chat Ad",
}  # fmt: skip
ALIASES = {
    "api": "developer_api", "dialogflow": "bot", "integromat": "make", "import": "contact_import", "ctc_ads": "click_to_chat_ad",
    "close_conversation_legacy": "close_conversation",
}  # fmt: skip
SPELLINGS = {
    word.lower(): word
    for word in (
        "AI", "API", "CRM", "CSV", "CTC", "FAQ", "GPT", "ID", "IVR", "LLM", "MMS", "NPS", "QR", "SDK", "SIP", "SLA", "SMS", "SSO", "UI", "URL",
        "VIP", "ChatGPT", "HubSpot", "iOS", "LinkedIn", "n8n", "OpenAI", "TikTok", "VoIP", "WeChat", "WhatsApp", "YouTube",
    )
}  # fmt: skip
NOBODY = {"-", "unassigned"}
DAY = timedelta(days=1)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TOP = 10
MIN_EVENTS = 30
MAX_STEPS = 12
OF_CHAINS = ("reassignment_rate", "bounce_backs")
Person = tuple[str | None, str | None]
Found = tuple[str, dict[str, Any], dict[str, str] | str]
"""The rule of a finding, its facts, and what its link leads to."""


@cache
def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a date: the first whose clock shows it, or a later one where it is skipped."""
    at = datetime.combine(day, time(), zone).astimezone(UTC) - timedelta(hours=6)
    low, high = at, at + timedelta(hours=12)
    while high - low > timedelta(microseconds=1):
        middle = low + (high - low) / 2
        low, high = (low, middle) if middle.astimezone(zone).date() >= day else (middle, high)
    return high


def exists(day: date, zone: ZoneInfo) -> bool:
    return first_instant(day, zone) < first_instant(day + DAY, zone)


def unit_of(preset: str, day: date, week_start: str) -> str:
    """Return a name of the week, month, quarter or year of *day*, as the last word of *preset* asks."""
    weeks = (day.toordinal() - 1 - WEEKDAYS.index(week_start)) // 7  # the first day of all was a Monday
    return {
        "week": f"{weeks}",
        "month": f"{day:%Y-%m}",
        "quarter": f"{day:%Y}-{'111222333444'[day.month - 1]}",
        "year": f"{day:%Y}",
    }[preset.rpartition("_")[2]]


def days_back(day: date, count: int, zone: ZoneInfo) -> list[date]:
    """Return the last *count* days that exist up to *day*, in order."""
    found: list[date] = []
    while len(found) < count:
        found = [day, *found] if exists(day, zone) else found
        day -= DAY
    return found


def unit_before(preset: str, day: date, week_start: str) -> list[date]:
    """Return the dates of the unit before that of *day*."""
    earlier = [day - n * DAY for n in range(800, 0, -1)]
    others = [unit_of(preset, each, week_start) for each in earlier]
    name = [other for other in others if other != unit_of(preset, day, week_start)][-1]
    return [each for each, other in zip(earlier, others, strict=True) if other == name]


def days_of_preset(preset: str, day: date, week_start: str, zone: ZoneInfo) -> tuple[date, date]:
    """Return the first and last day of *preset* on the report date *day*, without `include_today`."""
    yesterday = days_back(day - DAY, 1, zone)
    if preset.startswith("this_"):
        dates = (day - n * DAY for n in range(366))
        unit = unit_of(preset, day, week_start)
        days = sorted(each for each in dates if unit_of(preset, each, week_start) == unit)
    elif preset.endswith("_days"):
        days = days_back(day - DAY, int(preset.split("_")[1]), zone)
    elif preset.startswith("last_"):
        days = unit_before(preset, day, week_start)
    else:
        days = {"today": [day], "yesterday": yesterday}[preset]
    return days[0], days[-1]


def configured_days(report: dict[str, Any], zone: ZoneInfo) -> tuple[date, date] | None:
    """Return the first and last day of *report* by its preset; None where it has days of its own."""
    if report["preset"] == "custom":
        return None
    day = date.fromisoformat(report["report_date"])
    return days_of_preset(report["preset"], day, report["week_start"], zone)


def last_year(day: date) -> date:
    return date.fromisoformat(f"{day.year - 1}-{day:%m-%d}".replace("02-29", "02-28"))


def compared_days(report: dict[str, Any], first: date, last: date, zone: ZoneInfo) -> tuple[date, date]:
    """Return the first and last day that *report* over *first* to *last* is compared with."""
    preset, week_start = report["preset"], report["week_start"]
    if report["compare_with"] == "previous_year" or preset == "this_year":
        return last_year(first), last_year(last)
    if preset == "this_week":
        return first - timedelta(weeks=1), last - timedelta(weeks=1)
    if preset in {"this_month", "last_week", "last_month", "last_quarter"}:
        until = last.day if preset == "this_month" else 31
        days = [day for day in unit_before(preset, first, week_start) if day.day <= until]
    else:
        count = sum(exists(first + n * DAY, zone) for n in range((last - first).days + 1))
        days = days_back(first - DAY, count, zone)
    return days[0], days[-1]


def source_code(text: str) -> str:
    words = re.sub(r"[\W_]+", "_", text.lower()).strip("_")
    code = ALIASES.get(words, words)
    return code if code in LABELS else text or "unknown"


def source_label(code: str) -> str:
    if code in LABELS or not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", code):
        return LABELS.get(code, code)
    return " ".join(SPELLINGS.get(word, word.capitalize()) for word in code.split("_"))


def clean(text: str | None) -> str | None:
    """Return a text without white space around it, line breaks as spaces, what nobody can print as U+FFFD."""
    spaced = re.sub(r"[\t\n\r\u2028\u2029]+", " ", text or "")
    printable = ("\ufffd" if unicodedata.category(each) == "Cc" else each for each in spaced)
    return unicodedata.normalize("NFC", "".join(printable)).strip() or None


def days_loaded(first: date, last: date, zone: ZoneInfo, now: datetime) -> dict[date, datetime]:
    """Return the days that a load of *first* to *last* at *now* leaves, each with the instant up to which."""
    days = (first + n * DAY for n in range((last - first).days + 1))
    return {
        day: min(first_instant(day + DAY, zone), now)
        for day in days
        if exists(day, zone) and first_instant(day, zone) < now
    }


@dataclass
class Event:
    """One accepted row, its people as they stand there."""

    id: str
    at: datetime
    conversation: str | None
    contact: str | None
    contact_name: str | None
    previous: Person
    assignee: Person
    by: Person
    source: str
    has_source: bool
    is_stated: bool
    kind: str | None
    is_cleaned: bool

    @property
    def subject(self) -> str | None:
        return self.contact or (f"conversation {self.conversation}" if self.conversation else None)


@dataclass
class Quality:
    """What became of the rows of a day."""

    read: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0
    no_change: int = 0
    inferred: int = 0
    source_unknown: int = 0
    cleaned: int = 0


def person(row: dict[str, str], who: str) -> Person:
    id_, name = clean(row.get(f"{who}_id")), clean(row.get(who) or row.get(f"{who}_name"))
    return id_, None if id_ is None and name is not None and name.casefold() in NOBODY else name


def is_same(one: Person, other: Person) -> bool:
    if one[0] is not None and other[0] is not None:
        return one[0] == other[0]
    return one == other == (None, None) or (one[1] is not None and one[1] == other[1])


@dataclass
class Log:
    """The log of a workspace, with what became of the rows of each day, and the members of each team.

    `loaded` has the instant up to which each day is loaded, `faults` the reasons of inputs without any event.
    """

    zone: ZoneInfo
    first_day: date
    loaded: dict[date, datetime]
    teams: dict[str, tuple[str, ...]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    quality: dict[date, Quality] = field(default_factory=lambda: defaultdict(Quality))
    faults: list[str] = field(default_factory=list)

    def faults_on(self, days: Iterable[date]) -> list[str]:
        return self.faults if any(day in self.loaded for day in days) else []

    def is_loaded(self, at: datetime) -> bool:
        return (until := self.loaded.get(self.day(at))) is not None and at < until

    def reject(self, at: datetime) -> None:
        if self.is_loaded(at):
            self.quality[self.day(at)].read += 1
            self.quality[self.day(at)].rejected += 1

    def day(self, at: datetime) -> date:
        day = at.astimezone(self.zone).date()
        return day + DAY if first_instant(day + DAY, self.zone) <= at else day


def read_log(files: Iterable[Path], zone: ZoneInfo, first_day: date, loaded: dict[date, datetime]) -> Log:
    """Return the log that CSV files of the contract's columns give on the days *loaded*, in the order of events."""
    log = Log(zone, first_day, loaded)
    rows = [event for path in sorted(files) for event in _rows(path, log)]
    in_order = sorted(rows, key=lambda event: event.at)  # at one instant in the order of the files
    _add_events(log, (event for event in in_order if log.is_loaded(event.at)))
    _give_ids(log.events)
    return log


def _rows(path: Path, log: Log) -> Iterator[Event]:
    """Yield the events; count other rows by their time, that of the row before, or else that of the first."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        names = {"previous_assignee", "previous_assignee_name", "previous_assignee_id"}
        is_stated = bool(names & set(reader.fieldnames or ()))
        times, rejected, count = list[datetime](), list[datetime | None](), 0
        for row in reader:
            count += 1
            times += [at] if (at := _instant(row.get("occurred_at"))) else []
            event = at and _event(row, at, is_stated=is_stated)
            if event:
                yield event
            else:
                rejected.append(times[-1] if times else None)
        for place in rejected:
            if at := place or (times[0] if times else None):
                log.reject(at)
        if count == len(rejected) > 0:
            log.faults.append("input_gave_nothing" if times else "input_unreadable")


def _add_events(log: Log, events: Iterable[Event]) -> None:
    """Add what is an event: no row whose assignee stays, no second row with an event's id, no copy of a row.

    Where the assignee before is not stated, it is the last known one.
    """
    taken: set[str] = set()
    seen: set[tuple[object, ...]] = set()
    held: dict[str | None, Person] = {}
    for event in events:
        quality = log.quality[log.day(event.at)]
        quality.read += 1
        if event.is_stated and is_same(event.previous, event.assignee):
            quality.no_change += 1
            continue
        row = (event.id, event.at, event.conversation, event.contact, event.assignee)
        of_day = (log.day(event.at), event.id)
        is_accepted = not {row, of_day} & seen  # a load does not know yet which rows change nothing
        quality.cleaned += is_accepted and event.is_cleaned
        if event.id in taken or not is_accepted:
            quality.duplicates += 1
            continue
        seen |= {row, *([of_day] if event.is_stated else [])}
        if not event.is_stated:
            event.previous = held.get(event.subject, (None, None))
        held[event.subject] = event.assignee
        if is_same(event.previous, event.assignee):
            quality.no_change += 1
            continue
        taken.add(event.id)
        quality.accepted += 1
        quality.inferred += not event.is_stated
        quality.source_unknown += not event.has_source
        if event.source != "user":
            event.by = (None, None)
        log.events.append(event)


def _instant(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def _event(row: dict[str, str], at: datetime, *, is_stated: bool) -> Event | None:
    conversation, contact = clean(row.get("conversation_id")), clean(row.get("contact_id"))
    if not (conversation or contact) or None in row:
        return None
    source = clean(row.get("source"))
    kind = re.sub(r"[\W_]+", "_", (clean(row.get("assignee_kind")) or "").lower()).strip("_") or None
    return Event(
        clean(row.get("event_id")) or "", at, conversation, contact, clean(row.get("contact_name")),
        person(row, "previous_assignee"), person(row, "assignee"), person(row, "assigned_by"),
        source_code(source or ""), source is not None, is_stated, kind,
        any("\ufffd" in (clean(cell) or "") for cell in row.values()),
    )  # fmt: skip


def _give_ids(events: list[Event]) -> None:
    """A name without an id belongs to the id that alone has had it up to then."""
    since: dict[str, dict[str, datetime]] = defaultdict(dict)
    for event in events:
        for id_, name in (event.previous, event.assignee, event.by):
            if id_ is not None and name is not None:
                since[name].setdefault(id_, event.at)

    def with_id(who: Person, at: datetime) -> Person:
        owners = [id_ for id_, first in since.get(who[1] or "", {}).items() if first <= at]
        return (owners[0], who[1]) if who[0] is None and len(owners) == 1 else who

    for event in events:
        event.previous, event.assignee, event.by = (
            with_id(who, event.at) for who in (event.previous, event.assignee, event.by)
        )


def shares(counts: list[int]) -> list[float | None]:
    total = sum(counts)
    if not total:
        return [None] * len(counts)
    exact = [Fraction(count * 1000, total) for count in counts]
    tenths = [each.numerator // each.denominator for each in exact]
    order = sorted(range(len(counts)), key=lambda at: (-(exact[at] - tenths[at]), at))
    for at in order[: 1000 - sum(tenths)]:
        tenths[at] += 1
    return [each / 10 for each in tenths]


def rounded(value: Fraction) -> float:
    """Return *value* with one decimal, halves away from zero."""
    tenths = abs(value) * 10
    whole = (tenths + Fraction(1, 2)).numerator // (tenths + Fraction(1, 2)).denominator
    return (whole if value >= 0 else -whole) / 10


def names_of(events: list[Event], roles: tuple[str, ...], seen: tuple[str, ...]) -> dict[Person, str]:
    """Return each person with the name last seen."""
    order: list[tuple[Person, Person]] = []
    for role in roles:
        order += [
            (key_of(who), who)
            for who in (getattr(event, role) for event in events)
            if key_of(who) != (None, None)
        ]
    last: dict[Person, tuple[bool, int, int, str]] = {}
    places: dict[Person, int] = {}
    for _, who in order:
        places.setdefault(who, len(places))
    rows: dict[Person, int] = {}
    for role in seen:
        for at, event in enumerate(events):
            who = getattr(event, role)
            if key_of(who) != (None, None):
                rows[who] = max(at, rows.get(who, -1))
    for key, who in order:
        rank = (bool(who[1]), rows.get(who, -1), places[who], who[1] or who[0] or "")
        last[key] = max(last.get(key, rank), rank)
    return {key: rank[3] for key, rank in last.items()}


def told_apart(names: dict[Person, str], taken: Iterable[str]) -> dict[Person, str]:
    """Return *names* with the id behind where one stands in *taken* more than once."""
    times = Counter(taken)
    return {who: f"{name} ({who[0]})" if times[name] > 1 and who[0] else name for who, name in names.items()}


def key_of(who: Person) -> Person:
    return (who[0], None) if who[0] is not None else (None, who[1])


def recount(report: dict[str, Any], log: Log, known_since: date | None) -> Iterator[tuple[str, Any, Any]]:
    """Yield (figure, counted here, said by *report*) for every figure of a report, filtered by source if at all."""
    everybody, log = log, _filtered(log, report["filters"])
    zone, as_of = log.zone, datetime.fromisoformat(report["as_of"])
    first, last = (date.fromisoformat(report["period"][name]) for name in ("first_day", "last_day"))
    start, end = first_instant(first, zone), first_instant(last + DAY, zone)
    yield "period", configured_days(report, zone) or (first, last), (first, last)
    events = [event for event in log.events if start <= event.at < min(end, as_of)]
    total = len(events)
    yield "total", total, report["total"]
    yield "log.rows_total", total, report["log"]["rows_total"]
    yield from _sources(events, report)
    days = [day for day in (first + n * DAY for n in range((last - first).days + 1)) if exists(day, zone)]
    by_day = Counter(log.day(event.at) for event in events)
    for day, said in zip(days, report["by_day"], strict=True):
        yield f"by_day[{day}]", (str(day), by_day[day]), (said["day"], said["count"])
    hours = Counter((event.at.astimezone(zone).weekday(), event.at.astimezone(zone).hour) for event in events)
    for weekday, row in enumerate(report["heat_map"]):
        for hour, said in enumerate(row):
            yield f"heat_map[{weekday}][{hour}]", hours[weekday, hour], said
    yield from _quality(log, days, report["quality"])
    names = names_of(events, ("previous", "assignee", "by"), ("assignee", "by"))
    held = last_events(log, start, known_since)
    holders = names_of(held, ("assignee",), ("assignee",))
    names = holders | names
    labels = told_apart(names, names.values())
    chains = report["chains"]
    if chains:
        yield from _chains(events, labels, chains)
    yield from _key_figures(log, events, report)
    matrix = _matrix(events, labels)
    if report["hand_offs"]:
        yield from _compare_matrix(matrix, report["hand_offs"])
    if report["known_since"]:
        yield from _balances(held, events, labels, report["assignees"])
    yield from _kinds(held, events, labels, report)
    yield from _teams(everybody, held, events, report)
    for line in report["proof"]:
        yield f"proof.{line['name']}", total, line["total"]
    if report["comparison"]:
        yield from _comparison(log, events, report, as_of)
    yield (
        "findings",
        _findings(report, events, hours, by_day, matrix),
        [(each["rule"], each["facts"], each["fragment"]) for each in report["findings"]],
    )


def _filtered(log: Log, filters: dict[str, list[str]]) -> Log:
    """Return *log* with the events of the sources that are meant, if any: by code, or by the words of one."""

    def words(text: str) -> str:
        return text.replace("_", " ").casefold()

    codes, others = ({of(value) for value in filters["source"]} for of in (source_code, words))
    meant = [each for each in log.events if each.source in codes or words(each.source) in others]
    return replace(log, events=meant) if filters["source"] else log


def _quality(log: Log, days: list[date], said: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in Quality.__annotations__:
        counted = sum(getattr(log.quality[day], name) for day in days if day in log.quality)
        yield f"quality.{name}", counted, said[name]
    yield "quality.ambiguous", 0, said["ambiguous"]  # all times here have an offset
    yield "quality.unreadable", len(log.faults_on(days)), said["unreadable"]


def _kinds(
    held: list[Event], events: list[Event], labels: dict[Person, str], report: dict[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    """Compare the kind of each person: the one that the last event with a kind states."""
    if report["hand_offs"]:
        kinds, said = kinds_of(events, labels), report["hand_offs"]
        yield "hand_offs.kinds", [kinds.get(label) for label in said["people"]], said["kinds"]
    kinds = kinds_of([*held, *events], labels)
    for each in report["assignees"]:
        yield f"assignees[{each['assignee']}].kind", kinds.get(each["assignee"]), each["kind"]


def kinds_of(events: list[Event], labels: dict[Person, str]) -> dict[str, str]:
    assigned = (event for event in events if event.kind and event.assignee != (None, None))
    return {labels[key_of(event.assignee)]: event.kind or "" for event in assigned}


def last_events(log: Log, end: datetime, known_since: date | None) -> list[Event]:
    """Return the last event of each subject before *end*, in the order of events."""
    last: dict[str | None, Event] = {}
    for event in log.events:
        if event.at < end and known_since and log.day(event.at) >= known_since:
            last.pop(event.subject, None)
            last[event.subject] = event
    return list(last.values())


def ordered_sources(events: Iterable[Event]) -> list[tuple[str, int]]:
    counts = Counter(event.source for event in events)
    return sorted(counts.items(), key=lambda each: (-each[1], source_label(each[0]), each[0]))


def _sources(events: list[Event], report: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    found = ordered_sources(events)
    parts = shares([count for _, count in found])
    counted = [
        (code, source_label(code), count, share) for (code, count), share in zip(found, parts, strict=True)
    ]
    said = [(each["source"], each["label"], each["count"], each["share_pct"]) for each in report["by_source"]]
    yield "by_source", len(counted), len(said)
    for one, other in zip(counted, said, strict=False):
        yield from (
            (f"by_source[{one[0]}].{part}", a, b)
            for part, a, b in zip(("source", "label", "count", "share_pct"), one, other, strict=True)
        )


def _chains(
    events: list[Event], labels: dict[Person, str], chains: dict[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    of: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.conversation:
            of[event.conversation].append(event)
    times = {name: sum(step.assignee != (None, None) for step in steps) for name, steps in of.items()}
    yield "chains.assigned_count", sum(count > 0 for count in times.values()), chains["assigned_count"]
    yield "chains.reassigned_count", sum(count > 1 for count in times.values()), chains["reassigned_count"]
    most = sorted(of, key=lambda each: -times[each])[:TOP]
    counted = []
    for conversation in (each for each in most if times[each] > 1):
        steps = of[conversation]
        path = [steps[0].previous, *(step.assignee for step in steps[:MAX_STEPS])]
        shown = [labels.get(key_of(who)) for who in path][int(key_of(path[0]) == (None, None)) :]
        counted.append((conversation, times[conversation], shown, len(steps) > MAX_STEPS))
    said = [
        (each["conversation_id"], each["count"], each["path"], each["is_cut"])
        for each in chains["most_assigned"]
    ]
    for one, other in zip(counted, said, strict=True):
        yield f"chains.most_assigned[{one[0]}]", one, other
    pairs = Counter(pair for pair, _ in bounce_backs(events, chains["return_hours"]))
    yield "chains.return_count", sum(pairs.values()), chains["return_count"]
    said_pairs = [(each["first"], each["second"], each["count"]) for each in chains["return_pairs"]]
    largest = sorted(pairs.values(), reverse=True)[:TOP]
    yield "chains.return_pairs", largest, [count for *_, count in said_pairs]
    by_label = {(labels[a], labels[b]): count for (a, b), count in pairs.items()}
    for a, b, count in said_pairs:
        yield f"chains.return_pairs[{a}, {b}]", by_label.get((a, b)), count


def bounce_backs(events: list[Event], hours: int) -> list[tuple[tuple[Person, Person], datetime]]:
    """Return the persons A and B of each A to B to A of a conversation, and when it came back."""
    of: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.conversation:
            of[event.conversation].append(event)
    found = []
    for steps in of.values():
        for before, after in pairwise(steps):
            a, b = key_of(before.previous), key_of(before.assignee)
            is_back = key_of(after.previous) == b and key_of(after.assignee) == a
            if (None, None) not in {a, b} and is_back and after.at - before.at <= timedelta(hours=hours):
                found.append(((a, b), after.at))
    return found


def key_figures(events: list[Event], returns: int) -> dict[str, Any]:
    """Return the key figures of *events*, of which *returns* are bounce-backs."""
    nobody = (None, None)
    assigned = Counter(
        event.conversation for event in events if event.conversation and event.assignee != nobody
    )
    more = sum(count > 1 for count in assigned.values())
    return {
        "assignments": len(events),
        "first_assignments": sum(event.previous == nobody and event.assignee != nobody for event in events),
        "reassignments": sum(nobody not in {event.previous, event.assignee} for event in events),
        "unassignments": sum(event.assignee == nobody for event in events),
        "conversations": len({event.conversation for event in events} - {None}),
        "contacts": len({event.contact or event.contact_name for event in events} - {None}),
        "reassignment_rate": rounded(Fraction(100 * more, len(assigned))) if assigned else None,
        "bounce_backs": returns,
    }


def _key_figures(log: Log, events: list[Event], report: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Compare the key figures and their trend by day, if the report has any."""
    if not report["key_figures"]:
        return
    returns = bounce_backs(events, report["return_hours"])
    whole = _countable(key_figures(events, len(returns)), report)
    said = {each["name"]: each for each in report["key_figures"]}
    yield "key_figures", list(whole), list(said)
    for name, value in whole.items():
        yield f"key_figures.{name}", value, said[name]["value"]
    days = [date.fromisoformat(each["day"]) for each in report["by_day"]]
    for at, day in enumerate(days if len(days) > 1 else []):
        of_day = key_figures(
            [event for event in events if log.day(event.at) == day],
            sum(log.day(back) == day for _, back in returns),
        )
        of_day = _countable(of_day, report)
        for name, value in of_day.items():
            trend = said[name]["trend"] or [None] * len(days)
            yield f"key_figures.{name}[{day}]", value, trend[at]


def _countable(figures: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    """Return *figures* without those of chains, if a filter takes assignments out of conversations."""
    return figures | (dict.fromkeys(OF_CHAINS) if report["filters"]["source"] else {})


def _changed_figures(
    earlier: list[Event], report: dict[str, Any], *, is_complete: bool
) -> Iterator[tuple[str, Any, Any]]:
    """Compare the key figures of the previous period, and the changes since."""
    before = _countable(key_figures(earlier, len(bounce_backs(earlier, report["return_hours"]))), report)
    for each in report["key_figures"]:
        name, value, previous = each["name"], each["value"], before[each["name"]]
        yield f"key_figures.{name}.previous", previous if is_complete else None, each["previous"]
        change = None
        if is_complete and None not in {value, previous}:
            if name == "reassignment_rate":
                change = float(rounded(Fraction(str(value)) - Fraction(str(previous))))
            elif previous:
                change = rounded(Fraction(100 * (value - previous), previous))
        yield f"key_figures.{name}.change", change, each["change"]


def _matrix(events: list[Event], labels: dict[Person, str]) -> tuple[list[str], list[str], list[list[int]]]:
    cells = Counter((key_of(event.previous), key_of(event.assignee)) for event in events)
    busy: Counter[Person] = Counter()
    for (one, other), count in cells.items():
        busy[one] += count
        busy[other] += count
    del busy[None, None]
    order = sorted(busy, key=lambda who: (-busy[who], labels[who], who[0] or "", who[1] or ""))
    shown, others = order[:TOP], set(order[TOP:])
    groups: list[set[Person]] = [*({who} for who in shown), others, {(None, None)}]
    place = {who: at for at, group in enumerate(groups) for who in group}
    counts = [[0] * len(groups) for _ in groups]
    for (one, other), count in cells.items():
        counts[place[one]][place[other]] += count
    return [labels[who] for who in shown], [who[0] or who[1] or "" for who in shown], counts


def _compare_matrix(
    matrix: tuple[list[str], list[str], list[list[int]]], said: dict[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    yield "hand_offs.people", matrix[0], said["people"]
    yield "hand_offs.keys", matrix[1], said["keys"]
    for at, row in enumerate(matrix[2]):
        for to, count in enumerate(row):
            yield f"hand_offs[{at}][{to}]", count, said["counts"][at][to]


def members_of_teams(log: Log) -> dict[Person, str]:
    """Return the team of each person who is a member of one: by id, otherwise by any name ever had."""
    team_of = {member.casefold(): team for team, members in log.teams.items() for member in members}
    by_id, by_name = {}, {}
    for event in log.events:
        for who in (event.previous, event.assignee, event.by):
            if (who[0] or "").casefold() in team_of:
                by_id[key_of(who)] = team_of[(who[0] or "").casefold()]
            elif (who[1] or "").casefold() in team_of:
                by_name[key_of(who)] = team_of[(who[1] or "").casefold()]
    return by_name | by_id


def _teams(
    log: Log, held_before: list[Event], events: list[Event], report: dict[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    """Count the figures by team: every person is the team, and people in none are "No team"."""
    said = report["teams"]
    if said is None:
        return
    team_of = members_of_teams(log)

    def as_team(who: Person) -> Person:
        return who if who == (None, None) else (None, team_of.get(key_of(who), "No team"))

    held, moved = (
        [replace(each, previous=as_team(each.previous), assignee=as_team(each.assignee)) for each in some]
        for some in (held_before, events)
    )
    labels: dict[Person, str] = {(None, team): team for team in (*log.teams, "No team")}
    figures = [*_compare_matrix(_matrix(moved, labels), said["hand_offs"])]
    if report["filters"]["source"]:
        figures.append(("filtered", ([], None), (said["balances"], said["stations"])))
    else:
        figures += _balances(held, moved, labels, said["balances"])
        figures += _stations(moved, said["stations"])
    for figure, *values in figures:
        yield f"teams.{figure}", *values


def _stations(moved: list[Event], said: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    visited: dict[str, list[str]] = {}
    for event in moved:
        if event.conversation:
            before = [] if event.conversation in visited else [event.previous]
            for _, team in (*before, event.assignee):
                path = visited.setdefault(event.conversation, [])
                if team and team != "No team" and path[-1:] != [team]:
                    path.append(team)
    counts = Counter(min(4, len(set(path))) for path in visited.values() if path)
    yield "stations", [counts[number] for number in (1, 2, 3, 4)], said["conversation_counts"]
    paths = Counter(
        (tuple(path[:MAX_STEPS]), len(path) > MAX_STEPS) for path in visited.values() if len(path) > 1
    )
    found = [((tuple(each["path"]), each["is_cut"]), each["count"]) for each in said["paths"]]
    yield "stations.paths", paths.most_common(TOP), found


def _balances(
    held_before: list[Event], events: list[Event], labels: dict[Person, str], said: list[dict[str, Any]]
) -> Iterator[tuple[str, Any, Any]]:
    last = {event.subject: event for event in held_before}
    labels = {**names_of(list(last.values()), ("previous",), ()), **labels}
    lines: dict[Person, Counter[str]] = defaultdict(Counter)
    held = {subject: key_of(event.assignee) for subject, event in last.items()}
    for who in held.values():
        lines[who]["opening"] += 1
    for event in events:
        previous, assignee = key_of(event.previous), key_of(event.assignee)
        lines[assignee]["received"] += 1
        lines[previous]["released"] += 1
        was = held.get(event.subject, (None, None))
        if was != previous:
            lines[previous]["unseen"] += 1
            lines[was]["unseen"] -= 1
        held[event.subject] = assignee
    for who in held.values():
        lines[who]["closing"] += 1
    lines.pop((None, None), None)
    figures = ("opening", "received", "released", "unseen", "closing")
    counted = {
        labels[who]: tuple(line[name] for name in figures)
        for who, line in lines.items()
        if any(line[name] for name in figures[:4])
    }
    found = {each["assignee"]: tuple(each[name] for name in figures) for each in said}
    order = sorted(counted, key=lambda name: (-counted[name][4], -counted[name][1], name))
    yield "assignees", order, list(found)
    for label, line in counted.items():
        yield from (
            (f"assignees[{label}].{name}", a, b)
            for name, a, b in zip(figures, line, found.get(label, ()), strict=False)
        )


def _comparison(
    log: Log, events: list[Event], report: dict[str, Any], as_of: datetime
) -> Iterator[tuple[str, Any, Any]]:
    said = report["comparison"]
    own_first, own_last = (date.fromisoformat(report["period"][name]) for name in ("first_day", "last_day"))
    first, last = (date.fromisoformat(said[name]) for name in ("first_day", "last_day"))
    yield "comparison.days", compared_days(report, own_first, own_last, log.zone), (first, last)
    start, end = first_instant(first, log.zone), first_instant(last + DAY, log.zone)
    left = max(
        first_instant(date.fromisoformat(report["period"]["last_day"]) + DAY, log.zone) - as_of, timedelta()
    )
    until = max(start, end - left)
    yield (
        "comparison.until",
        until if until < end else None,
        said["until"] and datetime.fromisoformat(said["until"]),
    )
    if said["total"] is None:
        return
    earlier = [event for event in log.events if start <= event.at < until]
    yield "comparison.total", len(earlier), said["total"]
    if said["change_pct"] is not None:
        yield (
            "comparison.change_pct",
            rounded(Fraction(100 * (len(events) - len(earlier)), len(earlier))),
            said["change_pct"],
        )
    now, before = Counter(event.source for event in events), Counter(event.source for event in earlier)
    for each in said["by_source"]:
        yield (
            f"comparison.by_source[{each['source']}]",
            (now[each["source"]], before[each["source"]]),
            (each["count"], each["before"]),
        )
    yield "comparison.by_source", now.keys() | before.keys(), {each["source"] for each in said["by_source"]}
    by_day = Counter(log.day(event.at) for event in earlier)
    days = (first + n * DAY for n in range((last - first).days + 1))
    counted = [by_day[day] for day in days if exists(day, log.zone) and first_instant(day, log.zone) < until]
    yield "comparison.by_day", counted, said["by_day"]
    yield from _changed_figures(earlier, report, is_complete="not_whole" not in said["notes"])


def _findings(
    report: dict[str, Any],
    events: list[Event],
    hours: Counter[tuple[int, int]],
    by_day: Counter[date],
    matrix: tuple[list[str], list[str], list[list[int]]],
) -> list[tuple[str, dict[str, Any], str]]:
    """Return the findings by the rules of docs/reference/definitions.md, from what was counted here."""
    total, found = len(events), list[Found]()
    if report["filters"]["source"] and not total:
        return []  # it has no applicable data
    sources = ordered_sources(events)
    printed = dict(zip((code for code, _ in sources), shares([count for _, count in sources]), strict=True))
    before = report["comparison"]
    if (
        before
        and before["total"]
        and not report["provisional"]
        and set(before["notes"]) <= {"lengths_differ"}
    ):
        found += _changes(report, dict(sources), printed, total)
    if total >= MIN_EVENTS and len(sources) > 1:
        code, count = sources[0]
        facts = {"source": source_label(code), "count": count, "share": printed[code]}
        found.append(("top_source", facts, {"source": code}))
    if total >= MIN_EVENTS and len(report["by_day"]) > 1:
        found += _busiest(total, hours, by_day)
    if total >= MIN_EVENTS and report["hand_offs"]:
        found += _people(total, matrix)
    if report["ownership"]:
        found += _holdings(report["ownership"])
    if report["chains"] and report["chains"]["most_assigned"]:
        found += _bounces(events, report["chains"])
    return [(rule, facts, link if isinstance(link, str) else urlencode(link)) for rule, facts, link in found]


def pct(part: int, total: int) -> float:
    return rounded(Fraction(100 * part, total))


def _busiest(total: int, hours: Counter[tuple[int, int]], by_day: Counter[date]) -> Iterator[Found]:
    (day, count), *others = by_day.most_common(2)
    if not others or others[0][1] < count:
        facts = {"day": str(day), "count": count, "share": pct(count, total)}
        yield "busiest_day", facts, {"from": str(day), "to": str(day)}
    ((weekday, hour), most), *rest = hours.most_common(2)
    if not rest or rest[0][1] < most:
        yield "busiest_hour", {"weekday": weekday, "hour": hour, "count": most}, "heat_map"


def _people(total: int, matrix: tuple[list[str], list[str], list[list[int]]]) -> Iterator[Found]:
    received = [sum(column) for column in zip(*matrix[2], strict=True)]
    if matrix[0]:
        top = min(range(len(matrix[0])), key=lambda at: (-received[at], matrix[0][at]))
        if Fraction(received[top], total) >= Fraction(40, 100):
            count = received[top]
            facts = {"assignee": matrix[0][top], "count": count, "share": pct(count, total)}
            yield "top_assignee", facts, {"assigned_to": matrix[1][top]}
    if received[-1]:
        facts = {"count": received[-1], "share": pct(received[-1], total)}
        yield "unassigned", facts, {"assigned_to": "Unassigned"}


def _holdings(ownership: dict[str, Any]) -> Iterator[Found]:
    """Yield what follows from the figures of ownership, which `ownership.py` counts again."""
    waits, slowest, held = (
        ownership["unassigned"],
        ownership["slowest_hour"],
        ownership["holding"]["held_count"],
    )
    median = waits["median_seconds"]
    if waits["ended_count"] >= MIN_EVENTS and slowest and slowest["median_seconds"] >= 2 * median:
        hour = {"weekday": slowest["weekday"], "hour": slowest["hour"]}
        facts = {"duration": median, **hour, "slowest_duration": slowest["median_seconds"]}
        yield "waited_in_hour", facts, "ownership"
    elif waits["ended_count"] >= MIN_EVENTS:
        yield "waited", {"duration": median}, "ownership"
    top = min(ownership["assignees"], key=lambda each: (-each["held_count"], each["assignee"]), default=None)
    if top and held >= MIN_EVENTS and Fraction(top["held_count"], held) >= Fraction(40, 100):
        count = top["held_count"]
        facts = {"assignee": top["assignee"], "count": count, "share": pct(count, held)}
        yield "top_holder", facts, "ownership"


def _bounces(events: list[Event], chains: dict[str, Any]) -> Iterator[Found]:
    assigned = (event for event in events if event.conversation and event.assignee != (None, None))
    counts = Counter(event.conversation for event in assigned).most_common(2)
    if counts[0][1] >= 4 and (len(counts) == 1 or counts[1][1] < counts[0][1]):
        conversation, count = counts[0]
        facts = {"conversation": conversation, "count": count}
        yield "bounced", facts, {"conversation": str(conversation)}
    if chains["return_count"]:
        yield "returns", {"count": chains["return_count"], "hours": chains["return_hours"]}, "chains"


def _changes(
    report: dict[str, Any], now: dict[str, int], printed: dict[str, float | None], total: int
) -> Iterator[Found]:
    said = report["comparison"]
    earlier, days, days_before = said["total"], len(report["by_day"]), said["day_count"]
    ratio = Fraction(total * days_before, earlier * days) - 1
    if abs(ratio) >= Fraction(1, 10) and days == days_before:
        yield "change", {"now": total, "before": earlier, "change": rounded(100 * ratio)}, "comparison"
    elif abs(ratio) >= Fraction(1, 10):
        averages = {"now": rounded(Fraction(total, days)), "before": rounded(Fraction(earlier, days_before))}
        yield "daily_change", {"change": rounded(100 * ratio), **averages}, "comparison"
    then = {each["source"]: each["before"] for each in said["by_source"]}
    moves = {code: abs(Fraction(count, total) - Fraction(then[code], earlier)) for code, count in now.items()}
    if moves:
        code = min(moves, key=lambda code: (-moves[code], -now[code], source_label(code), code))
        if moves[code] >= Fraction(5, 100):
            order = sorted(then, key=lambda code: (-then[code], source_label(code), code))
            earlier_shares = dict(zip(order, shares([then[each] for each in order]), strict=True))
            yield (
                "shift",
                {"source": source_label(code), "share": printed[code], "earlier_share": earlier_shares[code]},
                {"source": code},
            )
    new = [
        code
        for code in sorted(now, key=lambda code: (-now[code], source_label(code), code))
        if not then[code]
    ]
    for code in new[:3]:
        yield "new_source", {"source": source_label(code), "count": now[code]}, {"source": code}
    gone = [
        code
        for code in sorted(then, key=lambda code: (-then[code], source_label(code), code))
        if code not in now
    ]
    for code in [each for each in gone if Fraction(then[each], earlier) >= Fraction(5, 100)][:3]:
        yield "gone_source", {"source": source_label(code), "count": then[code]}, "comparison"
