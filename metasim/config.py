"""The experiment file: one YAML, validated as a whole before anything is rendered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from metasim.base.errors import InputError
from metasim.base.files import read_yaml as read_yaml
from metasim.base.validation import Section, validated
from metasim.grammar.grammar import SceneGrammar
from metasim.rendering.cluster.executor import RayExecutor
from metasim.rendering.executor import Executor, LocalExecutor
from metasim.rendering.options import LONGEST_TIMEOUT
from metasim.rendering.registry import anchored


class TargetConfig(Section):
    """Where the target images come from: a folder of unlabelled ones, or a grammar that simulates them.

    Attributes:
        images: Folder of PNG or JPEG images, or of a BOP split, whose colour images count.
        grammar: Grammar file, or the grammar itself; its true attributes are only ever reported.
        num: How many images to simulate, or at most to read from the folder.
        held_out: Share kept from learning, for the verdict.
        renderer: Renderer options that differ for the simulated target.
        changed: What is done to the simulated images, to try matching and verdict on a target that the
            renderer does not make: other ``looks`` (blur, colour, noise), another ``background``, or another
            ``object`` in place of the grammar's.
    """

    images: Path | None = None
    grammar: Path | dict[str, Any] | None = None
    num: Annotated[int, Field(ge=30)] = 1000
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.5
    renderer: dict[str, Any] = Field(default_factory=dict)
    changed: Literal["looks", "background", "object"] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> TargetConfig:
        if (self.images is None) == (self.grammar is None):
            raise ValueError("give either images or grammar")
        if self.images is not None and self.changed is not None:
            raise ValueError("changed is for simulated targets")
        return self


class RendererConfig(BaseModel):
    """The engine; keys beyond these are its own options and are checked by it.

    Attributes:
        kind: Engine name (``sprites``, ``blender``), entry point, or dotted path ``package.module:Class``.
        workers: Worker processes on this machine; by default one a core.
        timeout_s: Seconds of silence after which a worker is killed and its scene tried again.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str
    workers: Annotated[int, Field(ge=1)] | None = None
    timeout_s: Annotated[float, Field(gt=0, le=LONGEST_TIMEOUT)] = 120.0

    @property
    def options(self) -> dict[str, Any]:
        """The engine's own options."""
        return dict(self.model_extra or {})


class TaskConfig(Section):
    """A downstream network that the generator is tuned for, within the law that was matched.

    Attributes:
        kind: ``classify``, the class of the one node that has several, or ``pose``, all learnt attributes.
        labels: How many of a simulated target's images to learn from come with their truth, or a CSV file:
            its columns are ``image`` (a path beside the file), then ``class`` or the attributes.
        renders: Scenes of the matched generator that the network learns from, beside those of the bank.
        credit: How a scene is rewarded: ``influence``, the first-order effect of learning from its image
            on the labelled ones' loss, or ``reinforce``, the accuracy that its batch leads to, less a
            moving baseline.
        trust: How far the tuned law may go from the matched one, a Kullback-Leibler divergence in nats.
        rounds: Times that credit is given.
        steps: Optimiser steps of the task network in each round.
    """

    kind: Literal["classify", "pose"]
    labels: Annotated[int, Field(ge=20)] | Path
    renders: Annotated[int, Field(ge=100)] = 1000
    credit: Literal["influence", "reinforce"] = "influence"
    trust: Annotated[float, Field(gt=0, le=2)] = 0.5
    rounds: Annotated[int, Field(ge=1)] = 4
    steps: Annotated[int, Field(ge=20)] = 200


class MatchingConfig(Section):
    """How the generator is moved onto the target; one set of defaults serves every experiment.

    Attributes:
        preset: ``inversion`` (bank, inverse network, population, transfer), or the baseline to compare with,
            finite differences of an image MMD: ``metasim`` with its defects mended, ``published`` with the
            batch, optimiser and frozen encoder of the published runs besides.
        bank: ``own`` renders, or ``reuse`` those of the largest finished run of the same grammar and
            renderer below the same results, with its inverse network; a quarter of the renders then do.
        renders: Scenes to render for learning; by default what the number of attributes, classes and
            objects asks for.
        effort: Factor on the optimiser steps of all stages; far below 1 for a quick look at a new
            experiment, whose result then says little.
        refine: Whether the image MMD moves the generator after the transfer: ``off`` (it harmed
            converged runs of a prototype), or the gradient estimator, ``score`` or ``differences``.
        refine_steps: Steps of the refinement, and of both baselines.
        features: What the image MMD is computed in; names as in ``verdict.features``, but not ``inverse``.
        frequencies: Random features that stand for the kernel of the image MMD, linear in the batch; by
            default the kernel itself.
        task: The task that the generator is tuned for after the matching; by default none.
    """

    preset: Literal["inversion", "metasim", "published"] = "inversion"
    bank: Literal["own", "reuse"] = "own"
    renders: Annotated[int, Field(ge=100)] | None = None
    effort: Annotated[float, Field(gt=0, le=10)] = 1.0
    refine: Literal["off", "score", "differences"] = "off"
    refine_steps: Annotated[int, Field(ge=1)] = 40
    features: str = "convolutions"
    frequencies: Annotated[int, Field(ge=10)] | None = None
    task: Annotated[TaskConfig | None, Field(exclude_if=lambda task: task is None)] = None


class VerdictConfig(Section):
    """How a run is judged.

    Attributes:
        draws: Independent sets of fresh renders, each as large as the held-out target.
        permutations: Of the permutation tests.
        features: What images are compared in, the main kind first: ``inverse`` (posterior means and
            spreads of the inverse network), ``convolutions``, ``pixels``, ``inception``, or
            ``package.module:factory``.
    """

    draws: Annotated[int, Field(ge=1)] = 3
    permutations: Annotated[int, Field(ge=20)] = 500
    features: Annotated[tuple[str, ...], Field(min_length=1)] = ("inverse", "convolutions")


