"""The catalog: archived versions, which of them are outdated, and skipped reports.

The archive's folders are authoritative; the next run writes a row that a crash left out.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from pydantic import SecretStr, ValidationError
from sqlalchemy import (
    ColumnElement,
    Engine,
    RowMapping,
    Select,
    Table,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from assets.archive.version import Archived, Key, Version
from assets.config.base import resolve_secret
from assets.state.database import open_state
from assets.state.tables import OUTDATED_SEARCHES, REPORT_VERSIONS, SKIPPED_REPORTS

_VERSIONS, _SEARCHES = REPORT_VERSIONS.c, OUTDATED_SEARCHES.c


class Search(NamedTuple):
    """What a search for outdated reports has seen: digests of the reports, and of each day's data."""

    workspace: str
    number: int
    reports: str
    days: dict[str, str]


class Catalog:
    """The catalog in the state database at *url*, which is opened on first use."""

    def __init__(self, url: SecretStr) -> None:
        self._url = url

    @property
    def _engine(self) -> Engine:
        return open_state(resolve_secret(self._url))

    def record(self, archived: Archived, as_of: datetime, now: datetime) -> None:
        """Record *archived* if it is new, and mark no version of its report as outdated any more."""
        manifest = archived.manifest
        key = Key(manifest.workspace, manifest.report, manifest.report_date)
        row = key._asdict() | {
            "version": manifest.version,
            "workspace_name": manifest.workspace_name,
            "title": manifest.title,
            "first_day": manifest.period.first_day,
            "last_day": manifest.period.last_day,
            "as_of": as_of,
            "total": manifest.total,
            "provisional": manifest.provisional,
            "reasons": list(manifest.reasons),
            "has_no_data": manifest.has_no_data,
            **_read_presentation(archived),
            "changes": manifest.supersedes.changes if manifest.supersedes else None,
            "causes": list(manifest.supersedes.causes) if manifest.supersedes else None,
            "files": [entry.name for entry in manifest.files],
            "data_version": manifest.data_version,
            "made_at": now,
        }
        self._insert_new(REPORT_VERSIONS, row)
        with self._engine.begin() as connection:
            connection.execute(
                update(REPORT_VERSIONS)
                .where(*_matches_key(key))
                .values(outdated_since=None, is_examined=False)
            )
            connection.execute(
                update(REPORT_VERSIONS)
                .where(*_matches_key(key), _VERSIONS.version == manifest.version)
                .values(made_at=now)
            )

    def newest(self, since: date = date.min, workspace: str | None = None) -> dict[Key, Version]:
        """Return the newest version of each report with a report date from *since* on."""
        conditions = [_VERSIONS.report_date >= since]
        if workspace is not None:
            conditions.append(_VERSIONS.workspace == workspace)
        return self._read_versions(*conditions)

    def outdated(self) -> dict[Key, Version]:
        """Return the versions whose days have changed since they were made, of every workspace."""
        return self._read_versions(_VERSIONS.outdated_since.is_not(None))

    def _read_versions(self, *conditions: ColumnElement[bool]) -> dict[Key, Version]:
        columns = (_VERSIONS[name] for name in (*Key._fields, *Version.__dataclass_fields__))
        with self._engine.connect() as connection:
            rows = connection.execute(select(*columns).where(*conditions).order_by(_VERSIONS.version))
            return {Key(*row[:3]): Version(*row[3:]) for row in rows}

    def last_search(self, workspace: str) -> "Search":
        """Return the last search for outdated reports of *workspace*."""
        columns = (_SEARCHES[name] for name in Search._fields)
        with self._engine.connect() as connection:
            row = connection.execute(select(*columns).where(_SEARCHES.workspace == workspace)).first()
        return Search(*row) if row else Search(workspace, 0, "", {})

    def to_examine(self, workspace: str, since: date | None) -> dict[Key, Version]:
        """Return the newest version of each report of *workspace* that may be outdated.

        These are the versions whose days end on the day *since* or later (None: there is no such day), those
        that no search has examined, and provisional ones, whose source may have resumed.
        """
        names = (*Key._fields, *Version.__dataclass_fields__)
        number = func.row_number().over(
            partition_by=(_VERSIONS.report, _VERSIONS.report_date), order_by=_VERSIONS.version.desc()
        )
        numbered = (
            select(REPORT_VERSIONS, number.label("number")).where(_VERSIONS.workspace == workspace).subquery()
        )
        row = numbered.c
        conditions = [~row.is_examined, row.provisional]
        if since is not None:
            conditions.append(row.last_day >= since)
        query = select(*(row[name] for name in names)).where(row.number == 1, or_(*conditions))
        with self._engine.connect() as connection:
            return {Key(*found[:3]): Version(*found[3:]) for found in connection.execute(query)}

    def end_search(
        self,
        search: "Search",
        examined: Mapping[Key, Version],
        outdated: Iterable[Key],
        now: datetime,
    ) -> bool:
        """Store *search*, and mark the versions *examined*, some as *outdated* since *now* unless they are.

        Return False, and store nothing, where another search has ended since the one before.
        """
        row = search._asdict()
        before = _SEARCHES.workspace == search.workspace, _SEARCHES.number == search.number - 1
        try:
            with self._engine.begin() as connection:
                if search.number == 1:
                    connection.execute(insert(OUTDATED_SEARCHES).values(row))
                elif not connection.execute(update(OUTDATED_SEARCHES).where(*before).values(row)).rowcount:
                    return False
                outdated_since = func.coalesce(_VERSIONS.outdated_since, now)
                for key, version in examined.items():
                    values = {"outdated_since": outdated_since} if key in outdated else {}
                    connection.execute(
                        update(REPORT_VERSIONS)
                        .where(*_matches_key(key), _VERSIONS.version == version.version)
                        .where(_VERSIONS.made_at == version.made_at)
                        .values(is_examined=True, **values)
                    )
        except IntegrityError:
            return False
        return True

    def versions(self, workspace: str, first: date = date.min, last: date = date.max) -> list[RowMapping]:
        """Return the versions of *workspace* with a report date from *first* to *last*, newest date first."""
        order = (_VERSIONS.report_date.desc(), _VERSIONS.report, _VERSIONS.version.desc())
        of_dates = _VERSIONS.report_date.between(first, last)
        return self._read_rows(
            select(REPORT_VERSIONS).where(_VERSIONS.workspace == workspace, of_dates).order_by(*order)
        )

    def newest_of_each(self, workspace: str) -> list[RowMapping]:
        """Return the newest version of each report of *workspace*, the newest report date first."""
        number = func.row_number().over(
            partition_by=_VERSIONS.report, order_by=(_VERSIONS.report_date.desc(), _VERSIONS.version.desc())
        )
        numbered = (
            select(REPORT_VERSIONS, number.label("number")).where(_VERSIONS.workspace == workspace).subquery()
        )
        columns = (numbered.c[column.name] for column in REPORT_VERSIONS.columns)
        order = numbered.c.report_date.desc(), numbered.c.report
        return self._read_rows(select(*columns).where(numbered.c.number == 1).order_by(*order))

    def date_of_row(self, workspace: str, number: int) -> date | None:
        """Return the report date of the *number*-th newest version of *workspace*, or None."""
        query = select(_VERSIONS.report_date).where(_VERSIONS.workspace == workspace)
        with self._engine.connect() as connection:
            found: date | None = connection.scalar(
                query.order_by(_VERSIONS.report_date.desc()).offset(number - 1).limit(1)
            )
            return found

    def months(self, workspace: str) -> dict[date, list[Any]]:
        """Return figures of the versions of each month of report dates, by its first day, the newest first.

        The first is their number; together they differ once a version is added, removed or marked.
        """
        year, month = (func.extract(part, _VERSIONS.report_date) for part in ("year", "month"))
        figures = (
            func.count(),
            func.sum(_VERSIONS.version),
            func.sum(_VERSIONS.total),
            func.max(_VERSIONS.made_at),
            func.count(_VERSIONS.outdated_since),
        )
        query = select(year, month, *figures).where(_VERSIONS.workspace == workspace)
        with self._engine.connect() as connection:
            rows = connection.execute(query.group_by(year, month).order_by(year.desc(), month.desc()))
            return {date(int(row[0]), int(row[1]), 1): list(row[2:]) for row in rows}

    def listed(self) -> list[tuple[Key, int]]:
        """Return every version that the catalog lists."""
        columns = (_VERSIONS[name] for name in (*Key._fields, "version"))
        rows = self._read_rows(select(*columns))
        return [(Key(row["workspace"], row["report"], row["report_date"]), row["version"]) for row in rows]

    def workspaces(self) -> list[RowMapping]:
        """Return each workspace with its versions, newest report date, and number of outdated reports."""
        return self._read_rows(
            select(
                _VERSIONS.workspace,
                func.max(_VERSIONS.workspace_name).label("name"),
                func.count().label("versions"),
                func.max(_VERSIONS.report_date).label("report_date"),
                func.count(_VERSIONS.outdated_since).label("outdated"),
            )
            .group_by(_VERSIONS.workspace)
            .order_by(_VERSIONS.workspace)
        )

    def first_report_date(self, workspace: str) -> date | None:
        """Return the earliest report date of *workspace*; None if nothing is archived."""
        query = select(func.min(_VERSIONS.report_date)).where(_VERSIONS.workspace == workspace)
        with self._engine.connect() as connection:
            first: date | None = connection.scalar(query)
            return first

    def languages(self) -> set[str | None]:
        """Return the languages of the newest version of every report; None is a version without one."""
        newest_first = (_VERSIONS.report_date.desc(), _VERSIONS.version.desc())
        number = func.row_number().over(
            partition_by=(_VERSIONS.workspace, _VERSIONS.report), order_by=newest_first
        )
        numbered = select(_VERSIONS.language, number.label("number")).subquery()
        rows = self._read_rows(select(numbered.c.language).where(numbered.c.number == 1).distinct())
        return {row["language"] for row in rows}

    def forget(self, versions: Iterable[tuple[Key, int]]) -> None:
        """Delete *versions*, which are no longer archived, from the catalog."""
        with self._engine.begin() as connection:
            for key, version in versions:
                connection.execute(
                    delete(REPORT_VERSIONS).where(*_matches_key(key), _VERSIONS.version == version)
                )

    def forget_all_but(self, held: Collection[tuple[Key, int]], workspace: str | None = None) -> None:
        """Delete every version that is not *held* from the catalog, or only those of *workspace*."""
        listed = (version for version in self.listed() if workspace in {None, version[0].workspace})
        self.forget(version for version in listed if version not in held)

    def skip(self, key: Key, reason: str, now: datetime) -> bool:
        """Record that *key* is skipped; tell whether that is new."""
        return self._insert_new(SKIPPED_REPORTS, key._asdict() | {"skipped_at": now, "reason": reason})

    def skipped(self, since: date) -> set[Key]:
        """Return the skipped reports with a report date from *since* on."""
        table = SKIPPED_REPORTS.c
        rows = self._read_rows(
            select(table.workspace, table.report, table.report_date).where(table.report_date >= since)
        )
        return {Key(**row) for row in rows}

    def _read_rows(self, statement: Select[Any]) -> list[RowMapping]:
        with self._engine.connect() as connection:
            return list(connection.execute(statement).mappings())

    def _insert_new(self, table: Table, row: dict[str, Any]) -> bool:
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(table).values(row))
        except IntegrityError:
            return False
        return True


def _matches_key(key: Key) -> tuple[ColumnElement[bool], ...]:
    return tuple(_VERSIONS[name] == value for name, value in key._asdict().items())


def _read_presentation(archived: Archived) -> dict[str, str | float | None]:
    """Return what the index shows of a report; empty if a release with another model wrote it."""
    try:
        report = archived.report()
    except ValidationError:
        return {}
    change = report.comparison.change_pct if report.comparison else None
    return {
        "language": report.look.language,
        "change_pct": change,
        "compare_with": report.compare_with.value,
        "goals_met": sum(result.is_met is True for result in report.goals),
        "goals_missed": sum(result.is_met is False for result in report.goals),
    }
