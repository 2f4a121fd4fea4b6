"""Paints a picture anew: a program of its own, run by complaints.previews and by nothing else (FL-03, FL-10, FL-11).

Standard input is the original, standard output a JPEG of at most 1600 points a side made from its pixels
alone. Whatever else the file holds (place, camera, comments, a second file behind the first) is not read
into the result. Once the decoders are loaded the program can open nothing more: no file and no connection.
"""

from __future__ import annotations

import resource
import sys
from io import BytesIO
from typing import BinaryIO

from PIL import GifImagePlugin, Image, ImageOps, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

SIDE = 1600
FORMATS = [
    plugin.format
    for plugin in (
        JpegImagePlugin.JpegImageFile,
        PngImagePlugin.PngImageFile,
        GifImagePlugin.GifImageFile,
        WebPImagePlugin.WebPImageFile,
    )
]


def shut_in() -> None:
    """From here on no file, socket or pipe can be opened besides the three that are open."""
    _rehearse()
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def _rehearse() -> None:
    """Paint one point of every format, so that whatever the decoders load later is loaded now."""
    turned = Image.Exif()
    turned[0x0112] = 6
    for name in FORMATS:
        sample = BytesIO()
        Image.new("RGB", (1, 1)).save(sample, name, exif=turned)
        sample.seek(0)
        paint(sample, BytesIO())


def paint(source: BinaryIO, target: BinaryIO) -> None:
    """Read a picture of one of the formats and write its pixels as a JPEG. Raises OSError, ValueError."""
    with Image.open(source, formats=FORMATS) as original:
        original.draft("RGB", (SIDE, SIDE))  # a JPEG is decoded at about the size that is needed
        original.thumbnail((SIDE, SIDE))
        upright = ImageOps.exif_transpose(original).convert("RGBA")
    clean = Image.new("RGB", upright.size, "white")
    clean.paste(upright, mask=upright)
    clean.save(target, "JPEG", quality=85)


if __name__ == "__main__":
    shut_in()
    Image.MAX_IMAGE_PIXELS = None  # bounded by the memory this process may have
    paint(sys.stdin.buffer, sys.stdout.buffer)
