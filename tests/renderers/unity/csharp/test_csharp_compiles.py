"""The C# of the Unity project compiles: against stubs, and against Unity's own assemblies if they are given.

The stubs name what the project uses; they were written by hand, so they prove the code consistent, not that
Unity has these names. ``METASIM_UNITY_MANAGED`` lists folders (separated as in PATH) that hold
``UnityEngine*.dll`` and ``Unity.ML-Agents.dll``, and ``UnityEditor*.dll`` for the editor's part.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from assemblies import CORE, EDITOR, RUNTIME, STUBS, Compiler, references_of, sources_of

MANAGED = "METASIM_UNITY_MANAGED"


@pytest.fixture(scope="module")
def stubs(compiler: Compiler) -> dict[str, list[Path]]:
    """Stub assemblies by name."""
    engine = [compiler.build("UnityEngine", [STUBS / "UnityEngine.cs"])]
    return {
        "UnityEngine": engine,
        "UnityEditor": [compiler.build("UnityEditor", [STUBS / "UnityEditor.cs"], engine)],
        "Unity.ML-Agents": [compiler.build("Unity.ML-Agents", [STUBS / "MLAgents.cs"], engine)],
    }


def build_all(compiler: Compiler, known: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """The project's assemblies that ``known`` ones suffice for, each seeing no more than Unity shows it."""
    built = dict(known)
    for definition in (CORE, RUNTIME, EDITOR):
        if definition is not EDITOR or known["UnityEditor"]:
            references = references_of(definition, built)
            built[definition.stem] = [compiler.build(definition.stem, sources_of(definition), references)]
    return built


@pytest.fixture(scope="module")
def project(compiler: Compiler, stubs: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """The project's assemblies and the stubs, by name."""
    return build_all(compiler, stubs)


def test_the_project_compiles_against_stubs(project: dict[str, list[Path]]) -> None:
    assert project.keys() >= {CORE.stem, RUNTIME.stem, EDITOR.stem}


@pytest.mark.parametrize(
    ("definition", "name", "wrong"),
    [
        (CORE, "GZipStream", "GZipFlow"),
        (RUNTIME, "RequestDecision", "RequestDecisions"),
        (RUNTIME, "RenderWithShader", "RenderWithShaders"),
        (EDITOR, "SaveScene", "SaveScenes"),
    ],
)
def test_a_wrong_name_does_not_compile(
    project: dict[str, list[Path]], tmp_path: Path, definition: Path, name: str, wrong: str
) -> None:
    sources = []
    for source in sources_of(definition):
        sources.append(tmp_path / source.name)
        sources[-1].write_text(source.read_text().replace(name, wrong))
    done = Compiler(tmp_path).run("wrong", sources, references_of(definition, project))
    assert done.returncode != 0
    assert wrong in done.stdout


def test_the_project_compiles_against_unity(compiler: Compiler) -> None:
    if MANAGED not in os.environ:
        pytest.skip(f"no {MANAGED}: folders with the assemblies of Unity and ML-Agents")
    found = [
        path
        for folder in os.environ[MANAGED].split(os.pathsep)
        for path in sorted(Path(folder).rglob("Unity*.dll"))
    ]
    known = {
        name: unique([path for path in found if path.name.startswith(name)])
        for name in ("UnityEngine", "UnityEditor", "Unity.ML-Agents")
    }
    assert known["UnityEngine"], f"{MANAGED}: no UnityEngine*.dll"
    assert known["Unity.ML-Agents"], f"{MANAGED}: no Unity.ML-Agents.dll"
    build_all(compiler, known)


def unique(paths: list[Path]) -> list[Path]:
    """One file of each name: of an editor's two ``UnityEngine.dll`` that beside its modules."""
    return list({path.name: path for path in sorted(paths, key=lambda path: len(path.parts))}.values())
