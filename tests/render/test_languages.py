"""Page, PDF document and mail in every language, with no, one, two, few and many of everything."""

import re
from typing import get_args

import pytest
from babel.messages.pofile import read_po

from assets.config.presentation import Component, Language
from assets.render.html.page import render_print
from assets.render.i18n import CATALOGS, load_words
from assets.render.mail import MailContext, mail_bodies
from assets.report.model import (
    Chain,
    Chains,
    Comparison,
    Finding,
    KeyFigure,
    KeyFigureName,
    Reason,
    ReasonCode,
    Report,
    ReturnPair,
    Rule,
    SourceChange,
    State,
)
from tests.render.made_reports import FIRST, log_of, make_report

NUMBERS = (0, 1, 2, 5, 11, 100, 1_234)
RULES = (Rule.TOP_SOURCE, Rule.NEW_SOURCE, Rule.GONE_SOURCE, Rule.TOP_ASSIGNEE, Rule.UNASSIGNED, Rule.RETURNS)
OLD_WORDS = {
    "de": ("Kette", "Häufigkeit", "Zeitraum davor"),
    "es": ("cuota", "Añadir", "Cadena"),
    "pt-BR": ("Posição em", "Comprovação"),
    "zh-CN": ("时段", "链条", "最近"),
    "ar": ("تعيين", "المسؤول", "مؤقت"),
}


def report_of(count: int, language: str) -> Report:
    facts = {"source": "Bot", "assignee": "Ann", "count": count, "share": 12.5, "hours": 24}
    report = make_report({"user": count} if count else {}, rows_shown=min(count, 5))
    shown = dict.fromkeys(("comparison", "findings", "chains"), State.SHOWN)
    return report.model_copy(
        update={
            "look": report.look.model_copy(update={"language": language}),
            "components": report.components.model_copy(update=shown),
            "key_figures": tuple(
                KeyFigure(name=name, value=count, previous=count, change=0.0, trend=(count, 0))
                for name in KeyFigureName
            ),
            "comparison": Comparison(
                first_day=FIRST,
                last_day=FIRST,
                day_count=1,
                total=count,
                change_pct=0.0,
                by_source=(SourceChange(source="user", label="User", count=count, before=count),),
                by_day=(count,),
                notes=(),
            ),
            "chains": Chains(
                assigned_count=count,
                reassigned_count=count,
                most_assigned=(
                    Chain(conversation_id="c1", contact="Ann", count=count, path=("Ann", None), is_cut=False),
                ),
                return_hours=24,
                return_count=count,
                return_pairs=(ReturnPair(first="Ann", second="Bob", count=count),),
            ),
            "findings": tuple(Finding(rule=rule, facts=facts, fragment="") for rule in RULES),
            "provisional": True,
            "quality": report.quality.model_copy(update={"accepted": count + 1}),
            "reasons": (
                Reason(code=ReasonCode.DAYS_MISSING, facts={"count": count, "days": 7}),
                Reason(code=ReasonCode.INPUT_UNREADABLE, facts={"count": count, "first": "a.csv"}),
                Reason(code=ReasonCode.INPUT_GAVE_NOTHING, facts={"count": count, "first": "b.csv"}),
            ),
        }
    )


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("count", NUMBERS)
def test_everything_is_said_with_any_number(language: str, count: int) -> None:
    report, words = report_of(count, language), load_words(language)
    page = render_print(report, log_of(["Ann"] * min(count, 5)), 1)
    mail = mail_bodies(report, MailContext(version=1, attached=("report.pdf",)))
    assert not any("%(" in text for text in (page, mail.html, mail.text, mail.subject))
    for text in (page, mail.html, mail.text):
        assert words.number(count) in text, (
            "in a list of figures it is written in digits, even where nouns have a dual"
        )
    for component in (Component.METRIC, Component.CHAINS):
        assert f'id="{component.value}"' in page


@pytest.mark.parametrize("language", sorted(OLD_WORDS))
def test_a_catalog_has_no_word_that_means_something_else(language: str) -> None:
    with (CATALOGS / f"{language}.po").open("rb") as file:
        texts = [text for entry in read_po(file) for text in [str(entry.string)] if entry.id]
    found = [(word, text) for word in OLD_WORDS[language] for text in texts if re.search(word, text)]
    assert found == []
