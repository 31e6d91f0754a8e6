"""Distributions of one attribute: what a law becomes once everything it depends on is known.

The base measure of all of them is Lebesgue's plus a unit mass at every atom: ``log_prob`` is the log
mass at an atom, and the log density, per unit of the attribute, anywhere else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.special import logsumexp, ndtr, ndtri
from typing_extensions import override

from metasim.grammar.choice import Choice

Array: TypeAlias = npt.NDArray[np.float64]
Family: TypeAlias = Any  # a continuous family of scipy.stats

_STANDARD = {"norm": np.random.Generator.standard_normal, "uniform": np.random.Generator.random}
"""How scipy draws from a family at location 0 and scale 1, where it does little else."""

_TAIL = 10.0  # standard deviations after which a normal tail is below double precision


class Distribution(ABC):
    """A law on the real line: a density with atoms. Arrays in, arrays of the same shape out."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, size: int | None = None) -> Array:
        """Draws (size,) values, or a single one of shape ()."""

    def draw(self, rng: np.random.Generator) -> float:
        """Draws a single value, the one that ``sample`` would; scenes are drawn with it, one by one."""
        return float(self.sample(rng))

    @abstractmethod
    def cdf(self, values: npt.ArrayLike) -> Array:
        """Probability of a value not above the given ones."""

    def log_density(self, values: npt.ArrayLike) -> Array:
        """Log density of the continuous part."""
        return np.full(np.shape(values), -np.inf)

    def log_mass(self, values: npt.ArrayLike) -> Array:
        """Log mass of the atom at each value; -inf where there is none."""
        return np.full(np.shape(values), -np.inf)

    def log_prob(self, values: npt.ArrayLike) -> Array:
        """Log mass at atoms, log density elsewhere."""
        mass = self.log_mass(values)
        return np.where(mass > -np.inf, mass, self.log_density(values))


@dataclass(frozen=True, eq=False)
class Atoms(Distribution):
    """Finitely many values, each with a mass.

    Attributes:
        values: (K,) distinct values.
        weights: (K,) masses, which sum to 1.
    """

    values: Array
    weights: Array

    @override
    def sample(self, rng: np.random.Generator, size: int | None = None) -> Array:
        if len(self.values) == 1:
            return np.full(() if size is None else size, self.values[0])
        return np.asarray(rng.choice(self.values, size=size, p=self.weights))

    @override
    def draw(self, rng: np.random.Generator) -> float:
        return float(self.values[0 if len(self.values) == 1 else self._choice.draw(rng)])

    @cached_property
    def _choice(self) -> Choice:
        return Choice(self.weights)

    @override
    def cdf(self, values: npt.ArrayLike) -> Array:
        return (np.asarray(values)[..., None] >= self.values) @ self.weights

    @override
    def log_mass(self, values: npt.ArrayLike) -> Array:
        hit = np.asarray(values)[..., None] == self.values
        with np.errstate(divide="ignore"):
            return np.log(hit @ self.weights)


@dataclass(frozen=True, eq=False)
class Continuous(Distribution):
    """A scipy family with its arguments."""

    family: Family
    arguments: tuple[float, ...]

    @override
    def sample(self, rng: np.random.Generator, size: int | None = None) -> Array:
        return np.asarray(self.family.rvs(*self.arguments, size=size, random_state=rng))

    @override
    def draw(self, rng: np.random.Generator) -> float:
        if (standard := _STANDARD.get(self.family.name)) is None:
            return float(Continuous.sample(self, rng))
        location, scale = self.arguments
        return standard(rng) * scale + location

    @override
    def cdf(self, values: npt.ArrayLike) -> Array:
        return np.asarray(self.family.cdf(values, *self.arguments))

    @override
    def log_density(self, values: npt.ArrayLike) -> Array:
        return np.asarray(self.family.logpdf(values, *self.arguments))


@dataclass(frozen=True, eq=False)
class Censored(Continuous):
    """A scipy family whose tails beyond [low, high] are gathered into atoms at the two ends."""

    low: float
    high: float

    @override
    def sample(self, rng: np.random.Generator, size: int | None = None) -> Array:
        return np.clip(super().sample(rng, size), self.low, self.high)

    @override
    def draw(self, rng: np.random.Generator) -> float:
        return min(max(super().draw(rng), self.low), self.high)

    @override
    def cdf(self, values: npt.ArrayLike) -> Array:
        values = np.asarray(values, dtype=np.float64)
        return np.where(values < self.low, 0.0, np.where(values >= self.high, 1.0, super().cdf(values)))

    @override
    def log_density(self, values: npt.ArrayLike) -> Array:
        values = np.asarray(values, dtype=np.float64)
        inside = (values >= self.low) & (values <= self.high)
        return np.where(inside, super().log_density(values), -np.inf)

    @override
    def log_mass(self, values: npt.ArrayLike) -> Array:
        values = np.asarray(values, dtype=np.float64)
        below = self.family.logcdf(self.low, *self.arguments)
        above = self.family.logsf(self.high, *self.arguments)
        return np.where(values == self.low, below, np.where(values == self.high, above, -np.inf))


