"""A rival for the training loop: faces, geometry and draws are the same for all, networks and losses are its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional

from mien.expression import NAMES
from mien.models.baselines.base import Step, Terms, Wanted
from mien.models.embedder import load_embedder
from mien.rig.emotions import prototype
from mien.training.baselines.config import BaselineConfig
from mien.training.baselines.geometry import Geometry, mirrored
from mien.training.baselines.learner import Learner
from mien.training.paper.data import Batch, Batches
from mien.training.paper.faces import Faces
from mien.training.samples import write_sheet
from mien.training.system import System, Values


class Baseline(System):
    """Any of `mien.models.baselines.registry`, on one device: some of their losses go backward twice or through several
    networks, which the wrappers for several devices do not allow."""

    learner: Learner

    def __init__(self, config: BaselineConfig, faces: Faces, geometry: Geometry, fabric: Fabric) -> None:
        self.config, self.fabric, self.faces, self.geometry = config, fabric, faces, geometry
        self.steps = config.optimiser.steps
        self.save_every, self.sample_every = config.log.save_every, config.log.sample_every
        self.values_every = config.log.values_every
        self.source = Batches(config.paper(), faces, fabric.device)
        self.rival = config.rival()
        self.critic_steps = self.rival.critic_steps
        if config.embedder:
            self.rival.embedder = load_embedder(config.embedder).to(fabric.device)
        self.learner = Learner(config, fabric.device)
        self.categories = np.array([config.categories.index(name) for name in faces.categories.tolist()])
        both = [np.stack(pair, axis=1) for pair in zip(geometry[:2], mirrored(*geometry[:2]), strict=True)]
        self.weights, self.points = (torch.from_numpy(v.reshape(-1, *v.shape[2:])).float() for v in both)
        if self.rival.guided:
            for net in (self.learner.generator, self.learner.average):
                self.rival.learn(net, self._everybody())

    def rate(self, step: int) -> float:
        return self.config.optimiser.rate

    def batches(self, start: int) -> Iterator[Step]:
        return (self._step(self.source.at(step)) for step in count(start))

    def make(self, generator: nn.Module, batch: Step) -> Any:
        lots = torch.Generator().manual_seed(torch.initial_seed())  # of this step: see `reseed`
        with self.fabric.autocast():
            return self.rival.make(self.learner.generator, batch, lots)

    def discriminator_loss(
        self, discriminator: nn.Module, batch: Step, made: Any, lots: torch.Generator
    ) -> tuple[Tensor, Values]:
        with self.fabric.autocast():
            terms = self.rival.discriminator_terms(self.learner.discriminator, batch, made, lots)
        return _total("discriminator", terms)

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Step, made: Any, lots: torch.Generator
    ) -> tuple[Tensor, Values]:
        terms = self.rival.generator_terms(self.learner.generator, self.learner.discriminator, batch, made, lots)
        return _total("generator", terms)

    def sheet(self, path: Path) -> None:
        """A row for each of the same faces: the photo, then all categories, by the averaged weights."""
        faces = self.faces.held_out
        if not len(faces):
            return
        place = self.fabric.device
        photos = torch.from_numpy(np.ascontiguousarray(faces.transpose(0, 3, 1, 2))).to(place).float() / 255
        points = torch.from_numpy(self.geometry.held_out).float().to(place)
        columns = [faces]
        for number in range(len(self.config.categories)):
            with torch.no_grad():
                wanted = asked(self.config, number, points)
                made = self.rival.apply(self.learner.average, photos, wanted).clamp(0, 1)
            columns.append(np.round(made.permute(0, 2, 3, 1).cpu().numpy() * 255).astype(np.uint8))
        write_sheet(np.concatenate([np.concatenate(list(column)) for column in columns], axis=1), path)

    def _step(self, batch: Batch) -> Step:
        place = self.fabric.device
        source, target = batch.shown[:, 0], batch.shown[:, 1]
        before = torch.from_numpy(self.categories[(source // 2).numpy()])
        before = functional.one_hot(before, len(self.config.categories)).float()
        told = (self.weights[source], self.weights[target], self.points[source], self.points[target])
        return Step(
            batch.source, batch.target, before.to(place), batch.category, *(values.to(place) for values in told)
        )

    def _everybody(self) -> Step:
        """Each face as a target, beside its person's neutral one; pixels left out."""
        faces, names = self.faces, self.faces.categories
        neutral = {faces.identities[i]: i for i in reversed(np.flatnonzero(names == NAMES[0]).tolist())}
        rows = [i for i in range(len(names)) if faces.identities[i] in neutral and names[i] != NAMES[0]]
        sources = [neutral[faces.identities[i]] for i in rows]
        shown = functional.one_hot(torch.from_numpy(self.categories), len(self.config.categories)).float()
        nothing = torch.zeros(0)
        weights, points = (torch.from_numpy(values).float() for values in self.geometry[:2])
        return Step(
            nothing,
            nothing,
            shown[sources],
            shown[rows],
            weights[sources],
            weights[rows],
            points[sources],
            points[rows],
        )


def asked(config: BaselineConfig, number: int, points: Tensor, strength: float = 1.0) -> Wanted:
    """Category `number` for faces with these landmarks (N, 68, 2), as shares of the side."""
    count, device = len(points), points.device
    kinds = torch.eye(len(config.categories), device=device)
    category = kinds[number].expand(count, -1)
    neutral = kinds[config.categories.index(NAMES[0])].expand(count, -1) if NAMES[0] in config.categories else None
    weights = torch.from_numpy(prototype(config.categories[number])).float().to(device).expand(count, -1)
    return Wanted(category, weights, points, strength, neutral)


def _total(who: str, terms: Terms) -> tuple[Tensor, Values]:
    loss = torch.stack([term.float() for term in terms.values()]).sum()
    return loss, {f"{who}/{name}": term for name, term in terms.items()}
