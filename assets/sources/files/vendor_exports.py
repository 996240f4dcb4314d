"""Exports of other systems as JSON: what of each is an assignment.

Zendesk's ticket audits and ticket events, Intercom's conversations or their parts, Zammad's histories: one
object a line, one page of an API a line, or one document. Names come from the users that a page or a document
lists beside; where it lists none, people are shown by their ids.
"""

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow.csv import ParseOptions

from assets.config.source import FilesSource
from assets.runtime import duckdb_engine
from assets.sources.base import CELL_LIMIT, Batch
from assets.sources.files.delimited import LINES, ONE_CELL, numbered_batches
from assets.sources.files.json_text import FIELDS, UNWRAP, whole_escapes
from assets.sources.files.text_files import MAX_LINE_BYTES, TextFile, text_file

_DOCUMENTS = {
    "zendesk_audits": ("audits", "ticket_audits", "ticket_events"),
    "intercom_conversations": ("conversations", "data"),
    "zammad_histories": ("history", "histories"),
}
_ROWS_AT_ONCE = 50_000
_MAX_DOCUMENT_BYTES = 512 << 20

_ZENDESK = """
    SELECT coalesce(change->>'$.id', (line->>'$.id') || '-' || place) AS event_id,
        coalesce(line->>'$.created_at', line->>'$.timestamp') AS occurred_at,
        line->>'$.ticket_id' AS conversation_id, NULL AS contact_id,
        true AS previous_stated, field(change, '$.previous_value') AS previous_assignee_id,
        NULL AS previous_assignee_name,
        if(is_field, field(change, '$.value'), field(change, '$.assignee_id')) AS assignee_id,
        NULL AS assignee_name, NULL AS assignee_kind,
        CASE WHEN channel IN ('rule', '8') THEN 'workflow'
            WHEN channel IN ('api', '5', 'web service') THEN 'developer_api'
            WHEN channel IN ('web', '0', 'mobile', '56', 'web form') AND author_id <> '-1' THEN 'user'
            ELSE channel END AS source,
        CASE WHEN source = 'user' THEN author_id END AS assigned_by_id, NULL AS assigned_by_name,
        CASE WHEN NOT coalesce(is_value(change, if(is_field, '$.value', '$.assignee_id')), true)
            OR NOT coalesce(is_value(change, '$.previous_value'), true)
            THEN 'its assignee is not understood' END AS fault,
        position * 10_000 + place AS position, change::VARCHAR AS read
    FROM (
        SELECT *, (change->>'$.field_name') = 'assignee_id' AS is_field,
            coalesce(line->>'$.author_id', line->>'$.updater_id') AS author_id,
            lower(coalesce(change->>'$.via.channel', field(change, '$.via'),
                line->>'$.via.channel', field(line, '$.via'))) AS channel
        FROM (SELECT *, unnest(changes) AS change, generate_subscripts(changes, 1) AS place
            FROM (SELECT *, coalesce(json_extract(line, '$.events[*]'), []) || coalesce(
                json_extract(line, '$.child_events[*]'), []) AS changes FROM objects)))
    WHERE is_field OR (is_field IS NULL AND json_exists(change, '$.assignee_id'))"""

