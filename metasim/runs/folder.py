"""RunFolder: one training, one folder, its layout and who may write into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock

from metasim.base.errors import InputError
from metasim.config import ExperimentConfig
from metasim.runs.configuration import config_digest, save_config
from metasim.runs.manifest import Manifest, Status

_LOCK = ".lock"


@dataclass(frozen=True)
class RunFolder:
    """The files of a run, by name.

    Attributes:
        path: The folder, ``results/<experiment>/<seed>``.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The configuration, grammars inlined."""
        return self.path / "config.yaml"

    @property
    def manifest(self) -> Path:
        """Versions, machine, times, status and render counts."""
        return self.path / "manifest.json"

    @property
    def metrics(self) -> Path:
        """One JSON line a step."""
        return self.path / "metrics.jsonl"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard events, one folder a stage."""
        return self.path / "tensorboard"

    @property
    def progress(self) -> Path:
        """Loss curves as tables and plots."""
        return self.path / "progress"

    @property
    def images(self) -> Path:
        """Folders of images: ``prior``, ``target``, ``epoch_NNNN``, ``most_recent``."""
        return self.path / "images"

    @property
    def graphs(self) -> Path:
        """Scene graphs as JSON, in folders named like those of the images."""
        return self.path / "graphs"

    @property
    def checkpoints(self) -> Path:
        """``last.pt`` and ``best.pt``."""
        return self.path / "checkpoints"

    @property
    def bank(self) -> Path:
        """All rendered scenes."""
        return self.path / "bank"

    @property
    def target(self) -> Path:
        """The target images, as simulated or read when the run began."""
        return self.path / "target.npz"

    @property
    def population(self) -> Path:
        """Attribute values of prior, generated, inferred and target scenes."""
        return self.path / "population.npz"

    @property
    def epochs(self) -> Path:
        """Attribute values of the generator at a few moments, named like the folders of its images."""
        return self.path / "epochs"

    @property
    def attributes(self) -> Path:
        """Attribute histograms as one image."""
        return self.path / "attributes.png"

    @property
    def summary(self) -> Path:
        """The numbers a run ends with."""
        return self.path / "summary.json"

    @property
    def report(self) -> Path:
        """The page that shows the run."""
        return self.path / "report.html"

    @classmethod
    def find(
        cls, root: Path, experiment: str, seed: int, config: ExperimentConfig, resume: bool = False
    ) -> RunFolder:
        """The folder in which a run may be made or continued; nothing is written.

        Args:
            root: Folder of all runs, ``results`` by default on the command line.
            experiment: Name of the experiment; slashes make folders.
            seed: Root seed of the run.
            config: The resolved configuration.
            resume: Whether an earlier run of the same configuration is continued.

        Raises:
            InputError: If the folder holds another experiment or anything else, or holds this experiment
                and ``resume`` is off.
        """
        folder = cls(root / experiment / str(seed))
        folder._refuse_foreign(config_digest(config))
        if folder.manifest.exists() and not resume:
            raise InputError(
                str(folder.path),
                f"a run that is {folder.status()} already",
                "--resume to continue it, or another --out or --seed",
            )
        return folder

    @classmethod
    def create(
        cls, root: Path, experiment: str, seed: int, config: ExperimentConfig, resume: bool = False
    ) -> RunFolder:
        """Makes the folder that ``find`` names, or leaves the one to continue; nothing is overwritten.

        Raises:
            InputError: As ``find``, and if the folder is in use or cannot be written.
        """
        folder = cls.find(root, experiment, seed, config, resume)
        with folder.locked():
            if not folder.manifest.exists():
                Manifest(experiment=experiment, seed=seed, digest=config_digest(config)).save(folder.manifest)
            if not folder.config.exists():
                save_config(folder.config, config)
        return folder

    def _refuse_foreign(self, digest: str) -> None:
        if self.manifest.exists():
            if Manifest.load(self.manifest).digest != digest:
                raise InputError(
                    str(self.path), "a run of a different configuration", "another --out or --seed"
                )
        elif self.path.exists() and not (self.path.is_dir() and all(map(_is_ours, self.path.iterdir()))):
            raise InputError(str(self.path), "something that is no run", "nothing there, or another --out")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder against other processes; the system frees it when a process dies.

        Raises:
            InputError: If another process holds it, or it cannot be written.
        """
        lock = filelock.FileLock(self.path / _LOCK, timeout=0.5)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except filelock.Timeout as error:
            raise InputError(
                str(self.path), "a run in progress in another process", "its end, or another --out or --seed"
            ) from error
        except OSError as error:
            raise InputError(str(self.path), error.strerror or str(error), "a folder to write to") from error
        try:
            yield
        finally:
            lock.release()

    def in_use(self) -> bool:
        """Whether a process works in the folder at this moment."""
        if not (self.path / _LOCK).exists():
            return False
        lock = filelock.FileLock(self.path / _LOCK)
        try:
            lock.acquire(timeout=0)
        except (filelock.Timeout, OSError):
            return True
        lock.release()
        return False

    def status(self) -> Status:
        """What became of the run; one that says ``running`` but whose process is gone is interrupted."""
        return self.status_of(Manifest.load(self.manifest))

    def status_of(self, manifest: Manifest) -> Status:
        """The same of a manifest that has been read already."""
        gone = manifest.status in ("created", "running") and not self.in_use()
        return "interrupted" if gone else manifest.status

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do but the report."""
        return self.manifest.exists() and self.status() == "finished" and self.summary.exists()


def find_runs(root: Path) -> list[RunFolder]:
    """All runs below a folder, or the folder itself if it is one, ordered by path."""
    return [RunFolder(path.parent) for path in sorted(root.rglob("manifest.json")) if _is_run(path.parent)]


def _is_run(path: Path) -> bool:
    return (path / "config.yaml").exists()


def _is_ours(path: Path) -> bool:
    """Whether a file may lie in a folder whose manifest a kill has prevented."""
    return path.name == _LOCK or (path.name.startswith(".manifest.json.") and path.suffix == ".partial")
