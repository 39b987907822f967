"""Files -> arrays: formats, limits, orientation; what a file carries beside its pixels comes along. See `formats`."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, JpegImagePlugin

from mien import decoding
from mien.decoding import MAX_PIXELS, is_deep, most_pixels, split, upright
from mien.errors import MienError
from mien.xmp import tidy

# a JPEG may turn out to be an MPO (phones): its first picture is the photo
READ = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")

# In a TIFF the Exif tags lie among those of the pixels' storage; only these are carried over.
_CARRIED = (
    *(270, 271, 272, 282, 283, 296, 305, 306, 315, 33432),
    *(ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo),
)


@dataclass(frozen=True)
class Picture:
    """A photo upright in memory, and what its file carries beside the pixels.

    pixels: (H, W, 3) uint8 or uint16, RGB as stored (a grey photo has three equal channels).
    alpha: (H, W) of the same type, or None.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    grey: bool = False
    icc: bytes | None = None
    exif: bytes = b""  # as Pillow gives it, "Exif\0\0" first; its orientation says upright
    dpi: tuple[float, float] | None = None
    jpeg: dict[str, Any] = field(default_factory=dict)  # qtables and subsampling of a JPEG, to write the same quality
    path: Path | None = None
    xmp: bytes = b""  # a whole packet; upright too

    @cached_property
    def rgb(self) -> np.ndarray:
        """(H, W, 3) uint8: what the networks see of a photo of 8 or 16 bits."""
        if self.pixels.dtype == np.uint8:
            return self.pixels
        return np.right_shift(self.pixels, 8, out=np.empty(self.pixels.shape, np.uint8), casting="unsafe")

    def with_pixels(self, pixels: np.ndarray) -> Picture:
        """The same picture with other pixels (H, W, 3) of the same type."""
        return replace(self, pixels=pixels)

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.path) if self.path else "the image"


ImageLike = str | Path | np.ndarray | Image.Image | Picture
"""A path, an array (H, W, 3) RGB, (H, W, 4) RGBA or (H, W) grey of uint8 or uint16, Pillow's image, or a `Picture`."""


def as_picture(image: ImageLike) -> Picture:
    """A `Picture` of whatever is one; a `MienError` for what is none."""
    if isinstance(image, Picture):
        return image
    if isinstance(image, str | Path):
        return read(image)
    if isinstance(image, Image.Image):
        return _of_pillow(image)
    if not isinstance(image, np.ndarray) or image.dtype not in (np.uint8, np.uint16):
        raise MienError("an image is a path, an array of uint8 or uint16, or an image of Pillow")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (3, 4)) or 0 in image.shape:
        raise MienError(f"an image array is (H, W, 3), (H, W, 4) or (H, W), not {image.shape}")
    if image.shape[0] * image.shape[1] > MAX_PIXELS:
        raise MienError(f"the image has more than {MAX_PIXELS // 1_000_000} million pixels")
    return Picture(*split(image.copy()))


def read(path: str | Path) -> Picture:
    """Read a JPEG, PNG, WebP, TIFF or BMP file; a `MienError` says why one cannot be read."""
    path = Path(path)
    with _opened(path) as image:
        return _read(image, path)


def read_xmp(path: str | Path) -> bytes:
    """The XMP packet of such a file as `Picture` has it; animations are taken too."""
    path = Path(path)
    with _opened(path) as image:
        if image.width * image.height > MAX_PIXELS:
            raise MienError(_too_large(path))
        if image.format == "PNG":
            image.load()  # the packet may lie behind the pixels; Pillow's 4 bytes a pixel are within the bound
        return _xmp(image)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Pillow's image of a file, its pixels not decoded; whatever goes wrong inside becomes a `MienError`."""
    try:
        if path.is_dir():
            raise MienError(f"{path} is a folder, not an image")
        if not path.exists():
            raise MienError(f"{path} does not exist")
        if path.stat().st_size == 0:
            raise MienError(f"{path} is empty")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns below our limit, and of odd metadata
            with Image.open(path, formats=READ) as image:
                yield image
    except Image.DecompressionBombError:
        raise MienError(_too_large(path)) from None
    except Image.UnidentifiedImageError:
        raise MienError(f"{path} is not an image that mien reads (JPEG, PNG, WebP, TIFF, BMP)") from None
    except PermissionError:
        raise MienError(f"{path} may not be read") from None
    except MienError:
        raise
    except Exception as error:  # a damaged file makes Pillow raise almost anything
        raise MienError(f"{path} is damaged or cut short ({error})") from None


