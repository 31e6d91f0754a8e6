"""Files: written whole or not at all (write beside, fsync, rename); mappings read with one-line errors."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import yaml

from metasim.base.errors import InputError

UNWRITABLE = {
    errno.EACCES,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}
"""What is wrong with a place, and not with the disk that it is on."""


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Opens a binary file that takes the place of ``path`` only when the block ends well.

    Raises:
        InputError: If there can be no file at that place.
    """
    partial = path.parent / f".{path.name}.{os.getpid()}.partial"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        opened = partial.open("wb")
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        raise InputError(str(path), error.strerror or str(error), "a file that can be written") from error
    try:
        with opened as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes the renames in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Writes a whole UTF-8 text file."""
    with whole_file(path) as file:
        file.write(text.encode())


def write_json(path: Path, value: Any, default: Callable[[Any], Any] | None = None) -> None:
    """Writes a whole JSON file, indented; NaN is refused since JSON has none."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False, default=default) + "\n")


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads a YAML mapping; ``InputError`` names the file and line of a fault."""
    try:
        data = _SafeLoader(path.read_text()).get_single_data()
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error), "a readable YAML file") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(str(path), " ".join(str(error).split()), "valid YAML") from error
    return _mapping(path, data)


class _SafeLoader(yaml.SafeLoader):
    """Refuses a key that stands in a mapping twice, of which YAML's own would take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object; ``InputError`` names the file and line of a fault."""
    try:
        data = json.loads(path.read_text())
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error), "a readable JSON file") from error
    except ValueError as error:
        raise InputError(str(path), str(error), "valid JSON") from error
    return _mapping(path, data)


def _mapping(path: Path, data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise InputError(str(path), f"a {type(data).__name__}", "a mapping of sections")
    return data
