"""Devices, precision, and two processes started as people start them."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mien.errors import MienError
from mien.training.checkpoint import load_checkpoint
from mien.training.devices import check_devices, half, launch
from mien.training.warp import Learner
from synthetic import TINY
from training.tiny import start, train

SCRIPT = Path(sys.executable).with_name("mien")

CONFIGS = {
    "warp": """
model = "warp"
size = 64
steps = 2
batch = 4
chunk = 4
warmup = 1
adversarial_from = 1
widths = [8, 8, 16, 16, 16]
head = 4
""",
    "unet": """
model = "unet"
size = 64
width = 4
categories = ["neutral", "happy"]
[discriminator]
width = 4
layers = 1
[loss]
triplet_weight = 0
[optimiser]
steps = 2
batch = 4
[data]
variants = 1
[log]
faces = 1
""",
}


@pytest.mark.parametrize(("precision", "amx", "accelerator", "wanted"), [
    ("bf16", False, "cpu", True), ("fp32", True, "cpu", False), ("fp32", True, "cuda", False),
    ("auto", False, "cpu", False), ("auto", True, "cpu", True), ("auto", False, "cuda", True),
])  # fmt: skip
def test_precision_is_what_the_configuration_says(precision, amx, accelerator, wanted, monkeypatch):
    """On a processor "auto" is bf16 only where the hardware multiplies it."""
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert half(precision, accelerator) is wanted
    if accelerator == "cpu":
        with launch(2, precision).autocast():
            x = torch.ones(4, 4)
            assert (x @ x).dtype == (torch.bfloat16 if wanted else torch.float32)


@pytest.mark.parametrize(
    ("batch", "accelerator", "devices", "nodes", "says"),
    [
        (3, "cpu", 2, 1, "batch of 3 cannot be shared evenly by 2"),
        (4, "cpu", 2, 3, "shared evenly by 6"),
        (4, "tpu", 1, 1, "cpu or cuda, not 'tpu'"),
        (64, "cuda", 64, 1, "use --accelerator cpu"),
    ],
)
def test_devices_that_cannot_be(batch, accelerator, devices, nodes, says):
    with pytest.raises(MienError, match=says):
        check_devices(batch, accelerator, devices, nodes)


@pytest.mark.skipif(not SCRIPT.is_file(), reason="mien is not installed as a command")
@pytest.mark.parametrize("model", ["warp", "unet"])
def test_two_processes_by_the_console_script(model, people, kit_file, tmp_path):
    config, out = tmp_path / "c.toml", tmp_path / "run"
    config.write_text(CONFIGS[model])
    told = ["--out", out, "--shared", people, "--assets", kit_file, "--devices", 2]
    process = start(SCRIPT, "train", config, *told)
    output = process.communicate(timeout=600)[0].decode()
    assert process.returncode == 0, output
    tensors, state = load_checkpoint(out)
    assert state["step"] == 2 and all(torch.isfinite(t).all() for t in tensors.values())
    assert output.count("training") == 1 and "2/2" in output  # one of them shows what goes on
    if model == "warp":  # what both of them find out is said once
        odd = shutil.copytree(people, tmp_path / "odd")
        (odd / "data" / "london" / "neutral" / "002.tem").write_text("no template")
        again = start(SCRIPT, "train", config, *told, "--shared", odd, "--resume", "--set", "steps=3")
        output = again.communicate(timeout=600)[0].decode()
        assert again.returncode == 2 and output.count("mien: ") == 1 and "Traceback" not in output, output


def test_two_processes_of_the_default_generator_end_alike(embedder_file, tmp_path):
    """The same weights on both, with other people's photos and triplets; and near those of one process on the same
    batch, though not the same: masks make means of each share."""
    config = replace(
        TINY, batch=4, chunk=8, steps=4, adversarial_from=1, real_share=0.0, triplet_weight=1.0,
        triplet_embedder=str(embedder_file), precision="fp32",
    )  # fmt: skip
    for devices in (1, 2):
        folder = tmp_path / str(devices)
        process = start(Path(__file__).with_name("drive.py"), json.dumps(config.as_dict()), folder, devices)
        output = process.communicate(timeout=600)[0].decode()
        assert process.returncode == 0, output
    first, second = (load_file(tmp_path / "2" / f"average-{rank}.safetensors") for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    one = load_file(tmp_path / "1" / "average-0.safetensors")
    fresh = Learner(config, torch.device("cpu")).average.state_dict()
    moved = sum((one[name] - fresh[name]).square().sum() for name in one).sqrt()
    apart = sum((one[name] - first[name]).square().sum() for name in one).sqrt()
    assert moved > 0 and apart < 0.5 * moved


def test_bf16_trains_the_default_generator(neutral, tmp_path):
    """Its losses differ a little from those in fp32; the weights stay in fp32."""
    losses = {}
    for word in ("fp32", "bf16"):
        config = replace(TINY, steps=1, real_share=0.0, adversarial_from=0, precision=word)
        average = train(
            config,
            tmp_path / word,
            neutral,
            {},
            report=lambda step, loss, terms, word=word: losses.update({word: loss}),
        )
        assert all(value.dtype == torch.float32 for value in average.parameters())
    assert losses["fp32"] != losses["bf16"] and losses["fp32"] == pytest.approx(losses["bf16"], rel=0.1)
