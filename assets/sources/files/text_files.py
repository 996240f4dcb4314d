"""Text files opened for reading: decompressed, brought to UTF-8, and looked at once before they are parsed.

What their lines mean is known to `delimited.py`, `ndjson.py` and `vendor_exports.py`. Limits stand here:
a file that would take all memory or time is refused within seconds.
"""

import codecs
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

MAX_LINE_BYTES = 32 << 20
MAX_RATIO, _RATIO_FROM_BYTES = 200, 64 << 20
_LOOKED_AT = 1 << 20  # what a core's own memory holds, because it is looked at several times
_COPIED_AT_ONCE = 8 << 20
_SAMPLE_BYTES = 1 << 16
_UTF16_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_REPLACEMENT = "\ufffd"
_ASCII_END, _CONTINUATION, _LEAD = 0x80, 0xC0, 0xC0
_LONGEST_CHARACTER = 4


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file in UTF-8: where its text is, its lines and quotes; *has_bad_bytes* if some were replaced."""

    path: Path
    lines: int
    quotes: int
    has_bad_bytes: bool

    @contextmanager
    def open(self) -> Iterator[Any]:
        """Open the text from its start, as bytes."""
        with pa.input_stream(self.path) as stream:
            yield stream

    def start(self, length: int) -> bytes:
        """Return its first *length* bytes without a byte order mark."""
        with self.open() as stream:
            found: bytes = stream.read(length)
        return found.removeprefix(codecs.BOM_UTF8)


@contextmanager
def text_file(path: Path, encoding: str | None) -> Iterator[TextFile]:
    """Look at *path* once, and yield it as UTF-8; it is copied only where it is written otherwise.

    UTF-16 is recognized by its byte order mark, another *encoding* is configured. Raises ValueError where a
    line is too long, a compressed file holds too much, or the encoding is another one.
    """
    with pa.input_stream(path) as stream:
        mark = stream.read(2)
    encoding = _UTF16_MARKS.get(mark, encoding)
    if encoding not in {None, "utf-8"}:
        with _copy_as_utf8(path, encoding, "strict") as copied:
            yield _inspect_bytes(copied, path)[0]
        return
    found, bad = _inspect_bytes(path, path)
    if not bad:
        yield found
        return
    _refuse_other_encoding(path)
    with _copy_as_utf8(path, "utf-8", "replace") as copied:
        yield TextFile(copied, found.lines, found.quotes, has_bad_bytes=True)


def _inspect_bytes(text: Path, original: Path) -> tuple[TextFile, bool]:
    """Return what the bytes of *text* tell before it is parsed, and whether some are no UTF-8."""
    lines = quotes = total = line_bytes = 0
    is_utf8, last, rest = True, b"", b""
    size = original.stat().st_size
    with pa.input_stream(text) as stream:
        while block := stream.read(_LOOKED_AT):
            total += len(block)
            if total > max(_RATIO_FROM_BYTES, MAX_RATIO * size):
                raise ValueError(
                    f"unpacks to more than {MAX_RATIO} times its size; unpack it yourself if that is right"
                )
            feeds, returns = block.count(b"\n"), block.count(b"\r")
            pairs = block.count(b"\r\n") if returns else 0
            lines += feeds + returns - pairs - (last == b"\r" and block[:1] == b"\n")
            quotes += block.count(b'"')
            line_bytes = _line_bytes(line_bytes, block, has_ends=bool(feeds or returns))
            last = block[-1:]
            whole, rest = _whole_characters(rest + block)
            is_utf8 = is_utf8 and _is_utf8(whole)
    is_utf8 = is_utf8 and not rest
    return TextFile(text, lines + (last not in {b"\n", b"\r", b""}), quotes, has_bad_bytes=False), not is_utf8


def _line_bytes(before: int, block: bytes, *, has_ends: bool) -> int:
    """Return the bytes of the line that is open after *block*. Raises ValueError where one is too long."""
    if has_ends:
        first = min(at for end in (b"\n", b"\r") if (at := block.find(end)) >= 0)
        longest, left = before + first, len(block) - 1 - max(block.rfind(b"\n"), block.rfind(b"\r"))
    else:
        longest = left = before + len(block)
    if longest > MAX_LINE_BYTES:
        raise ValueError(f"has a line of more than {MAX_LINE_BYTES >> 20} MiB; is it a text file of rows?")
    return left


def _whole_characters(text: bytes) -> tuple[bytes, bytes]:
    """Cut off a character at the end whose last bytes are still to come."""
    for back in range(1, min(_LONGEST_CHARACTER, len(text)) + 1):
        byte = text[-back]
        if byte < _ASCII_END:
            return text, b""
        if byte >= _LEAD:
            needed = 2 + (byte >= 0xE0) + (byte >= 0xF0)  # noqa: PLR2004 - leads of UTF-8
            return (text, b"") if back >= needed else (text[:-back], text[-back:])
    return text, b""


def _is_utf8(text: bytes) -> bool:
    """Look as Arrow does, which takes a fifth of decoding."""
    try:
        return text.isascii() or bool(pa.array([text], pa.binary()).cast(pa.string()))
    except pa.ArrowInvalid:
        return False


@contextmanager
def _copy_as_utf8(path: Path, encoding: str | None, errors: str) -> Iterator[Path]:
    """Write *path* as UTF-8 into a temporary file. Raises ValueError where it is not in *encoding*."""
    decoder = codecs.getincrementaldecoder(encoding or "utf-8")(errors)
    with pa.input_stream(path) as stream, tempfile.NamedTemporaryFile(prefix="text-") as copied:
        written, size = 0, path.stat().st_size
        try:
            while block := stream.read(_COPIED_AT_ONCE):
                written += copied.write(decoder.decode(block).encode())
                if written > max(_RATIO_FROM_BYTES, MAX_RATIO * size):
                    break  # what looks at it refuses it
            copied.write(decoder.decode(b"", final=True).encode())
        except UnicodeDecodeError as error:
            raise ValueError(f"is not {encoding}: {error.reason}; correct `encoding`") from None
        copied.flush()
        yield Path(copied.name)


def _refuse_other_encoding(path: Path) -> None:
    """Raise ValueError, with the name of the likely encoding, unless *path* is UTF-8 with few bad bytes."""
    odd, good, bad = b"", 0, 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with pa.input_stream(path) as stream:
        while (block := stream.read(_LOOKED_AT)) and len(odd) < _SAMPLE_BYTES:
            text = decoder.decode(block)
            bad += text.count(_REPLACEMENT)
            good += sum(not each.isascii() for each in text) - text.count(_REPLACEMENT)
            odd += b"\n".join(line for line in block.splitlines() if not line.isascii() or b"\0" in line)
    if bad > good:
        likely = _likely_encoding(odd[:_SAMPLE_BYTES])
        raise ValueError(f"is not UTF-8; it looks like {likely}: set `encoding: {likely}` of the source")


def _likely_encoding(sample: bytes) -> str:
    if sample.count(b"\0") > len(sample) // 4:
        return "utf-16-le" if sample[1::2].count(b"\0") > sample[::2].count(b"\0") else "utf-16-be"
    if _is_western(sample):
        return "cp1252"
    from charset_normalizer import from_bytes  # noqa: PLC0415 - few files need it

    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"


def _is_western(sample: bytes) -> bool:
    """Tell whether *sample* reads as cp1252 does: words of plain letters with an accent here and there."""
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    odd = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
    accents = sum(not letter.isascii() for word in odd for letter in word)
    return accents <= sum(map(len, odd)) / 2
