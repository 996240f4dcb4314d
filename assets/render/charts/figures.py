"""The report's charts as SVG, drawn with matplotlib's object API.

Text is drawn as outlines: WeasyPrint sets the letters of an SVG one by one, which breaks Arabic. The same
report gives the same bytes.
"""

import re
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from assets.render.charts.palette import OTHERS, PREVIOUS, REST, TOTAL
from assets.render.charts.renderer import Painted, draw_figure
from assets.render.day_notes import NoteSpan
from assets.render.i18n import Words
from assets.render.untrusted_text import limit_marks, shorten_text
from assets.report.model import DayCount, SourceCount

Sources = tuple[SourceCount, ...]
FONTS = [
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Noto Sans Hebrew",
    "Noto Sans Thai",
    "DejaVu Sans",
]
LATIN_FONTS = [FONTS[0], FONTS[-1]]  # every font is looked up for every text, a sixth of a chart's time
_LATIN = re.compile("[ -\u024f]*")
_INK, _QUIET, GRID = "#1f2933", "#52606d", "#d9e2ec"
CACHE_SIZE = 2  # a report is drawn for the screen and for paper
LABEL_LENGTH = 28
_MAX_DAILY_BARS = 92
_MIN_BARS, _MAX_SOURCES = 4, 24
_NOTES_HEIGHT, _NOTES_TOP, _MAX_NOTE_LABELS = 1.15, 0.9, 36
_BARS, _RING, _PLAIN_RING, PAGE = (
    4.0,
    5.2,
    2.6,
    9.6,
)  # widths in inches
_STYLE: dict[Any, Any] = {
    "text.parse_math": False,
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": _QUIET,
    "xtick.color": _QUIET,
    "ytick.color": _INK,
}


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as SVG, its text alternative, and the same chart for a PDF."""

    svg: str
    alternative: str
    painted: Painted

    @property
    def address(self) -> str:
        """Return the SVG as a `data:` URL: it needs no file, and its styles do not affect the page."""
        return f"data:image/svg+xml;base64,{b64encode(self.svg.encode()).decode()}"

    @property
    def mark(self) -> str:
        """Return a short placeholder URL, which the PDF replaces with `painted`."""
        return f"data:,{sha256(self.svg.encode()).hexdigest()}"


@contextmanager
def new_figure(
    width: float, height: float, words: Words, labels: Iterable[str] = ()
) -> Iterator[tuple[Figure, Axes]]:
    """Yield a figure, its size in inches, with fonts for the *labels* that it draws."""
    texts = (words.say("Assignments"), *labels)
    fonts = LATIN_FONTS if _LATIN.fullmatch("".join(texts)) else FONTS
    with mpl.rc_context(_STYLE | {"font.family": fonts}), warnings.catch_warnings():
        # A character without a font is drawn as a box; the table beside the chart shows it.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        yield figure, axes


@lru_cache(CACHE_SIZE)
def pie_chart(by_source: Sources, colors: tuple[str, ...], words: Words, *, has_legend: bool = True) -> Chart:
    """Return each source's share, in its color, as a ring with the total inside, and a legend beside it.

    A table of sources beside the ring replaces the legend.
    """
    _ = words.say
    sources, total = _charted_sources(by_source, words), sum(source.count for source in by_source)
    size = (_RING, _figure_height(by_source)) if has_legend else (_PLAIN_RING, _PLAIN_RING)
    with new_figure(*size, words, [source.label for source in sources]) as (figure, axes):
        wedges = axes.pie(
            [source.count for source in sources],
            colors=colors if len(sources) == len(by_source) else (*colors[:_MAX_SOURCES], REST),
            startangle=90,
            counterclock=False,
            wedgeprops={"width": 0.38, "edgecolor": "white", "linewidth": 1},
        )[0]
        axes.text(0, 0, words.number(total), ha="center", va="center", fontsize=14, fontweight="bold")
        if has_legend:
            legend = [
                f"{label} {words.number(source.count)} ({words.share(source.share_pct)})"
                for source in sources
                for label in [shorten_text(source.label, LABEL_LENGTH)]
            ]
            figure.legend(wedges, legend, loc="outside right center", frameon=False, handlelength=0.9)
        return finish_chart(figure, f"{_('Share by source')}: {_describe_sources(by_source, words)}")


def _charted_sources(by_source: Sources, words: Words) -> tuple[SourceCount, ...]:
    """Return the largest sources, translated and limited, with the rest summed up as one."""
    _ = words.say
    largest, rest = by_source[:_MAX_SOURCES], by_source[_MAX_SOURCES:]
    if len(rest) > 1:
        count, share = sum(source.count for source in rest), sum(source.share_pct or 0 for source in rest)
        label = words.ngettext("%(count)s more source", "%(count)s more sources", len(rest))
        rest = (SourceCount(source=label, label=label, count=count, share_pct=round(share, 1)),)
    return tuple(
        source.model_copy(update={"label": limit_marks(words.say(source.label))})
        for source in (*largest, *rest)
    )


def _figure_height(by_source: Sources) -> float:
    return 1.3 + 0.26 * max(_MIN_BARS, min(len(by_source), _MAX_SOURCES + 1))


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines over the bars: the counts of the previous period, called `name`, and the bounds of goals."""

    previous: tuple[int, ...]
    name: str
    goals: tuple[tuple[float, str], ...] = ()


