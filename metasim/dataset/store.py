"""Store: where a dataset lies, a folder or any address that fsspec knows (memory://, s3:// and so on).

Files are always made in a local folder. That is the dataset's own if it lies on a disk; otherwise it is a
temporary one, from which finished files are sent whole and then removed. So a dataset far away needs no
more room here than its largest part.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import filelock
import fsspec

from metasim.base.errors import InputError
from metasim.base.files import whole_file
from metasim.dataset.record import FileRecord

LOCK = ".lock"
TRIES = 5  # to send a file
PAUSE_S = 0.5  # before the second, doubled with each


class Store(Protocol):
    """A place for the files of a dataset, which have paths within it."""

    @property
    def name(self) -> str:
        """The place as the user calls it."""
        ...

    @property
    def folder(self) -> Path:
        """The local folder in which files are made."""
        ...

    def files(self) -> set[str]:
        """Paths of all files."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is a file."""
        ...

    def read(self, path: str) -> bytes:
        """Content of a file; ``OSError`` if there is none."""
        ...

    def write(self, path: str, data: bytes) -> None:
        """Writes a file whole."""
        ...

    def remove(self, path: str) -> None:
        """Removes a file, and what folders it leaves empty."""
        ...

    def record(self, path: str) -> FileRecord | None:
        """Hash and size of a file, ``None`` if there is none."""
        ...

    def publish(self, paths: Iterable[str]) -> None:
        """Has files that were made in ``folder`` take their place."""
        ...

    def fetch(self, paths: Iterable[str]) -> None:
        """Has files of the dataset stand in ``folder`` too."""
        ...


class LocalStore:
    """A folder on a disk.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, str(folder)

    def files(self) -> set[str]:
        """Paths of all files and links, except the lock."""
        found = (path for path in self.folder.rglob("*") if path.is_symlink() or not path.is_dir())
        return {path.relative_to(self.folder).as_posix() for path in found} - {LOCK}

    def exists(self, path: str) -> bool:
        """Whether there is a file."""
        return (self.folder / path).is_file()

    def read(self, path: str) -> bytes:
        """Content of a file."""
        return (self.folder / path).read_bytes()

    def write(self, path: str, data: bytes) -> None:
        """Writes a file whole."""
        with whole_file(self.folder / path) as file:
            file.write(data)

    def remove(self, path: str) -> None:
        """Removes a file, and what folders it leaves empty."""
        (self.folder / path).unlink(missing_ok=True)
        _prune((self.folder / path).parent, self.folder)

    def record(self, path: str) -> FileRecord | None:
        """Hash and size of a file."""
        return FileRecord.of(self.folder / path) if self.exists(path) else None

    def publish(self, paths: Iterable[str]) -> None:
        """Files are made in their places."""

    def fetch(self, paths: Iterable[str]) -> None:
        """Files are here."""


class RemoteStore:
    """An address that fsspec knows.

    Args:
        url: The address.
        folder: An empty local folder.

    Raises:
        InputError: If there is no such file system, or it does not answer.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.name, self.folder = url, folder
        try:
            self._system, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False)
            self._system.exists(self._root)
        except Exception as error:  # whatever its library raises for what it cannot reach
            what = " ".join(f"{type(error).__name__}: {error}".split())
            raise InputError(url, what, "an address that can be reached") from error

    def files(self) -> set[str]:
        """Paths of all files."""
        self._system.invalidate_cache()
        if not self._system.exists(self._root):
            return set()
        root = self._root.rstrip("/") + "/"
        return {path.removeprefix(root) for path in self._system.find(self._root)}

    def exists(self, path: str) -> bool:
        """Whether there is a file."""
        return bool(self._system.exists(self._at(path)))

    def read(self, path: str) -> bytes:
        """Content of a file."""
        return self._system.cat_file(self._at(path))

    def write(self, path: str, data: bytes) -> None:
        """Writes a file whole."""
        self._make_folder(path)
        _again(self._system.pipe_file, self._at(path), data)

    def remove(self, path: str) -> None:
        """Removes a file."""
        if self.exists(path):
            self._system.rm_file(self._at(path))

    def record(self, path: str) -> FileRecord | None:
        """Hash and size of a file, whose content is read for it."""
        if not self.exists(path):
            return None
        with self._system.open(self._at(path), "rb") as file:
            return FileRecord.of_stream(file)

    def publish(self, paths: Iterable[str]) -> None:
        """Sends files, and removes them here."""
        for path in paths:
            self._make_folder(path)
            _again(self._system.put_file, str(self.folder / path), self._at(path))
            (self.folder / path).unlink()
            _prune((self.folder / path).parent, self.folder)

    def fetch(self, paths: Iterable[str]) -> None:
        """Has copies of files stand in ``folder``."""
        for path in paths:
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            self._system.get_file(self._at(path), str(self.folder / path))

    def _at(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}"

    def _make_folder(self, path: str) -> None:
        self._system.makedirs(self._at(path).rpartition("/")[0], exist_ok=True)


def _again(send: Callable[..., Any], *arguments: Any) -> None:
    """Sends a file, once more after a while if the connection is lost."""
    for tries in range(1, TRIES + 1):
        try:
            send(*arguments)
            return
        except (FileNotFoundError, PermissionError):
            raise
        except Exception:  # whatever its library raises for a place that does not answer
            if tries == TRIES:
                raise
            time.sleep(PAUSE_S * 2**tries)


def _prune(folder: Path, top: Path) -> None:
    """Removes a folder and those above it, as far as they are empty and below ``top``."""
    with contextlib.suppress(OSError):
        while folder != top:
            folder.rmdir()
            folder = folder.parent


def is_remote(place: Path | str) -> bool:
    """Whether a place is an address rather than a folder."""
    return "://" in str(place) and not str(place).startswith("file://")


def local_path(place: Path | str) -> Path:
    """The path of a place that is not remote."""
    return Path(str(place).removeprefix("file://"))


@contextmanager
def open_store(place: Path | str) -> Iterator[Store]:
    """The dataset at a place, for reading.

    Args:
        place: A folder, or an address that fsspec knows.

    Raises:
        InputError: If the address is not one, or does not answer.
    """
    if is_remote(place):
        with tempfile.TemporaryDirectory(prefix="metasim-") as folder:
            yield RemoteStore(str(place), Path(folder))
    else:
        yield LocalStore(local_path(place))


@contextmanager
def open_for_writing(place: Path | str) -> Iterator[Store]:
    """The dataset at a place; a folder is held against other processes and made if it is new.

    A new folder that stays empty is removed again. An address is held by nobody.

    Raises:
        InputError: If another process holds the folder, or it cannot be written, now or later.
    """
    with open_store(place) as store, _one_line_errors(store):
        if isinstance(store, LocalStore):
            with _locked(store.folder):
                yield store
        else:
            yield store


@contextmanager
def _one_line_errors(store: Store) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = error.strerror or " ".join(str(error).split())
        raise InputError(store.name, what, "a place with room that can be written") from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / LOCK, timeout=0.5)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise InputError(str(folder), "an export in progress in another process", "its end") from error
    try:
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)
        lock.release()
        if new:
            with contextlib.suppress(OSError):
                folder.rmdir()


@contextmanager
def local_copy(place: Path | str) -> Iterator[Path]:
    """The folder of a dataset, or a temporary copy of one that lies far away."""
    with open_store(place) as store:
        if is_remote(place):
            store.fetch(sorted(store.files()))
        yield store.folder
