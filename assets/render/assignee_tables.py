"""The reassignment matrix and the balances as tables of cells, by assignee and by team."""

from collections.abc import Iterable

from assets.render import labels
from assets.render.i18n import Words
from assets.render.ownership_tables import holding_table
from assets.render.table_cells import Cell, Number, Table, Unit, counts_of
from assets.report.model import Report
from assets.report.people_model import AssigneeBalance, HandOffs, TeamFigures


def hand_offs_table(hand_offs: HandOffs, words: Words, title: str) -> Table:
    """Return the reassignment matrix."""
    _ = words.say
    note = _("Assignments from each assignee (rows) to each assignee (columns)")
    return _matrix(hand_offs, words, title, (note,))


def _matrix(hand_offs: HandOffs, words: Words, title: str, notes: tuple[str, ...]) -> Table:
    _ = words.say
    names, counts = labels.shown_matrix(hand_offs, words)
    rows = ((name, *counts_of(row)) for name, row in zip(names, counts, strict=True))
    return Table(title, (_("From \\ To"), *names), tuple(rows), notes, is_shaded=True)


def assignees_table(report: Report, words: Words, title: str) -> Table:
    """Return the contacts by assignee."""
    _ = words.say
    if not report.assignees or report.known_since is None:
        return Table(title, notes=(labels.empty_text(report, words),))
    note = _(
        "Contacts whose last known assignee is this one, based on events since %(day)s. “Unexplained” are "
        "changes that no event reports but the next event implies."
    ) % {"day": words.day(report.known_since)}
    return Table(title, *_balances(report.assignees, _("Assignee"), words), (note,))


def team_tables(report: Report, teams: TeamFigures, words: Words, title: str) -> Iterable[Table]:
    """Yield the matrix by team, the contacts by team, and the teams per conversation with their paths."""
    _, shown = words.say, labels.translated_teams(teams, words)
    notes = (
        _("People count in their current team for the whole period."),
        _("Assignments from each team (rows) to each team (columns)"),
    )
    yield _matrix(shown.hand_offs, words, title, notes)
    if shown.balances and report.known_since:
        note = _(
            "Contacts whose last known assignee is in this team, based on events since %(day)s. "
            "“Unexplained” are changes that no event reports but the next event implies."
        ) % {"day": words.day(report.known_since)}
        yield Table(_("Contacts by team"), *_balances(shown.balances, _("Team"), words), (note,))
    if shown.holdings:
        note = _("A team holds a contact until it leaves the team, whoever holds it there.")
        rows = [(each.assignee, each) for each in shown.holdings]
        yield Table(_("Holding times by team"), *holding_table(_("Team"), rows, words), (note,))
    if (stations := shown.stations) is None:
        return
    header = (_("Teams"), _("Conversations"))
    counts = zip(labels.counts_of_teams(words), counts_of(stations.conversation_counts), strict=True)
    yield Table(_("Teams per conversation"), header, tuple(counts))
    if stations.paths:
        paths = (
            (labels.path_text([*each.path, *["…"] * each.is_cut], words), Number(each.count))
            for each in stations.paths
        )
        yield Table(_("Team path"), header, tuple(paths))


def _balances(
    balances: tuple[AssigneeBalance, ...], heading: str, words: Words
) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    """Return the header and the rows of a table of balances."""
    _, kinds = words.say, labels.kind_names(words)
    header = (
        heading,
        _("At start"),
        words.pgettext("contacts", "Assigned"),
        words.pgettext("contacts", "Removed"),
        words.pgettext("contacts", "Unexplained"),
        _("At end"),
    )
    return header, tuple(_balance(each, kinds) for each in balances)


def _balance(balance: AssigneeBalance, kinds: dict[str, str]) -> tuple[Cell, ...]:
    return (
        labels.name_with_kind(balance.assignee, balance.kind, kinds),
        Number(balance.opening),
        Number(balance.received),
        Number(balance.released),
        Number(balance.unseen, Unit.SIGNED),
        Number(balance.closing),
    )
