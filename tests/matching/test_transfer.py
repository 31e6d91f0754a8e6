"""The attribute network takes over a population: means, spreads, modes and correlation."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from matching_scenes import digits_grammar, one_normal

from metasim.base.streams import stream, torch_stream
from metasim.matching.population import Population, Posteriors
from metasim.matching.transfer import AttributeSpace, PriorBatches, new_network, reconstruct, transfer
from metasim.model.attribute_gcn import AttributeNetwork
from metasim.scene.encoding import GraphEncoder
from metasim.scene.layout import Array, Classes, SceneLayout
from metasim.stats.moments import mean_std
from metasim.stats.wasserstein import circular_wasserstein

GRAMMAR = digits_grammar()
GRAPHS = [GRAMMAR.sample(stream(0, "prior", i)) for i in range(512)]
LAYOUT = SceneLayout.of(GRAMMAR.schema, GRAPHS[0])
PRIOR = PriorBatches.of(GRAPHS, GRAMMAR, LAYOUT)
STEPS = 300


def population(images: int = 800) -> Population:
    """Places that go together (rho 0.8), an angle with two modes, and a class that knows the first place."""
    rng = stream(0, "test/population")
    a, b = rng.standard_normal((2, images))
    side = rng.random(images) < 0.3
    x, y = 0.3 + 0.08 * a, 0.6 + 0.12 * (0.8 * a + 0.6 * b)
    yaw = np.mod(np.where(side, 0.95, 0.4) + 0.03 * rng.standard_normal(images), 1.0)
    units = np.column_stack([x, y, yaw]).clip(0, 1)[:, None]
    classes = np.where(a > 0, 2, rng.integers(2, size=images))[:, None, None]
    draws = Posteriors(units, classes, np.zeros((images, 1)))
    return Population(draws, np.ones((images, 1)), one_normal(3), np.ones(images, bool))


def no_record(step: int, values: dict[str, float]) -> None:
    assert np.isfinite(list(values.values())).all()


@cache
def transferred() -> AttributeNetwork:
    network = new_network(GRAMMAR, 0)
    reconstruct(network, PRIOR, 60, 0, no_record)
    transfer(network, PRIOR, population(), LAYOUT, STEPS, 0, no_record)
    return network.eval()


def output(classes: Classes | None = None) -> tuple[Array, Classes]:
    """Fresh scenes from the network, with the population's classes."""
    generator = torch_stream(1, "test/output")
    kinds = population().posteriors.classes[:, 0] if classes is None else classes
    rows = torch.randint(PRIOR.scenes, (len(kinds),), generator=generator)
    network = transferred()
    with torch.no_grad():
        data = PRIOR.take(rows, torch.from_numpy(kinds))
        units = PRIOR.columns(network(data, network.draw_noise(len(data.values), generator)))
    return units.double().numpy(), kinds


def test_means_and_spreads_are_the_population_s() -> None:
    ours, _ = output()
    theirs = population().posteriors.units[:, 0]
    for j in range(2):
        scale = theirs[:, j].std()
        assert ours[:, j].mean() == pytest.approx(theirs[:, j].mean(), abs=0.2 * scale)
        assert ours[:, j].std() == pytest.approx(scale, rel=0.2)


def test_the_correlation_is_the_population_s() -> None:
    ours, _ = output()
    theirs = population().posteriors.units[:, 0]
    expected = np.corrcoef(theirs[:, :2].T)[0, 1]
    assert np.corrcoef(ours[:, :2].T)[0, 1] == pytest.approx(expected, abs=0.1)


def test_both_modes_of_an_angle_are_there_with_their_weights() -> None:
    ours, _ = output()
    theirs = population().posteriors.units[:, 0]
    assert circular_wasserstein(ours[:, 2], theirs[:, 2], 1.0) < 0.05
    for centre in (0.95, 0.4):
        near, expected = (
            np.abs((v - centre) - np.round(v - centre)) < 0.15 for v in (ours[:, 2], theirs[:, 2])
        )
        assert near.mean() == pytest.approx(expected.mean(), abs=0.06)
        mean, std = mean_std(ours[near, 2], 1.0)
        assert abs((mean - centre) - round(mean - centre)) < 0.03
        assert std < 0.06


def test_attributes_depend_on_classes_as_in_the_population() -> None:
    ours, classes = output()
    theirs = population().posteriors.units[:, 0]
    tell = [np.corrcoef(v[:, 0], classes[:, 0] == 2)[0, 1] for v in (ours, theirs)]
    assert tell[1] > 0.7
    assert tell[0] > 0.6 * tell[1]


def test_noise_alone_can_carry_the_spread() -> None:
    """A prior that is always the same scene still becomes a population."""
    prior = PriorBatches.of([GRAPHS[0]] * 4, GRAMMAR, LAYOUT)
    network, generator = new_network(GRAMMAR, 0), torch_stream(2, "test/output")
    transfer(network, prior, population(), LAYOUT, 150, 0, no_record)
    kinds = torch.from_numpy(population().posteriors.classes[:, 0])
    with torch.no_grad():
        data = prior.take(torch.zeros(len(kinds), dtype=torch.long), kinds)
        units = prior.columns(network(data, network.draw_noise(len(data.values), generator))).numpy()
    theirs = population().posteriors.units[:, 0]
    np.testing.assert_allclose(units[:, :2].std(0), theirs[:, :2].std(0), rtol=0.3)
    assert np.corrcoef(units[:, :2].T)[0, 1] > 0.5
    assert circular_wasserstein(units[:, 2], theirs[:, 2], 1.0) < 0.1


