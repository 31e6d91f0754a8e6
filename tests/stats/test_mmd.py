from __future__ import annotations

import math

import pytest
import torch

from metasim.base.streams import torch_stream
from metasim.stats.fourier import FourierMMD
from metasim.stats.kernels import BlockSum, Energy, GaussianMixture, Kernel
from metasim.stats.mmd import MMDTarget, mmd2

GAUSSIAN = GaussianMixture((1.5,))
KERNELS: list[Kernel] = [GaussianMixture((0.5, 1.0, 2.0)), Energy()]


def normal(n: int, d: int, index: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch_stream(0, "mmd", index), dtype=torch.float64)


def gaussian_mean_kernel(variance: float, shift: float, width: float, d: int) -> float:
    """E k(x, y) for x - y normal with this variance an axis and a mean of this length."""
    total = width**2 + variance
    return (width**2 / total) ** (d / 2) * math.exp(-(shift**2) / (2 * total))


def mean_and_error(values: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    stacked = torch.stack(values)
    return stacked.mean(0), stacked.std(0) / math.sqrt(len(values))


def test_the_estimate_has_the_closed_form_as_mean() -> None:
    n, m, d, sd, shift, width = 20, 30, 3, 0.5, 1.0, 1.5
    e_xx = gaussian_mean_kernel(2.0, 0.0, width, d)
    e_yy = gaussian_mean_kernel(2.0 * sd**2, 0.0, width, d)
    expected = e_xx + e_yy - 2.0 * gaussian_mean_kernel(1.0 + sd**2, shift, width, d)
    offset = torch.tensor([shift, 0.0, 0.0], dtype=torch.float64)
    draws = [mmd2(normal(n, d, 2 * i), sd * normal(m, d, 2 * i + 1) + offset, GAUSSIAN) for i in range(400)]
    mean, error = mean_and_error(draws)
    assert abs(mean - expected) < 3.0 * error
    assert error < 0.05 * expected


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)
def test_u_statistic_is_centred_on_zero_for_equal_laws(kernel: Kernel) -> None:
    draws = [mmd2(normal(20, 4, 2 * i), normal(15, 4, 2 * i + 1), kernel) for i in range(300)]
    mean, error = mean_and_error(draws)
    assert abs(mean) < 3.0 * error
    assert min(draws) < 0.0 < max(draws)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)
def test_gradient(kernel: Kernel) -> None:
    x, y = normal(6, 3).requires_grad_(), normal(5, 3, 1)
    assert torch.autograd.gradcheck(lambda batch: mmd2(batch, y, kernel), (x,))
    assert torch.autograd.gradcheck(MMDTarget(y, kernel).mmd2, (x,))


def test_cached_target_gives_the_same_value() -> None:
    y = normal(40, 3, 1)
    for kernel in KERNELS:
        target = MMDTarget(y, kernel)
        for index in (2, 3):
            torch.testing.assert_close(target.mmd2(normal(9, 3, index)), mmd2(normal(9, 3, index), y, kernel))


def test_witness_leaves_the_sample_out() -> None:
    x, y = normal(7, 2), normal(9, 2, 1)
    credit = MMDTarget(y, GAUSSIAN).witness(x)
    for i in range(7):
        others = torch.cat([x[:i], x[i + 1 :]])
        near = GAUSSIAN(x[i : i + 1], others).mean() - GAUSSIAN(x[i : i + 1], y).mean()
        torch.testing.assert_close(credit.value[i], near)
        torch.testing.assert_close(credit.baseline[i], MMDTarget(y, GAUSSIAN).witness(others).value.mean())


