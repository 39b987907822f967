"""Arrays -> files: one format an extension, checked before any work, written whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from mien.errors import MienError
from mien.picture import Picture

EXTENSIONS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP",
}  # fmt: skip

_BEHIND_HEAD = 8 + 25
"""Bytes of a PNG file's signature and IHDR chunk."""

_LIMITS = {"JPEG": 65_500, "WEBP": 16_383}  # of a side, px


def check_output(path: str | Path, picture: Picture | None = None) -> None:
    """Refuse with a `MienError`, before any work, an output that could not be written or would lose something."""
    path = Path(path)
    form = _format(path)
    check_place(path)
    if picture is None:
        return
    if picture.path is not None and path.exists() and path.samefile(picture.path):
        raise MienError(f"{path} is the photo itself; choose another output, the photo is never overwritten")
    if picture.pixels.dtype == np.uint16 and form not in ("PNG", "TIFF"):
        raise MienError(f"{path}: {form} cannot hold the photo's 16 bits a channel; write a .png or .tif")
    if picture.alpha is not None and form in ("JPEG", "BMP"):
        raise MienError(f"{path}: {form} cannot hold the photo's transparency; write a .png, .webp or .tif")
    limit = _LIMITS.get(form)
    if limit and max(picture.pixels.shape[:2]) > limit:
        raise MienError(f"{path}: {form} ends at {limit} pixels a side; write a .png or .tif")


def check_place(path: Path) -> None:
    """Refuse with a `MienError` a file that cannot be written where it is to lie."""
    folder = path.parent
    try:  # a name may be too long to ask of
        if path.is_dir():
            raise MienError(f"cannot write {path}: it is a folder")
        if not folder.is_dir():
            raise MienError(f"cannot write {path}: there is no folder {folder}")
        # asking os.access is not enough on read-only or odd file systems
        with temporary(path).open("xb") as probe:
            os.unlink(probe.name)
    except OSError as error:
        raise MienError(f"cannot write {path}: {error.strerror or error}") from None


def write(path: str | Path, picture: Picture, finish: Callable[[bytes, str], bytes] | None = None) -> Path:
    """Write a picture in the format of its extension, under its name only once it is complete.

    finish: given the file's bytes and its format (JPEG, PNG ...), gives those to write, such as signed ones.
    """
    path = Path(path)
    check_output(path, picture)
    data = encode(picture, _format(path))
    return write_bytes(path, data if finish is None else finish(data, _format(path)))


