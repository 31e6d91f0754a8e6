"""BOP datasets: where their models lie (https://bop.felk.cvut.cz, format of the BOP toolkit).

A dataset has a folder ``models`` with ``models_info.json`` and a file ``obj_NNNNNN`` for each of its keys,
in millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from metasim.base.errors import InputError
from metasim.base.files import read_json

DATASETS_PAGE = "https://bop.felk.cvut.cz/datasets"
INFO = "models_info.json"
_SUFFIXES = (".ply", ".glb")


@dataclass(frozen=True)
class BopModels:
    """The models of a BOP dataset.

    Attributes:
        folder: Where they lie.
        files: The file of each model, by ascending id.
    """

    folder: Path
    files: tuple[Path, ...]


def bop_models(folder: Path) -> BopModels | None:
    """The models of a BOP dataset, of which either the whole or the folder of models is given.

    Returns:
        ``None`` if the folder has no ``models_info.json`` there.

    Raises:
        InputError: If a model that it lists is missing.
    """
    place = next((place for place in (folder, folder / "models") if (place / INFO).is_file()), None)
    if place is None:
        return None
    ids = read_json(place / INFO)
    if strange := next((key for key in ids if not key.isdecimal()), None):
        raise InputError(f"{place / INFO}: {strange}", "no number", "ids of models")
    return BopModels(place, tuple(_file(place, number) for number in sorted(map(int, ids))))


def _file(folder: Path, number: int) -> Path:
    paths = [folder / f"obj_{number:06d}{suffix}" for suffix in _SUFFIXES]
    for path in paths:
        if path.is_file():
            return path
    raise InputError(f"{folder / INFO}: {number}", f"no {paths[0].name}", "a file for each model")
