"""The rivals by the name that a configuration's key `model` gives them."""

from __future__ import annotations

from mien.models.baselines.base import Rival
from mien.models.baselines.cdaae import CDAAE
from mien.models.baselines.exprgan import ExprGAN
from mien.models.baselines.g2gan import G2GAN
from mien.models.baselines.ganimation import GANimation
from mien.models.baselines.pix2pix import Pix2Pix
from mien.models.baselines.stargan import StarGAN

RIVALS: dict[str, type[Rival]] = {
    "pix2pix": Pix2Pix,
    "stargan": StarGAN,
    "cdaae": CDAAE,
    "ganimation": GANimation,
    "exprgan": ExprGAN,
    "g2gan": G2GAN,
}
