"""Rules of the whole source that no linter holds: random numbers, output, what is loaded, length of files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path for folder in ("metasim", "renderers", "scripts") for path in (ROOT / folder).rglob("*.py")
)
MAX_LINES = 400

NUMPY_STREAMS = {"default_rng", "BitGenerator", "Generator", "PCG64", "SeedSequence"}
"""The names of ``numpy.random`` that keep no state of their own behind the caller's back."""

BANNED_MODULES = {"random", "pickle", "cPickle", "dill", "shelve"}
BANNED_CALLS = {
    "print",
    "torch.manual_seed",
    "torch.seed",
    "torch.cuda.manual_seed",
    "torch.cuda.manual_seed_all",
    "torch.random.manual_seed",
    "torch.set_rng_state",
    "yaml.load",
    "yaml.load_all",
    "yaml.unsafe_load",
    "yaml.full_load",
}


def full_names(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for: ``np`` for ``numpy``, ``load`` for ``torch.load``."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {
                a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0]
                for a in node.names
            }
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """The full dotted name of an expression, empty where it has none."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute) and (owner := dotted(node.value, names)):
        return f"{owner}.{node.attr}"
    return ""


def loads_unsafely(call: ast.Call, name: str) -> bool:
    """Whether a call unpickles: ``torch.load`` but for weights, ``np.load`` of objects."""
    options = {keyword.arg: keyword.value for keyword in call.keywords}

    def is_true(option: str) -> bool:
        return isinstance(value := options.get(option), ast.Constant) and value.value is True

    return (name == "torch.load" and not is_true("weights_only")) or (
        name == "numpy.load" and "allow_pickle" in options and is_true("allow_pickle")
    )


def faults(source: str) -> Iterator[str]:
    """Every breach of the rules in a module, as ``line: what``."""
    tree = ast.parse(source)
    names = full_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules = {node.module or ""}
        else:
            modules = set()
        for module in modules & BANNED_MODULES:
            yield f"{node.lineno}: import {module}"  # type: ignore[attr-defined]
        if isinstance(node, ast.Attribute | ast.Name):
            name = dotted(node, names)
            if name.startswith("numpy.random.") and name.split(".")[2] not in NUMPY_STREAMS:
                yield f"{node.lineno}: {name}"
        if isinstance(node, ast.Call):
            name = dotted(node.func, names)
            if name in BANNED_CALLS or loads_unsafely(node, name):
                yield f"{node.lineno}: {name}()"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_source_keeps_the_rules(path: Path) -> None:
    source = path.read_text()
    assert list(faults(source)) == []
    assert source.count("\n") <= MAX_LINES


@pytest.mark.parametrize(
    "breach",
    [
        "import random",
        "from random import gauss",
        "import numpy as np\nnp.random.seed(0)",
        "import numpy as np\ndraw = np.random.normal",
        "from numpy import random\nrandom.rand()",
        "from numpy.random import rand\nrand()",
        "import torch\ntorch.manual_seed(0)",
        "from torch import manual_seed\nmanual_seed(0)",
        "print(1)",
        "import pickle",
        "import yaml\nyaml.load('')",
        "import torch\ntorch.load('x')",
        "import torch\ntorch.load('x', weights_only=False)",
        "from torch import load\nload('x')",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
    ],
)
def test_the_rules_catch(breach: str) -> None:
    assert list(faults(breach))


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nnp.random.default_rng(np.random.SeedSequence(0)).normal()",
        "import torch\ntorch.Generator().manual_seed(0)\ntorch.load('x', weights_only=True)",
        "import yaml\nyaml.safe_load('')",
        "import numpy as np\nnp.load('x')",
    ],
)
def test_the_rules_allow(source: str) -> None:
    assert not list(faults(source))
