"""The charts of ownership: contacts held over time, and waiting times by the hour of the day."""

from functools import lru_cache

from assets.render.charts.figures import (
    CACHE_SIZE,
    LABEL_LENGTH,
    PAGE,
    Chart,
    finish_chart,
    new_figure,
    set_scale,
)
from assets.render.charts.palette import PEOPLE, REST, TOTAL, UNASSIGNED
from assets.render.i18n import Words
from assets.render.labels import line_names
from assets.render.untrusted_text import shorten_text
from assets.report.people_model import HeldLine, HourWaiting

_MAX_TICKS = 10
_UNITS = (86_400, 3600, 60)


def line_colors(lines: tuple[HeldLine, ...]) -> list[str]:
    """Return the color of each of *lines*."""
    people = iter(PEOPLE)
    return [
        UNASSIGNED if line.assignee is None else next(people) if line.assignee else REST for line in lines
    ]


@lru_cache(CACHE_SIZE)
def held_chart(lines: tuple[HeldLine, ...], parts: tuple[str, ...], words: Words) -> Chart | None:
    """Return the contacts held at the end of each of *parts*, stacked; None for a single instant."""
    shown = [line for line in lines if any(line.counts)]
    if not shown or len(lines[0].counts) < 2:  # noqa: PLR2004 - an area has two ends
        return None
    names = [shorten_text(name, LABEL_LENGTH) for name in line_names(tuple(shown), words)]
    with new_figure(PAGE, 2.5, words, names) as (figure, axes):
        places = range(len(shown[0].counts))
        areas = axes.stackplot(
            places, [line.counts for line in shown], colors=line_colors(tuple(shown)), linewidth=0
        )
        figure.legend(areas[::-1], names[::-1], loc="outside right center", frameon=False, handlelength=0.9)
        step = -(-len(places) // _MAX_TICKS)
        axes.set_xticks(places[::step], parts[: len(places) : step])
        axes.set_xlim(0, len(places) - 1)
        set_scale(axes, lambda value: words.number(round(value)))
        held = words.join(
            f"{name} {words.number(line.counts[-1])}" for name, line in zip(names, shown, strict=True)
        )
        return finish_chart(figure, f"{words.say('Contacts held at the end')}: {held}")


@lru_cache(CACHE_SIZE)
def waiting_chart(hours: tuple[HourWaiting, ...], words: Words) -> Chart | None:
    """Return the median waiting time by the hour in which it began; None without one."""
    medians = [hour.median_seconds or 0 for hour in hours]
    if not any(medians):
        return None
    unit = next((unit for unit in _UNITS if max(medians) >= 2 * unit), 1)
    with new_figure(PAGE, 2.0, words) as (figure, axes):
        axes.bar(range(len(hours)), [median / unit for median in medians], width=0.8, color=TOTAL)
        axes.set_xticks(range(len(hours)), [f"{hour.hour}" for hour in hours])
        axes.set_xlim(-0.6, len(hours) - 0.4)
        set_scale(axes, lambda value: words.duration(value * unit))
        waits = words.join(
            f"{hour.hour}:00 {words.duration(hour.median_seconds)}" for hour in hours if hour.median_seconds
        )
        return finish_chart(figure, f"{words.say('Median waiting time by hour of the day')}: {waits}")