@dataclass(frozen=True, eq=False)
class Truncated(Continuous):
    """The normal law given that a value lies in [low, high], as its mean does.

    Its quantiles are never those of far tails, which scipy is ready for: it takes a millisecond a draw.
    """

    low: float
    high: float

    @classmethod
    def normal(cls, mean: float, std: float, low: float, high: float) -> Distribution:
        """The normal law of this mean and spread, cut."""
        ends = ((low - mean) / std, (high - mean) / std)
        return cls(stats.truncnorm, (*ends, mean, std), low, high)

    @override
    def sample(self, rng: np.random.Generator, size: int | None = None) -> Array:
        below, above = self._outside
        mean, std = self.arguments[2:]
        return np.clip(ndtri(below + rng.random(size) * (above - below)) * std + mean, self.low, self.high)

    @override
    def draw(self, rng: np.random.Generator) -> float:
        return float(self.sample(rng))

    @cached_property
    def _outside(self) -> tuple[float, float]:
        below, above = ndtr(self.arguments[:2])
        return float(below), float(above)


@dataclass(frozen=True, eq=False)
class Wrapped(Continuous):
    """A scipy family on the line, wound around the circle [low, low + period).

    Attributes:
        turns: How many whole turns either side of the circle the family reaches.
    """

    low: float
    period: float
    turns: int

    @classmethod
    def normal(cls, mean: float, std: float, low: float, period: float) -> Distribution:
        """The wrapped normal; beyond a spread of two periods it is uniform to double precision."""
        if std > 2.0 * period:
            return Continuous(stats.uniform, (low, period))
        start = low + (mean - low) % period
        return cls(stats.norm, (start, std), low, period, 1 + int(np.ceil(_TAIL * std / period)))

    @override
    def sample(self, rng: np.random.Generator, size: int | None = None) -> Array:
        return self._around(super().sample(rng, size))

    @override
    def draw(self, rng: np.random.Generator) -> float:
        return self.low + (super().draw(rng) - self.low) % self.period

    @override
    def cdf(self, values: npt.ArrayLike) -> Array:
        inside = np.clip(np.asarray(values, dtype=np.float64), self.low, self.low + self.period)
        images = super().cdf(inside[..., None] + self._shifts) - super().cdf(self.low + self._shifts)
        return images.sum(axis=-1)

    @override
    def log_density(self, values: npt.ArrayLike) -> Array:
        images = self._around(np.asarray(values, dtype=np.float64))[..., None] + self._shifts
        return np.asarray(logsumexp(super().log_density(images), axis=-1))

    @property
    def _shifts(self) -> Array:
        return self.period * np.arange(-self.turns, self.turns + 1)

    def _around(self, values: Array) -> Array:
        return self.low + np.mod(values - self.low, self.period)


@dataclass(frozen=True, eq=False)
class VonMises(Distribution):
    """The von Mises law on the circle [low, low + period).

    Attributes:
        mean: Its mode, in units of the circle.
        concentration: kappa >= 0; 0 is uniform.
    """

    mean: float
    concentration: float
    low: float
    period: float

    @override
    def sample(self, rng: np.random.Generator, size: int | None = None) -> Array:
        offset = rng.vonmises(0.0, self.concentration, size) * self._unit
        return self.low + np.mod(self.mean - self.low + offset, self.period)

    @override
    def cdf(self, values: npt.ArrayLike) -> Array:
        inside = np.clip(np.asarray(values, dtype=np.float64), self.low, self.low + self.period)
        ends = [(v - self.mean) / self._unit for v in (inside, self.low)]
        upper, lower = (stats.vonmises.cdf(end, self.concentration) for end in ends)
        return np.asarray(upper - lower)

    @override
    def log_density(self, values: npt.ArrayLike) -> Array:
        angle = (np.asarray(values, dtype=np.float64) - self.mean) / self._unit
        return np.asarray(stats.vonmises.logpdf(angle, self.concentration)) - np.log(self._unit)

    @property
    def _unit(self) -> float:
        """Units of the circle in a radian."""
        return self.period / (2.0 * np.pi)


@dataclass(frozen=True, eq=False)
class Mixture(Distribution):
    """A weighted choice between distributions; an atom of any part is an atom of the whole.

    Attributes:
        parts: K distributions.
        weights: (K,) probabilities, which sum to 1.
    """

    parts: Sequence[Distribution]
    weights: Array

    @override
    def sample(self, rng: np.random.Generator, size: int | None = None) -> Array:
        chosen = np.atleast_1d(rng.choice(len(self.parts), size=size, p=self.weights))
        values = np.empty(len(chosen))
        for k, part in enumerate(self.parts):
            values[chosen == k] = part.sample(rng, int((chosen == k).sum()))
        return values.reshape(() if size is None else (size,))

    @override
    def cdf(self, values: npt.ArrayLike) -> Array:
        return np.tensordot(self.weights, [part.cdf(values) for part in self.parts], axes=1)

    @override
    def log_density(self, values: npt.ArrayLike) -> Array:
        return self._sum([part.log_density(values) for part in self.parts])

    @override
    def log_mass(self, values: npt.ArrayLike) -> Array:
        return self._sum([part.log_mass(values) for part in self.parts])

    def _sum(self, logs: Sequence[Array]) -> Array:
        return np.asarray(logsumexp(np.stack(logs, axis=-1) + np.log(self.weights), axis=-1))
