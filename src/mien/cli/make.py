"""The way of make: `mien rig`, `mien train`, `mien export`. They need the extras, and say so when they are missing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli.needs import needs
from mien.cli.options import C2paCert, C2paKey, NoProvenance, Photo, WhichFace, credentials
from mien.errors import MienError
from mien.expression import MAX_AMOUNT, parse

Assets = Annotated[Path, typer.Option("--assets", help="Folder with ict-facekit.npz (see DATA_CARD.md).")]


def rig(
    photo: Photo,
    expression: Annotated[str, typer.Option("-e", "--expression", help="Such as fear or happy:0.6.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.")],
    assets: Assets,
    strength: Annotated[float, typer.Option("--strength", help="Share of the way, 0 to 1.3.")] = 1.0,
    face: WhichFace = "largest",
    no_provenance: NoProvenance = False,
    c2pa_cert: C2paCert = None,
    c2pa_key: C2paKey = None,
) -> None:
    """Edit a photo with the 3D rig instead of the network: the teacher, and the classical baseline."""
    target = parse(expression)
    if not 0 <= strength <= MAX_AMOUNT:
        raise MienError(f"the strength must be within 0 to {MAX_AMOUNT}, not {strength:g}")
    needs("rig", "numba", "scipy")
    from mien.face import choose, find_faces
    from mien.formats import check_output, write
    from mien.picture import read
    from mien.provenance import RIGGED, rig_step, stamped, write_signed
    from mien.rig.facekit import FaceKit
    from mien.rig.photo import PhotoRig

    check_output(output)
    signer = credentials(c2pa_cert, c2pa_key, no_provenance)
    picture = read(photo)
    check_output(output, picture)
    rgb = picture.rgb
    faces = find_faces(rgb)
    chosen = choose(faces, face, picture.name)
    pixels, kit = picture.pixels, FaceKit.load(assets)
    for index in chosen:
        laid = PhotoRig(kit, rgb, faces[index])
        if target.amount * strength > 0:
            pixels = laid.edit(pixels, target.weights, target.amount * strength)
    made = picture.with_pixels(pixels)
    edited = target.amount * strength > 0
    step = rig_step(picture, [faces[i] for i in chosen], edited, expression=str(target), strength=strength)
    if no_provenance:
        write(output, made)
    else:
        write_signed(output, stamped(made, step, RIGGED), signer, photo)
    typer.echo(f"{output}: {target} on {len(chosen)} face{'s' if len(chosen) > 1 else ''}, by the rig")


def train(
    config: Annotated[Path, typer.Argument(help="TOML file, such as configs/base.toml.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run.")],
    shared: Annotated[
        Path | None, typer.Option("--shared", help="Folder with data/london and data/canada (see DATA_CARD.md).")
    ] = None,
    assets: Annotated[
        Path | None, typer.Option("--assets", help="Folder with ict-facekit.npz (see DATA_CARD.md).")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, if there is one.")] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Over the file, such as seed=2.")
    ] = None,
    minutes: Annotated[float, typer.Option("--minutes", min=0, help="Stop after this time; 0: at the end.")] = 0,
    devices: Annotated[int, typer.Option("--devices", min=1, help="Devices, or processes on a CPU.")] = 1,
    nodes: Annotated[int, typer.Option("--nodes", min=1, help="Hosts, each started with this command.")] = 1,
    accelerator: Annotated[str, typer.Option("--accelerator", help="cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads of torch, a process.")] = 1,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help='model = "warp": processes that render pairs; 1.')
    ] = None,
    init: Annotated[
        Path | None, typer.Option("--init", help='model = "warp": folder of a run whose weights to start from.')
    ] = None,
    faces: Annotated[
        Path | None, typer.Option("--faces", help="Folder that runs share their faces in; --out. Not for warp.")
    ] = None,
) -> None:
    """Train a model: the default generator ("warp"), the paper's system ("unet") or a rival (docs/baselines.md)."""
    needs("train", "torch", "numba", "scipy", "safetensors", "tensorboard", "lightning_fabric")
    from mien.training.progress import first
    from mien.training.run import Options, run

    options = Options(
        shared=shared,
        assets=assets,
        out=out,
        resume=resume,
        minutes=minutes,
        devices=devices,
        nodes=nodes,
        accelerator=accelerator,
        threads=threads,
        workers=workers,
        init=init,
        faces=faces,
    )
    try:
        run(config, settings or (), options)
    except MienError:
        if first():
            raise
        raise typer.Exit(2) from None  # one line, not one of each device


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a training run.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The .onnx file to write; its manifest lies beside it.")
    ],
    figures: Annotated[
        Path | None, typer.Option("--figures", help="JSON with measured figures for the manifest.")
    ] = None,
) -> None:
    """Write a run's weights as ONNX, checked against torch, with a manifest."""
    needs("train", "torch", "onnx", "safetensors")
    import json

    from mien.export import export as write

    measured: dict[str, Any] = {}
    if figures is not None:
        try:
            measured = json.loads(figures.read_text())
        except (OSError, ValueError) as error:
            raise MienError(f"cannot read the figures {figures}: {error}") from None
        if not isinstance(measured, dict):
            raise MienError(f"the figures {figures} must be one JSON object")
    manifest = write(run, output, measured)
    worst = ", ".join(f"{name} {value:.1g}" for name, value in manifest["parity"].items())
    typer.echo(f"{output}: {manifest['bytes'] / 2**20:.1f} MiB, step {manifest['step']}; largest difference: {worst}")
