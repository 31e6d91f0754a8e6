"""Laws of looks: what renders undergo is read back off them, whatever the scenes are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_scenes import attribute, digits_grammar

from metasim.base.streams import stream
from metasim.grammar.grammar import SceneGrammar
from metasim.matching import look as look_module
from metasim.matching.changes import other_object
from metasim.matching.look import Images, Look, find_look
from metasim.rendering.protocol import Pass
from renderers.sprites.renderer import SpritesRenderer

NUM = 200


def drawn(grammar: SceneGrammar, seed: int, size: int = 32) -> Images:
    graphs = [grammar.sample(stream(seed, "test/look", i)) for i in range(NUM)]
    frames = SpritesRenderer(size=size).render(graphs, frozenset({Pass.RGB}), 0)
    return np.stack([np.asarray(frame[Pass.RGB], np.uint8) for frame in frames])


def elsewhere() -> SceneGrammar:
    """The digits of ``digits_grammar``, all turned and in a corner."""
    corner = attribute({"normal": {"mean": 11, "std": 1}}, unit="px", range=[4, 28])
    yaw = attribute({"normal": {"mean": 90, "std": 5}}, unit="deg", range=[0, 360], periodic=True)
    symbols = {
        "image": {"children": ["digit", "light"]},
        "digit": {"classes": [2, 3, 7], "attributes": {"loc_x": corner, "loc_y": corner, "yaw": yaw}},
        "light": {"attributes": {"intensity": attribute({"uniform": [0.5, 1]}, mutable=False)}},
    }
    return SceneGrammar.from_mapping({"start": "image", "symbols": symbols})


@pytest.fixture(scope="module")
def renders() -> Images:
    return drawn(digits_grammar(), 0)


@pytest.fixture(scope="module")
def others() -> Images:
    return drawn(elsewhere(), 1)


looks = st.builds(  # that leave nothing beyond black and white
    Look,
    gain=st.tuples(*[st.floats(0.4, 0.6)] * 3),
    offset=st.tuples(*[st.floats(45, 60)] * 3),
    blur=st.floats(0.6, 1.6),
    noise=st.floats(4, 12),
)


@settings(max_examples=15)
@given(looks)
def test_a_look_is_found_off_other_scenes_of_the_law(renders: Images, look: Look) -> None:
    """It differs as spectra and medians of two draws of scenes do: blur by 0.26 px, levels by 1.1 at most."""
    found = find_look(look.dress(drawn(digits_grammar(), 2), stream(0, "dress")), renders)
    assert found is not None
    assert abs(found.noise - look.noise) < 0.05 * look.noise + 0.2
    assert abs(found.blur - look.blur) < 0.35
    np.testing.assert_allclose(found.offset, look.offset, atol=2.0)
    shares = np.array(found.gain) / look.gain
    np.testing.assert_allclose(shares, shares.mean(), rtol=0.1)
    np.testing.assert_allclose(shares, 1.0, rtol=0.15)


def test_scenes_that_differ_do_not_look_otherwise(renders: Images, others: Images) -> None:
    assert find_look(others, renders) is None
    assert find_look(renders, others) is None


@pytest.mark.parametrize("noise", [0.0, 4.0, 12.0])
def test_noise_that_even_places_do_not_show_is_not_believed(
    renders: Images, monkeypatch: pytest.MonkeyPatch, noise: float
) -> None:
    """As of digits turned by a right angle, which are sharper than those turned by any other."""
    target = Look((0.5, 0.5, 0.5), (50.0, 50.0, 50.0), 0.0, noise).dress(renders, stream(0, "dress"))
    for claimed, believed in ((0.0, True), (noise, True), (3 * noise + 8, False)):
        fitted = Look((0.5, 0.5, 0.5), (0.0, 0.0, 0.0), 0.0, claimed)
        monkeypatch.setattr(look_module, "_fitted", lambda *_, fitted=fitted: fitted)
        assert (find_look(target, renders) is not None) is believed


def test_no_look_explains_another_object(renders: Images) -> None:
    assert find_look(other_object(renders, stream(0, "frames")), renders) is None


@given(looks, st.integers(0, 150))
def test_what_a_look_does_to_an_even_image(look: Look, level: int) -> None:
    """Mean and spread of n pixels' noise are within five standard errors, and half a level of rounding."""
    image = np.full((2, 40, 40, 3), level, np.uint8)
    dressed = look.dress(image, stream(0, "dress")).astype(float)
    pixels = dressed[..., 0].size
    errors = dressed.mean((0, 1, 2)) - (np.array(look.gain) * level + look.offset)
    assert (np.abs(errors) < 5 * look.noise / pixels**0.5 + 0.05).all()
    spreads = dressed.std((0, 1, 2))
    rounded = np.hypot(look.noise, 12**-0.5)
    assert (np.abs(spreads - rounded) < 5 * rounded / (2 * pixels) ** 0.5).all()


@pytest.mark.parametrize("size", [8, 16])
def test_images_so_small_that_bands_are_missing_look_alike_too(size: int) -> None:
    assert find_look(*(drawn(digits_grammar(), seed, size) for seed in (0, 1))) is None


@pytest.mark.parametrize("size", [21, 24])
def test_noise_is_found_off_small_images(size: int) -> None:
    """To an eighth: a digit fills most of them."""
    look = Look((0.5, 0.5, 0.5), (50.0, 50.0, 50.0), 0.6, 8.0)
    ours, theirs = (drawn(digits_grammar(), seed, size) for seed in (0, 1))
    found = find_look(look.dress(theirs, stream(0, "dress")), ours)
    assert found is not None
    assert abs(found.noise - look.noise) < 1.0
