"""`mien camera` with a clip in the camera's place: the page, its frames, and who may look."""

import io
import threading
import urllib.error
import urllib.request

import numpy as np
import pytest
from PIL import Image

from mien.cli import main
from mien.editor import Editor
from mien.provenance import COMPOSITE, _told
from mien.surfaces.camera import BOUNDARY, opened, serve
from mien.surfaces.clips.keyframes import constant
from support import needs_sample
from surfaces.moving import frame, write_clip


def test_no_camera_is_one_line(capsys):
    for device, words in (("99", "no camera 99"), ("nothing", "a number from 0 on")):
        with pytest.raises(SystemExit) as leaving:
            main(["camera", "--device", device])
        captured = capsys.readouterr()
        assert (
            leaving.value.code == 2 and captured.out == "" and words in captured.err and captured.err.count("\n") == 1
        )


@needs_sample
def test_the_page(stand_in, tmp_path):
    pytest.importorskip("av")
    clip = write_clip(tmp_path / "in.mp4", [frame()] * 40)
    said = threading.Event()
    told: list[str] = []

    def say(text: str) -> None:
        told.append(text)
        said.set()

    def look(address: str, host: str | None = None):
        request = urllib.request.Request(address, headers={"Host": host} if host else {})
        return urllib.request.urlopen(request, timeout=30)

    with opened(str(clip)) as source:
        thread = threading.Thread(
            target=serve, args=(source, Editor(stand_in), constant("neutral:0"), "largest", 0, True, say), daemon=True
        )
        thread.start()
        assert said.wait(30)
        here = told[0].split()[1]
        for bad, host in ((here, "evil.example"), (here.rsplit("/", 2)[0] + "/guess/", None), (here + "../x", None)):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                look(bad, host)
        assert b"Edited by mien" in look(here).read() and b'"surprise"' in look(here).read()
        with pytest.raises(urllib.error.HTTPError, match="400"):
            look(here + "ask?expression=hapy")
        look(here + "ask?expression=happy&strength=1").read()
        with look(here + "frames") as stream:
            assert BOUNDARY in stream.headers["Content-Type"]
            for _ in range(3):  # the first may have been made before it was asked
                while (line := stream.readline()).strip() != b"":
                    if line.startswith(b"Content-Length"):
                        length = int(line.split()[1])
                jpeg = stream.read(length)
                stream.readline()
        with Image.open(io.BytesIO(jpeg)) as image:
            pixels, packet = np.asarray(image.convert("RGB")), image.info.get("xmp", b"")
        assert np.abs(pixels.astype(int) - frame())[80:280].max() > 25
        assert _told(packet).source_type == COMPOSITE and _told(packet).edits[0]["made"] == "camera preview"
        thread.join(60)
        assert not thread.is_alive()
