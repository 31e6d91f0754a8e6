"""Summary: the contract of summary.json, used to write it and to read it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from metasim.base.errors import InputError
from metasim.base.files import write_text

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
NonNegative = Annotated[FiniteFloat, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Comparison(_Strict):
    """Two-sample evidence in one set of features: held-out target images and independent draws of renders.

    Attributes:
        n_target: Held-out target images.
        n_generated: Fresh renders, all draws together.
        mmd2: Squared MMD between their features.
        mmd2_floor: The same between two halves of the target.
        p_value: Of the permutation test; small where the two differ.
        c2st: Held-out accuracy of a classifier that tells them apart; 0.5 is chance.
        c2st_ci: Its 95 % confidence interval.
        p_values: Of the same test with each draw by itself.
        null_p_values: Of draw against draw, where nothing differs.
        null_c2st: The classifier's accuracy for draw against draw.
    """

    n_target: Count
    n_generated: Count
    mmd2: FiniteFloat
    mmd2_floor: FiniteFloat
    p_value: Share
    c2st: Share
    c2st_ci: tuple[Share, Share]
    p_values: list[Share] = []
    null_p_values: list[Share] = []
    null_c2st: Share | None = None


class Shift(_Strict):
    """How far generated and target are apart in one attribute, as the inverse network reads both.

    Attributes:
        difference: Generated less target, in the attribute's unit; ``None`` where readings say nothing.
        error: Its standard error.
        p_value: Of no difference.
        smallest: The least shift that would be seen nine times in ten.
        power: Chance of seeing a shift of 5 degrees, or of 2 % of the range where the unit is another.
    """

    difference: FiniteFloat | None
    error: NonNegative | None
    p_value: Share
    smallest: NonNegative | None
    power: Share | None


class Reading(_Strict):
    """How well the inverse network reads one attribute off renders whose scenes are known.

    Attributes:
        error: Typical error on fresh renders of the generator, in the attribute's unit.
        explained: Share of the variation among held-out renders of the bank that it explains, by class;
            under ``""`` for nodes without a choice.
    """

    error: NonNegative
    explained: dict[str, FiniteFloat]


Finding = Literal["same", "appearance", "attributes", "foreign"]


class Verdict(Comparison):
    """What the held-out images say: the evidence in the main features, and all that stands beside it.

    Attributes:
        finding: ``same``: no test tells them apart; ``appearance``: images differ, attributes do not;
            ``attributes``: these differ; ``foreign``: the target shows what is not generated.
        words: The finding in a sentence.
        produces_target: Whether the generator makes images like the target's; ``None`` where no inverse
            network can tell.
        novelty: Share of target images unlike any fresh render; about 0.01 if they are alike.
        bank_novelty: The same against all renders of the bank.
        spread_p_value: Of the test of spreads and correlations that is blind to means.
        features: The evidence in each set of features, the main one among them.
        shifts: Differences by attribute.
        readings: How well each attribute is read.
        false_alarms: How often each test at a level of 5 % rejects halves of the generated renders.
    """

    finding: Finding | None = None
    words: str = ""
    produces_target: bool | None = None
    novelty: Share | None = None
    bank_novelty: Share | None = None
    spread_p_value: Share | None = None
    features: dict[str, Comparison] = {}
    shifts: dict[str, Shift] = {}
    readings: dict[str, Reading] = {}
    false_alarms: dict[str, Share] = {}


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
        mean_error: Standard error of that mean, where it was inferred.
        std_error: The same of the spread.
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
    mean_error: NonNegative | None = None
    std_error: NonNegative | None = None
    target: Moments | None
    w1_prior: NonNegative | None
    w1: NonNegative | None
    w1_floor: NonNegative | None


class Correlation(_Strict):
    """Correlation of two attributes, each ``<node>.<attribute>``, and its standard error."""

    a: str
    b: str
    target: FiniteFloat | None
    generated: FiniteFloat
    error: NonNegative | None = None


class Frequency(_Strict):
    """Share of a class, or of a number of nodes."""

    target: Share | None
    generated: Share


class Variation(_Strict):
    """Total variation distance to the target's shares: half the sum of all differences.

    Attributes:
        prior: Of the grammar that the run has started from.
        generated: Of the generator.
        floor: Of a second draw of the target, of as many scenes.
    """

    prior: Share
    generated: Share
    floor: Share


class Dependence(_Strict):
    """Mutual information, in nats, of how many objects a scene has and the class of any one of them.

    Attributes:
        prior: Of the grammar that the run has started from.
        generated: Of the generator.
        target: Of the target.
        again: Of a second draw of the target, of as many scenes.
    """

    prior: NonNegative
    generated: NonNegative
    target: NonNegative
    again: NonNegative


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
        variations: Distances of these shares, by ``<symbol>/count`` and ``<symbol>/class``; not in the file
            where nothing varies.
        dependences: By symbol, of the number of its nodes and their classes; not in the file where nothing
            varies.
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
    variations: dict[str, Variation] = {}
    dependences: dict[str, Dependence] = {}

    def save(self, path: Path) -> None:
        """Writes the summary whole."""
        empty = {name for name in ("variations", "dependences") if not getattr(self, name)}
        write_text(path, self.model_dump_json(indent=1, exclude=empty) + "\n")

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
