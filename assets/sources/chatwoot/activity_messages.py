"""Read Chatwoot's activity messages: which sentence of which language a text is, and who stands in it.

A sentence holds names and no ids. It is recognized by its placeholders, never by the meaning of its words,
and it becomes a change only where exactly one reading is possible. What cannot be decided says why. The
database is read in `database.py`, the sentences of the locale files in `locales.py`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

_PLACEHOLDER = re.compile(r"%\{(\w+)\}")
AUTOMATION = "automation"
_MAX_FITS = 500  # more, and the text repeats the words of a sentence


@dataclass(frozen=True, slots=True)
class Change:
    """What a sentence says: `kind` is assignee or team; `fault` is why it cannot be decided."""

    kind: str
    assignee_id: str | None = None
    assignee_name: str | None = None
    source: str | None = None
    assigned_by_id: str | None = None
    assigned_by_name: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """Who can stand in a sentence of an account: its users' names with their ids, and its teams' names.

    An id is None for a person who is known by name only. Team names are in lower case, as Chatwoot has them.
    """

    users: Mapping[str, frozenset[str | None]]
    teams: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of one language: the parts of its text between the placeholders, and the placeholders."""

    key: str
    parts: tuple[str, ...]
    placeholders: tuple[str, ...]

    @classmethod
    def parse(cls, key: str, text: str) -> "Sentence":
        """Return the sentence that a locale file has as *text* under *key*."""
        parts = _PLACEHOLDER.split(text.strip("\n"))
        return cls(key, tuple(parts[::2]), tuple(parts[1::2]))

    @property
    def has_words(self) -> bool:
        """Tell whether it has any text of its own; one without fits everything."""
        return any(part.strip() for part in self.parts)

    def matches(self, text: str) -> Iterator[dict[str, str]]:
        """Yield every way in which *text* is this sentence: the placeholders with their values."""
        head, *rest = self.parts
        if not rest:
            if text == head:
                yield {}
        elif text.startswith(head) and text.endswith(rest[-1]):
            yield from _match_parts(text[len(head) :], rest, self.placeholders)


def _match_parts(text: str, parts: list[str], placeholders: tuple[str, ...]) -> Iterator[dict[str, str]]:
    name, *others = placeholders
    part, *following = parts
    if not others:
        if text.endswith(part) and len(text) >= len(part):
            yield {name: text.removesuffix(part)}
        return
    at = text.find(part)
    while at >= 0:
        for found in _match_parts(text[at + len(part) :], following, tuple(others)):
            if found.get(name, text[:at]) == text[:at]:  # one that comes twice is the same
                yield {name: text[:at], **found}
        at = text.find(part, at + 1)


@dataclass(frozen=True, slots=True)
class Language:
    """The activity sentences of one language, and what it calls its automations."""

    code: str
    sentences: tuple[Sentence, ...]
    automations: tuple[Sentence, ...] = ()

    @classmethod
    def of(cls, code: str, sentences: Mapping[str, str], automations: Mapping[str, str]) -> "Language":
        """Return a language with sentences and automations as its locale file has them, key -> text."""
        return cls(code, _parse_sentences(sentences), _parse_sentences(automations))


def _parse_sentences(texts: Mapping[str, str]) -> tuple[Sentence, ...]:
    found = (Sentence.parse(key, text) for key, text in texts.items())
    return tuple(sentence for sentence in found if sentence.has_words)