def test_what_is_even_up_to_the_ends_of_its_range_does_not_pile_up_there() -> None:
    rng = stream(0, "test/even")
    units = rng.random((4000, 1, 3))
    draws = Posteriors(units, np.zeros((4000, 1, 1), dtype=np.int64), np.zeros((4000, 1)))
    even = Population(draws, np.ones((4000, 1)), one_normal(3), np.ones(4000, bool))
    network, generator = new_network(GRAMMAR, 0), torch_stream(3, "test/output")
    transfer(network, PRIOR, even, LAYOUT, 150, 0, no_record)
    rows = torch.randint(PRIOR.scenes, (4000,), generator=generator)
    with torch.no_grad():
        data = PRIOR.take(rows, torch.zeros(4000, 1, dtype=torch.long))
        out = PRIOR.columns(network(data, network.draw_noise(len(data.values), generator)))
    # As much of it as the law has in the outer fiftieths, each 80 of 4000, and at the ends next to none.
    for column in out[:, :2].T.numpy():
        for outer, end in ((column < 0.02, column <= 0), (column > 0.98, column >= 1)):
            assert outer.sum() == pytest.approx(80, abs=40)  # four and a half standard deviations
            assert end.sum() < 20


def test_the_same_seed_gives_the_same_weights() -> None:
    ends = []
    for seed in (0, 0, 1):
        network = new_network(GRAMMAR, seed)
        reconstruct(network, PRIOR, 3, seed, no_record)
        transfer(network, PRIOR, population(50), LAYOUT, 3, seed, no_record)
        ends.append(torch.cat([p.detach().flatten() for p in network.parameters()]))
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_reconstruction_teaches_the_identity() -> None:
    network = new_network(GRAMMAR, 0)
    reconstruct(network, PRIOR, 150, 0, no_record)
    with torch.no_grad():
        out = PRIOR.columns(
            network(PRIOR.data, network.draw_noise(len(PRIOR.data.values), torch_stream(0, "n")))
        )
    wanted = torch.from_numpy(LAYOUT.units(GRAPHS)).float()
    off = out - wanted
    off[:, 2] -= off[:, 2].round()
    turned = wanted[:, 2] - wanted[:, 2].round()
    spread = torch.stack([wanted[:, 0].std(), wanted[:, 1].std(), turned.std()])
    assert (off.square().mean(0).sqrt() < 0.35 * spread).all()


def test_batches_of_prior_scenes_are_their_encodings() -> None:
    rows = torch.tensor([5, 0, 5, 511])
    data = PRIOR.take(rows)
    encoder = GraphEncoder(GRAMMAR.schema)
    single = [encoder.encode(GRAPHS[row]) for row in rows.tolist()]
    for name in ("present", "mutable", "symbol", "cls"):
        assert torch.equal(getattr(data, name), torch.cat([getattr(one, name) for one in single]))
    assert torch.equal(data.values, torch.cat([one.values for one in single]))
    edges = data.edge_index
    assert edges is not None
    assert {*map(tuple, edges.T.tolist())} == {(3 * i, 3 * i + k) for i in range(4) for k in (1, 2)}
    units = new_network(GRAMMAR, 0).to_units(data)
    np.testing.assert_allclose(
        PRIOR.columns(units), LAYOUT.units([GRAPHS[row] for row in rows.tolist()]), atol=1e-6
    )


def test_classes_of_a_batch_are_replaced_where_they_are_a_choice() -> None:
    rows, kinds = torch.tensor([1, 2, 3]), torch.tensor([[2], [0], [1]])
    before, after = PRIOR.take(rows), PRIOR.take(rows, kinds)
    names = [GRAMMAR.schema.class_names[k] for k in after.cls.tolist()]
    assert names[1::3] == [LAYOUT.choices[0].classes[k] for k in (2, 0, 1)]
    assert torch.equal(after.cls[0::3], before.cls[0::3])
    assert torch.equal(after.cls[2::3], before.cls[2::3])


def test_attribute_space_has_no_edge_and_no_unit() -> None:
    rng = stream(0, "test/space")
    units = torch.from_numpy(
        np.column_stack([rng.normal(0.5, 0.01, 500), rng.normal(0.1, 0.05, 500) % 1])
    ).float()
    space = AttributeSpace(units, np.array([False, True]), torch_stream(0, "test/directions"))
    ends = space.embed(torch.tensor([[0.5, 0.0], [0.5, 1.0]]))
    torch.testing.assert_close(ends[0], ends[1], atol=1e-4, rtol=0)
    points = space.embed(units)
    assert points.shape == (500, 3)
    torch.testing.assert_close(points[:, 0].std(correction=0), torch.tensor(1.0), atol=1e-3, rtol=0)
    assert float(points[:, 1:].var(0, correction=0).sum()) == pytest.approx(1, abs=1e-2)
    marks = torch.zeros(250, 0)
    same = space.distance(points[:250], points[250:], marks, marks)
    moved = space.distance(points[:250] + torch.tensor([0.5, 0, 0]), points[250:], marks, marks)
    assert abs(float(same)) < 0.1 < float(moved)
