"""Mono: assemblies of the Unity project, and its message code as a process to talk with."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from assemblies import CORE, DRIVER, Compiler, references_of, sources_of
from conversation import Conversation

INSTALL = "apt-get install mono-mcs mono-runtime libmono-system-runtime-serialization4.0-cil"


@pytest.fixture(scope="session")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    """The C# compiler of mono; the test is skipped without."""
    if not (shutil.which("mcs") and shutil.which("mono")):
        pytest.skip(f"mono is not installed: {INSTALL}")
    compiler = Compiler(tmp_path_factory.mktemp("assemblies"))
    if "System.Runtime.Serialization' could not be found" in compiler.run(CORE.stem, sources_of(CORE)).stdout:
        pytest.skip(f"mono lacks a library: {INSTALL}")
    return compiler


@pytest.fixture(scope="session")
def driver(compiler: Compiler) -> Path:
    """The program in ``driver/``, beside the assembly that it drives."""
    core = compiler.build(CORE.stem, sources_of(CORE), references_of(CORE, {}))
    return compiler.build("driver", sorted(DRIVER.glob("*.cs")), [core], target="exe")


@pytest.fixture(scope="module")
def converse(driver: Path) -> Iterator[Callable[[str], Conversation]]:
    """Begins conversations of a mode, one for each."""
    begun: dict[str, Conversation] = {}
    yield lambda mode: begun.setdefault(mode, Conversation(driver, mode))
    for conversation in begun.values():
        conversation.close()
