"""What no compiler of ours reads in the Unity project agrees with the code: shaders, packages, names."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from renderers.unity.batch import WIRE_PASSES
from renderers.unity.frames import BEHAVIOUR, SLOT
from renderers.unity.message import CHANNEL

ENGINE = Path(__file__).parents[3] / "renderers" / "unity"
PROJECT = ENGINE / "project"
ASSETS = PROJECT / "Assets" / "MetaSim"
SHADERS = sorted((ASSETS / "Resources" / "MetaSim").glob("*.shader"))


def passes() -> list[str]:
    """The passes of the C# enumeration."""
    body = (ASSETS / "Core" / "Pass.cs").read_text().partition("public enum Pass")[2]
    return re.findall(r"^\s+(\w+),$", body, re.MULTILINE)


def test_both_sides_of_the_wire_use_the_same_names() -> None:
    link = ASSETS / "Runtime" / "Link"
    assert f'new Guid("{CHANNEL}")' in (link / "SceneChannel.cs").read_text()
    assert f'Behaviour = "{BEHAVIOUR}"' in (link / "SlotAgent.cs").read_text()
    assert f'return "{SLOT}"' in (link / "SlotSensor.cs").read_text()
    assert {name.lower() for name in passes()} == {str(name) for name in WIRE_PASSES}


@pytest.mark.parametrize("other", ["renderer.py", "standin/__main__.py"])
def test_both_sides_know_the_same_options(other: str) -> None:
    def options(path: Path) -> set[str]:
        return set(re.findall(r'"(--metasim-\w+)"', path.read_text()))

    assert options(ASSETS / "Core" / "PlayerOptions.cs") == options(ENGINE / other)


def test_every_pass_but_colour_has_its_shader() -> None:
    assert {shader.stem for shader in SHADERS} | {"Rgb"} == set(passes())


@pytest.mark.parametrize("shader", SHADERS, ids=lambda path: path.stem)
def test_a_shader_is_named_as_its_file_and_closed(shader: Path) -> None:
    text = shader.read_text()
    assert f'Shader "MetaSim/{shader.stem}"' in text
    assert text.count("{") == text.count("}")
    assert text.count("CGPROGRAM") == text.count("ENDCG") == 1
    for stage in ("vertex", "fragment"):
        (function,) = re.findall(rf"#pragma {stage} (\w+)", text)
        assert re.search(rf"\w+ {function}\(", text)


def test_ids_are_painted_from_the_property_that_is_set() -> None:
    (name,) = re.findall(r'PropertyToID\("(\w+)"\)', (ASSETS / "Runtime/Scene/InstanceIds.cs").read_text())
    shader = (ASSETS / "Resources/MetaSim/Instance.shader").read_text()
    assert f"float4 {name};" in shader
    assert f"{name}.xyz" in shader


def test_the_inspector_shows_fields_that_there_are() -> None:
    inspector = (ASSETS / "Editor" / "MetaSimAttributeEditor.cs").read_text()
    component = (ASSETS / "Runtime" / "Scene" / "MetaSimAttribute.cs").read_text()
    named = re.findall(r'FindProperty\("(\w+)"\)', inspector)
    fields = re.findall(r"\[SerializeField\]\s+(?:\[[^\n]*\]\s+)*\w+ (\w+)", component)
    assert sorted(named) == sorted(fields)


def test_the_project_asks_for_the_packages_and_editor_of_the_protocol() -> None:
    packages = json.loads((PROJECT / "Packages" / "manifest.json").read_text())["dependencies"]
    assert packages["com.unity.ml-agents"] == "2.0.1"
    editor = (PROJECT / "ProjectSettings" / "ProjectVersion.txt").read_text()
    assert re.fullmatch(r"m_EditorVersion: (2020|2021)\.3\.\d+f1\n", editor)


def test_the_script_that_the_guide_names_exists() -> None:
    text = (ASSETS / "Editor" / "BuildPlayer.cs").read_text()
    guide = (PROJECT / "README.md").read_text()
    (method,) = re.findall(r"-executeMethod (\S+)", guide)
    assert method == "MetaSim.Editor.BuildPlayer.Linux"
    assert re.search(r"namespace MetaSim\.Editor\b", text)
    assert "public static void Linux()" in text
