"""Exports of other systems as JSON: what of each is an assignment. One object a line, or one document.

Zendesk ticket audits, Intercom conversations or their parts, Zammad histories. Names come from the users that
a document lists beside; where it lists none, people are shown by their ids.
"""

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow.csv import ParseOptions

from assets.source_config import FilesSource
from assets.sources.batches import CELL_LIMIT, Batch
from assets.sources.delimited import ONE_CELL, numbered_batches
from assets.sources.json_text import UNWRAP, whole_escapes
from assets.sources.text_files import MAX_LINE_BYTES, TextFile, text_file
from assets.warehouse import engine

_DOCUMENTS = {
    "zendesk_audits": ("audits", "ticket_audits"),
    "intercom_conversations": ("conversations", "data"),
    "zammad_histories": ("history", "histories"),
}
_ROWS_AT_ONCE = 50_000
_MAX_DOCUMENT_BYTES = 512 << 20

_ZENDESK = """
    SELECT coalesce(change->>'$.id', (line->>'$.id') || '-' || place) AS event_id,
        line->>'$.created_at' AS occurred_at, line->>'$.ticket_id' AS conversation_id, NULL AS contact_id,
        true AS previous_stated, nullif(change->>'$.previous_value', '') AS previous_assignee_id,
        NULL AS previous_assignee_name, nullif(change->>'$.value', '') AS assignee_id, NULL AS assignee_name,
        CASE WHEN channel IN ('rule', '8') THEN 'workflow' WHEN channel IN ('api', '5') THEN 'developer_api'
            WHEN channel IN ('web', '0', 'mobile', '56') AND (line->>'$.author_id') <> '-1' THEN 'user'
            ELSE channel END AS source,
        CASE WHEN source = 'user' THEN line->>'$.author_id' END AS assigned_by_id, NULL AS assigned_by_name,
        row_number AS line_number, place
    FROM (
        SELECT *, coalesce(change->>'$.via.channel', line->>'$.via.channel') AS channel
        FROM (SELECT *, unnest(json_extract(line, '$.events[*]')) AS change,
                generate_subscripts(json_extract(line, '$.events[*]'), 1) AS place FROM objects))
    WHERE (change->>'$.field_name') = 'assignee_id'"""

_INTERCOM = """
    SELECT part->>'$.id' AS event_id, part->>'$.created_at' AS occurred_at,
        coalesce(part->>'$.conversation_id', line->>'$.id') AS conversation_id,
        line->>'$.contacts.contacts[0].id' AS contact_id, false AS previous_stated,
        NULL AS previous_assignee_id, NULL AS previous_assignee_name,
        CASE part->>'$.assigned_to.type' WHEN 'team' THEN 'team-' || (part->>'$.assigned_to.id')
            WHEN 'nobody_admin' THEN NULL ELSE coalesce(part->>'$.assigned_to.id', part->>'$.assigned_to')
            END AS assignee_id, part->>'$.assigned_to.name' AS assignee_name,
        CASE part->>'$.author.type' WHEN 'admin' THEN 'user' ELSE part->>'$.author.type' END AS source,
        CASE WHEN source = 'user' THEN part->>'$.author.id' END AS assigned_by_id,
        CASE WHEN source = 'user' THEN part->>'$.author.name' END AS assigned_by_name,
        row_number AS line_number, place
    FROM (SELECT *, unnest(parts) AS part, generate_subscripts(parts, 1) AS place
        FROM (SELECT *, CASE WHEN json_exists(line, '$.part_type') THEN [line::JSON]
            ELSE json_extract(line, '$.conversation_parts.conversation_parts[*]') END AS parts FROM objects))
    WHERE (part->>'$.assigned_to') IS NOT NULL"""  # whatever the type of the part: replies assign, too

_ZAMMAD = """
    SELECT line->>'$.id' AS event_id, line->>'$.created_at' AS occurred_at,
        line->>'$.o_id' AS conversation_id, NULL AS contact_id, true AS previous_stated,
        nullif(line->>'$.id_from', '1') AS previous_assignee_id,
        nullif(nullif(line->>'$.value_from', '-'), '') AS previous_assignee_name,
        nullif(line->>'$.id_to', '1') AS assignee_id,
        nullif(nullif(line->>'$.value_to', '-'), '') AS assignee_name,
        CASE WHEN (line->>'$.sourceable_type') = 'AI::Agent' THEN 'ai_agent'
            WHEN (line->>'$.created_by_id') = '1' OR (line->>'$.sourceable_type') IN ('Trigger', 'Job',
                'PostmasterFilter') THEN 'workflow'
            ELSE 'user' END AS source,
        CASE WHEN source = 'user' THEN line->>'$.created_by_id' END AS assigned_by_id,
        NULL AS assigned_by_name, row_number AS line_number, 0 AS place
    FROM objects
    WHERE (line->>'$.attribute') = 'owner' AND coalesce(line->>'$.object', 'Ticket') = 'Ticket'"""

