"""Exports of other systems as JSON, and which of their objects are assignments.

Zendesk's ticket audits and ticket events, Intercom's conversations or their parts, Zammad's histories: one
object per line, one page of an API per line, or one document. Names come from the users listed in the same
page or document; where it lists none, people are shown by their ids.
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
from assets.runtime.sql_files import read_sql
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


_PARTS = read_sql(__file__, "intercom_parts")

_CUT_OFF = read_sql(__file__, "intercom_parts_missing")


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
_LIST = "CASE WHEN json_type(line, '$.{0}') = 'ARRAY' THEN json_extract(line, '$.{0}[*]') END"
_MACROS = read_sql(__file__, "zammad_macros")


def read_export(path: Path, origin: str, options: FilesSource) -> Iterator[Batch]:
    """Yield the assignments of an export in the configured layout. Raises ValueError where it is not JSON."""
    layout = options.layout or ""
    with duckdb_engine.temporary() as connection, text_file(path, options.encoding) as text:
        connection.execute(UNWRAP)
        connection.execute(FIELDS)
        connection.execute(_MACROS)
        lists = ", ".join(_LIST.format(key) for key in _DOCUMENTS[layout])
        for lines, people in _split_objects(text, layout):
            repaired = pa.table({"line": whole_escapes(lines["line"]), "row_number": lines["row_number"]})
            connection.register("lines", repaired)
            connection.register("listed_people", people)
            is_of_layout = _IS_OF[layout]
            objects = read_sql(__file__, "export_objects", lists=lists, is_of_layout=is_of_layout)
            connection.execute(objects)
            connection.execute(_PARTS)
            queries = [
                read_sql(__file__, "export_rows", query=read_sql(__file__, layout)),
                read_sql(__file__, "rejected_items", complaint=_IS_NOT[layout], is_of_layout=is_of_layout),
            ]
            for query in queries + [_CUT_OFF] * (layout == "intercom_conversations"):
                yield from _query_batches(connection, query, origin)


def _query_batches(connection: duckdb.DuckDBPyConnection, query: str, origin: str) -> Iterator[Batch]:
    for batch in connection.sql(query).to_arrow_reader(duckdb_engine.BATCH_ROWS):
        if batch.num_rows:
            yield Batch(batch, origin)


def _split_objects(text: TextFile, layout: str) -> Iterator[tuple[pa.RecordBatch, pa.Table]]:
    """Yield the objects of *text* with their numbers, and the people listed beside them."""
    document = _parse_document(text)
    if document is None:
        for lines in numbered_batches(text, LINES, ParseOptions(**ONE_CELL)):
            yield lines, _list_people([])
        return
    objects, users = (document, []) if isinstance(document, list) else _objects_of_document(document, layout)
    for first in range(0, len(objects), _ROWS_AT_ONCE):
        texts = [json.dumps(item) for item in objects[first : first + _ROWS_AT_ONCE]]
        numbers = pa.array(range(first + 1, first + 1 + len(texts)), pa.int64())
        lines = pa.array(texts, pa.string())
        yield pa.RecordBatch.from_pydict({"line": lines, "row_number": numbers}), _list_people(users)


def _objects_of_document(document: dict[str, Any], layout: str) -> tuple[list[Any], list[dict[str, Any]]]:
    """Return the objects of a document and its users. Raises ValueError where it is not of *layout*."""
    users = _list_values(document.get("users")) or _list_values(_nested_value(document.get("assets"), "User"))
    for key in _DOCUMENTS[layout]:
        if isinstance(document.get(key), list):
            return document[key], users
        if isinstance(document.get(key.removesuffix("s")), dict):
            return [document[key.removesuffix("s")]], users
    if document.keys().isdisjoint(
        {"events", "child_events", "conversation_parts", "part_type", "o_id"}
        | {"record", "stream", "_airbyte_data"}  # of Singer and Airbyte
    ):
        raise ValueError(f"has none of {', '.join(_DOCUMENTS[layout])}: is it {layout}?")
    return [document], users  # one conversation, as the API returns it


def _parse_document(text: TextFile) -> dict[str, Any] | list[Any] | None:
    """Return the JSON object or list that the whole file is, or None where each line is an object."""
    first, _, rest = text.start(MAX_LINE_BYTES + CELL_LIMIT).lstrip().partition(b"\n")
    if rest.strip() and _is_object(first):
        return None
    with text.open() as stream:
        content = stream.read(_MAX_DOCUMENT_BYTES + 1)
    if len(content) > _MAX_DOCUMENT_BYTES:
        raise ValueError(
            f"is a document of more than {_MAX_DOCUMENT_BYTES >> 20} MiB; write one object a line"
        )
    document = json.loads(content.removeprefix(codecs.BOM_UTF8))
    if not isinstance(document, dict | list):
        raise ValueError("is no JSON object; write one object a line")  # noqa: TRY004 - a file's content, no argument
    return document


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _nested_value(parent: Any, key: str) -> Any:
    return parent.get(key) if isinstance(parent, dict) else None


def _list_values(container: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, or of an object that maps ids to them."""
    values = (
        container.values()
        if isinstance(container, dict)
        else container
        if isinstance(container, list)
        else []
    )
    return [value for value in values if isinstance(value, dict)]


def _list_people(users: list[dict[str, Any]]) -> pa.Table:
    """Return a table of `id` and `name`; Zammad has the name in two parts."""
    names = [
        user.get("name") or f"{user.get('firstname', '')} {user.get('lastname', '')}".strip()
        for user in users
    ]
    ids = [str(user.get("id")) for user in users]
    return pa.table({"id": pa.array(ids, pa.string()), "name": pa.array(names, pa.string())})
