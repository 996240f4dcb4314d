"""Draft a configuration from files or a database: columns, time zone and format proposed, each guess named.

`assignment-reports init` prints what was guessed and writes the file. Nothing is loaded.
"""

import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pyarrow as pa
import yaml
from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from assets.config.deployment import Config
from assets.config.source import FilesSource
from assets.errors import ConfigError, ReportError
from assets.events import CONTRACT_COLUMNS, contract_column
from assets.extract.source_probe import Trial, try_source
from assets.runtime.extras import require
from assets.sources.base import LOG_HEADER, is_printed_log
from assets.sources.files.delimited import read_header
from assets.sources.files.source import files_of
from assets.sources.files.text_files import text_file
from assets.sources.registry import open_source

_ALIKE = {
    "event_id": ("id", "uuid", "event"),
    "occurred_at": (
        *("timestamp", "time", "date", "datetime", "created_at", "created", "assigned_at", "happened_at"),
        *(
            "occurred",
            "when",
            "changed_at",
            "date_time",
            "zeitpunkt",
            "zeit",
            "datum",
            "fecha",
            "hora",
            "data",
        ),
    ),
    "conversation_id": (
        "conversation",
        "ticket_id",
        "ticket",
        "case_id",
        "thread_id",
        "chat_id",
        "konversation",
        "conversa",
    ),
    "contact_id": (
        "contact",
        "customer_id",
        "customer",
        "client_id",
        "user_id",
        "requester_id",
        "kunde",
        "kontakt",
        "cliente",
    ),
    "contact_name": ("customer_name", "client_name", "requester_name", "kundenname", "name"),
    "previous_assignee_name": ("previous_agent", "from_agent", "old_assignee", "assigned_from", "from"),
    "assignee_name": (
        "agent",
        "agent_name",
        "owner",
        "assigned_to",
        "new_assignee",
        "to_agent",
        "to",
        "bearbeiter",
        "agente",
    ),
    "assignee_id": ("agent_id", "owner_id"),
    "source": ("channel", "via", "assigned_via", "assignment_source", "trigger", "kanal", "quelle", "canal"),
    "assigned_by_name": ("assigner", "by", "actor", "changed_by"),
}
_TIME_FORMATS = (
    *("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M"),
    *("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M"),
    *("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y, %I:%M:%S %p", "%m/%d/%Y, %I:%M %p"),
    *("%d/%m/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M %p", "%d/%m/%Y, %H:%M:%S", "%d/%m/%Y, %H:%M"),
    *("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%d %b %Y %H:%M:%S", "%d %b %Y %H:%M", "%b %d, %Y %I:%M %p"),
)
_NAMED_ENCODING = re.compile(r"set `encoding: ([\w-]+)`")
_LACKS_ZONE = ("have no zone", "has no zone")


@dataclass(slots=True)
class Draft:
    """A configuration of one workspace, and what was guessed; `zone` is the workspace's."""

    zone: str
    source: dict[str, Any]
    guesses: list[str] = field(default_factory=list)
    first_day: str = ""

    def text(self) -> str:
        """Return the commented YAML."""
        written = yaml.safe_dump(self.source, sort_keys=False, allow_unicode=True, width=90)
        source = "".join(f"      {line}\n" for line in written.splitlines())
        guesses = "".join(f"# * {each}\n" for each in self.guesses)
        return (
            "# Written by `assignment-reports init`. Check these guesses:\n"
            f"{guesses}"
            "# `assignment-reports sources test` shows how rows are read; `schema` describes every key.\n"
            "lake: ./lake                       # tables, as Parquet files\n"
            "archive: ./reports_out             # archived reports\n"
            "workspaces:\n"
            "  - slug: inbox                    # folder and asset name\n"
            "    name: Our inbox                # shown in the reports\n"
            f"    timezone: {self.zone}\n"
            f"    first_day: {self.first_day}          # first day with data in the source\n"
            "    source:\n"
            f"{source}"
        )


def zone_of_machine() -> str:
    """Return the IANA zone of this machine, or UTC where it does not say."""
    named = os.environ.get("TZ", "").lstrip(":")
    link = Path("/etc/localtime")
    if not named and link.is_symlink():
        named = str(link.resolve()).partition("zoneinfo/")[2]
    return named if named in available_timezones() else "UTC"


def draft_from_files(files: Sequence[Path], zone: str, folder: Path, now: datetime) -> Draft:
    """Return a draft for *files*, relative to *folder*, of a workspace in *zone*.

    Raises ConfigError where no draft is found that reads them.
    """
    if absent := [path for path in files if not path.exists()]:
        raise ConfigError(f"{absent[0]}: file not found")
    draft = Draft(zone, {"type": "files", "path": _path_pattern(files, folder)})
    if len(files) > 1:
        draft.guesses.append(f"path: one pattern for {len(files)} files")
    _refine_draft(draft, _names_of_file(files[0], draft), folder, now)
    return draft


