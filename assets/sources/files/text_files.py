"""Text files opened for parsing: decompressed, converted to UTF-8, and scanned once beforehand.

`delimited.py`, `ndjson.py` and `vendor_exports.py` parse their lines. Limits belong here: a file that would
take all memory or time is refused within seconds.
"""

import codecs
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

MAX_LINE_BYTES = 32 << 20
MAX_RATIO, _RATIO_FROM_BYTES = 200, 64 << 20
TOO_LARGE = f"unpacks to more than {MAX_RATIO} times its size; decompress it yourself if so intended"
_LOOKED_AT = 1 << 20  # fits in a core's cache, because each block is scanned several times
_COPIED_AT_ONCE = 8 << 20
_SAMPLE_BYTES = 1 << 16
_UTF16_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_REPLACEMENT = "\ufffd"
_ASCII_END, _CONTINUATION, _LEAD = 0x80, 0xC0, 0xC0
_LONGEST_CHARACTER = 4


def max_unpacked(size: int) -> int:
    """Return the number of bytes to which a file of *size* bytes may unpack."""
    return max(_RATIO_FROM_BYTES, MAX_RATIO * size)


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file in UTF-8: its path, numbers of lines and quotes; *has_bad_bytes* if some bytes were replaced."""

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
            head: bytes = stream.read(length)
        return head.removeprefix(codecs.BOM_UTF8)


@contextmanager
def text_file(path: Path, encoding: str | None) -> Iterator[TextFile]:
    """Scan *path* once, and yield it as UTF-8; it is copied only where its encoding differs.

    UTF-16 is recognized by its byte order mark, another *encoding* is configured. Raises ValueError where a
    line is too long, a compressed file expands too much, or the encoding differs.
    """
    with pa.input_stream(path) as stream:
        mark = stream.read(2)
    encoding = _UTF16_MARKS.get(mark, encoding)
    if encoding not in {None, "utf-8"}:
        with _copy_as_utf8(path, encoding, "strict") as copied:
            yield _inspect_bytes(copied, path)[0]
        return
    inspected, is_bad = _inspect_bytes(path, path)
    if not is_bad:
        yield inspected
        return
    _refuse_other_encoding(path)
    with _copy_as_utf8(path, "utf-8", "replace") as copied:
        yield TextFile(copied, inspected.lines, inspected.quotes, has_bad_bytes=True)


def _inspect_bytes(text: Path, original: Path) -> tuple[TextFile, bool]:
    """Scan the bytes of *text* before it is parsed; return the file, and whether some are not UTF-8."""
    lines = quotes = total = line_bytes = 0
    is_utf8, last, rest = True, b"", b""
    size = original.stat().st_size
    with pa.input_stream(text) as stream:
        while block := stream.read(_LOOKED_AT):
            total += len(block)
            if total > max_unpacked(size):
                raise ValueError(TOO_LARGE)
            octets = np.frombuffer(block, np.uint8)
            feeds, returns, more_quotes = (int(np.count_nonzero(octets == each)) for each in b'\n\r"')
            pairs = block.count(b"\r\n") if returns else 0
            lines += feeds + returns - pairs - (last == b"\r" and block[:1] == b"\n")
            quotes += more_quotes
            line_bytes = _line_bytes(line_bytes, block, has_ends=bool(feeds or returns))
            last = block[-1:]
            complete, rest = _whole_characters(rest + block)
            is_utf8 = is_utf8 and _is_utf8(complete)
    is_utf8 = is_utf8 and not rest
    return TextFile(text, lines + (last not in {b"\n", b"\r", b""}), quotes, has_bad_bytes=False), not is_utf8


def _line_bytes(open_bytes: int, block: bytes, *, has_ends: bool) -> int:
    """Return the bytes of the line still open after *block*. Raises ValueError where a line is too long."""
    if has_ends:
        first = min(at for end in (b"\n", b"\r") if (at := block.find(end)) >= 0)
        longest, remaining = open_bytes + first, len(block) - 1 - max(block.rfind(b"\n"), block.rfind(b"\r"))
    else:
        longest = remaining = open_bytes + len(block)
    if longest > MAX_LINE_BYTES:
        raise ValueError(f"has a line of more than {MAX_LINE_BYTES >> 20} MiB; is it a text file of rows?")
    return remaining


def _whole_characters(text: bytes) -> tuple[bytes, bytes]:
    """Split off a character at the end whose last bytes are in the next block."""
    for distance in range(1, min(_LONGEST_CHARACTER, len(text)) + 1):
        byte = text[-distance]
        if byte < _ASCII_END:
            return text, b""
        if byte >= _LEAD:
            needed = 2 + (byte >= 0xE0) + (byte >= 0xF0)  # noqa: PLR2004 - leads of UTF-8
            return (text, b"") if distance >= needed else (text[:-distance], text[-distance:])
    return text, b""


def _is_utf8(text: bytes) -> bool:
    """Return whether *text* is UTF-8, as Arrow validates it: a fifth of the time of decoding."""
    try:
        return text.isascii() or bool(pa.array([text], pa.binary()).cast(pa.string()))
    except pa.ArrowInvalid:
        return False


@contextmanager
def _copy_as_utf8(path: Path, encoding: str | None, errors: str) -> Iterator[Path]:
    """Copy *path* as UTF-8 into a temporary file. Raises ValueError where it is not in *encoding*."""
    decoder = codecs.getincrementaldecoder(encoding or "utf-8")(errors)
    with pa.input_stream(path) as stream, tempfile.NamedTemporaryFile(prefix="text-") as copied:
        written, size = 0, path.stat().st_size
        try:
            while block := stream.read(_COPIED_AT_ONCE):
                written += copied.write(decoder.decode(block).encode())
                if written > max_unpacked(size):
                    break  # the inspection of the copy refuses it
            copied.write(decoder.decode(b"", final=True).encode())
        except UnicodeDecodeError as error:
            raise ValueError(f"is not {encoding}: {error.reason}; correct `encoding`") from None
        copied.flush()
        yield Path(copied.name)


def _refuse_other_encoding(path: Path) -> None:
    """Raise ValueError with the likely encoding, unless *path* is UTF-8 with a few bad bytes."""
    suspect_lines, good, bad = b"", 0, 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with pa.input_stream(path) as stream:
        while (block := stream.read(_LOOKED_AT)) and len(suspect_lines) < _SAMPLE_BYTES:
            text = decoder.decode(block)
            bad += text.count(_REPLACEMENT)
            good += sum(not character.isascii() for character in text) - text.count(_REPLACEMENT)
            suspect_lines += b"\n".join(
                line for line in block.splitlines() if not line.isascii() or b"\0" in line
            )
    if bad > good:
        likely = _likely_encoding(suspect_lines[:_SAMPLE_BYTES])
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
    """Return whether *sample* looks like cp1252: words of plain letters with an occasional accent."""
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    odd = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
    accents = sum(not letter.isascii() for word in odd for letter in word)
    return accents <= sum(map(len, odd)) / 2
