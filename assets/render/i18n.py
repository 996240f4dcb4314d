"""Translation: messages from the catalogs in `templates/locale`, numbers and dates by Babel.

Digits are Latin in every language, as in the data files beside the report.
"""

import gettext
import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache, cached_property
from io import BytesIO
from math import floor

from babel import Locale
from babel.dates import format_date, format_interval, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from assets.render.template_files import TEMPLATES
from assets.report.model import Verbatim

CATALOGS = TEMPLATES / "locale"
_LOCALES = {"zh-CN": "zh_Hans_CN", "pt-BR": "pt_BR", "es": "es_419"}  # 12,345 in most of America
_LEFT_TO_RIGHT = "\u200e"
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_MONDAY = date(2024, 1, 1)
_MINUTE, _HOUR_MINUTES, _DAY_MINUTES = 60, 60, 1440
_PLURAL_SAMPLES = (*range(200), 1_000_000)  # they meet every plural form of every language


class Words:
    """Translates and formats for one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.locale = Locale.parse(_LOCALES.get(language, language))
        self.catalog = load_catalog(language)
        self.percent = re.sub("0(\\s*)%", r"0.0\1%", self.locale.percent_formats[None].pattern)

    def say(self, text: str) -> str:
        """Return the translation of *text*, or the text itself if there is none or it is `Verbatim`."""
        if not text or isinstance(text, Verbatim):
            return text  # gettext translates "" as the catalog's header
        return self.catalog.gettext(text)

    def pgettext(self, context: str, text: str) -> str:
        """Return the translation of a short *text* that has several meanings, in this *context*."""
        return self.catalog.pgettext(context, text)

    def ngettext(self, one: str, many: str, count: int, /, **values: object) -> str:
        """Return the message for *count*, filled with the formatted `%(count)s` and *values*.

        The number chooses the plural form of the language: Arabic has six.
        """
        return self.catalog.ngettext(one, many, count) % (values | {"count": self.number(count)})

    @cached_property
    def plural_indexes(self) -> dict[str, int]:
        """Return the catalog's index of each plural category of the page's script ("one", "few")."""
        return {self.locale.plural_form(count): self._form_of(count) for count in _PLURAL_SAMPLES}

    def plural_forms(self, one: str, many: str) -> list[str]:
        """Return the translations of a message with a number, in the order of the catalog's plural forms."""
        sample_of_form = {self._form_of(count): count for count in _PLURAL_SAMPLES}
        return [self.catalog.ngettext(one, many, sample_of_form[form]) for form in sorted(sample_of_form)]

    def _form_of(self, count: int) -> int:
        plural = getattr(self.catalog, "plural", None)  # English has no catalog
        return int(plural(count) if plural else count != 1)

    @cached_property
    def direction(self) -> str:
        """Return `rtl` if the language is written from right to left, else `ltr`."""
        return str(self.locale.text_direction)

    @property
    def arrow(self) -> str:
        """Return the arrow that points the way the language is read."""
        return "←" if self.direction == "rtl" else "→"

    def left_to_right(self, text: str) -> str:
        """Return numbers, times and dates so that their signs and parts keep their order in Arabic text."""
        return f"{_LEFT_TO_RIGHT}{text}" if self.direction == "rtl" else text

    def join(self, texts: Iterable[str]) -> str:
        """Return *texts* as a list of this language, such as "a, b, c"."""
        return self.pgettext("list separator", ", ").join(texts)

    def isolated(self, text: str) -> str:
        """Return *text* so that its signs and digits keep their order in right-to-left text."""
        return f"{_ISOLATE}{text}{_END_ISOLATE}" if text and self.direction == "rtl" else text

    def number(self, value: float) -> str:
        """Return *value* with the language's separators."""
        return format_decimal(value, locale=self.locale)

    def tenths(self, value: float | None) -> str:
        """Return *value* with one decimal, or "-" for None."""
        return "-" if value is None else format_decimal(value, "#,##0.0", locale=self.locale)

    def signed(self, value: float) -> str:
        """Return *value* with its sign, including a plus."""
        return self._with_plus(value, self.number(value))

    def _with_plus(self, value: float, text: str) -> str:
        return self.left_to_right(f"{'+' if value > 0 else ''}{text}")

    def share(self, value: float | None) -> str:
        """Return a share in percent with one decimal, or "-" for None."""
        return "-" if value is None else format_percent(value / 100, self.percent, locale=self.locale)

    def percentage(self, value: float) -> str:
        """Return a threshold in percent with the decimals that it has."""
        pattern = self.percent.replace("0.0", "0.###")
        return format_percent(value / 100, pattern, locale=self.locale)

    def points(self, value: float) -> str:
        """Return a change in percentage points with its sign."""
        return self.say("%(change)s points") % {"change": self.signed(value)}

    def figure(self, name: str, value: float | None) -> str:
        """Return the value of the key figure *name*, or "-" for None."""
        if value is None:
            return "-"
        return self.share(value) if name == "reassignment_rate" else self.number(value)

    def duration(self, seconds: float | None, *, is_work: bool = False) -> str:
        """Return *seconds* in its two largest units, such as `2 h 10 min`, or "-" for None.

        Working time has no days, because a day of work is not 24 hours.
        """
        if seconds is None:
            return "-"
        if (whole := floor(seconds + 0.5)) < _MINUTE:
            return self.say("%(seconds)s s") % {"seconds": self.number(whole)}
        if (minutes := floor(seconds / _MINUTE + 0.5)) < _HOUR_MINUTES:
            return self.say("%(minutes)s min") % {"minutes": self.number(minutes)}
        if minutes < _DAY_MINUTES or is_work:
            hours, minutes = divmod(minutes, _HOUR_MINUTES)
            text = self.say("%(hours)s h %(minutes)s min") if minutes else self.say("%(hours)s h")
            return text % {"hours": self.number(hours), "minutes": self.number(minutes)}
        days, hours = divmod(floor(seconds / (_MINUTE * _HOUR_MINUTES) + 0.5), 24)
        text = self.say("%(days)s d %(hours)s h") if hours else self.say("%(days)s d")
        return text % {"days": self.number(days), "hours": self.number(hours)}

    def instant(self, local_time: datetime) -> str:
        """Return day and time of a local time, without seconds."""
        return self.join([self.day(local_time.date()), self.left_to_right(f"{local_time:%H:%M}")])

    def change(self, value: float) -> str:
        """Return a change in percent with its sign."""
        return self._with_plus(value, self.share(value))

    def day(self, value: date) -> str:
        """Return weekday, day, month and year."""
        return format_skeleton("yMMMEd", value, locale=self.locale, fuzzy=True)

    def days(self, first: date, last: date) -> str:
        """Return the first and last day of a period, or its only day."""
        return self.day(first) if first == last else f"{self.day(first)} – {self.day(last)}"

    def short_days(self, first: date, last: date, *, with_year: bool = True) -> str:
        """Return the first and last day of a period in short form, naming a shared month and year once."""
        skeleton = "yMMMd" if with_year else "MMMd"
        if first == last:
            return format_skeleton(skeleton, first, locale=self.locale, fuzzy=True)
        return format_interval(first, last, skeleton, locale=self.locale)

    def short_day(self, value: date) -> str:
        """Return day and month."""
        return format_skeleton("MMMd", value, locale=self.locale, fuzzy=True)

    def month(self, value: date) -> str:
        """Return month and year."""
        return format_skeleton("yMMM", value, locale=self.locale, fuzzy=True)

    def month_name(self, value: date) -> str:
        """Return the month without its year, as it stands alone."""
        return format_date(value, "LLL", locale=self.locale)

    def weekday(self, number: int, width: str = "EEEE") -> str:
        """Return the name of a weekday, 0 = Monday."""
        return format_date(_MONDAY + timedelta(number), width, locale=self.locale)


@cache
def load_words(language: str) -> Words:
    """Return the cached `Words` of *language*, one of `config.Language`."""
    return Words(language)


@cache
def load_catalog(language: str) -> gettext.NullTranslations:
    """Return the message catalog of *language*; English messages are those in templates and code."""
    if language == "en":
        return gettext.NullTranslations()
    compiled = BytesIO()
    with (CATALOGS / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=_LOCALES.get(language, language)))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