_QUERIES = {
    "zendesk_audits": _ZENDESK,
    "intercom_conversations": _INTERCOM,
    "zammad_histories": _ZAMMAD,
}
_IS_OF = {
    "zendesk_audits": "json_type(line, '$.events') = 'ARRAY'",
    "intercom_conversations": "json_exists(line, '$.part_type') OR json_exists(line, '$.conversation_parts')",
    "zammad_histories": "json_exists(line, '$.o_id') AND json_exists(line, '$.attribute')",
}
_IS_NOT = {
    "zendesk_audits": "is no audit of Zendesk: it has no list `events`",
    "intercom_conversations": "is no conversation of Intercom with its parts: it has no `conversation_parts`",
    "zammad_histories": "is no history of Zammad: it has no `o_id` and `attribute`",
}
_NAMED = """
    SELECT * EXCLUDE (line_number, place) REPLACE (
        coalesce(previous_assignee_name, (SELECT any_value(name) FROM people WHERE id = previous_assignee_id))
            AS previous_assignee_name,
        coalesce(assignee_name, (SELECT any_value(name) FROM people WHERE id = assignee_id)) AS assignee_name,
        coalesce(assigned_by_name, (SELECT any_value(name) FROM people WHERE id = assigned_by_id))
            AS assigned_by_name), NULL::BIGINT AS row_number,
        (line_number * 1_000_000 + place)::BIGINT AS position
    FROM ({})"""
_BROKEN = """
    SELECT NULL AS occurred_at, NULL AS conversation_id, NULL AS assignee_name, row_number,
        CASE WHEN is_object THEN '{}' ELSE 'is no JSON object' END AS fault, left(raw, 1_048_576) AS raw
    FROM unwrapped_lines WHERE NOT is_object OR NOT coalesce({}, false) ORDER BY row_number"""
_OBJECTS = """
    CREATE OR REPLACE TEMP TABLE unwrapped_lines AS
    SELECT row_number, line AS raw, object IS NOT NULL AS is_object, unwrapped(object) AS line FROM (
        SELECT row_number, line,
            CASE WHEN json_valid(line) AND json_type(line) = 'OBJECT' THEN line END::JSON AS object
        FROM lines)
    WHERE NOT is_message(object);
    CREATE OR REPLACE TEMP VIEW objects AS
    SELECT row_number, line FROM unwrapped_lines WHERE is_object AND ({})"""


def read_export(path: Path, origin: str, options: FilesSource) -> Iterator[Batch]:
    """Yield the assignments of an export of the configured layout. Raises ValueError where it is no JSON."""
    layout = options.layout or ""
    with engine.connect() as connection, text_file(path, options.encoding) as text:
        connection.execute(UNWRAP)
        for lines, people in _objects(text, layout):
            whole = pa.table({"line": whole_escapes(lines["line"]), "row_number": lines["row_number"]})
            connection.register("lines", whole)
            connection.register("people", people)
            connection.execute(_OBJECTS.format(_IS_OF[layout]))
            broken = _BROKEN.format(_IS_NOT[layout], _IS_OF[layout])
            for query in (_NAMED.format(_QUERIES[layout]), broken):
                yield from _batches(connection, query, origin)


def _batches(connection: duckdb.DuckDBPyConnection, query: str, origin: str) -> Iterator[Batch]:
    for batch in connection.sql(query).to_arrow_reader(engine.BATCH_ROWS):
        if batch.num_rows:
            yield Batch(batch, origin)


def _objects(text: TextFile, layout: str) -> Iterator[tuple[pa.RecordBatch, pa.Table]]:
    """Yield the objects of *text* with their numbers, and the people that are listed beside them."""
    document = _document(text)
    if document is None:
        for lines in numbered_batches(text, ["line"], ["line"], ParseOptions(**ONE_CELL), 0):
            yield lines, _people([])
        return
    found = next((document[key] for key in _DOCUMENTS[layout] if isinstance(document.get(key), list)), None)
    if found is None:
        found = [document]  # one conversation, as the API gives it
        if document.keys().isdisjoint({"events", "conversation_parts", "part_type", "o_id"}):
            raise ValueError(f"has none of {', '.join(_DOCUMENTS[layout])}: is it {layout}?")
    users = document.get("users") or list((document.get("assets") or {}).get("User", {}).values())
    for first in range(0, len(found), _ROWS_AT_ONCE):
        some = [json.dumps(each) for each in found[first : first + _ROWS_AT_ONCE]]
        numbers = pa.array(range(first + 1, first + 1 + len(some)), pa.int64())
        lines = pa.array(some, pa.string())
        yield pa.RecordBatch.from_pydict({"line": lines, "row_number": numbers}), _people(users)


def _document(text: TextFile) -> dict[str, Any] | None:
    """Return the one JSON object that the file is, or None where each line is one."""
    first, _, more = text.start(MAX_LINE_BYTES + CELL_LIMIT).partition(b"\n")
    if more.strip() and _is_object(first):
        return None
    with text.open() as stream:
        content = stream.read(_MAX_DOCUMENT_BYTES + 1)
    if len(content) > _MAX_DOCUMENT_BYTES:
        raise ValueError(
            f"is a document of more than {_MAX_DOCUMENT_BYTES >> 20} MiB; write one object a line"
        )
    document = json.loads(content.removeprefix(codecs.BOM_UTF8))
    if not isinstance(document, dict):
        raise ValueError("is no JSON object; write one object a line")  # noqa: TRY004 - of the file
    return document


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _people(users: list[dict[str, Any]]) -> pa.Table:
    """Return `id` and `name`; Zammad has the name in two parts."""
    names = [
        each.get("name") or f"{each.get('firstname', '')} {each.get('lastname', '')}".strip()
        for each in users
    ]
    ids = [str(each.get("id")) for each in users]
    return pa.table({"id": pa.array(ids, pa.string()), "name": pa.array(names, pa.string())})
