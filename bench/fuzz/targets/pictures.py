"""Pictures of every format, and XMP packets."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from pathlib import Path

from targets.base import Run, Target


def _pictures() -> list[bytes]:
    """A small picture in every format, plain and with all that a file carries beside its pixels."""
    import numpy as np
    from PIL import Image, ImageCms

    rgb = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    image, exif = Image.fromarray(rgb), Image.Exif()
    exif[274], exif[271], exif[34665] = 6, "maker", {36867: "2020:01:01 00:00:00", 37500: b"note"}
    exif[34853] = {1: "N", 2: (1.0, 2.0, 3.0)}
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    from mien.provenance import RECORD, SOURCE_TYPE
    from mien.xmp import put

    xmp = put(b"", {RECORD: json.dumps({"edits": [{"mien": "0", "expression": "happy"}]}), SOURCE_TYPE: "x"})
    files = []

    def add(one: Image.Image, form: str, **more: object) -> None:
        buffer = io.BytesIO()
        one.save(buffer, form, **more)
        files.append(buffer.getvalue())

    for form in ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"):
        add(image, form)
    add(image, "JPEG", exif=exif, icc_profile=icc, xmp=xmp, dpi=(300, 300))
    add(image, "JPEG", progressive=True, subsampling=0, exif=exif)
    add(image, "PNG", exif=exif, icc_profile=icc, dpi=(72, 72), pnginfo=_itxt(xmp))
    add(image, "WEBP", exif=exif.tobytes(), icc_profile=icc, xmp=xmp, lossless=True)
    read = Image.Exif()
    read.load(exif.tobytes())
    add(image, "TIFF", exif=read, icc_profile=icc)
    add(image, "TIFF", compression="tiff_lzw")
    add(image, "TIFF", compression="tiff_adobe_deflate")
    for mode in ("L", "LA", "1", "P", "RGBA"):
        add(image.convert(mode), "PNG")
    add(image.convert("CMYK"), "JPEG")
    add(image, "PNG", save_all=True, append_images=[image])
    add(image, "WEBP", save_all=True, append_images=[image])
    add(Image.fromarray(rgb[..., 0].astype(np.uint16) * 257), "PNG")
    add(Image.fromarray(rgb[..., 0].astype(np.uint16) * 257), "TIFF")
    import cv2

    for end in (".png", ".tiff"):
        files.append(cv2.imencode(end, rgb.astype(np.uint16) * 257)[1].tobytes())
    return files


def _itxt(xmp: bytes):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return info


def _picture(folder: Path) -> Run:
    import mien.decoding
    import mien.picture
    from mien import MienError, provenance
    from mien.formats import encode

    folder.mkdir(parents=True)
    path = folder / "x"
    mien.decoding.MAX_PIXELS = 4_000_000  # what the true limit costs is measured by bombs.py; here inputs are many

    def run(data: bytes) -> None:
        path.write_bytes(data)
        with suppress(MienError):
            provenance.inspect(path)
        picture = mien.picture.read(path)
        assert picture.pixels.ndim == 3 and picture.pixels.shape[2] == 3 and picture.rgb.dtype == "uint8"
        if picture.pixels.size < 300_000:  # and the copy can be written with all that came along
            told = provenance.stamped(picture, {"mien": "0", "edited": True})
            for form in ("PNG", "TIFF") if picture.pixels.dtype == "uint16" else ("PNG", "TIFF", "JPEG", "WEBP"):
                if form != "JPEG" or picture.alpha is None:
                    (folder / "y").write_bytes(encode(told, form))
                    assert provenance.inspect(folder / "y").edits, f"{form} has lost what was done"

    return run


def _xmp_seeds() -> list[bytes]:
    from mien.provenance import RECORD, SOURCE_TYPE
    from mien.xmp import put

    one = put(b"", {RECORD: json.dumps({"edits": [{"mien": "0"}]}), SOURCE_TYPE: "x"})
    return [
        one,
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" '
        b'xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:Thumbnails><rdf:Alt><rdf:li>a</rdf:li></rdf:Alt>'
        b"</xmp:Thumbnails></rdf:Description></rdf:RDF></x:xmpmeta>",
    ]


def _xmp(folder: Path) -> Run:
    from mien import provenance, xmp

    folder.mkdir(parents=True)

    def run(data: bytes) -> None:
        tidy = xmp.tidy(data)
        provenance._told(data)
        after = xmp.put(tidy, {provenance.RECORD: '{"edits": [{"a": 1}]}'})
        assert provenance._told(after).edits, "what was put in cannot be read back"

    return run


TARGETS = {
    "picture": Target("picture", _pictures, _picture),
    "xmp": Target("text", _xmp_seeds, _xmp),
}
