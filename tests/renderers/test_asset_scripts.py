"""What is a program in a .blend file among the assets does not run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph, SceneNode

pytestmark = pytest.mark.blender

MAKE = """
import bpy, os, sys
from pathlib import Path
file, trace = Path(sys.argv[1]), Path(sys.argv[2])
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.mesh.primitive_cube_add()
cube = bpy.context.object
cube["held"] = text = bpy.data.texts.new("evil.py")
text.use_module = True
text.from_string(f"open({str(trace)!r}, 'a').write('text ')")
driver = cube.driver_add("location", 0).driver
driver.type, driver.expression = "SCRIPTED", f"len(str(open({str(trace)!r}, 'a').write('driver '))) - 1"
bpy.ops.wm.save_as_mainfile(filepath=str(file))
bpy.ops.wm.open_mainfile(filepath=str(file), use_scripts=True)
bpy.context.scene.frame_set(2)
ran = trace.read_text()
assert "text" in ran and "driver" in ran, ran  # opened as its maker trusts it, it does
trace.unlink()
os._exit(0)
"""


def test_scripts_and_drivers_of_an_asset_do_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    (tmp_path / "assets" / "cube").mkdir(parents=True)
    command = [sys.executable, "-c", MAKE, str(tmp_path / "assets" / "cube" / "evil.blend"), str(trace)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert not trace.exists()
    symbols = ("scene", "camera", "light", "table")
    nodes = [SceneNode(name, name, name, None if name == "scene" else 0, {}) for name in symbols]
    graph = SceneGraph((*nodes, SceneNode("object", "object", "cube", 3, {})))
    options = {"scene": "assets", "assets": tmp_path / "assets", "size": 16, "samples": 1}
    with RenderPool("blender", options, workers=1) as pool:
        frame = pool.render([graph], frozenset({Pass.INSTANCE}), [0])[0]
    assert isinstance(frame, Frame), frame
    assert np.count_nonzero(frame[Pass.INSTANCE] == 5) > 10
    assert not trace.exists()
