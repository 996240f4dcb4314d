"""Parsing of Chatwoot's activity messages: the sentence and language of a text, and the names in it.

A sentence holds names and no ids. It is recognized by its placeholders, never by the meaning of its words,
and becomes a change only where exactly one reading is possible. An undecidable one gets a fault with the
reason. The database is read in `database.py`, the sentences of the locale files in `locales.py`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

_PLACEHOLDER = re.compile(r"%\{(\w+)\}")
AUTOMATION = "automation"
_MAX_FITS = 500  # more only where a text repeats the words of a sentence


@dataclass(frozen=True, slots=True)
class Change:
    """The meaning of a sentence: `kind` is assignee or team; `fault` is why it cannot be decided."""

    kind: str
    assignee_id: str | None = None
    assignee_name: str | None = None
    source: str | None = None
    assigned_by_id: str | None = None
    assigned_by_name: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """The names that can occur in a sentence of an account: users with their ids, and teams.

    An id is None for a person known by name only. Team names are in lower case, as Chatwoot stores them.
    """

    users: Mapping[str, frozenset[str | None]]
    teams: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of one language: its placeholders, and the parts of the text between them."""

    key: str
    parts: tuple[str, ...]
    placeholders: tuple[str, ...]

    @classmethod
    def parse(cls, key: str, text: str) -> "Sentence":
        """Return the sentence of the *text* that a locale file has under *key*."""
        parts = _PLACEHOLDER.split(text.strip("\n"))
        return cls(key, tuple(parts[::2]), tuple(parts[1::2]))

    @property
    def has_words(self) -> bool:
        """Return whether it has any text of its own; a sentence without would match everything."""
        return any(part.strip() for part in self.parts)

    def matches(self, text: str) -> Iterator[dict[str, str]]:
        """Yield every way in which *text* matches: a value for each placeholder."""
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
        for values in _match_parts(text[at + len(part) :], following, tuple(others)):
            if values.get(name, text[:at]) == text[:at]:  # a repeated placeholder has one value
                yield {name: text[:at], **values}
        at = text.find(part, at + 1)


@dataclass(frozen=True, slots=True)
class Language:
    """The activity sentences of one language, and its names for automations."""

    code: str
    sentences: tuple[Sentence, ...]
    automations: tuple[Sentence, ...] = ()

    @classmethod
    def of(cls, code: str, sentences: Mapping[str, str], automations: Mapping[str, str]) -> "Language":
        """Return a language from the sentences and automations of its locale file, key -> text."""
        return cls(code, _parse_sentences(sentences), _parse_sentences(automations))


def _parse_sentences(texts: Mapping[str, str]) -> tuple[Sentence, ...]:
    sentences = (Sentence.parse(key, text) for key, text in texts.items())
    return tuple(sentence for sentence in sentences if sentence.has_words)


class Reader:
    """Parses the sentences of one account: in its *language* first, then in any of *languages*."""

    def __init__(self, names: Names, language: str | None, languages: Iterable[Language]) -> None:
        self._names = names
        all_languages = [*languages]
        own = [sentence for known in all_languages if known.code == language for sentence in known.sentences]
        self._groups = (own, [sentence for known in all_languages for sentence in known.sentences])
        self._automations = [sentence for known in all_languages for sentence in known.automations]

    def read(self, text: str) -> Change | None:
        """Return the change that *text* states, or None where it is not about assignees."""
        text = text.strip("\n")
        for sentences in self._groups:
            matches = ((sentence.key, values) for sentence in sentences for values in sentence.matches(text))
            if readings := list(islice(matches, _MAX_FITS)):
                has_too_many = len(readings) == _MAX_FITS
                return (
                    Change("assignee", fault="can be read in too many ways")
                    if has_too_many
                    else self._decide_reading(readings)
                )
        return None

    def _decide_reading(self, matches: list[tuple[str, dict[str, str]]]) -> Change | None:
        """Return the only possible reading; those with more unknown names than others are left out."""
        readings = [
            (self._count_unknown(values), change)
            for key, values in matches
            for change in self._read_changes(key, values)
        ]
        if not readings:
            return Change("assignee", fault=self._explain_unknown(values for key, values in matches))
        fewest = min(unknown for unknown, _ in readings)
        changes = {change for unknown, change in readings if unknown == fewest}
        if len(changes) == 1:
            return changes.pop()
        meanings = "; ".join(sorted(set(map(_describe_change, changes))))
        return Change("assignee", fault=f"can be read in several ways: {meanings}")

    def _read_changes(self, key: str, values: Mapping[str, str]) -> Iterator[Change | None]:
        """Yield the possible changes of the sentence *key* with *values*; None where it has another topic.

        An assignee or a team that the account does not have yields nothing. The person who acted may have
        left.
        """
        group = key.partition(".")[0]
        actor, assignee = values.get("user_name"), values.get("assignee_name")
        if key == "assignee.self_assigned":
            actor, assignee = actor or assignee, None
        if group not in {"assignee", "team"}:
            yield None
        elif key == "team.removed" or (key == "team.assigned" and self._is_team(values.get("team_name", ""))):
            yield Change("team")
        elif key == "assignee.self_assigned" or assignee is not None:
            name = actor if assignee is None else assignee
            for user_id in self._users_named(name):
                yield self._new_change(
                    user_id,
                    name,
                    actor,
                    frozenset({user_id}) if assignee is None else self._users_named(actor),
                )
        elif key.startswith("assignee.removed"):
            yield self._new_change(None, None, actor, self._users_named(actor))

    def _new_change(
        self,
        assignee_id: str | None,
        assignee: str | None,
        actor: str | None,
        actor_ids: frozenset[str | None],
    ) -> Change:
        if actor is None or self._is_automation(actor):
            return Change("assignee", assignee_id, assignee, AUTOMATION)
        actor_id = next(iter(actor_ids)) if len(actor_ids) == 1 else None
        return Change("assignee", assignee_id, assignee, "user", actor_id, actor)

    def _count_unknown(self, values: Mapping[str, str]) -> int:
        actor, team = values.get("user_name"), values.get("team_name")
        is_unknown = actor is not None and not self._users_named(actor) and not self._is_automation(actor)
        return is_unknown + (team is not None and not self._is_team(team))

    def _users_named(self, name: str | None) -> frozenset[str | None]:
        return self._names.users.get(name or "", frozenset())

    def _is_team(self, name: str) -> bool:
        return name.lower() in self._names.teams

    def _is_automation(self, name: str) -> bool:
        return any(True for sentence in self._automations for _ in sentence.matches(name))

    def _explain_unknown(self, readings: Iterable[Mapping[str, str]]) -> str:
        """Return a fault that names the unknown users and teams of the reading with the fewest."""
        unknown = [
            [
                value
                for name, value in values.items()
                if (name != "user_name" or len(values) == 1)
                and not self._users_named(value)
                and not self._is_team(value)
            ]
            for values in readings
        ]
        fewest = min(unknown, key=lambda names: (len(names), names))
        if not fewest:
            return "is a sentence about assignees of a later release than this program knows"
        listed = " and ".join(f"'{name}'" for name in fewest)
        return (
            f"names {listed}, whom the account does not have now: a user or a team that was renamed or "
            "deleted; say who it was in `former_names`"
        )


def _describe_change(change: Change | None) -> str:
    if change is None:
        return "something else"
    if change.kind == "team":
        return "a team"
    return f"user {change.assignee_id}" if change.assignee_id else change.assignee_name or "nobody"
