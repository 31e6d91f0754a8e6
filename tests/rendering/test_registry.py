"""The registry: names to classes, options to checked values, one line for every mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from metasim.base.errors import InputError
from metasim.rendering.registry import check_options, engine, files_of

ENGINE = "fault_engine:FaultEngine"


@pytest.fixture(autouse=True)
def _engines_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def test_a_dotted_path_names_a_class() -> None:
    assert engine(ENGINE).__name__ == "FaultEngine"


@pytest.mark.parametrize("kind", ["sprites", "aerial", "blender"])
def test_built_in_engines_resolve_without_starting(kind: str) -> None:
    assert engine(kind).__module__ == f"renderers.{kind}.renderer"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("blendr", "expected blender or a dotted path"),
        ("fault_engine:FaultEngin", "FaultEngin"),
        ("no_such_package.module:Engine", "no_such_package"),
        ("pathlib:Path", "a class with capabilities, render and close"),
        ("fault_engine:os", "a class with capabilities, render and close"),
    ],
)
def test_unknown_engines_are_named(kind: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        engine(kind)


def test_an_installed_plug_in_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "plug-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[metasim.renderers]\nfaulty = {ENGINE}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert engine("faulty") is engine(ENGINE)


def test_options_are_converted_and_completed() -> None:
    assert check_options(ENGINE, {"size": 8, "marks": "here"}) == {
        "size": 8,
        "seconds": 0.0,
        "marks": Path("here"),
        "refuse": "",
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sise": 8}, "^tyol.yaml: renderer.sise: unknown option; expected size"),
        ({"size": "big"}, "^tyol.yaml: renderer.size: 'big'; expected .*integer"),
        ({"size": 0}, "^tyol.yaml: renderer.size: 0; expected .*greater than or equal to 1"),
    ],
)
def test_wrong_options_are_named_with_their_path(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_options(ENGINE, options, "tyol.yaml: renderer")


class Stage:
    def __init__(self, width: Annotated[int, Field(ge=1)] = 3) -> None: ...


class Theatre:
    """An engine of which a part, named by an option, has options of its own."""

    capabilities = render = close = None

    def __init__(self, size: int = 8, staged: bool = False, **of_stage: object) -> None: ...

    @classmethod
    def part(cls, options: dict[str, object]) -> type:
        return Stage if options.get("staged") else object


def test_options_of_a_part_are_options_of_its_engine() -> None:
    kind = f"{Theatre.__module__}:Theatre"
    assert check_options(kind, {"staged": True}) == {"size": 8, "staged": True, "width": 3}
    with pytest.raises(InputError, match=r"^renderer.width: 0; expected .*greater"):
        check_options(kind, {"staged": True, "width": 0})
    with pytest.raises(InputError, match=r"^renderer.width: unknown option; expected"):
        check_options(kind, {"width": 4})


def test_files_that_an_engine_reads_are_known_by_the_annotation(tmp_path: Path) -> None:
    options = check_options(ENGINE, {"marks": tmp_path, "refuse": str(tmp_path)})
    assert files_of(ENGINE, options) == {"marks": (tmp_path, tmp_path)}
    assert files_of(ENGINE, {**options, "marks": tmp_path / "absent"}) == {}


def test_a_name_is_no_file_though_a_folder_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tyol").mkdir()
    assert files_of("blender", {"scene": "tyol"}) == {}
    (tmp_path / "room.blend").touch()
    room = tmp_path / "room.blend"
    assert files_of("blender", {"scene": "room.blend"}) == {"scene": (room, room)}


def test_a_list_of_assets_comes_with_its_folder_and_a_player_stays(tmp_path: Path) -> None:
    listed = tmp_path / "some.txt"
    listed.write_text("cube\n")
    assert files_of("blender", {"scene": "objects", "assets": listed}) == {"assets": (tmp_path, listed)}
    assert files_of("unity", {"player": listed}) == {}