def _read(image: Image.Image, path: Path) -> Picture:
    if image.width * image.height > most_pixels(image):
        raise MienError(_too_large(path, most_pixels(image)))
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise MienError(f"{path} holds several pictures (animated or many pages); give one")
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16", "I;16B", "I;16L"):
        raise MienError(f"{path} is stored as {image.mode}; convert it to RGB first")
    deep = is_deep(image)  # before anything loads the pixels
    exif = image.getexif()
    orientation = exif.get(ExifTags.Base.Orientation, 1)
    icc, dpi = image.info.get("icc_profile"), image.info.get("dpi")
    jpeg = {}
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        sampling = JpegImagePlugin.get_sampling(image)
        jpeg = {"qtables": image.quantization, "subsampling": sampling if sampling in (0, 1, 2) else 0}
    carried = _exif(exif, image.format == "TIFF")
    size, mode = image.size, image.mode
    image.load()  # finds a file cut short, whichever decoder is used
    if image.format == "TIFF" and not deep:
        orientation = 1  # Pillow has turned it already
    packet = _xmp(image)
    if deep:
        image.close()  # what Pillow has of it are 8 bits
        pixels, alpha, grey = decoding.deep(path, size, mode)
    else:
        pixels, alpha, grey = decoding.plain(image)
        image.close()
    pixels, alpha = _turned(pixels, alpha, orientation)
    return Picture(pixels, alpha, grey, icc or None, carried, _dpi(dpi), jpeg, path, packet)


def _of_pillow(image: Image.Image) -> Picture:
    """Upright, as the EXIF of the file that it was read from asks, if it was read from one."""
    if image.width * image.height > MAX_PIXELS or 0 in image.size:
        raise MienError(f"the image is empty, or has more than {MAX_PIXELS // 1_000_000} million pixels")
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16", "I;16B", "I;16L"):
        raise MienError(f"an image of Pillow's mode {image.mode} cannot be edited: image.convert('RGB') first")
    try:
        image.load()
    except Exception as error:  # a damaged file makes Pillow raise almost anything
        raise MienError(f"the image is damaged or cut short ({error})") from None
    exif = image.getexif()
    orientation, icc = exif.get(ExifTags.Base.Orientation, 1), image.info.get("icc_profile")
    if image.format == "TIFF":
        orientation = 1  # Pillow has turned it already
    if image.mode.startswith("I;16"):
        pixels, alpha, grey = decoding.split(np.asarray(image).astype(np.uint16))
    else:
        pixels, alpha, grey = decoding.plain(image)
    pixels, alpha = _turned(pixels, alpha, orientation)
    carried = _exif(exif, image.format == "TIFF")
    return Picture(pixels, alpha, grey, icc or None, carried, _dpi(image.info.get("dpi")), xmp=_xmp(image))


def _turned(pixels: np.ndarray, alpha: np.ndarray | None, orientation: object) -> tuple[np.ndarray, np.ndarray | None]:
    return upright(pixels, orientation), None if alpha is None else upright(alpha, orientation)


def _exif(exif: Image.Exif, tiff: bool) -> bytes:
    """EXIF to carry over, orientation reset to upright; b"" where there is none. The old thumbnail stays behind."""
    if tiff:
        kept = Image.Exif()
        for tag in _CARRIED:
            if tag in exif:
                kept[tag] = exif.get_ifd(tag) if tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo) else exif[tag]
        exif = kept
    if not len(exif):
        return b""
    if ExifTags.Base.Orientation in exif:
        exif[ExifTags.Base.Orientation] = 1
    try:
        return exif.tobytes()
    except Exception:  # damaged metadata is no reason to refuse a sound photo
        return b""


def _xmp(image: Image.Image) -> bytes:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    if isinstance(packet, str):
        packet = packet.encode(errors="replace")
    return tidy(packet) if isinstance(packet, bytes) else b""  # a damaged TIFF may give a number


def _dpi(value: Any) -> tuple[float, float] | None:
    try:
        x, y = (float(v) for v in value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (x, y) if 1 <= x <= 65535 and 1 <= y <= 65535 else None


def _too_large(path: Path, most: int = MAX_PIXELS) -> str:
    return f"{path} declares more than {most // 1_000_000} million pixels; make it smaller first"
