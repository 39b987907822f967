"""What a neutral photo never showed of the mouth: its light and its depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.synthesis.dentition import ENAMEL
from mien.synthesis.eyeball import LUMA

DARK = np.array([0.115, 0.042, 0.038])  # the mouth's depth, sRGB, for a skin of luminance 0.62


@dataclass(frozen=True)
class Mouth:
    """The light in a person's mouth: (3,) factor on the colours of `dentition` and `DARK`."""

    light: np.ndarray

    @classmethod
    def of(cls, skin: np.ndarray, rng: np.random.Generator) -> Mouth:
        """From the mean colour (3,) of the face, as bright as the skin is lit, with a person's own tint of teeth."""
        exposure = np.clip(float(skin @ LUMA) / 0.62, 0.55, 1.15) ** 0.75
        return cls((1 + rng.normal(0, 0.02, 3) * (0.3, 1.0, 2.0)) * exposure)

    def enamel(self, opening: np.ndarray) -> np.ndarray:
        """(S, S, 3) float32 colour of a tooth. opening (S, S) in [0, 1]: the mouth, blurred; light is lost at its
        edges, most under the upper lip."""
        drop = max(1, round(0.008 * len(opening)))
        shadow = np.pad(opening, ((drop, 0), (0, 0)), mode="edge")[:-drop]
        factor = np.clip(0.50 + 0.35 * opening + 0.35 * shadow, 0, 1.05)
        return np.clip(ENAMEL * self.light * factor[..., None], 0, 1).astype(np.float32)

    def depth(self, opening: np.ndarray) -> np.ndarray:
        """(S, S, 3) float32 colour behind the teeth."""
        return (DARK * self.light * (0.6 + 0.5 * opening)[..., None]).astype(np.float32)
