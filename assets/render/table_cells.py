"""Tables of typed cells, which a workbook writes: see `report_tables.py`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto

_DAY_SECONDS = 86_400


class Unit(Enum):
    """How a number is shown. Shares and changes are fractions of 1: 33.6 % is 0.336.

    A duration is in days, as workbooks have it.
    """

    COUNT = auto()
    SIGNED = auto()
    SHARE = auto()
    CHANGE = auto()
    POINTS = auto()
    TENTHS = auto()
    DURATION = auto()


@dataclass(frozen=True, slots=True)
class Number:
    """A number and its unit."""

    value: float
    unit: Unit = Unit.COUNT


Cell = str | date | Number


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its heading; `notes` stand above its header.

    `colors` are those of the bars of its chart, if it has one.
    """

    title: str
    header: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    notes: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    is_shaded: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """The tables that stand below each other on one sheet."""

    title: str
    tables: tuple[Table, ...]


def sheet_of(*tables: Table) -> Sheet:
    """Return a sheet of *tables* under the title of the first."""
    return Sheet(tables[0].title, tables)


def number(value: float | None) -> Cell:
    """Return a count, or "-" for None."""
    return "-" if value is None else Number(value)


def counts_of(values: Iterable[int]) -> tuple[Cell, ...]:
    """Return *values* as counts."""
    return tuple(Number(value) for value in values)


def share(percent: float | None) -> Cell:
    """Return a share in percent as a fraction with three decimals, as it is printed, or "-" for None."""
    return "-" if percent is None else Number(fraction(percent), Unit.SHARE)


def fraction(percent: float) -> float:
    """Return *percent* as a fraction of 1 with three decimals."""
    return round(percent / 100, 3)


def duration(seconds: float | None) -> Cell:
    """Return *seconds* as a duration, or "-" for None."""
    return "-" if seconds is None else Number(seconds / _DAY_SECONDS, Unit.DURATION)
