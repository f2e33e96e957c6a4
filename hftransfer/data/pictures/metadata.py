"""Image files without what they tell of people and places: GPS, cameras, comments, thumbnails.

Pixels stay as they are: the usual formats are copied without the parts that hold no
pixels, and whatever follows the image's end goes too. What cannot be copied so is for
the caller to draw anew.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator

SOI, EOI, SOS, COMMENT = 0xD8, 0xD9, 0xDA, 0xFE
APP0, APP2, APP14, APP15 = 0xE0, 0xE2, 0xEE, 0xEF
HEAD = 12  # bytes of JFIF's and Adobe's that say how to read the pixels; a thumbnail may follow
RESTARTS = range(0xD0, 0xD9)  # and the start of another image
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # inside a scan: its end
SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_KEPT = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT"))
WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP"))
GIF_EXTENSION, GIF_IMAGE, GIF_END, GIF_CONTROL = 0x21, 0x2C, 0x3B, 0xF9
WEBP_TELLS = 0x08 | 0x04  # VP8X's flags for EXIF and XMP


def bare(content: bytes, form: str, orientation: int) -> bytes | None:
    """A whole image file without its metadata: the same object where it has none.

    Args:
        form: Pillow's name of its format.
        orientation: of EXIF, 1 for upright. A JPEG keeps it, as nothing else.

    Returns:
        None where the format is another, or the file is built oddly.
    """
    copy = COPIES.get(form)
    if copy is None:
        return None
    try:
        pieces = copy(content, orientation)
    except (IndexError, struct.error):
        return None
    found = b"".join(pieces) if pieces else None
    return content if found == content else found


def _jpeg(content: bytes, orientation: int) -> list[bytes] | None:
    pieces, place = [bytes((0xFF, SOI)), _oriented(orientation)], 2
    while content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:  # fills up
            place += 1
            continue
        if marker == EOI:
            return [*pieces, bytes((0xFF, EOI))]
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4])
        if marker < 0xC0 or marker in RESTARTS or not place + 4 <= end <= len(content):
            return None
        pieces.append(_segment(marker, content[place + 4 : end]))
        place = end
        if marker == SOS:
            scan = MARKER.search(content, end)
            if scan is None:
                return None
            pieces.append(content[end : scan.start()])
            place = scan.start()
    return None


def _segment(marker: int, body: bytes) -> bytes:
    """A segment of a JPEG as it is kept: nothing of one that says nothing of pixels."""
    if marker == APP0 and body.startswith(b"JFIF\0"):
        body = body[:HEAD] + b"\0\0"
    elif marker == APP14 and body.startswith(b"Adobe"):
        body = body[:HEAD]
    elif APP0 <= marker <= APP15 and not (marker == APP2 and body.startswith(b"ICC_PROFILE\0")) or marker == COMMENT:
        return b""
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2) + body


def _oriented(orientation: int) -> bytes:
    """An EXIF segment that says this alone; none for what is upright."""
    if orientation == 1:
        return b""
    entry = struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\0\0MM\0*" + struct.pack(">I", 8) + entry
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2) + body


def _png(content: bytes, orientation: int) -> list[bytes] | None:
    if orientation != 1:
        return None
    pieces, place = [SIGNATURE], len(SIGNATURE)
    while True:
        length, kind = struct.unpack_from(">I4s", content, place)
        end = place + 12 + length
        if end > len(content) or not (kind in PNG_KEPT or kind[0] & 0x20):  # one that is needed, and unknown
            return None
        if kind in PNG_KEPT:
            pieces.append(content[place:end])
        if kind == b"IEND":
            return pieces
        place = end


def _webp(content: bytes, orientation: int) -> list[bytes] | None:
    if orientation != 1:
        return None
    chunks = b"".join(_webp_chunks(content))
    return [b"RIFF", (len(chunks) + 4).to_bytes(4, "little"), b"WEBP", chunks]


def _webp_chunks(content: bytes) -> Iterator[bytes]:
    place, last = 12, min(8 + int.from_bytes(content[4:8], "little"), len(content))
    while place + 8 <= last:
        kind, length = struct.unpack_from("<4sI", content, place)
        end = place + 8 + length + length % 2
        chunk = content[place:end]
        if kind == b"VP8X":
            chunk = chunk[:8] + bytes((chunk[8] & ~WEBP_TELLS,)) + chunk[9:]
        if kind in WEBP_KEPT:
            yield chunk
        place = end


def _gif(content: bytes, orientation: int) -> list[bytes] | None:
    end = 13 + _colours(content[10])
    pieces, place = [content[:end]], end
    while (kind := content[place]) != GIF_END:
        start = place
        if kind == GIF_EXTENSION:
            place += 2
        elif kind == GIF_IMAGE:
            place += 11 + _colours(content[place + 9])
        else:
            return None
        while content[place]:
            place += 1 + content[place]
        place += 1
        if kind == GIF_IMAGE or content[start + 1] == GIF_CONTROL:
            pieces.append(content[start:place])
    return [*pieces, bytes((GIF_END,))]


def _colours(flags: int) -> int:
    """Bytes of the table of colours that a GIF's flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _bmp(content: bytes, orientation: int) -> list[bytes] | None:
    """It has no place for metadata, but for after its end."""
    return [content] if int.from_bytes(content[2:6], "little") == len(content) else None


COPIES: dict[str, Callable[[bytes, int], list[bytes] | None]] = {
    "JPEG": _jpeg,
    "MPO": _jpeg,  # several JPEGs, of which the first is the picture
    "PNG": _png,
    "WEBP": _webp,
    "GIF": _gif,
    "BMP": _bmp,
}