class Reader:
    """Reads the sentences of one account: in its *language* first, then in any of *languages*."""

    def __init__(self, names: Names, language: str | None, languages: Iterable[Language]) -> None:
        self._names = names
        known = [*languages]
        own = [sentence for each in known if each.code == language for sentence in each.sentences]
        self._groups = (own, [sentence for each in known for sentence in each.sentences])
        self._automations = [sentence for each in known for sentence in each.automations]

    def read(self, text: str) -> Change | None:
        """Return what *text* says of assignees, or None where it says something else."""
        text = text.strip("\n")
        for sentences in self._groups:
            every = ((each.key, found) for each in sentences for found in each.matches(text))
            if fits := list(islice(every, _MAX_FITS)):
                is_cut = len(fits) == _MAX_FITS
                return (
                    Change("assignee", fault="can be read in too many ways")
                    if is_cut
                    else self._decide_reading(fits)
                )
        return None

    def _decide_reading(self, fits: list[tuple[str, dict[str, str]]]) -> Change | None:
        """Return the one reading that is left, leaving out those with more unknown names than others."""
        readings = [
            (self._count_unknown(found), change)
            for key, found in fits
            for change in self._read_changes(key, found)
        ]
        if not readings:
            return Change("assignee", fault=self._explain_unknown(found for key, found in fits))
        fewest = min(unknown for unknown, _ in readings)
        changes = {change for unknown, change in readings if unknown == fewest}
        if len(changes) == 1:
            return changes.pop()
        meanings = "; ".join(sorted(set(map(_describe_change, changes))))
        return Change("assignee", fault=f"can be read in several ways: {meanings}")

    def _read_changes(self, key: str, found: Mapping[str, str]) -> Iterator[Change | None]:
        """Yield what the sentence *key* can say with the names *found*; None where it is about other things.

        An assignee or a team that the account does not have leaves nothing to say. Who acted may have left.
        """
        group = key.partition(".")[0]
        by, assignee = found.get("user_name"), found.get("assignee_name")
        if key == "assignee.self_assigned":
            by, assignee = by or assignee, None
        if group not in {"assignee", "team"}:
            yield None
        elif key == "team.removed" or (key == "team.assigned" and self._is_team(found.get("team_name", ""))):
            yield Change("team")
        elif key == "assignee.self_assigned" or assignee is not None:
            name = by if assignee is None else assignee
            for user_id in self._users_named(name):
                yield self._new_change(
                    user_id, name, by, frozenset({user_id}) if assignee is None else self._users_named(by)
                )
        elif key.startswith("assignee.removed"):
            yield self._new_change(None, None, by, self._users_named(by))

    def _new_change(
        self, assignee_id: str | None, assignee: str | None, by: str | None, by_ids: frozenset[str | None]
    ) -> Change:
        if by is None or self._is_automation(by):
            return Change("assignee", assignee_id, assignee, AUTOMATION)
        by_id = next(iter(by_ids)) if len(by_ids) == 1 else None
        return Change("assignee", assignee_id, assignee, "user", by_id, by)

    def _count_unknown(self, found: Mapping[str, str]) -> int:
        by, team = found.get("user_name"), found.get("team_name")
        is_unknown = by is not None and not self._users_named(by) and not self._is_automation(by)
        return is_unknown + (team is not None and not self._is_team(team))

    def _users_named(self, name: str | None) -> frozenset[str | None]:
        return self._names.users.get(name or "", frozenset())

    def _is_team(self, name: str) -> bool:
        return name.lower() in self._names.teams

    def _is_automation(self, name: str) -> bool:
        return any(True for sentence in self._automations for _ in sentence.matches(name))

    def _explain_unknown(self, readings: Iterable[Mapping[str, str]]) -> str:
        """Say which name nobody has now, of the reading that has the fewest of them."""
        unknown = [
            [
                value
                for name, value in found.items()
                if (name != "user_name" or len(found) == 1)
                and not self._users_named(value)
                and not self._is_team(value)
            ]
            for found in readings
        ]
        fewest = min(unknown, key=lambda names: (len(names), names))
        if not fewest:
            return "is a sentence about assignees of a later release than this program knows"
        shown = " and ".join(f"'{name}'" for name in fewest)
        return (
            f"names {shown}, whom the account does not have now: a user or a team that was renamed or "
            "deleted; say who it was in `former_names`"
        )


def _describe_change(change: Change | None) -> str:
    if change is None:
        return "something else"
    if change.kind == "team":
        return "a team"
    return f"user {change.assignee_id}" if change.assignee_id else change.assignee_name or "nobody"
