"""Lines of NDJSON that are plain: flat objects whose values are texts, whole numbers and null.

Arrow parses them in a third of the time that `ndjson.py` takes for lines of any kind. What it would read
differently is left to that: other types, a key that a line has twice, records of Singer and Airbyte.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.json import ParseOptions, ReadOptions, read_json

from assets.sources.base import ASSIGNEE, PREVIOUS

_SAMPLE_LINES = 100
_BLOCK = 1 << 20  # a longer line is not plain
_MAX_LISTS = 64  # in a line: Arrow's parser calls itself for each list in a list
_ESCAPED_KEY = r'\\u([^"\\]|\\.)*"\s*:'  # which a search for the key's text does not find
_KINDS = {str: pa.string(), int: pa.int64()}
_ENVELOPE = ("type", "stream", "_airbyte_data")


def plain_cells(lines: pa.Array, keys: Mapping[str, Sequence[str]]) -> dict[str, pa.Array] | None:
    """Return the columns of *keys* and `previous_stated`, or None if some of the *lines* is not plain.

    *keys* are those that may hold a column. Where a value is null, the line is
    searched for its key, which may be missing.
    """
    names = {*_ENVELOPE}.union(*keys.values())
    kinds = _kinds_of(lines[:_SAMPLE_LINES].to_pylist(), names)
    text = _joined(lines)
    if kinds is None or not _are_flat(lines, text):
        return None
    parse = ParseOptions(explicit_schema=pa.schema(kinds), unexpected_field_behavior="ignore")
    read = ReadOptions(block_size=_BLOCK)
    try:
        found = read_json(pa.BufferReader(text), read, parse)
    except pa.ArrowInvalid:
        return None
    if len(found) != len(lines):
        return None
    values = {name: found[name].combine_chunks() for name in found.schema.names}
    if _is_envelope(values) or any(map(_may_be_negative_zero, values.values())):
        return None
    columns = {
        name: pc.coalesce(*(values[key].cast(pa.string()) for key in names)) for name, names in keys.items()
    }
    stated, assigned = (_is_stated(lines, columns, keys, those) for those in (PREVIOUS, ASSIGNEE))
    if stated is None or assigned is None or not pc.all(assigned).as_py():
        return None
    return columns | {"previous_stated": stated}


def _kinds_of(sample: Sequence[str], names: set[str]) -> dict[str, pa.DataType] | None:
    """Return the types of the first values of *names* in *sample*; text if none has one.

    Return None if a line is no object, or such a value is neither text nor a whole number.
    """
    kinds: dict[str, pa.DataType | None] = {}
    for line in sample:
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(values, dict):
            return None
        for name in names & values.keys() - kinds.keys():
            if values[name] is not None:
                kinds[name] = _KINDS.get(type(values[name]))
    return None if None in kinds.values() else dict.fromkeys(sorted(names), pa.string()) | kinds


def _joined(lines: pa.Array) -> pa.Buffer:
    """Return *lines* as one text, with a line feed between them."""
    return pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), "\n")[0].as_buffer()


def _are_flat(lines: pa.Array, text: pa.Buffer) -> bool:
    """Return whether each line is one object without others in it, or in a text; then a line feed ends it."""
    octets = text.to_pybytes()
    if octets.count(b"{") != len(lines):
        return False
    ends = pc.and_(pc.starts_with(lines, "{"), pc.ends_with(lines, "}"))
    lists = pc.max(pc.count_substring(lines, "[")).as_py() if b"[" in octets else 0
    return lists <= _MAX_LISTS and bool(pc.all(ends).as_py())


def _is_envelope(values: Mapping[str, pa.Array]) -> bool:
    """Return whether a line may be a message or a record of Singer or Airbyte."""
    kind, *others = (values[name] for name in _ENVELOPE)
    is_message = pa.types.is_string(kind.type) and pc.any(pc.utf8_is_upper(kind)).as_py()
    return bool(is_message) or any(each.null_count < len(each) for each in others)


def _may_be_negative_zero(values: pa.Array) -> bool:
    return pa.types.is_integer(values.type) and bool(pc.any(pc.equal(values, 0)).as_py())


def _is_stated(
    lines: pa.Array, columns: Mapping[str, pa.Array], keys: Mapping[str, Sequence[str]], those: Iterable[str]
) -> pa.Array | None:
    """Return which lines have a key of one of the columns *those*, or None where the text does not say it."""
    names = sorted(set(those) & keys.keys())
    has_value = reduce(pc.or_, (columns[name].is_valid() for name in names))
    if pc.all(has_value).as_py():
        return has_value
    rest = lines.filter(pc.invert(has_value))
    pattern = "|".join(re.escape(json.dumps(key, ensure_ascii=False)) for name in names for key in keys[name])
    has_key = pc.match_substring_regex(rest, rf"({pattern})\s*:")
    if pc.any(pc.match_substring_regex(rest.filter(pc.invert(has_key)), _ESCAPED_KEY)).as_py():
        return None
    return pc.replace_with_mask(has_value, pc.invert(has_value), has_key)
