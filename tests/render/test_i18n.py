"""Every string in every language, and nothing else in the catalogs."""

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from assets.config.presentation import Language
from assets.events import SOURCE_LABELS
from assets.periods import Preset
from assets.render.html.page_data import messages_of_script
from assets.render.html.stylesheet import join_scripts
from assets.render.i18n import CATALOGS, load_words
from assets.report.log_table import HEADER

ROOT = Path(__file__).parents[2]
TRANSLATED = [language for language in get_args(Language) if language != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)s")


Message = tuple[str | None, str | tuple[str, ...]]
"""The context of a message, if any, and its text, or its texts for one and for many."""


def messages() -> set[Message]:
    """Return what templates, script and code say, and the names of things that data holds."""
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
    methods: Any = [(each["pattern"], each["method"]) for each in mappings]
    options: Any = {
        each["pattern"]: {key: str(value) for key, value in each.items() if key not in {"pattern", "method"}}
        for each in mappings
    }
    found: set[Message] = {
        (context, message) for _, _, message, _, context in extract_from_dir(ROOT, methods, options)
    }
    names = (*SOURCE_LABELS.values(), *(preset.label for preset in Preset), *HEADER)
    return found | {(None, name) for name in names}


def catalog(language: str) -> dict[Message, tuple[str, ...]]:
    """Return the translations of each message: one, or one for each plural form of the language."""
    with (CATALOGS / f"{language}.po").open("rb") as file:
        read = read_po(file)
    assert not [entry.id for entry in read if entry.fuzzy and entry.id]
    entries: list[Any] = [entry for entry in read if entry.id]
    return {
        (entry.context, entry.id): entry.string if isinstance(entry.string, tuple) else (entry.string,)
        for entry in entries
    }


def test_the_script_says_nothing_that_is_not_extracted() -> None:
    said: set[Message] = set()
    for function, first, text in messages_of_script(join_scripts()):
        if function == "ngettext":
            said.add((None, (first, text)))
        else:
            said.add((first or None, text))
    assert said <= messages()
    assert len(messages()) > 150


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_message_is_missing_and_none_is_left_over(language: str) -> None:
    translations = catalog(language)
    assert translations.keys() == messages()
    assert [message for message, texts in translations.items() if not all(map(str.strip, texts))] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_placeholders_of_the_message(language: str) -> None:
    """A form for one thing may leave out the number: "One row"."""
    for (_, message), texts in catalog(language).items():
        many = message if isinstance(message, str) else message[-1]
        wanted = set(PLACEHOLDER.findall(many))
        assert wanted == set(PLACEHOLDER.findall(texts[-1])), message
        for text in texts:
            assert wanted - {"%(count)s"} <= set(PLACEHOLDER.findall(text)) <= wanted, message
            assert text.count("%") == text.count("%("), message


def test_there_is_a_catalog_for_each_language() -> None:
    assert sorted(path.stem for path in CATALOGS.glob("*.po")) == sorted(TRANSLATED)


def test_numbers_and_dates_are_the_readers() -> None:
    german, arabic = load_words("de"), load_words("ar")
    assert (german.number(1234567), german.share(43.2), german.change(3.0)) == (
        "1.234.567",
        "43,2\xa0%",
        "+3,0\xa0%",
    )
    assert load_words("en").share(None) == "-"
    assert (arabic.direction, arabic.signed(-3), arabic.number(1234)) == ("rtl", "\u200e-3", "1,234")


def test_periods_are_those_of_the_language() -> None:
    english, german = load_words("en"), load_words("de")
    first, last = date(2026, 11, 1), date(2026, 11, 7)
    assert english.short_days(first, last) == "Nov 1\u2009–\u20097, 2026"
    assert german.short_days(first, last, with_year=False) == "1.–7. Nov."
    assert english.short_days(first, first) == "Nov 1, 2026"
    assert (english.arrow, load_words("ar").arrow) == ("→", "←")
