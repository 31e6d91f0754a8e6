"""Summary: the contract of summary.json, used to write it and to read it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from metasim.base.errors import InputError
from metasim.base.files import write_text

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
NonNegative = Annotated[FiniteFloat, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Verdict(_Strict):
    """Two-sample evidence on held-out target images and fresh renders.

    Attributes:
        n_target: Held-out target images.
        n_generated: Fresh renders.
        mmd2: Squared MMD between their features.
        mmd2_floor: The same between two halves of the target.
        p_value: Of the permutation test; small where the two differ.
        c2st: Held-out accuracy of a classifier that tells them apart; 0.5 is chance.
        c2st_ci: Its 95 % confidence interval.
    """

    n_target: Count
    n_generated: Count
    mmd2: FiniteFloat
    mmd2_floor: FiniteFloat
    p_value: Share
    c2st: Share
    c2st_ci: tuple[Share, Share]


class Moments(_Strict):
    """Mean and spread, circular for periodic attributes, in the attribute's unit."""

    mean: FiniteFloat
    std: NonNegative


class AttributeResult(_Strict):
    """How one attribute came out.

    Attributes:
        unit: Unit of its values.
        range: Least and greatest value.
        periodic: Whether these two are the same.
        identifiable: Whether the images determine it.
        spread_identifiable: Whether they determine its spread.
        classes_not_identifiable: Classes of which the images do not determine it.
        prior: Before matching.
        generated: After matching.
        target: In the target, where it is known.
        w1_prior: Wasserstein-1 distance of prior and target over the range.
        w1: The same of generated and target.
        w1_floor: The same of two target draws of that size.
    """

    unit: str
    range: tuple[FiniteFloat, FiniteFloat]
    periodic: bool
    identifiable: bool
    spread_identifiable: bool
    classes_not_identifiable: list[str]
    prior: Moments
    generated: Moments
    target: Moments | None
    w1_prior: NonNegative | None
    w1: NonNegative | None
    w1_floor: NonNegative | None


class Correlation(_Strict):
    """Correlation of two attributes, each ``<node>.<attribute>``."""

    a: str
    b: str
    target: FiniteFloat | None
    generated: FiniteFloat


class Frequency(_Strict):
    """Share of a class, or of a number of nodes."""

    target: Share | None
    generated: Share


class Summary(_Strict):
    """The numbers a run ends with.

    Attributes:
        experiment: Name of the experiment.
        seed: Root seed.
        renders: Images rendered for learning.
        wall_seconds: Time of the whole run.
        render_seconds: Time spent in rendering.
        verdict: Two-sample evidence.
        attributes: By ``<node>.<attribute>``.
        correlations: Of pairs of attributes.
        classes: Shares of the classes of a node, or of a symbol where nodes are exchangeable.
        counts: Shares of the numbers of nodes of a symbol.
    """

    experiment: str
    seed: int
    renders: Count
    wall_seconds: NonNegative
    render_seconds: NonNegative
    verdict: Verdict
    attributes: dict[str, AttributeResult]
    correlations: list[Correlation] = []
    classes: dict[str, dict[str, Frequency]] = {}
    counts: dict[str, dict[str, Frequency]] = {}

    def save(self, path: Path) -> None:
        """Writes the summary whole."""
        write_text(path, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Summary:
        """Reads a summary; ``InputError`` names the first field that breaks the contract."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise InputError(str(path), error.strerror or "unreadable", "the summary of a run") from error
        except ValidationError as error:
            fault = error.errors()[0]
            where = f"{path}: {'.'.join(map(str, fault['loc'])) or 'content'}"
            raise InputError(where, repr(fault.get("input"))[:80], fault["msg"]) from error
