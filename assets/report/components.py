"""Which components a report shows, and what they need of the log. Pure."""

from assets.config.presentation import Component, Format
from assets.config.workspace import ReportSpec
from assets.report.model import TAGGED_ROWS, Components, State

DATA_FORMATS = (Format.CSV, Format.XLSX, Format.PARQUET)
_WITHOUT_FIGURES = (Component.METRIC, Component.QUALITY, Component.DEFINITIONS)
_OF_ROWS = (Component.HEAT_MAP, Component.CHAINS, Component.HAND_OFFS, Component.ASSIGNEES)


def has_balances(spec: ReportSpec) -> bool:
    """Tell whether the report counts who has which contacts, for which it needs every day before its period.

    A filter would leave steps out.
    """
    return Component.ASSIGNEES in spec.components and not spec.filters.active


def needs_whole_log(spec: ReportSpec) -> bool:
    """Tell whether more of the log is needed than the rows that are printed: it is large."""
    formats, components = set(spec.formats), set(spec.components)
    has_filters = spec.interactive and Format.HTML in formats and Component.LOG in components
    carries_log = spec.attach_log or spec.pdf_log_rows > TAGGED_ROWS
    of_rows = not formats.isdisjoint(DATA_FORMATS) or not components.isdisjoint(_OF_ROWS)
    return has_filters or carries_log or of_rows


def states_of_components(spec: ReportSpec, *, has_figures: bool, is_understood: bool) -> Components:
    """Return the state of each component of *spec*.

    Without figures nothing can be shown of them; where nothing was understood, not even their 0.
    """
    filters = spec.filters
    figures = State.SHOWN if has_figures else State.NO_DATA
    cuts_chains = filters.source or filters.assigned_to or filters.assigned_by
    unfiltered = State.NOT_APPLICABLE if filters.active else State.SHOWN
    states = {
        Component.CHAINS: State.NOT_APPLICABLE if cuts_chains else figures,
        Component.ASSIGNEES: State.NOT_APPLICABLE if filters.active else figures,
        Component.PROOF: State.SHOWN,
        Component.QUALITY: unfiltered,
        Component.DEFINITIONS: State.SHOWN,
    }
    found = {each: states.get(each, figures) if each in spec.components else State.OFF for each in Component}
    if not is_understood:
        found |= {
            each: State.NO_DATA
            for each, state in found.items()
            if each not in _WITHOUT_FIGURES and state is State.SHOWN
        }
    return Components(**{each.value: state for each, state in found.items()})