_INTERCOM = """
    SELECT part->>'$.id' AS event_id, part->>'$.created_at' AS occurred_at,
        coalesce(part->>'$.conversation_id', line->>'$.id') AS conversation_id,
        line->>'$.contacts.contacts[0].id' AS contact_id, false AS previous_stated,
        NULL AS previous_assignee_id, NULL AS previous_assignee_name,
        CASE WHEN is_nobody THEN NULL
            WHEN assignee_type = 'team' THEN 'team-' || field(part, '$.assigned_to.id')
            ELSE coalesce(field(part, '$.assigned_to.id'), field(part, '$.assigned_to')) END AS assignee_id,
        CASE WHEN NOT is_nobody THEN field(part, '$.assigned_to.name') END AS assignee_name,
        CASE WHEN NOT is_nobody THEN assignee_type END AS assignee_kind,
        CASE field(part, '$.author.type') WHEN 'admin' THEN 'user' WHEN 'user' THEN 'contact'
            ELSE field(part, '$.author.type') END AS source,
        CASE WHEN source = 'user' THEN part->>'$.author.id' END AS assigned_by_id,
        CASE WHEN source = 'user' THEN part->>'$.author.name' END AS assigned_by_name,
        CASE WHEN NOT is_nobody AND assignee_id IS NULL THEN 'its assignee is not understood' END AS fault,
        position * 10_000 + place AS position, part::VARCHAR AS read
    FROM (SELECT *, field(part, '$.assigned_to.type') AS assignee_type,
            coalesce(starts_with(assignee_type, 'nobody'), false) AS is_nobody
        FROM (SELECT *, unnest(parts) AS part, generate_subscripts(parts, 1) AS place
            FROM parts_of_objects))
    WHERE (part->>'$.assigned_to') IS NOT NULL"""  # whatever the type of the part: replies assign, too

_PARTS = """
    CREATE OR REPLACE TEMP VIEW parts_of_objects AS
    SELECT *, CASE WHEN json_exists(line, '$.part_type') THEN [line::JSON]
        WHEN json_type(line, '$.conversation_parts') = 'ARRAY'
        THEN json_extract(line, '$.conversation_parts[*]')
        ELSE json_extract(line, '$.conversation_parts.conversation_parts[*]') END AS parts FROM objects"""

_CUT_OFF = """
    SELECT list_min(list_transform(parts, lambda part: part->>'$.created_at')) AS occurred_at,
        line->>'$.id' AS conversation_id, NULL AS assignee_name, row_number,
        'has ' || len(parts) || ' of its ' || (line->>'$.conversation_parts.total_count') ||
            ' parts: assignments in the others are not known' AS fault,
        json_object('conversation', line->>'$.id')::VARCHAR AS raw
    FROM parts_of_objects
    WHERE try_cast(line->>'$.conversation_parts.total_count' AS BIGINT) > len(parts) ORDER BY row_number"""

_ZAMMAD = """
    SELECT line->>'$.id' AS event_id, line->>'$.created_at' AS occurred_at,
        line->>'$.o_id' AS conversation_id, NULL AS contact_id, true AS previous_stated,
        nullif(line->>'$.id_from', '1') AS previous_assignee_id,
        nullif(nullif(line->>'$.value_from', '-'), '') AS previous_assignee_name,
        nullif(line->>'$.id_to', '1') AS assignee_id,
        nullif(nullif(line->>'$.value_to', '-'), '') AS assignee_name, NULL AS assignee_kind,
        CASE WHEN (line->>'$.sourceable_type') = 'AI::Agent' THEN 'ai_agent'
            WHEN created_by = '1' OR (line->>'$.sourceable_type') IN ('Trigger', 'Job',
                'PostmasterFilter') THEN 'workflow'
            ELSE 'user' END AS source,
        CASE WHEN source = 'user' THEN created_by END AS assigned_by_id,
        NULL AS assigned_by_name, NULL AS fault, position, line::VARCHAR AS read
    FROM (SELECT *, coalesce(line->>'$.created_by_id', line->>'$.created_by.id') AS created_by FROM objects)
    WHERE named(line, 'attribute') = 'owner' AND coalesce(named(line, 'object'), 'Ticket') = 'Ticket'"""

