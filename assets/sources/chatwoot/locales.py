"""Chatwoot's locale files: the sentences of a language, and the number by which an account refers to it.

English is built in, because Chatwoot falls back to it for every text that a language lacks. Add a language's
number here when Chatwoot adds one; its sentences are read from the user's own files.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from assets.sources.chatwoot.activity_messages import Language

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster, where PyYAML has libyaml

ENGLISH = Language.of(
    "en",
    {
        "assignee.self_assigned": "%{user_name} self-assigned this conversation",
        "assignee.assigned": "Assigned to %{assignee_name} by %{user_name}",
        "assignee.removed": "Conversation unassigned by %{user_name}",
        "team.assigned": "Assigned to %{team_name} by %{user_name}",
        "team.assigned_with_assignee": "Assigned to %{assignee_name} via %{team_name} by %{user_name}",
        "team.removed": "Unassigned from %{team_name} by %{user_name}",
        "status.resolved": "Conversation was marked resolved by %{user_name}",
        "status.contact_resolved": "Conversation was resolved by %{contact_name}",
        "status.open": "Conversation was reopened by %{user_name}",
        "status.pending": "Conversation was marked as pending by %{user_name}",
        "status.snoozed": "Conversation was snoozed by %{user_name}",
        "priority.added": "%{user_name} set the priority to %{new_priority}",
        "priority.updated": "%{user_name} changed the priority from %{old_priority} to %{new_priority}",
        "priority.removed": "%{user_name} removed the priority",
        "labels.added": "%{user_name} added %{labels}",
        "labels.removed": "%{user_name} removed %{labels}",
        "sla.added": "%{user_name} added SLA policy %{sla_name}",
        "sla.removed": "%{user_name} removed SLA policy %{sla_name}",
        "whatsapp_call.permission_requested": "Sent a call permission request to %{contact_name}.",
        "whatsapp_call.permission_granted": "%{contact_name} accepted the call permission request.",
        "muted": "%{user_name} has muted the conversation",
        "unmuted": "%{user_name} has unmuted the conversation",
    },
    {
        "automation.system_name": "Automation System",
        "auto_assignment.policy_actor": "Automation System via %{policy_name}",
        "auto_assignment.default_policy_name": "Default Policy",
    },
)


def read_languages(files: Iterable[Path]) -> tuple[list[Language], dict[str, str]]:
    """Return the languages of *files*, English first, and the files that are not valid YAML with the reason.

    Other texts of the folder `config/locales` (`devise.*.yml`) are ignored.
    """
    by_code: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
    broken: dict[str, str] = {}
    for file in files:
        try:
            locales = yaml.load(file.read_bytes(), _LOADER)  # noqa: S506 - a safe loader
        except (yaml.YAMLError, OSError, ValueError) as error:  # an invalid date is a ValueError
            broken[str(file)] = str(error).splitlines()[0]
            continue
        for code, texts in locales.items() if isinstance(locales, dict) else ():
            name = "no" if code is False else str(code)  # YAML 1.1 reads Norwegian as a boolean
            sentences, automations = by_code.setdefault(name, ({}, {}))
            sentences |= _flatten_texts(_nested_text(texts, "conversations", "activity"))
            for group in ("automation", "auto_assignment"):
                automations |= {
                    f"{group}.{key}": text for key, text in _flatten_texts(_nested_text(texts, group)).items()
                }
    for _, automations in by_code.values():
        if system := automations.get("automation.system_name"):  # the wording of the first policies
            automations["auto_assignment.system_via_policy"] = f"{system} via %{{policy_name}}"
    languages = [Language.of(code, *entry) for code, entry in sorted(by_code.items()) if entry[0]]
    return [ENGLISH, *languages], broken


def _nested_text(texts: object, *keys: str) -> object:
    for key in keys:
        texts = texts.get(key) if isinstance(texts, Mapping) else None
    return texts


def _flatten_texts(tree: object, path: str = "") -> dict[str, str]:
    """Return the texts of the nested *tree*, each by its keys joined by dots."""
    texts: dict[str, str] = {}
    for key, value in tree.items() if isinstance(tree, Mapping) else ():
        name = f"{path}.{key}" if path else str(key)
        texts |= {name: value} if isinstance(value, str) else _flatten_texts(value, name)
    return texts


def language_of(number: int) -> str | None:
    """Return the language of the number in `accounts.locale`, or None for an unknown number.

    Source: Chatwoot's LANGUAGES_CONFIG, whose numbers never change.
    """
    return LANGUAGES[number] if number < len(LANGUAGES) else None


LANGUAGES = (
    *("en", "ar", "nl", "fr", "de", "hi", "it", "ja", "ko", "pt", "ru"),
    *("zh", "es", "ml", "ca", "el", "pt_BR", "ro", "ta", "fa", "zh_TW", "vi"),
    *("da", "tr", "cs", "fi", "id", "sv", "hu", "no", "zh_CN", "pl", "sk"),
    *("uk", "th", "lv", "is", "he", "lt", "sr", "bg", "et", "uz", "sl"),
)