def test_score_gradient_equals_the_pathwise_gradient() -> None:
    """A normal generator N(mu, 1): both estimate the same gradient, the baseline lowers the variance."""
    mu = torch.tensor([0.6, -0.3], dtype=torch.float64)
    target = MMDTarget(normal(200, 2, 10**6), GAUSSIAN)
    pathwise, plain, reduced = [], [], []
    for i in range(600):
        noise = normal(24, 2, i)
        leaf = mu.clone().requires_grad_()
        pathwise.append(torch.autograd.grad(target.mmd2(leaf + noise), leaf)[0])
        credit = target.witness(mu + noise)
        plain.append(2.0 * (credit.value[:, None] * noise).mean(0))
        reduced.append(2.0 * (credit.advantage[:, None] * noise).mean(0))
    expected, path_error = mean_and_error(pathwise)
    for estimates in (plain, reduced):
        mean, error = mean_and_error(estimates)
        assert bool(((mean - expected).abs() < 3.5 * (error.square() + path_error.square()).sqrt()).all())
        assert bool((error < 0.25 * expected.abs()).all())
    assert bool((torch.stack(reduced).var(0) < torch.stack(plain).var(0)).all())


def fourier(y: torch.Tensor, frequencies: int = 64) -> FourierMMD:
    kernel = GaussianMixture((0.7, 1.4, 2.8))
    return FourierMMD(y, kernel, frequencies, torch_stream(0, "fourier"))


def test_fourier_form_is_the_exact_mmd_of_its_own_kernel() -> None:
    x, y = normal(8, 3), normal(11, 3, 1)
    linear = fourier(y)
    exact = MMDTarget(y, lambda a, b: linear.embed(a) @ linear.embed(b).T)
    torch.testing.assert_close(linear.mmd2(x), exact.mmd2(x))
    torch.testing.assert_close(linear.witness(x).value, exact.witness(x).value)
    torch.testing.assert_close(linear.witness(x).baseline, exact.witness(x).baseline)
    assert torch.autograd.gradcheck(linear.mmd2, (x.requires_grad_(),))


def test_fourier_kernel_is_near_the_mixture() -> None:
    x, frequencies = normal(20, 3), 6000
    linear = fourier(x, frequencies)
    error = (linear.embed(x) @ linear.embed(x).T - GaussianMixture((0.7, 1.4, 2.8))(x, x)).abs().max()
    # Hoeffding for means of independent cosines, over the 190 pairs, at a chance of one in a million.
    assert error < math.sqrt(2.0 * math.log(2.0 * 190 * 1e6) / frequencies)


def test_fourier_kernel_of_blocks_is_near_their_sum() -> None:
    x, frequencies = normal(20, 5), 6000
    kernel = BlockSum((GaussianMixture((0.7, 1.4)), GaussianMixture((2.0,))), (2, 3))
    linear = FourierMMD(x, kernel, frequencies, torch_stream(0, "fourier"))
    embedded = linear.embed(x)
    torch.testing.assert_close(embedded.square().sum(1), torch.full((20,), linear.embed.norm).double())
    error = (embedded @ embedded.T - kernel(x, x)).abs().max()
    assert error < 2.0 * math.sqrt(2.0 * math.log(2.0 * 2 * 190 * 1e6) / frequencies)
    exact = MMDTarget(x[:9], lambda a, b: linear.embed(a) @ linear.embed(b).T)
    part = FourierMMD(x[:9], kernel, frequencies, torch_stream(0, "fourier"))
    torch.testing.assert_close(part.mmd2(x[9:]), exact.mmd2(x[9:]))
    torch.testing.assert_close(part.witness(x[9:]).baseline, exact.witness(x[9:]).baseline)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_standard_error_is_the_spread_over_batches(kernel: Kernel) -> None:
    target = MMDTarget(normal(100, 3), kernel)
    batches = [normal(40, 3, index) + 0.5 for index in range(1, 301)]
    spread = torch.stack([target.mmd2(batch) for batch in batches]).std()
    told = torch.stack([target.standard_error(batch) for batch in batches]).square().mean().sqrt()
    assert float(told / spread) == pytest.approx(1.0, abs=0.2)  # 4 % noise of the spread, 4 sd, and the bias