def draft_from_database(url: str, zone: str, folder: Path, now: datetime) -> Draft:
    """Return a draft for the table of the database at *url* that looks most like assignments.

    Raises ConfigError where it cannot be read, or no table has a time and an assignee.
    """
    if url.startswith("postgresql"):
        require("postgresql", "the database URL")
    try:
        inspector = inspect(create_engine(url, poolclass=NullPool, hide_parameters=True))
        tables = {
            name: [str(column["name"]) for column in inspector.get_columns(name)]
            for name in [*inspector.get_table_names(), *inspector.get_view_names()]
        }
    except (ArgumentError, SQLAlchemyError, ImportError) as error:
        raise ConfigError(f"the database cannot be read: {str(error).splitlines()[0]}") from None
    ranked = sorted(tables, key=lambda name: (-len(_match_columns(tables[name])), name))
    usable = [name for name in ranked if _is_usable(_match_columns(tables[name]))]
    if not usable:
        listed = ", ".join(f"{name} ({', '.join(columns)})" for name, columns in tables.items()) or "none"
        raise ConfigError(f"no table has columns for a time and an assignee; found {listed}")
    draft = Draft(zone, {"type": "sql", "url": _relative_url(url, folder), "table": usable[0]})
    draft.guesses.append(f"table: {usable[0]}, of {len(tables)} tables")
    if make_url(url).password:
        draft.guesses.append(
            "url: contains a password; replace it with ${DB_PASSWORD}, and set that environment variable"
        )
    _refine_draft(draft, tables[usable[0]], folder, now)
    return draft


def _refine_draft(draft: Draft, names: Sequence[str], folder: Path, now: datetime) -> None:
    """Add columns, zone and format to *draft*, as far as trying it asks for them. Raises ConfigError."""
    if names and not is_printed_log(names):
        columns = {
            column: name
            for column, name in _match_columns(names).items()
            if not _maps_by_itself(column, name)
        }
        if columns:
            draft.source["columns"] = columns
            draft.guesses.append(f"columns: matched by name, {', '.join(map(' = '.join, columns.items()))}")
    trial = _try_draft(draft, folder, now)
    if isinstance(trial, str) and (encoding := _NAMED_ENCODING.search(trial)):
        draft.source["encoding"] = encoding[1]
        draft.guesses.append(f"encoding: {encoding[1]}, detected from non-ASCII characters")
        trial = _try_draft(draft, folder, now)
    if _lacks_zone(trial):
        trial = _with_zone(draft, folder, now)
    if not isinstance(trial, str) and trial.rejected:
        trial = _with_format(draft, trial, folder, now)
    if isinstance(trial, str):
        raise ConfigError(f"cannot detect how to read it: {trial}")
    draft.first_day = _first_day(trial, draft)


def _with_zone(draft: Draft, folder: Path, now: datetime) -> "Trial | str":
    draft.source["timezone"] = draft.zone
    draft.guesses.append(f"source.timezone: {draft.zone}, because the times have no zone")
    return _try_draft(draft, folder, now)


def _with_format(draft: Draft, trial: Trial, folder: Path, now: datetime) -> "Trial | str":
    """Find the format that reads most times; where day and month may be either, the day comes first."""
    best, best_rejected, alike = trial, trial.rejected, list[str]()
    for time_format in _TIME_FORMATS:
        given = {"time_format": time_format, "timezone": draft.zone}
        found = _try_draft(Draft(draft.zone, {**draft.source, **given}), folder, now)
        if isinstance(found, str) or found.rejected > best_rejected:
            continue
        if found.rejected < best_rejected:
            best, best_rejected, alike = found, found.rejected, []
        alike.append(time_format)
    if alike:
        draft.source |= {"time_format": alike[0], "timezone": draft.zone}
        others = f"; {', '.join(alike[1:])} would also match; check the days" if alike[1:] else ""
        draft.guesses.append(f"time_format: {alike[0]}, in {draft.zone}{others}")
    return best


def _try_draft(draft: Draft, folder: Path, now: datetime) -> "Trial | str":
    """Return what the first rows show, or why they cannot be read."""
    entry = {
        "slug": "inbox",
        "name": "Our inbox",
        "timezone": draft.zone,
        "first_day": "2000-01-01",
        "source": draft.source,
    }
    raw = {"lake": "lake", "archive": "reports_out", "workspaces": [entry]}
    (workspace,) = Config.model_validate(raw, context={"folder": folder.resolve()}).workspaces
    try:
        return try_source(open_source(workspace, now), workspace, now)
    except ReportError as error:
        return str(error)


