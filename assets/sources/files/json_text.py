r"""JSON as strangers write it, made readable: `"\ud800"` is valid JSON, but no text that a database takes."""

import re

import pyarrow as pa
import pyarrow.compute as pc

FIELDS = """
    CREATE OR REPLACE MACRO field(json, path) AS CASE
        WHEN json_type(json, path) IN ('VARCHAR', 'BIGINT', 'UBIGINT', 'DOUBLE')
        THEN nullif(trim(json_extract_string(json, path)), '') END;
    CREATE OR REPLACE MACRO is_value(json, path) AS
        json_type(json, path) IN ('NULL', 'VARCHAR', 'BIGINT', 'UBIGINT', 'DOUBLE')"""
"""Macros for a field that may be missing, null or of any type: only a text or a number is a value."""

UNWRAP = """
    CREATE OR REPLACE MACRO unwrapped(line) AS CASE  -- what Singer's and Airbyte's records hold
        WHEN line->>'$.type' = 'RECORD' AND json_type(line, '$.record.data') = 'OBJECT'
            THEN line->'$.record.data'
        WHEN line->>'$.type' = 'RECORD' AND json_type(line, '$.record') = 'OBJECT' THEN line->'$.record'
        WHEN json_type(line, '$._airbyte_data') = 'OBJECT' THEN line->'$._airbyte_data'
        WHEN json_type(line, '$._airbyte_data') = 'VARCHAR' AND json_valid(line->>'$._airbyte_data')
            THEN (line->>'$._airbyte_data')::JSON
        WHEN json_exists(line, '$.stream') AND json_type(line, '$.data') = 'OBJECT' THEN line->'$.data'
        WHEN json_exists(line, '$.stream') AND json_type(line, '$.record') = 'OBJECT' THEN line->'$.record'
        ELSE line END;
    CREATE OR REPLACE MACRO is_message(line) AS coalesce(  -- theirs, but no record
        line->>'$.type' IN ('SCHEMA', 'STATE', 'ACTIVATE_VERSION', 'BATCH', 'LOG', 'TRACE', 'CATALOG', 'SPEC',
            'CONNECTION_STATUS', 'CONTROL')
        AND (json_exists(line, '$.stream') OR json_exists(line, '$.value')
            OR json_exists(line, '$.' || lower(line->>'$.type'))
            OR json_exists(line, '$.connectionStatus')), false)"""
"""Macros for lines of JSON (NULL where a line is none)."""

_HALF = r"\\u[dD][89a-fA-F]"
_ESCAPE = re.compile(r"\\[^u]|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u[dD][89a-fA-F]..")
_HALF_LENGTH = len(r"\ud800")


def whole_escapes(texts: pa.Array) -> pa.Array:
    """Return *texts* (JSON) with each half surrogate as U+FFFD."""
    halves = pc.match_substring_regex(texts, _HALF)
    if not pc.any(halves).as_py():
        return texts
    mended = pa.array([_ESCAPE.sub(_whole, text.as_py()) for text in texts.filter(halves)])
    return pc.replace_with_mask(texts, halves, mended)


def _whole(escape: re.Match[str]) -> str:
    return r"\ufffd" if len(escape[0]) == _HALF_LENGTH else escape[0]
