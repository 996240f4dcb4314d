"""Chatwoot's activity messages read back: which sentence of which language it is, and who stands in it.

Names only, no ids. They are told apart by the sentence's placeholders, never by its words, and where a name
holds words of the sentence itself, by who is known.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_PLACEHOLDER = re.compile(r"%\{(\w+)\}")
AUTOMATION = "automation"


@dataclass(frozen=True, slots=True)
class Change:
    """What a sentence says: `kind` is assignee or team; `fault` why it cannot be told."""

    kind: str
    assignee_id: str | None = None
    assignee_name: str | None = None
    source: str | None = None
    assigned_by_id: str | None = None
    assigned_by_name: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """The users of an account with their ids (None where two have that name), and its teams in lower case."""

    users: Mapping[str, str | None]
    teams: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of one language: its parts between the placeholders, and these."""

    key: str
    parts: tuple[str, ...]
    placeholders: tuple[str, ...]

    def fits(self, text: str) -> Iterator[dict[str, str]]:
        """Yield every way in which *text* is this sentence."""
        head, *rest = self.parts
        if text.startswith(head):
            yield from self._fits(text[len(head) :], tuple(rest), self.placeholders)

    def _fits(
        self, text: str, parts: tuple[str, ...], placeholders: tuple[str, ...]
    ) -> Iterator[dict[str, str]]:
        name, *others = placeholders
        part, *following = parts
        if not others:
            if text.endswith(part) and len(text) > len(part):
                yield {name: text.removesuffix(part)}
            return
        at = text.find(part, 1)
        while at > 0:
            for found in self._fits(text[at + len(part) :], tuple(following), tuple(others)):
                yield {name: text[:at], **found}
            at = text.find(part, at + 1)


@dataclass(frozen=True, slots=True)
class Language:
    """The sentences of one language, and what it calls the automation."""

    code: str
    sentences: tuple[Sentence, ...]
    automation: str

    @classmethod
    def of(cls, code: str, sentences: Mapping[str, str], automation: str | None = None) -> "Language":
        """Return a language with *sentences* as its locale file has them."""
        return cls(code, tuple(_sentence(*each) for each in sentences.items()), automation or _AUTOMATION)


def _sentence(key: str, text: str) -> Sentence:
    parts = _PLACEHOLDER.split(text)
    return Sentence(key, tuple(parts[::2]), tuple(parts[1::2]))


_AUTOMATION = "Automation System"
ENGLISH = Language.of(
    "en",
    {
        "assignee.self_assigned": "%{user_name} self-assigned this conversation",
        "assignee.assigned": "Assigned to %{assignee_name} by %{user_name}",
        "assignee.removed": "Conversation unassigned by %{user_name}",
        "team.assigned": "Assigned to %{team_name} by %{user_name}",
        "team.assigned_with_assignee": "Assigned to %{assignee_name} via %{team_name} by %{user_name}",
        "team.removed": "Unassigned from %{team_name} by %{user_name}",
    },
)


def read_language(file: Path) -> Language:
    """Return the language of one of Chatwoot's `config/locales/*.yml`. Raises ValueError where it is none."""
    try:
        ((code, texts),) = yaml.safe_load(file.read_text(encoding="utf-8")).items()
        activity = texts["conversations"]["activity"]
        sentences = {
            f"{group}.{key}": text
            for group in ("assignee", "team")
            for key, text in activity[group].items()
            if isinstance(text, str)
        }
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file}: is no locale of Chatwoot ({type(error).__name__})") from None
    known: dict[Any, str] = {False: "no"}  # YAML takes Norwegian for a refusal
    automation = texts.get("automation")
    name = automation.get("system_name") if isinstance(automation, dict) else None
    return Language.of(known.get(code, str(code)), sentences, name)


def language_of(number: int) -> str | None:
    """Return the language that `accounts.locale` stands for, or None for a number not in this list.

    Source: Chatwoot's LANGUAGES_CONFIG, whose numbers never change.
    """
    return _LANGUAGES[number] if number < len(_LANGUAGES) else None


_LANGUAGES = (
    *("en", "ar", "nl", "fr", "de", "hi", "it", "ja", "ko", "pt", "ru"),
    *("zh", "es", "ml", "ca", "el", "pt_BR", "ro", "ta", "fa", "zh_TW"),
)


class Reader:
    """Reads the sentences of one account: in its *language* first, then in any of *languages*."""

    def __init__(self, names: Names, language: str | None, languages: Iterable[Language]) -> None:
        self.names = names
        known = [*languages]
        own = [sentence for each in known if each.code == language for sentence in each.sentences]
        self._groups = (own, [sentence for each in known for sentence in each.sentences])
        self._automation = {each.automation for each in known}

    def read(self, text: str) -> Change | None:
        """Return what *text* says of assignees, or None where it says something else."""
        for sentences in self._groups:
            if fits := [(each.key, found) for each in sentences for found in each.fits(text.strip())]:
                return self._best(fits)
        return None

    def _best(self, fits: list[tuple[str, dict[str, str]]]) -> Change:
        most = max(self._known(found) for _, found in fits)
        changes = {self._change(key, found) for key, found in fits if self._known(found) == most}
        if len(changes) == 1:
            return changes.pop()
        # A name holds the sentence's own words, or a team has a person's name: nobody can tell which.
        return Change("assignee", fault="can be read in several ways; rename the team or person")

    def _known(self, found: Mapping[str, str]) -> int:
        """Count the placeholders that stand for somebody known; an unknown name is rather a person's."""
        return sum(
            (1 if value.lower() in self.names.teams else -1)
            if name == "team_name"
            else value in self.names.users or value in self._automation
            for name, value in found.items()
        )

    def _change(self, key: str, found: Mapping[str, str]) -> Change:
        if key in {"team.assigned", "team.removed"}:
            return Change("team")
        by = found.get("user_name", "")
        is_automation = by in self._automation
        assignee = by if key == "assignee.self_assigned" else found.get("assignee_name")
        return Change(
            "assignee",
            assignee_id=self.names.users.get(assignee) if assignee else None,
            assignee_name=assignee,
            source=AUTOMATION if is_automation else "user",
            assigned_by_id=None if is_automation else self.names.users.get(by),
            assigned_by_name=None if is_automation else by,
        )