def _lacks_zone(trial: "Trial | str") -> bool:
    said = trial if isinstance(trial, str) else trial.first_rejected
    return any(words in said for words in _LACKS_ZONE)


def _first_day(trial: Trial, draft: Draft) -> str:
    if trial.first_at is None:
        raise ConfigError(f"cannot detect its time format: {trial.first_rejected}")
    draft.guesses.append(
        "first_day: the earliest day in the first rows; set it to the first day of your data"
    )
    return str(trial.first_at.astimezone(ZoneInfo(draft.zone)).date())


def _match_columns(names: Iterable[str]) -> dict[str, str]:
    """Return contract column -> the name that most likely stands for it, each name once."""
    called = {_plain_name(name): name for name in names}
    found = dict[str, str]()
    for column in CONTRACT_COLUMNS:
        shorts = [
            short
            for short in ("previous_assignee", "assignee", "assigned_by")
            if contract_column(short) == column
        ]
        log = [_plain_name(text) for text, meant in LOG_HEADER.items() if meant == column]
        for alias in (column, *shorts, *log, *_ALIKE.get(column, ())):
            if alias in called and called[alias] not in found.values():
                found[column] = called[alias]
                break
    return found


def _is_usable(found: Mapping[str, str]) -> bool:
    return "occurred_at" in found and not {"assignee_name", "assignee_id"}.isdisjoint(found)


def _maps_by_itself(column: str, name: str) -> bool:
    return contract_column(_plain_name(name)) == column


def _plain_name(name: str) -> str:
    return re.sub(r"\W+", "_", name.strip().lower()).strip("_")


def _names_of_file(path: Path, draft: Draft) -> list[str]:
    """Return the columns of a file; of JSON lines the keys of the first, of other kinds none are needed."""
    options = FilesSource(type="files", path=str(path.resolve()))
    kind = next((each for each in reversed(path.suffixes) if each not in {".gz", ".bz2", ".zst"}), "").lower()
    if kind == ".parquet":
        import pyarrow.parquet as pq

        names: list[str] = pq.read_schema(path).names
        return names
    if kind not in {".csv", ".tsv"}:
        return _names_of_rows(path, kind)
    try:
        with text_file(path, options.encoding) as text:
            return read_header(text).names
    except ValueError as error:
        if encoding := _NAMED_ENCODING.search(str(error)):
            draft.source["encoding"] = encoding[1]
            draft.guesses.append(f"encoding: {encoding[1]}, detected from non-ASCII characters")
            with text_file(path, encoding[1]) as text:
                return read_header(text).names
        raise ConfigError(f"{path}: {error}") from None


def _names_of_rows(path: Path, kind: str) -> list[str]:
    if kind == ".xlsx":
        from python_calamine import CalamineWorkbook

        with CalamineWorkbook.from_path(path) as workbook:
            rows = workbook.get_sheet_by_index(0).to_python(nrows=1)
            return [str(cell) for cell in rows[0]] if rows else []
    import json

    with pa.input_stream(path) as stream:
        first = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace").readline()
    try:
        found = json.loads(first)
    except ValueError:
        return []
    return list(found) if isinstance(found, dict) else []


def _path_pattern(files: Sequence[Path], folder: Path) -> str:
    """Return a pattern that holds *files*: the path of a single one, else all of a kind in their folder."""
    resolved = [path.resolve() for path in files]
    parents = {path.parent for path in resolved}
    if len(parents) > 1:
        raise ConfigError(
            "the files are in several folders\nhint: name files of one folder, or write `path` by hand"
        )
    kinds = {
        "".join(path.suffixes[-2:] if path.suffix in {".gz", ".bz2", ".zst"} else [path.suffix])
        for path in files
    }
    parent = parents.pop()
    if len(resolved) == 1:
        pattern = resolved[0]
    else:
        pattern = parent / (f"*{kinds.pop()}" if len(kinds) == 1 else "*")
        files_of(str(pattern))
    try:
        return str(pattern.relative_to(folder.resolve()))
    except ValueError:
        return str(pattern)


def _relative_url(url: str, folder: Path) -> str:
    made = make_url(url)
    if made.get_backend_name() == "sqlite" and made.database:
        path = Path(made.database).resolve()
        if path.is_relative_to(folder.resolve()):
            return f"sqlite:///{path.relative_to(folder.resolve())}"
        return f"sqlite:///{path}"
    return url
