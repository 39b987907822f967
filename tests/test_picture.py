"""Files in, files out: what must survive the way through the program."""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from mien import formats, picture
from mien.errors import MienError

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
FORMATS = [".jpg", ".png", ".webp", ".tif", ".bmp"]
LOSSLESS = [".png", ".webp", ".tif", ".bmp"]


def noise(*shape: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def smooth(height: int = 64, width: int = 96) -> np.ndarray:
    return cv2.resize(noise(8, 12, 3) // 4 + 90, (width, height), interpolation=cv2.INTER_CUBIC)


def exif(orientation: int | None = None) -> Image.Exif:
    tags = Image.Exif()
    tags[271], tags[315] = "Maker", "Somebody"
    tags.get_ifd(0x8769)[0x9003] = "2020:02:02 02:02:02"
    if orientation:
        tags[274] = orientation
    return tags


def depth16(array: np.ndarray, path: Path) -> Path:
    swap = {2: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}[array.shape[2] if array.ndim == 3 else 2]
    cv2.imwrite(str(path), array if swap is None else cv2.cvtColor(array, swap))
    return path


@pytest.mark.parametrize("extension", LOSSLESS)
def test_lossless_formats_keep_every_pixel(tmp_path, extension):
    pixels = noise(33, 47, 3)
    source = tmp_path / f"in{extension}"
    Image.fromarray(pixels).save(source, lossless=True)
    read = picture.read(source)
    assert np.array_equal(read.pixels, pixels) and read.alpha is None and not read.grey
    again = picture.read(formats.write(tmp_path / f"out{extension}", read))
    assert np.array_equal(again.pixels, pixels)


@pytest.mark.parametrize("extension", FORMATS)
def test_icc_exif_and_dpi_are_carried_over(tmp_path, extension):
    Image.fromarray(smooth()).save(tmp_path / "in.jpg", icc_profile=ICC, exif=exif(6), dpi=(300, 300))
    read = picture.read(tmp_path / "in.jpg")
    assert read.pixels.shape == (96, 64, 3)
    out = formats.write(tmp_path / f"out{extension}", read)
    with Image.open(out) as image:
        assert image.size == (64, 96)
        if extension != ".bmp":
            tags = image.getexif()
            assert image.info["icc_profile"] == ICC
            assert tags[271] == "Maker" and tags.get(274, 1) == 1
            assert tags.get_ifd(0x8769)[0x9003] == "2020:02:02 02:02:02"
        if extension != ".webp":
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("extension", [".jpg", ".png", ".tif", ".webp"])
def test_orientation_is_applied_as_pillow_does(tmp_path, orientation, extension):
    source = tmp_path / f"in{extension}"
    Image.fromarray(smooth(30, 50)).save(source, exif=exif(orientation), lossless=True)
    with Image.open(source) as image:
        wanted = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    read = picture.read(source)
    assert np.array_equal(read.pixels, wanted)
    out = formats.write(tmp_path / "out.png", read)
    with Image.open(out) as image:
        assert image.getexif().get(274, 1) == 1
        assert np.array_equal(np.asarray(image), wanted)


def raw_exif(orientation: bytes, thumbnail: bytes) -> bytes:
    """EXIF by hand: a maker, an orientation entry as given (type, count, value), and a thumbnail in a second folder."""
    entry = struct.Struct("<HHI4s")
    first = struct.pack("<H", 2) + entry.pack(271, 2, 4, b"Foo\0") + struct.pack("<H", 274) + orientation
    second_at = 8 + len(first) + 4
    second = struct.pack("<H", 2) + entry.pack(513, 4, 1, struct.pack("<I", second_at + 2 + 2 * 12 + 4))
    second += entry.pack(514, 4, 1, struct.pack("<I", len(thumbnail))) + bytes(4)
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + first + struct.pack("<I", second_at) + second + thumbnail


@pytest.mark.parametrize(
    ("orientation", "shape"),
    [
        (struct.pack("<HIHxx", 3, 1, 6), (96, 64, 3)),
        (struct.pack("<HIHxx", 3, 1, 77), (64, 96, 3)),
        (struct.pack("<HI4s", 2, 4, b"up!\0"), (64, 96, 3)),
    ],
)
def test_the_old_thumbnail_stays_behind_and_odd_orientations_do_no_harm(tmp_path, orientation, shape):
    thumbnail = b"the old face"
    Image.fromarray(smooth()).save(tmp_path / "in.jpg", exif=raw_exif(orientation, thumbnail))
    assert thumbnail in (tmp_path / "in.jpg").read_bytes()
    read = picture.read(tmp_path / "in.jpg")
    assert read.pixels.shape == shape
    out = formats.write(tmp_path / "out.jpg", read)
    assert thumbnail not in out.read_bytes()
    with Image.open(out) as image:
        assert image.getexif()[271] == "Foo"


@pytest.mark.parametrize("quality", [50, 75, 92, 100])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_jpeg_is_written_at_the_quality_of_its_input(tmp_path, quality, subsampling):
    Image.fromarray(smooth()).save(tmp_path / "in.jpg", quality=quality, subsampling=subsampling)
    out = formats.write(tmp_path / "out.jpg", picture.read(tmp_path / "in.jpg"))
    with Image.open(tmp_path / "in.jpg") as a, Image.open(out) as b:
        assert b.quantization == a.quantization
        assert [layer[1:3] for layer in b.layer] == [layer[1:3] for layer in a.layer]
        difference = np.abs(np.asarray(a).astype(int) - np.asarray(b).astype(int))
    assert difference.mean() < 0.7  # nothing but rounding on the way


def test_a_jpeg_from_another_format_is_good(tmp_path):
    Image.fromarray(smooth()).save(tmp_path / "in.png")
    out = formats.write(tmp_path / "out.jpg", picture.read(tmp_path / "in.png"))
    with Image.open(out) as image:
        assert max(image.quantization[0]) <= 12 and image.layer[0][1:3] == (1, 1)


def test_a_jpeg_of_noise_at_full_quality(tmp_path):
    """libjpeg needs more room for it than Pillow sets aside when asked to optimise."""
    Image.fromarray(noise(900, 900, 3)).save(tmp_path / "in.jpg", quality=100, subsampling=0)
    assert formats.write(tmp_path / "out.jpg", picture.read(tmp_path / "in.jpg")).stat().st_size > 900_000


@pytest.mark.parametrize("extension", [".png", ".webp", ".tif"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_kept(tmp_path, extension, mode):
    array = noise(20, 30, len(mode))
    Image.fromarray(array).save(tmp_path / "in.png")
    read = picture.read(tmp_path / "in.png")
    assert np.array_equal(read.alpha, array[..., -1])
    again = picture.read(formats.write(tmp_path / f"out{extension}", read))
    assert np.array_equal(again.pixels, read.pixels) and np.array_equal(again.alpha, read.alpha)


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_other_modes_become_rgb(tmp_path, mode):
    image = Image.fromarray(smooth()).convert(mode)
    image.save(tmp_path / "in.png")
    read = picture.read(tmp_path / "in.png")
    assert np.array_equal(read.pixels, np.asarray(image.convert("RGB"))) and read.grey == (mode != "P")
    out = formats.write(tmp_path / "out.png", read)
    with Image.open(out) as written:
        assert written.mode == ("RGB" if mode == "P" else "L")
        assert np.array_equal(np.asarray(written.convert("RGB")), read.pixels)


def test_a_palette_with_transparency(tmp_path):
    image = Image.fromarray(smooth()).convert("P")
    image.save(tmp_path / "in.png", transparency=3)
    read = picture.read(tmp_path / "in.png")
    assert read.alpha is not None and np.array_equal(read.alpha == 0, np.asarray(image) == 3)


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3), (20, 30, 4)])
@pytest.mark.parametrize("source", [".png", ".tif"])
@pytest.mark.parametrize("target", [".png", ".tif"])
def test_sixteen_bits_are_kept(tmp_path, shape, source, target):
    array = noise(*shape, dtype=np.uint16)
    read = picture.read(depth16(array, tmp_path / f"in{source}"))
    assert read.pixels.dtype == np.uint16 and read.grey == (len(shape) == 2)
    assert np.array_equal(read.pixels, array[..., :3] if len(shape) == 3 else np.dstack([array] * 3))
    carrying = picture.Picture(read.pixels, read.alpha, read.grey, ICC, exif().tobytes(), (300, 300))
    out = formats.write(tmp_path / f"out{target}", carrying)
    again = picture.read(out)
    assert np.array_equal(again.pixels, read.pixels) and again.grey == read.grey
    assert (again.alpha is None) == (read.alpha is None)
    assert read.alpha is None or np.array_equal(again.alpha, read.alpha)
    assert again.icc == ICC
    with Image.open(out) as image:
        assert image.getexif()[271] == "Maker"
        assert image.getexif().get_ifd(0x8769)[0x9003] == "2020:02:02 02:02:02"


@pytest.mark.parametrize("extension", [".jpg", ".webp", ".bmp"])
def test_sixteen_bits_are_refused_where_they_do_not_fit(tmp_path, extension):
    read = picture.read(depth16(noise(20, 30, 3, dtype=np.uint16), tmp_path / "in.png"))
    with pytest.raises(MienError, match="16 bits"):
        formats.check_output(tmp_path / f"out{extension}", read)


@pytest.mark.parametrize("extension", [".jpg", ".bmp"])
def test_transparency_is_refused_where_it_does_not_fit(tmp_path, extension):
    with pytest.raises(MienError, match="transparency"):
        formats.check_output(tmp_path / f"out{extension}", picture.as_picture(noise(9, 9, 4)))


def header_only(path: Path, width: int, height: int) -> Path:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    ihdr = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + ihdr + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b""))
    return path