class OutputConfig(Section):
    """What a run leaves behind.

    Attributes:
        keep_images: Images kept of the target and of each epoch shown.
        tensorboard: Whether to write TensorBoard events.
    """

    keep_images: Annotated[int, Field(ge=0)] = 64
    tensorboard: bool = True


def _below_results(name: str) -> str:
    steps = name.split("/")
    wrong = any(not step.strip() or step == ".." or len(step) > 200 for step in steps)
    if name and (wrong or not name.isprintable()):
        raise ValueError("a name that can be a folder below the results")
    return name


class ExecutorConfig(Section):
    """Where renders are made; nothing of a result depends on it.

    Attributes:
        kind: ``local``, processes of this machine, or ``ray``, actors of a Ray cluster.
        address: Address of the cluster; ``auto`` finds the one that this machine belongs to.
        workers: Workers on the cluster; by default one for each of its processors.
        cpus: Processors that a worker takes there.
        gpus: GPUs that a worker takes there; without any it renders on processors.
    """

    kind: Literal["local", "ray"] = "local"
    address: str = "auto"
    workers: Annotated[int, Field(ge=1)] | None = None
    cpus: Annotated[float, Field(gt=0)] = 1.0
    gpus: Annotated[float, Field(ge=0)] = 0.0

    def open(self) -> Executor:
        """The executor.

        Raises:
            InputError: If what it takes is not installed, or there is no such cluster.
        """
        if self.kind == "local":
            return LocalExecutor()
        return RayExecutor(self.address, self.workers, self.cpus, self.gpus)


def _spelt_out(executor: Any) -> Any:
    """The section that a kind alone stands for."""
    return {"kind": executor} if isinstance(executor, str) else executor


class ExperimentConfig(Section):
    """An experiment; everything but grammar, target and renderer has a default good enough for all.

    Attributes:
        name: Name of the experiment; its file's path below ``experiments/`` by default.
        grammar: Grammar file (YAML, or JSON in the original format), or the grammar itself.
        inception_weights: File of weights for the features ``inception``.
        seed: Root of every random stream.
        device: Where the networks live; ``auto`` takes CUDA when there is one.
        executor: Where renders are made; it is not kept with a run.
    """

    name: Annotated[str, AfterValidator(_below_results)] = ""
    grammar: Path | dict[str, Any]
    target: TargetConfig
    renderer: RendererConfig
    matching: MatchingConfig = MatchingConfig()
    verdict: VerdictConfig = VerdictConfig()
    output: OutputConfig = OutputConfig()
    inception_weights: Path | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    executor: Annotated[ExecutorConfig, BeforeValidator(_spelt_out), Field(exclude=True)] = ExecutorConfig()


def load_experiment(path: Path, changes: Sequence[str] = (), seed: int | None = None) -> ExperimentConfig:
    """Reads an experiment; paths in it are relative to its file.

    Args:
        path: The YAML file.
        changes: ``path.to.key=value``, values in YAML, applied over the file.
        seed: Another root seed.

    Raises:
        InputError: If the file or a change is wrong; nothing has been rendered by then.
    """
    data = read_yaml(path)
    for change in changes:
        _apply(data, change)
    if seed is not None:
        data["seed"] = seed
    data["name"] = data.get("name") or _name_of(path)
    config = validated(ExperimentConfig, data, str(path))
    here = path.resolve().parent
    target = config.target.model_copy(
        update={
            "grammar": _beside(here, config.target.grammar),
            "images": _beside(here, config.target.images),
        }
    )
    changed = {"grammar": _beside(here, config.grammar), "target": target}
    if config.inception_weights:
        changed["inception_weights"] = here / config.inception_weights
    if task := config.matching.task:
        labels = here / task.labels if isinstance(task.labels, Path) else task.labels
        task = task.model_copy(update={"labels": labels})
        changed["matching"] = config.matching.model_copy(update={"task": task})
    config = config.model_copy(update=changed)
    return _with_anchored_renderer(config, here, str(path))


def _with_anchored_renderer(config: ExperimentConfig, here: Path, where: str) -> ExperimentConfig:
    """The options of the engine, and those that differ for the target, made independent of the file."""
    schema = SceneGrammar.from_source(config.grammar).schema
    kind, options, differing = config.renderer.kind, config.renderer.options, config.target.renderer
    renderer = config.renderer.model_copy(update=anchored(kind, options, here, schema, f"{where}: renderer"))
    of_target = anchored(kind, {**options, **differing}, here, schema, f"{where}: target.renderer")
    target = config.target.model_copy(update={"renderer": {name: of_target[name] for name in differing}})
    return config.model_copy(update={"renderer": renderer, "target": target})


def _apply(data: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition("=")
    if not equals or not key:
        raise InputError("--set", change, "path.to.key=value")
    *sections, last = key.split(".")
    for section in sections:
        data = data.setdefault(section, {})
        if not isinstance(data, dict):
            raise InputError(f"--set {key}", f"{section} is not a section", "a path of keys")
    try:
        data[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"--set {key}", text, "a YAML value") from error


def _name_of(path: Path) -> str:
    """The file's path below the nearest folder called experiments, else its bare name."""
    parts = path.resolve().with_suffix("").parts
    if "experiments" not in parts:
        return parts[-1]
    return "/".join(parts[len(parts) - parts[::-1].index("experiments") :])


def _beside(folder: Path, source: Path | dict[str, Any] | None) -> Path | dict[str, Any] | None:
    return folder / source if isinstance(source, Path) else source
