"""The states of a report's components, and what they need of the log. Pure."""

from assets.config.presentation import Component, Filters, Format
from assets.config.workspace import ReportSpec
from assets.report.model import TAGGED_ROWS, Components, State

DATA_FORMATS = (Format.CSV, Format.XLSX, Format.PARQUET)
_WITHOUT_FIGURES = (Component.METRIC, Component.QUALITY, Component.DEFINITIONS)
_OF_COUNTS = frozenset(
    {
        Component.BAR_CHART,
        Component.PIE_CHART,
        Component.TREND,
        Component.COMPARISON,
        Component.FINDINGS,
        Component.PROOF,
        Component.QUALITY,
        Component.DEFINITIONS,
        Component.LOG,
    }
)
"""Components that need counts and the printed rows only; every other one is computed from all rows."""
_OF_OPENINGS = frozenset({Component.ASSIGNEES, Component.OWNERSHIP, Component.PEOPLE, Component.TEAMS})
"""Components that need to know who held what when the period began."""


def has_openings(spec: ReportSpec) -> bool:
    """Tell whether the report counts what was held before its period: every earlier day, and no filter."""
    return not (_OF_OPENINGS.isdisjoint(spec.components) or spec.filters.active)


def keeps_chains(filters: Filters) -> bool:
    """Tell whether *filters* leave the assignments of a conversation together."""
    return not (filters.source or filters.assigned_to or filters.team or filters.assigned_by)


def carries_filters(spec: ReportSpec) -> bool:
    """Tell whether the page carries the log, so that readers can filter it."""
    return spec.interactive and Format.HTML in spec.formats and Component.LOG in spec.components


def needs_whole_log(spec: ReportSpec) -> bool:
    """Tell whether the report needs the whole log, which is large, rather than the printed rows only."""
    formats, components = set(spec.formats), set(spec.components)
    prints_many = isinstance(spec.pdf_log_rows, int) and spec.pdf_log_rows > TAGGED_ROWS
    carries_log = spec.attach_log or spec.pdf_log_rows == "all" or prints_many
    uses_rows = not formats.isdisjoint(DATA_FORMATS) or not components <= _OF_COUNTS
    return carries_filters(spec) or carries_log or uses_rows


def states_of_components(
    spec: ReportSpec, *, has_figures: bool, has_teams: bool, is_understood: bool
) -> Components:
    """Return the state of each component of *spec*.

    Components with figures have no data without *has_figures*, and if nothing *is_understood*: then a 0 would
    be wrong.
    """
    filters = spec.filters
    figures = State.SHOWN if has_figures else State.NO_DATA
    unfiltered = State.NOT_APPLICABLE if filters.active else State.SHOWN
    states = {
        Component.CHAINS: figures if keeps_chains(filters) else State.NOT_APPLICABLE,
        **dict.fromkeys(_OF_OPENINGS, State.NOT_APPLICABLE if filters.active else figures),
        Component.TEAMS: figures if has_teams else State.OFF,
        Component.PROOF: State.SHOWN,
        Component.QUALITY: unfiltered,
        Component.DEFINITIONS: State.SHOWN,
    }
    component_states = {
        component: states.get(component, figures) if component in spec.components else State.OFF
        for component in Component
    }
    if not is_understood:
        component_states |= {
            component: State.NO_DATA
            for component, state in component_states.items()
            if component not in _WITHOUT_FIGURES and state is State.SHOWN
        }
    return Components(**{component.value: state for component, state in component_states.items()})