_QUERIES = {
    "zendesk_audits": _ZENDESK,
    "intercom_conversations": _INTERCOM,
    "zammad_histories": _ZAMMAD,
}
_IS_OF = {
    "zendesk_audits": "'ARRAY' IN (json_type(line, '$.events'), json_type(line, '$.child_events'))",
    "intercom_conversations": "json_exists(line, '$.part_type') OR 'ARRAY' IN ("
    "json_type(line, '$.conversation_parts'), json_type(line, '$.conversation_parts.conversation_parts'))",
    "zammad_histories": "json_exists(line, '$.o_id') AND (json_exists(line, '$.attribute') "
    "OR json_exists(line, '$.history_attribute'))",
}
_IS_NOT = {
    "zendesk_audits": "is no audit of Zendesk: it has no list `events` or `child_events`",
    "intercom_conversations": "is no conversation of Intercom with its parts: it has no "
    "`conversation_parts`, which lists and searches leave out; retrieve each conversation",
    "zammad_histories": "is no history of Zammad: it has no `o_id` and `attribute`",
}
_NAMED = """
    SELECT * EXCLUDE (read) REPLACE (
        coalesce(previous_assignee_name, (SELECT max(name) FROM people WHERE id = previous_assignee_id))
            AS previous_assignee_name,
        coalesce(assignee_name, (SELECT max(name) FROM people WHERE id = assignee_id)) AS assignee_name,
        coalesce(assigned_by_name, (SELECT max(name) FROM people WHERE id = assigned_by_id))
            AS assigned_by_name, position::BIGINT AS position), NULL::BIGINT AS row_number,
        CASE WHEN fault IS NOT NULL THEN left(read, 1_048_576) END AS raw
    FROM ({})"""
_BROKEN = """
    SELECT NULL AS occurred_at, NULL AS conversation_id, NULL AS assignee_name, row_number,
        CASE WHEN is_object THEN '{}' ELSE 'is no JSON object' END AS fault, left(raw, 1_048_576) AS raw
    FROM items WHERE NOT is_object OR NOT coalesce({}, false) ORDER BY position"""
_OBJECTS = """
    CREATE OR REPLACE TEMP TABLE unwrapped_lines AS
    SELECT row_number, line AS raw, object IS NOT NULL AS is_object, unwrapped(object) AS line FROM (
        SELECT row_number, line,
            CASE WHEN json_valid(line) AND json_type(line) = 'OBJECT' THEN line END::JSON AS object
        FROM lines)
    WHERE NOT is_message(object);
    CREATE OR REPLACE TEMP TABLE items AS  -- a line may be a page of an API
    SELECT row_number, coalesce(line::VARCHAR, raw) AS raw, line, row_number * 10_000 + place AS position,
        coalesce(json_type(line) = 'OBJECT', false) AS is_object
    FROM (SELECT row_number, raw, unnest(lines) AS line, generate_subscripts(lines, 1) AS place
        FROM (SELECT *, coalesce({}, [line]) AS lines FROM unwrapped_lines));
    CREATE OR REPLACE TEMP VIEW people AS
    FROM listed_people
    UNION ALL SELECT each->>'$.id' AS id, coalesce(each->>'$.name', nullif(trim(concat_ws(' ',
        each->>'$.firstname', each->>'$.lastname')), '')) AS name
    FROM (SELECT unnest(coalesce(json_extract(line, '$.users[*]'), []) || coalesce(
        json_extract(line, '$.assets.User.*'), [])) AS each FROM unwrapped_lines);
    CREATE OR REPLACE TEMP VIEW objects AS
    SELECT row_number, position, line FROM items WHERE is_object AND ({})"""
_LIST = "CASE WHEN json_type(line, '$.{0}') = 'ARRAY' THEN json_extract(line, '$.{0}[*]') END"
_MACROS = """
    CREATE OR REPLACE MACRO named(line, key) AS coalesce(  -- a name, or an object with one
        line->>('$.' || key || '.name'), line->>('$.history_' || key || '.name'),
        field(line, '$.' || key), field(line, '$.history_' || key))"""


def read_export(path: Path, origin: str, options: FilesSource) -> Iterator[Batch]:
    """Yield the assignments of an export of the configured layout. Raises ValueError where it is no JSON."""
    layout = options.layout or ""
    with duckdb_engine.connect() as connection, text_file(path, options.encoding) as text:
        connection.execute(UNWRAP)
        connection.execute(FIELDS)
        connection.execute(_MACROS)
        lists = ", ".join(_LIST.format(key) for key in _DOCUMENTS[layout])
        for lines, people in _objects(text, layout):
            whole = pa.table({"line": whole_escapes(lines["line"]), "row_number": lines["row_number"]})
            connection.register("lines", whole)
            connection.register("listed_people", people)
            connection.execute(_OBJECTS.format(lists, _IS_OF[layout]))
            connection.execute(_PARTS)
            queries = [_NAMED.format(_QUERIES[layout]), _BROKEN.format(_IS_NOT[layout], _IS_OF[layout])]
            for query in queries + [_CUT_OFF] * (layout == "intercom_conversations"):
                yield from _batches(connection, query, origin)


