"""Check: whether an experiment's task can be run at all, told before anything is rendered."""

from __future__ import annotations

from pathlib import Path

from metasim.base.errors import InputError
from metasim.config import ExperimentConfig
from metasim.matching.target import learning_part
from metasim.matching.task.kind import task_of
from metasim.matching.task.labels import LabelFile
from metasim.scene.layout import SceneLayout


def check_task(config: ExperimentConfig, layout: SceneLayout, varying: bool) -> None:
    """Refuses a task that scenes, target or labels do not allow.

    Args:
        config: The experiment.
        layout: Columns and choices of its scenes.
        varying: Whether scenes differ in their nodes.

    Raises:
        InputError: At the first fault.
    """
    task, target = config.matching.task, config.target
    if task is None:
        return
    where = "matching.task"
    if varying:
        raise InputError(where, "a grammar whose scenes differ in their nodes", "the same nodes always")
    if config.matching.preset != "inversion":
        raise InputError(where, f"the preset {config.matching.preset}", "inversion")
    task_of(task, layout)
    if isinstance(task.labels, Path):
        LabelFile.read(task.labels, task.kind, layout)
    elif target.grammar is None:
        raise InputError(f"{where}.labels", "a number, of images without truth", "a CSV file of labels")
    elif task.labels > (most := learning_part(target.num, target.held_out)):
        raise InputError(f"{where}.labels", str(task.labels), f"{most} at most, the images to learn from")