def animation(path: Path) -> Path:
    frames = [Image.fromarray(noise(16, 16, 3, seed=seed)) for seed in (1, 2)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


def saved(path: Path, image: Image.Image) -> Path:
    image.save(path)
    return path


def filled(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def cut(path: Path, image: Image.Image, share: float = 0.6) -> Path:
    image.save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


BAD = {
    "missing": (lambda d: d / "missing.jpg", "does not exist"),
    "folder": (lambda d: d, "is a folder"),
    "zero bytes": (lambda d: filled(d / "a.jpg", b""), "is empty"),
    "text": (lambda d: filled(d / "a.jpg", b"hello there"), "not an image"),
    "gif": (lambda d: saved(d / "a.gif", Image.fromarray(noise(9, 9, 3))), "not an image that mien reads"),
    "cut jpeg": (lambda d: cut(d / "a.jpg", Image.fromarray(noise(64, 64, 3))), "damaged or cut short"),
    "cut png": (lambda d: cut(d / "a.png", Image.fromarray(noise(64, 64, 3))), "damaged or cut short"),
    "cut webp": (lambda d: cut(d / "a.webp", Image.fromarray(noise(64, 64, 3))), "damaged|not an image"),
    "cut tiff": (lambda d: cut(d / "a.tif", Image.fromarray(noise(64, 64, 3))), "damaged|not an image"),
    "cut bmp": (lambda d: cut(d / "a.bmp", Image.fromarray(noise(64, 64, 3))), "damaged or cut short"),
    "cut header": (lambda d: cut(d / "a.png", Image.fromarray(noise(64, 64, 3)), 0.002), "damaged|not an image"),
    "bomb": (lambda d: header_only(d / "a.png", 30_000, 30_000), "million pixels"),
    "small bomb": (lambda d: header_only(d / "a.png", 18_000, 9_700), "million pixels"),
    "cmyk": (lambda d: saved(d / "a.jpg", Image.new("CMYK", (9, 9))), "convert it to RGB"),
    "float": (lambda d: saved(d / "a.tif", Image.new("F", (9, 9))), "convert it to RGB"),
    "animation": (lambda d: animation(d / "a.webp"), "several pictures"),
    "pages": (lambda d: animation(d / "a.tif"), "several pictures"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path, case, capfd):
    make, says = BAD[case]
    with pytest.raises(MienError, match=says) as caught:
        picture.read(make(tmp_path))
    assert len(str(caught.value).splitlines()) == 1


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "BMP"]), st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, form, data):
    buffer = io.BytesIO()
    Image.fromarray(noise(16, 16, 3)).save(buffer, form)
    raw = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "image"
    path.write_bytes(bytes(raw))
    try:
        assert picture.read(path).pixels.ndim == 3
    except MienError as error:
        assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("out.xyz", "unknown extension"),
        ("out", "unknown extension"),
        ("missing/out.png", "no folder"),
        ("in.png/out.png", "no folder"),
        ("folder.png", "is a folder"),
        ("in.png", "the photo itself"),
        ("link.png", "the photo itself"),
    ],
)
def test_what_cannot_be_written_is_said_before_any_work(tmp_path, name, says):
    Image.fromarray(smooth()).save(tmp_path / "in.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "link.png").symlink_to(tmp_path / "in.png")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(MienError, match=says):
        formats.check_output(tmp_path / name, picture.read(tmp_path / "in.png"))
    assert sorted(tmp_path.iterdir()) == before


def test_an_unwritable_folder():
    if not Path("/proc/self").is_dir():
        pytest.skip("needs /proc")
    with pytest.raises(MienError, match="cannot write"):
        formats.check_output("/proc/self/out.png")


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(MienError, match="No space left"):
        formats.write(tmp_path / "out.png", picture.as_picture(smooth()))
    assert not list(tmp_path.iterdir())


def test_too_large_for_the_format(tmp_path):
    wide = picture.as_picture(np.zeros((2, 16_500, 3), np.uint8))
    with pytest.raises(MienError, match="16383"):
        formats.check_output(tmp_path / "out.webp", wide)


@pytest.mark.parametrize("array", [noise(4, 4, 5), noise(4), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8), None])
def test_arrays_that_are_no_image(array):
    with pytest.raises(MienError):
        picture.as_picture(array)


def test_an_array_is_copied():
    array = noise(8, 8, 3)
    made = picture.as_picture(array)
    array[:] = 0
    assert made.pixels.any()


def test_a_tiff_holds_nothing_of_the_memory_around_it():
    """libtiff pads what it writes into memory with whatever lay there: two edits of a photo would differ in a byte."""
    code = (
        "import hashlib, numpy as np; from mien.formats import encode; from mien.picture import Picture;"
        "a = np.random.default_rng(0).integers(0, 256, (301, 299, 3), np.uint8);"
        "print(hashlib.sha256(encode(Picture(a, xmp=b'<x/>'), 'TIFF')).hexdigest())"
    )
    said = {
        subprocess.check_output([sys.executable, "-c", code], env=os.environ | {"MALLOC_PERTURB_": fill})
        for fill in ("64", "191")  # glibc fills fresh memory with it
    }
    assert len(said) == 1
