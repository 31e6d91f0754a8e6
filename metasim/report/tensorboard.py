"""TensorBoard: what a run ends with, beside the curves that it wrote while it worked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from metasim.base.files import read_yaml
from metasim.matching.generator import Generator
from metasim.model.attribute_gcn import AttributeNetwork
from metasim.report.frames import FINAL
from metasim.report.montage import montage
from metasim.report.run_data import RunData
from metasim.report.words import verdict_sentences
from metasim.runs.samples import load_images
from metasim.runs.summary import Summary
from metasim.scene.encoding import GraphEncoder, SceneData

REPORT, TARGET = "report", "target"
_IMAGES, _COLUMNS = 16, 4
_FIELDS = ("values", "present", "mutable", "symbol", "cls", "edge_index")


def write_tensorboard(run: RunData) -> None:
    """Writes ``tensorboard/report`` and ``tensorboard/target`` anew.

    The first holds the verdict as text, hyperparameters with the numbers they led to, the attributes and
    images of the tuned generator and the graph of its network. The second holds the target's attributes
    and images under the tags and at the steps of the stage ``match``, so that they stand beside them.
    """
    for name in (REPORT, TARGET):
        shutil.rmtree(run.folder.tensorboard / name, ignore_errors=True)
    last = max((epoch.number for epoch in run.epochs), default=0) + 1
    with closing(SummaryWriter(str(run.folder.tensorboard / REPORT))) as writer:
        if run.summary is not None:
            _write_summary(writer, run, run.summary)
        if run.populations is not None and run.judged:
            _write_attributes(writer, run, run.populations.generated, last)
        _write_images(writer, run, FINAL, last)
        _write_network(writer, run)
    with closing(SummaryWriter(str(run.folder.tensorboard / TARGET))) as writer:
        if run.populations is not None and run.populations.target is not None:
            for step in range(last + 1):
                _write_attributes(writer, run, run.populations.target, step)
        _write_images(writer, run, "target", 0)


def _write_summary(writer: SummaryWriter, run: RunData, summary: Summary) -> None:
    writer.add_text("verdict", "\n\n".join(verdict_sentences(summary)))
    results: dict[str, float] = {
        "result/p_value": summary.verdict.p_value,
        "result/c2st": summary.verdict.c2st,
        "result/renders": summary.renders,
        "result/seconds": summary.wall_seconds,
    }
    known = [result.w1 for result in summary.attributes.values() if result.w1 is not None]
    if known:
        results["result/worst_w1"] = max(known)
    config = read_yaml(run.folder.config) if run.folder.config.exists() else {}
    sections = {name: config.get(name) for name in ("seed", "matching", "renderer")}
    writer.add_hparams(dict(_flat(sections)), results, run_name=".")


def _flat(section: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, bool | str | float]]:
    for key, value in section.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, value if isinstance(value, bool | int | float) else str(value)


def _write_attributes(writer: SummaryWriter, run: RunData, values: np.ndarray, step: int) -> None:
    assert run.populations is not None
    for index, column in enumerate(run.populations.columns):
        finite = values[np.isfinite(values[:, index]), index]
        if finite.size:
            writer.add_histogram(f"attributes/{column.name}", finite, step)


def _write_images(writer: SummaryWriter, run: RunData, name: str, step: int) -> None:
    images = load_images(run.folder.images / name, _IMAGES)
    if images:
        writer.add_image("images", np.asarray(montage(images, _COLUMNS)), step, dataformats="HWC")


def _write_network(writer: SummaryWriter, run: RunData) -> None:
    """The graph of the attribute network, as one scene runs through it."""
    weights = run.folder.checkpoints / "best.pt"
    if not weights.exists():
        return
    generator = Generator.load(weights)
    scene = generator.grammar.sample(np.random.default_rng(run.manifest.seed))
    data = GraphEncoder(generator.grammar.schema).encode(scene)
    noise = torch.zeros(len(scene.nodes), generator.network.noise_width)
    writer.add_graph(_OfTensors(generator.network.eval()), (*(data[name] for name in _FIELDS), noise))


class _OfTensors(nn.Module):
    """The attribute network as a function of tensors alone, which is what a tracer understands."""

    def __init__(self, network: AttributeNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, *tensors: Tensor) -> Tensor:
        """Attributes (N, A) on [0, 1] from the fields of a scene and its noise."""
        *fields, noise = tensors
        return self.network(SceneData(**dict(zip(_FIELDS, fields, strict=True))), noise)
