"""Chatwoot's activity messages read back: which sentence of which language it is, and who stands in it.

Names only, no ids. They are told apart by the sentence's placeholders, never by its words, and where a name
holds words of the sentence itself, by who is known.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("chatwoot_sentences.json")
_NUMBERS = Path(__file__).with_name("chatwoot_languages.json")
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


@cache
def languages() -> tuple[tuple[str, tuple[Sentence, ...], str], ...]:
    """Return each language, its sentences, and what it calls the automation."""
    kept: dict[str, dict[str, str]] = json.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(
        (
            locale,
            tuple(_sentence(key, text) for key, text in sentences.items() if key != AUTOMATION),
            sentences.get(AUTOMATION, ""),
        )
        for locale, sentences in kept.items()
    )


def language_of(number: int) -> str:
    """Return the language that `accounts.locale` stands for; one that nobody knows is read as English."""
    numbers: list[str] = json.loads(_NUMBERS.read_text(encoding="utf-8"))
    return numbers[number] if number < len(numbers) else "en"


def _sentence(key: str, text: str) -> Sentence:
    parts = _PLACEHOLDER.split(text)
    return Sentence(key, tuple(parts[::2]), tuple(parts[1::2]))


class Reader:
    """Reads the sentences of one account: in its *language* first, then in English, then in any."""

    def __init__(self, names: Names, language: str) -> None:
        self.names = names
        known = languages()
        own = [sentence for locale, sentences, _ in known if locale == language for sentence in sentences]
        english = [sentence for locale, sentences, _ in known if locale == "en" for sentence in sentences]
        self._groups = (own, english, [sentence for _, sentences, _ in known for sentence in sentences])
        self._automation = {name for _, _, name in known if name}

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
        if key in {"team_assigned", "team_removed"}:
            return Change("team")
        by = found["user_name"]
        is_automation = by in self._automation
        assignee = by if key == "self_assigned" else found.get("assignee_name")
        return Change(
            "assignee",
            assignee_id=self.names.users.get(assignee) if assignee else None,
            assignee_name=assignee,
            source=AUTOMATION if is_automation else "user",
            assigned_by_id=None if is_automation else self.names.users.get(by),
            assigned_by_name=None if is_automation else by,
        )
