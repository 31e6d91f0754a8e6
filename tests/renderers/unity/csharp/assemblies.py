"""The Unity project's assemblies, as its .asmdef files describe them, and the compiler of mono."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = Path(__file__).parents[4] / "renderers" / "unity" / "project"
ASSETS = PROJECT / "Assets" / "MetaSim"
CORE = ASSETS / "Core" / "MetaSim.Core.asmdef"
RUNTIME = ASSETS / "Runtime" / "MetaSim.Runtime.asmdef"
EDITOR = ASSETS / "Editor" / "MetaSim.Editor.asmdef"
DRIVER = HERE / "driver"
STUBS = HERE / "stubs"

SYSTEM = ("System.dll", "System.Core.dll", "System.Runtime.Serialization.dll", "System.Xml.dll")
ENGINE = ("UnityEngine",)
"""What Unity gives to every assembly that does not refuse it."""
EDITOR_ENGINE = ("UnityEditor",)
"""What it gives beside to those of the editor."""


@dataclass(frozen=True)
class Compiler:
    """``mcs``, which takes warnings for errors.

    Attributes:
        folder: Where assemblies go.
    """

    folder: Path

    def run(
        self, name: str, sources: Iterable[Path], references: Iterable[Path] = (), target: str = "library"
    ) -> subprocess.CompletedProcess[str]:
        """Compiles an assembly; what the compiler says is in ``stdout``."""
        output = self._output(name, target)
        # Unity marks names as obsolete that the oldest supported editor has no other for.
        warnings = ["-warn:4", "-warnaserror", "-warnaserror-:618"]
        arguments = ["-noconfig", *warnings, f"-target:{target}", f"-out:{output}"]
        named = [f"-r:{reference}" for reference in (*SYSTEM, *references)]
        return subprocess.run(
            ["mcs", *arguments, *named, *map(str, sources)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )

    def build(
        self, name: str, sources: Iterable[Path], references: Iterable[Path] = (), target: str = "library"
    ) -> Path:
        """Compiles an assembly that must compile."""
        done = self.run(name, sources, references, target)
        assert done.returncode == 0, done.stdout
        return self._output(name, target)

    def _output(self, name: str, target: str) -> Path:
        return self.folder / f"{name}.{'exe' if target == 'exe' else 'dll'}"


def sources_of(definition: Path) -> list[Path]:
    """The files that belong to an assembly."""
    return sorted(definition.parent.rglob("*.cs"))


def references_of(definition: Path, known: Mapping[str, Sequence[Path]]) -> list[Path]:
    """What an assembly may see.

    Args:
        definition: Its .asmdef file.
        known: Files of other assemblies by name.
    """
    content = json.loads(definition.read_text())
    names = list(content.get("references", ()))
    if not content.get("noEngineReferences", False):
        names += ENGINE
        names += EDITOR_ENGINE if content.get("includePlatforms") == ["Editor"] else ()
    return [path for name in names for path in known[name]]