def write_bytes(path: Path, data: bytes) -> Path:
    """Write `data` to a file beside `path`, then move it there in one step."""
    with whole(path) as part, part.open("xb") as file:
        file.write(data)
    return path


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, which is moved there at the end; nothing is left if anything goes wrong."""
    part = temporary(path)
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise MienError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def encode(picture: Picture, form: str) -> bytes:
    """A picture as a file of `form` (JPEG, PNG, WEBP, TIFF or BMP)."""
    array = channels(picture)
    if array.dtype == np.uint16:
        return _deep_png(array, picture) if form == "PNG" else _deep_tiff(array, picture)
    options: dict[str, Any] = {}
    if picture.icc and form != "BMP" and not (picture.grey and form == "WEBP"):  # WebP has no grey
        options["icc_profile"] = picture.icc
    if picture.exif and form != "BMP":
        options["exif"] = picture.exif
    if picture.dpi and form != "WEBP":
        options["dpi"] = picture.dpi
    if picture.xmp and form in ("JPEG", "WEBP"):
        options["xmp"] = picture.xmp
    if form == "JPEG":
        # with the photo's own tables, a block without an edit is stored as it was
        options |= picture.jpeg or {"quality": 95, "subsampling": 0}
    elif form == "PNG":
        options["compress_level"] = 3
        if picture.xmp:
            options["pnginfo"] = text = PngImagePlugin.PngInfo()
            text.add_itxt("XML:com.adobe.xmp", picture.xmp.decode())
    elif form == "WEBP":
        options |= {"lossless": True, "exact": True, "quality": 30}  # here quality is effort
    elif form == "TIFF":
        options["compression"] = "raw" if picture.exif else "tiff_lzw"  # libtiff writes no nested EXIF
        options["exif"] = _tiff_tags(picture)
    # libtiff pads with whatever is in memory; what lies between two writes to a file is nought
    with tempfile.TemporaryFile() if form == "TIFF" else io.BytesIO() as buffer:
        try:
            Image.fromarray(array).save(buffer, form, **options)
        except (OSError, ValueError) as error:
            raise MienError(f"cannot write this picture as {form}: {error}") from None
        buffer.seek(0)
        return buffer.read()


def _format(path: Path) -> str:
    form = EXTENSIONS.get(path.suffix.lower())
    if form is None:
        known = ", ".join(EXTENSIONS)
        raise MienError(f"cannot write {path}: unknown extension '{path.suffix}'; known: {known}")
    return form


def temporary(path: Path) -> Path:
    """A name beside `path` for a file that is not complete yet."""
    return path.parent / f".{path.name[:100]}.{secrets.token_hex(4)}.part"


def channels(picture: Picture) -> np.ndarray:
    """(H, W), (H, W, 2), (H, W, 3) or (H, W, 4), as the file or the array had it."""
    pixels = picture.pixels
    if picture.grey:  # exact where the three are equal
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return pixels if picture.alpha is None else np.dstack([pixels, picture.alpha])


def _deep_png(array: np.ndarray, picture: Picture) -> bytes:
    kinds, data = [], []
    if picture.icc:
        kinds.append(cv2.IMAGE_METADATA_ICCP)
        data.append(np.frombuffer(picture.icc, np.uint8))
    if picture.exif:
        kinds.append(cv2.IMAGE_METADATA_EXIF)
        data.append(np.frombuffer(picture.exif.removeprefix(b"Exif\0\0"), np.uint8))
    if array.ndim == 3 and array.shape[2] == 2:  # OpenCV writes no grey with alpha
        array = array[..., [0, 0, 0, 1]]
    elif array.ndim == 3:
        array = cv2.cvtColor(array, cv2.COLOR_RGB2BGR if array.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    ok, buffer = cv2.imencodeWithMetadata(".png", array, kinds, data)
    if not ok:
        raise MienError("cannot write this picture as PNG")
    return _with_xmp(buffer.tobytes(), picture.xmp)


def _with_xmp(png: bytes, packet: bytes) -> bytes:
    """A PNG file with an XMP packet. OpenCV would write it as Latin-1, and read on past its end."""
    if not packet:
        return png
    chunk = b"iTXtXML:com.adobe.xmp\0\0\0\0\0" + packet
    whole = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return png[:_BEHIND_HEAD] + whole + png[_BEHIND_HEAD:]


def _tiff_tags(picture: Picture) -> Image.Exif:
    exif = Image.Exif()
    exif.load(picture.exif)
    if picture.xmp:
        exif[TiffImagePlugin.XMP] = picture.xmp
    return exif


def _deep_tiff(array: np.ndarray, picture: Picture) -> bytes:
    """Uncompressed 16-bit TIFF. Neither Pillow nor OpenCV writes one with its profile and EXIF; Pillow has the tags."""
    array = array[..., None] if array.ndim == 2 else array
    height, width, channels = array.shape
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    exif = _tiff_tags(picture)
    for tag in exif:
        nested = tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
        tags[tag] = exif.get_ifd(tag) if nested else exif[tag]
    tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH] = width, height
    tags[TiffImagePlugin.BITSPERSAMPLE] = (16,) * channels
    tags[TiffImagePlugin.COMPRESSION] = 1
    tags[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 1 if channels < 3 else 2
    tags[TiffImagePlugin.SAMPLESPERPIXEL] = channels
    tags[TiffImagePlugin.PLANAR_CONFIGURATION] = 1
    if channels in (2, 4):
        tags[TiffImagePlugin.EXTRASAMPLES] = 2  # alpha, not multiplied in
    if picture.icc:
        tags.tagtype[TiffImagePlugin.ICCPROFILE] = 7
        tags[TiffImagePlugin.ICCPROFILE] = picture.icc
    data = array.astype("<u2").tobytes()
    tags[TiffImagePlugin.ROWSPERSTRIP] = height
    tags[TiffImagePlugin.STRIPBYTECOUNTS] = len(data)
    tags[TiffImagePlugin.STRIPOFFSETS] = (0,)  # save() moves it behind the tags
    buffer = io.BytesIO()
    tags.save(buffer)
    return buffer.getvalue() + data