@lru_cache(CACHE_SIZE)
def trend_chart(
    by_day: tuple[DayCount, ...], lines: Lines, words: Words, notes: tuple[NoteSpan, ...] = ()
) -> Chart:
    """Return the count per day as bars, with *lines* over them.

    A day that is not loaded is hatched instead. Over the days of each note is its number.
    """
    with new_figure(PAGE, 2.3, words) as (figure, axes):
        _draw_days(axes, by_day, lines, words)
        if notes:
            _draw_notes(axes, notes, len(by_day))
        total = words.number(sum(day.count for day in by_day))
        alternative = words.ngettext(
            "Assignments by day: %(total)s in %(count)s day",
            "Assignments by day: %(total)s in %(count)s days",
            len(by_day),
            total=total,
        )
        return finish_chart(figure, alternative)


def _draw_days(axes: Axes, days: tuple[DayCount, ...], lines: Lines, words: Words) -> None:
    _ = words.say
    counts = [day.count for day in days]
    previous = lines.previous[: len(days)]
    highest = max([*counts, *previous, *(bound for bound, _name in lines.goals)], default=0) or 1
    is_dense = len(days) > _MAX_DAILY_BARS
    if is_dense:
        axes.stairs(counts, [index - 0.5 for index in range(len(days) + 1)], fill=True, color=TOTAL)
    else:
        half = _half_bar(len(days))
        bars = [
            ((index - half, 0), (index - half, count), (index + half, count), (index + half, 0))
            for index, count in enumerate(counts)
        ]
        axes.add_collection(PolyCollection(bars, facecolors=TOTAL, linewidths=0), autolim=False)
    missing = [index for index, day in enumerate(days) if not day.is_loaded]
    if missing:
        axes.bar(
            missing, highest, width=0.9, color="none", edgecolor=OTHERS[3], hatch="////", linewidth=0,
            label=_("not loaded"),
        )  # fmt: skip
    if previous:
        axes.plot(range(len(previous)), previous, color=PREVIOUS, linewidth=1.2, label=lines.name)
    for bound, name in lines.goals:
        axes.axhline(bound, color=_INK, linewidth=1.2, linestyle="--", label=name)
    if missing or previous or lines.goals:
        axes.legend(
            loc="lower right", bbox_to_anchor=(1, 1), ncols=4, frameon=False, borderaxespad=0, fontsize=8.5
        )
    format_date = words.month if is_dense else words.short_day
    step = max(1, -(-len(days) // 10))
    axes.set_xticks(range(0, len(days), step), [format_date(day.day) for day in days[::step]])
    axes.set_xlim(-0.6, len(days) - 0.4)
    axes.set_ylim(0, highest * 1.1)
    set_scale(axes, lambda value: words.number(round(value)))


def set_scale(axes: Axes, describe: Callable[[float], str]) -> None:
    """Give *axes* a grid of at most four whole numbers, which *describe* writes."""
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _at: describe(value)))
    axes.tick_params(length=0)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def _half_bar(day_count: int) -> float:
    """Return half the width of a day's bar, in days."""
    return min(0.4, 0.04 * day_count)


def _draw_notes(axes: Axes, notes: tuple[NoteSpan, ...], day_count: int) -> None:
    """Draw a line over the days of each note, and its number above; numbers that would touch are one."""
    axes.set_ylim(0, axes.get_ylim()[1] * _NOTES_HEIGHT)
    half = _half_bar(day_count)
    labels: list[tuple[int, int, int]] = []  # day, first and last number
    for number, first, last in notes:
        axes.plot(
            (first - half, last + half), (_NOTES_TOP, _NOTES_TOP), transform=axes.get_xaxis_transform(),
            color=_QUIET, linewidth=1.2, solid_capstyle="butt",
        )  # fmt: skip
        if labels and first - labels[-1][0] < day_count / _MAX_NOTE_LABELS:
            labels[-1] = (*labels[-1][:2], number)
        else:
            labels.append((first, number, number))
    for day, lowest, highest in labels:
        text = str(lowest) if lowest == highest else f"{lowest}–{highest}"
        axes.text(
            day, _NOTES_TOP + 0.015, text, transform=axes.get_xaxis_transform(),
            ha="center", va="bottom", fontsize=8, color=_INK,
        )  # fmt: skip


def _describe_sources(by_source: Sources, words: Words) -> str:
    return words.join(
        f"{source.label} {words.number(source.count)}" for source in _charted_sources(by_source, words)
    )


def finish_chart(figure: Figure, alternative: str) -> Chart:
    """Return *figure* as a chart with a text *alternative*."""
    for background in (figure.patch, *(axes.patch for axes in figure.axes)):
        background.set_visible(False)
    svg, painted = draw_figure(figure)
    return Chart(svg, alternative, painted)
