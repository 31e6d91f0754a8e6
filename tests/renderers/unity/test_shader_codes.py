"""The shaders' own arithmetic, compiled by Slang for the processor, gives codes that Python reads back.

Unity's compiler is not at hand; Slang reads the same HLSL. Only what Unity's include file would bring is
replaced here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from renderers.unity.pixels import BACKGROUND, depth_codes, depth_of, normals_of

slang = pytest.importorskip(
    "slangpy", reason="slangpy is not installed: pip install slangpy", exc_type=ImportError
)

SHADERS = Path(__file__).parents[3] / "renderers" / "unity" / "project" / "Assets/MetaSim/Resources/MetaSim"
FAR = 20.0

INCLUDED = """
uniform float4 _ProjectionParams;
float4 UnityObjectToClipPos(float4 vertex) { return vertex; }
float3 UnityObjectToViewPos(float3 vertex) { return vertex; }
float3 UnityObjectToWorldNormal(float3 normal) { return normalize(normal); }
"""

KERNEL = """
RWStructuredBuffer<float> given;
RWStructuredBuffer<float4> painted;
[shader("compute")] [numthreads(1, 1, 1)]
void run(uint3 thread : SV_DispatchThreadID)
{
    uint i = thread.x;
    %s
}
"""
PAINT = {
    "Instance": "painted[i] = paint();",
    "Depth": "Seen seen; seen.position = 0; seen.depth = given[i]; painted[i] = paint(seen);",
    "Normal": "Seen seen; seen.position = 0;"
    "seen.normal = float3(given[3 * i], given[3 * i + 1], given[3 * i + 2]); painted[i] = paint(seen);",
}

Codes = npt.NDArray[np.int32]
Painter = Callable[..., Codes]


@pytest.fixture(scope="module")
def paint(tmp_path_factory: pytest.TempPathFactory) -> Painter:
    """Codes (n,) that a shader's fragments paint on a target of 8 bits a channel."""
    folder = tmp_path_factory.mktemp("shaders")
    (folder / "UnityCG.cginc").write_text(INCLUDED)
    try:
        device = slang.Device(slang.DeviceType.cpu, compiler_options={"include_paths": [folder]})
    except RuntimeError as error:
        pytest.skip(f"slangpy finds no compiler for this processor: {error}")

    @functools.cache
    def kernel(name: str) -> Any:
        source = folder / f"{name}.slang"
        source.write_text(program(name))
        module = device.load_module(str(source))
        return device.create_compute_kernel(device.link_program([module], [module.entry_point("run")]))

    def painted(name: str, values: npt.NDArray[np.floating], number: int, **uniforms: Any) -> Codes:
        access = slang.BufferUsage.unordered_access | slang.BufferUsage.shader_resource
        given = device.create_buffer(
            element_count=values.size, struct_size=4, usage=access, data=values.astype(np.float32).ravel()
        )
        result = device.create_buffer(element_count=number, struct_size=16, usage=access)
        kernel(name).dispatch([number, 1, 1], vars={"given": given, "painted": result, **uniforms})
        colours = np.rint(result.to_numpy().view(np.float32).reshape(number, 4) * 255).astype(np.int32)
        return colours[:, :3] @ np.array([1 << 16, 1 << 8, 1], dtype=np.int32)

    return painted


def program(name: str) -> str:
    """A shader's program, with a kernel that calls its fragment."""
    found = re.search(r"CGPROGRAM(.*)ENDCG", (SHADERS / f"{name}.shader").read_text(), re.DOTALL)
    assert found is not None
    return re.sub(r"#pragma.*", "", found[1]) + KERNEL % PAINT[name]


def test_ids_are_exact(paint: Painter) -> None:
    for number in (0, 1, 255, 256, 70_000, 2**24 - 1):
        parts = [(number >> shift & 255) / 255 for shift in (16, 8, 0)]
        (code,) = paint("Instance", np.zeros(1), 1, _MetaSimInstance=slang.float4(*parts, 1))
        assert code == number


def test_depths_are_those_that_python_reads(paint: Painter) -> None:
    rng = np.random.default_rng(0)
    depths = np.concatenate([[1e-9, FAR, 2 * FAR], rng.uniform(0.01, FAR, 5000)]).astype(np.float32)
    codes = paint("Depth", depths, len(depths), _ProjectionParams=slang.float4(1, 0.1, FAR, 1 / FAR))
    assert np.abs(codes - depth_codes(depths[None], FAR)[0]).max() <= 1  # one rounding of a float32
    assert BACKGROUND not in codes
    read = depth_of(codes[None], FAR)[0]
    np.testing.assert_allclose(read[3:], depths[3:], atol=2 * FAR / 2**24, rtol=2**-23)


def test_normals_are_those_that_python_reads(paint: Painter) -> None:
    rng = np.random.default_rng(0)
    normals = np.concatenate([np.eye(3), -np.eye(3), rng.normal(size=(5000, 3))]).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    codes = paint("Normal", normals, len(normals))
    assert BACKGROUND not in codes
    read = normals_of(codes[None])[0]
    across = np.linalg.norm(read - normals[:, [0, 2, 1]], axis=1)  # metasim's axes are x, z, y of Unity's
    # Half a step, 1/4094, of x and y moves (x, y, 1 - |x| - |y|), 1/sqrt(3) long or more, by sqrt(6) of it.
    assert across.max() <= 1.01 * np.sqrt(6) * np.sqrt(3) / 4094
