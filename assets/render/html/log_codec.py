"""Encode the log for the page: columns of small numbers, each text once, deflated, as base64.

`templates/script/1-log.js` decodes it; change both together. Numbers encode the difference from the likeliest
value, so that most are 0 or 1 and compress well: docs/decisions/2026-11-22-events-in-the-page.md.
"""

import re
import zlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from assets.report.encoded_log import Codes, EncodedLog, Pairs
from assets.report.explorer_data import ExplorerData
from assets.report.log_table import time_unit

_SEPARATOR = "\0"
_NUMBERED = re.compile(r"(.*?)(0|[1-9][0-9]{0,14})", re.DOTALL)
_MICROSECONDS = {"s": 1_000_000, "ms": 1_000}


@dataclass(slots=True)
class _Packer:
    """Blocks of bytes in order; `layout` has the length and encoding of each, by name."""

    blocks: list[bytes] = field(default_factory=list)
    layout: dict[str, list[object]] = field(default_factory=dict)

    def numbers(self, name: str, values: Codes) -> None:
        """Add numbers that are not negative: first the low bytes of all, then the next bytes, and so on."""
        width = max(1, (int(values.max(initial=0)).bit_length() + 7) // 8)
        planes = values.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width]
        self.blocks.append(planes.T.tobytes())
        self.layout[name] = [len(values), width]

    def texts(self, name: str, texts: Sequence[str]) -> None:
        """Add texts; if all are the same prefix and a number, add the differences of the numbers."""
        parts = [_NUMBERED.fullmatch(text) for text in texts]
        if texts and all(parts) and len({part[1] for part in parts if part}) == 1:
            numbers = np.array([int(part[2]) for part in parts if part], np.int64)
            steps = np.diff(numbers, prepend=0)
            self.numbers(name, np.where(steps < 0, -2 * steps - 1, 2 * steps))
            self.layout[name].append(parts[0][1] if parts[0] else "")
        else:
            joined = _SEPARATOR.join(text.replace(_SEPARATOR, "\ufffd") for text in texts).encode()
            self.blocks.append(joined)
            self.layout[name] = [len(texts), 0, len(joined)]

    def pairs(self, name: str, pairs: Pairs) -> None:
        """Add ids and names, and for each pair which of the two are present."""
        has_id = np.array([text is not None for text in pairs.ids], np.int64)
        has_name = np.array([text is not None for text in pairs.names], np.int64)
        self.numbers(f"{name}.has", has_id + 2 * has_name)
        self.texts(f"{name}.ids", [text for text in pairs.ids if text is not None])
        self.texts(f"{name}.names", [text for text in pairs.names if text is not None])


def encode_log_payload(
    log: EncodedLog, explorer: ExplorerData | None = None
) -> tuple[dict[str, object], str]:
    """Return the layout of *log* and its bytes, deflated, as base64; with *explorer*, those of its data."""
    packer = _Packer()
    log = explorer.log if explorer else log
    unit = time_unit(log.instants)
    times = log.instants // _MICROSECONDS[unit]
    packer.numbers("time", np.diff(times, prepend=times[:1]))
    packer.numbers("source", log.source)
    packer.numbers("conversation", _encode_recency(log.conversation))
    is_same_contact = log.contact == _previous_values(log.conversation, log.contact)
    packer.numbers(
        "contact", np.where(is_same_contact, 0, 1 + _encode_recency(log.contact, excluded=is_same_contact))
    )
    expected = _previous_values(log.contact, log.assignee)
    packer.numbers("previous", np.where(log.previous == expected, 0, log.previous + 2))
    packer.numbers("assignee", log.assignee + 1)
    packer.numbers("assigned_by", log.assigned_by + 1)
    packer.texts("conversations", log.conversations)
    packer.pairs("contacts", log.contacts)
    packer.pairs("people", log.people)
    packer.numbers("people.person", log.persons.of_pair[:-1])
    packer.numbers("people.label", log.persons.label_pair)
    if explorer and not explorer.is_stated.all():
        packer.numbers("unstated", 1 - explorer.is_stated.astype(np.int64))
    if log.team_of is not None:
        packer.numbers("people.team", log.team_of)
    if explorer:
        expected = _previous_values(log.conversation, explorer.subject)
        is_same = explorer.subject == expected
        packer.numbers(
            "subject", np.where(is_same, 0, 1 + _encode_recency(explorer.subject, excluded=is_same))
        )
    layout: dict[str, object] = {
        "rows": len(log),
        "unit": unit,
        "start": int(times[0]) if len(times) else 0,
        "opening": explorer.opening_count if explorer else 0,
        "kinds": log.kinds,
        "teams": [*log.teams],
        "sources": log.sources,
        "labels": {
            key: label
            for key, label, name in zip(log.persons.keys, log.persons.labels, log.persons.names, strict=True)
            if label != name
        },
        "names": _names_without_rows(log),
        "blocks": packer.layout,
    }
    return layout, b64encode(_deflate(packer.blocks)).decode()


def _names_without_rows(log: EncodedLog) -> dict[str, list[str]]:
    """Return the names of persons in *log* that none of its rows has, by id."""
    shown = set(zip(log.people.ids, log.people.names, strict=True))
    names = {
        id_: [name for name in log.all_names.get(id_, ()) if (id_, name) not in shown]
        for id_, _ in log.persons.who
        if id_ is not None
    }
    return {id_: others for id_, others in names.items() if others}


def _encode_recency(codes: Codes, excluded: Codes | None = None) -> Codes:
    """Return 0 for none, 1 for a new code, else 2 + the number of newer codes seen so far.

    Codes number the values in the order of their first row. *excluded* rows are 0.
    """
    newest_code = np.maximum.accumulate(np.concatenate(([-1], codes)))[:-1]
    numbers = np.where(codes < 0, 0, np.where(codes > newest_code, 1, 2 + newest_code - codes))
    return numbers if excluded is None else np.where(excluded, 0, numbers)


def _previous_values(groups: Codes, values: Codes) -> Codes:
    """Return the value of the previous row in the same group, or -1."""
    order = np.argsort(groups, kind="stable")
    shifted = np.full(len(values), -1)
    follows = groups[order[1:]] == groups[order[:-1]]
    shifted[order[1:][follows]] = values[order[:-1][follows]]
    return shifted


def _deflate(blocks: Iterable[bytes]) -> bytes:
    engine = zlib.compressobj(6, zlib.DEFLATED, -15)
    return b"".join([*(engine.compress(block) for block in blocks), engine.flush()])