def _batches(connection: duckdb.DuckDBPyConnection, query: str, origin: str) -> Iterator[Batch]:
    for batch in connection.sql(query).to_arrow_reader(duckdb_engine.BATCH_ROWS):
        if batch.num_rows:
            yield Batch(batch, origin)


def _objects(text: TextFile, layout: str) -> Iterator[tuple[pa.RecordBatch, pa.Table]]:
    """Yield the objects of *text* with their numbers, and the people that are listed beside them."""
    document = _document(text)
    if document is None:
        for lines in numbered_batches(text, LINES, ParseOptions(**ONE_CELL)):
            yield lines, _people([])
        return
    found, users = (document, []) if isinstance(document, list) else _listed(document, layout)
    for first in range(0, len(found), _ROWS_AT_ONCE):
        some = [json.dumps(each) for each in found[first : first + _ROWS_AT_ONCE]]
        numbers = pa.array(range(first + 1, first + 1 + len(some)), pa.int64())
        lines = pa.array(some, pa.string())
        yield pa.RecordBatch.from_pydict({"line": lines, "row_number": numbers}), _people(users)


def _listed(document: dict[str, Any], layout: str) -> tuple[list[Any], list[dict[str, Any]]]:
    """Return the objects of a document and its users. Raises ValueError where it is none of *layout*."""
    users = _values(document.get("users")) or _values(_child(document.get("assets"), "User"))
    for key in _DOCUMENTS[layout]:
        if isinstance(document.get(key), list):
            return document[key], users
        if isinstance(document.get(key.removesuffix("s")), dict):
            return [document[key.removesuffix("s")]], users
    if document.keys().isdisjoint(
        {"events", "child_events", "conversation_parts", "part_type", "o_id", "record", "_airbyte_data"}
    ):
        raise ValueError(f"has none of {', '.join(_DOCUMENTS[layout])}: is it {layout}?")
    return [document], users  # one conversation, as the API gives it


def _document(text: TextFile) -> dict[str, Any] | list[Any] | None:
    """Return the one JSON object or list that the file is, or None where each line is an object."""
    first, _, more = text.start(MAX_LINE_BYTES + CELL_LIMIT).lstrip().partition(b"\n")
    if more.strip() and _is_object(first):
        return None
    with text.open() as stream:
        content = stream.read(_MAX_DOCUMENT_BYTES + 1)
    if len(content) > _MAX_DOCUMENT_BYTES:
        raise ValueError(
            f"is a document of more than {_MAX_DOCUMENT_BYTES >> 20} MiB; write one object a line"
        )
    document = json.loads(content.removeprefix(codecs.BOM_UTF8))
    if not isinstance(document, dict | list):
        raise ValueError("is no JSON object; write one object a line")  # noqa: TRY004 - of the file
    return document


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _child(of: Any, key: str) -> Any:
    return of.get(key) if isinstance(of, dict) else None


def _values(of: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, or of an object that has them by their ids."""
    values = of.values() if isinstance(of, dict) else of if isinstance(of, list) else []
    return [each for each in values if isinstance(each, dict)]


def _people(users: list[dict[str, Any]]) -> pa.Table:
    """Return `id` and `name`; Zammad has the name in two parts."""
    names = [
        each.get("name") or f"{each.get('firstname', '')} {each.get('lastname', '')}".strip()
        for each in users
    ]
    ids = [str(each.get("id")) for each in users]
    return pa.table({"id": pa.array(ids, pa.string()), "name": pa.array(names, pa.string())})
