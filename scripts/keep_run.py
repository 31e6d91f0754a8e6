"""Keeps of a finished run what its pictures need: a small run folder, fit to be committed.

python scripts/keep_run.py --run results/tyol/0 --out results/reference/tyol/0
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import tyro

from metasim.base.errors import InputError, MetasimError
from metasim.runs.epochs import load_epochs
from metasim.runs.folder import RunFolder
from metasim.runs.manifest import Manifest
from metasim.runs.population import Array, Populations
from metasim.runs.samples import load_images, save_images

SCENES, IMAGES, IMAGES_OF_A_MOMENT = 2000, 24, 8
SETS = ("prior", "most_recent", "target")


def keep(run: RunFolder, kept: RunFolder) -> None:
    """Writes the small folder; the numbers of the run are kept whole, scenes and images thinned out."""
    kept.path.mkdir(parents=True, exist_ok=True)
    for name in ("config", "summary", "metrics"):
        shutil.copyfile(getattr(run, name), getattr(kept, name))
    manifest = Manifest.load(run.manifest)
    cpus = manifest.machine.get("cpus", 0)
    manifest.model_copy(update={"machine": {"cpus": cpus}}).save(kept.manifest)
    _thinned(Populations.load(run.population)).save(kept.population)
    for epoch in load_epochs(run.epochs):
        replace(epoch, values=epoch.values[:SCENES]).save(kept.epochs)
    for folder in sorted(run.images.iterdir()):
        number = IMAGES if folder.name in SETS else IMAGES_OF_A_MOMENT
        save_images(kept.images / folder.name, load_images(folder, number), number)


def _thinned(populations: Populations) -> Populations:
    found = {name: getattr(populations, name) for name in ("prior", "generated", "inferred", "target")}
    rows = {name: _first(values) for name, values in found.items() if values is not None}
    told = {name: mask[:SCENES] for name, mask in populations.told.items()}
    return Populations(populations.columns, **rows, told=told)


def _first(values: Array) -> Array:
    """The first scenes, to six digits, which take half the space."""
    return np.asarray(values[:SCENES], np.float32)  # type: ignore[return-value]


def main(run: Path, out: Path) -> int:
    """Writes the small folder; returns the exit status.

    Args:
        run: Folder of the finished run.
        out: Folder to write, new or empty.
    """
    try:
        if not RunFolder(run).summary.exists():
            raise InputError(str(run), "no summary.json", "the folder of a finished run")
        keep(RunFolder(run), RunFolder(out))
    except MetasimError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main, description=__doc__))
