"""The form of a grammar file, read into immutable sections; short forms are spelt out here.

::

    start: scene
    symbols:
      scene: {children: [light, {symbol: object, count: {uniform: [1, 3]}}]}   # or productions, by weight;
                                                    # classes: {mug: 1} in a child: in place of its symbol's
      light:
        attributes:
          intensity: {range: [0, 2], mutable: true, law: {normal: {mean: 0.5, std: 0.01}}}
      object:
        classes: {shoe: 1, mug: 2}                                             # or a list: equal weights
        attributes:
          yaw: {unit: deg, range: [0, 360], periodic: true, law: {von_mises: {mean: 180, concentration: 30}}}
          loc_x: {range: [0, 1], law: {by_class: {shoe: {uniform: [0, 1]}, mug: 0.5}}}
          loc_z: {range: [0, 1], law: {follow: {attribute: loc_x, std: 0.003}}}
          size: 0.8                                                            # always this value

Laws: ``fixed uniform normal truncated_normal folded_normal von_mises categorical mixture follow by_class``
(``metasim.grammar.laws``). ``analysis`` says whether what the sections name exists and fits together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, model_serializer, model_validator

from metasim.base.validation import Section
from metasim.grammar.laws import AnyLaw, ClassName, Fixed, Weight
from metasim.scene.attribute import AttributeSpec

# A symbol may not end like the names of further nodes do (object_2).
SymbolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
AttributeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
MOST_NODES = 10_000  # of a scene on average: a slip of the pen shall not fill the memory


def _as_law(data: Any) -> Any:
    """A bare number as an attribute that always has this value."""
    return data if isinstance(data, Mapping | Section) else {"law": data}


class Attribute(Section):
    """An attribute: unit, range, law. ``size: 0.8`` is short for ``size: {law: {fixed: 0.8}}``.

    The range may be left out for a fixed, immutable value; it then spans the value's magnitude (at
    least 1) either side of it.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    unit: str = "1"
    range: tuple[float, float] | None = None
    periodic: bool = False
    mutable: bool = False
    law: AnyLaw

    @model_validator(mode="after")
    def _has_range(self) -> Self:
        if self.range is None and (self.mutable or self.periodic or not isinstance(self.law, Fixed)):
            raise ValueError("a range: [low, high]; only a fixed value can do without")
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError("a range [low, high] with low < high")
        return self

    def spec(self, name: str) -> AttributeSpec:
        """What is known of the attribute before any scene is drawn."""
        low, high = self.range or _range_around(self.law.value if isinstance(self.law, Fixed) else 0.0)
        return AttributeSpec(name, self.unit, low, high, self.periodic, self.mutable)


def _range_around(value: float) -> tuple[float, float]:
    reach = max(abs(value), 1.0)
    return value - reach, value + reach


def _as_counts(data: Any) -> Any:
    """``5``, ``{uniform: [1, 5]}`` and ``{weights: {1: 0.2, 2: 0.8}}`` as weights by count."""
    if isinstance(data, int) and not isinstance(data, bool):
        return {data: 1.0}
    if isinstance(data, Mapping) and set(data) == {"uniform"}:
        ends = data["uniform"]
        if not (isinstance(ends, list | tuple) and len(ends) == 2 and all(type(end) is int for end in ends)):
            raise ValueError("uniform: [least, most], two whole numbers")
        if not ends[0] <= ends[1] <= MOST_NODES:
            raise ValueError(f"uniform: [least, most] with least <= most <= {MOST_NODES}")
        return dict.fromkeys(range(ends[0], ends[1] + 1), 1.0)
    if isinstance(data, Mapping) and set(data) == {"weights"}:
        return data["weights"]
    raise ValueError("a whole number, {uniform: [least, most]} or {weights: {1: 0.2, 2: 0.8}}")


Count = Annotated[int, Field(ge=0, le=MOST_NODES)]
Counts = Annotated[dict[Count, Weight], Field(min_length=1), BeforeValidator(_as_counts)]


def _as_weights(data: Any) -> Any:
    """A list of classes as equal weights."""
    if not isinstance(data, list | tuple):
        return data
    if len(set(map(str, data))) < len(data):
        raise ValueError("classes that all differ")
    return dict.fromkeys(data, 1.0)


ClassWeights = Annotated[dict[ClassName, Annotated[float, Field(ge=0)]], BeforeValidator(_as_weights)]


def _some_class(classes: Mapping[str, float]) -> None:
    if classes and not any(classes.values()):
        raise ValueError("classes of which one at least has a weight above 0")


class Child(Section):
    """How many nodes of a symbol a production makes: ``digit``, or ``{symbol: digit, count: 5}``.

    Attributes:
        symbol: The symbol.
        count: Weights by count.
        classes: Weights by class of these nodes; empty for those of the symbol. So the productions of a
            node make objects of classes that differ in how often, and classes go with numbers.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    symbol: str
    count: Counts = Field(default={1: 1.0})
    classes: ClassWeights = Field(default={})

    @model_validator(mode="after")
    def _has_some_class(self) -> Self:
        _some_class(self.classes)
        return self

    @model_serializer
    def _as_written(self) -> str | dict[str, Any]:
        if self.count == {1: 1.0} and not self.classes:
            return self.symbol
        sure = list(self.count.values()) == [1.0]
        count = next(iter(self.count)) if sure else {"weights": self.count}
        own = {"classes": dict(self.classes)} if self.classes else {}
        return {"symbol": self.symbol, "count": count, **own}


def _as_child(data: Any) -> Any:
    return {"symbol": data} if isinstance(data, str) else data


Children = tuple[Annotated[Child, BeforeValidator(_as_child)], ...]


class Production(Section):
    """One way to expand a symbol.

    Attributes:
        weight: Its share among the symbol's productions.
        children: What it makes, in order.
    """

    weight: Weight = 1.0
    children: Children = ()


class Symbol(Section):
    """A kind of node.

    Attributes:
        classes: Weights by class, 0 for one that is known but never drawn; empty if the symbol is its
            own only class.
        attributes: Attributes by name.
        productions: Ways to expand it; ``children`` in a file is short for a single one.
    """

    short_forms = ("children",)

    classes: ClassWeights = Field(default={})
    attributes: dict[AttributeName, Annotated[Attribute, BeforeValidator(_as_law)]] = Field({})
    productions: Annotated[tuple[Production, ...], Field(min_length=1)] = (Production(),)

    @model_validator(mode="before")
    @classmethod
    def _one_production(cls, data: Any) -> Any:
        if data is None:
            return {}
        if not isinstance(data, Mapping) or "children" not in data:
            return data
        if "productions" in data:
            raise ValueError("either children or productions")
        rest = {key: value for key, value in data.items() if key != "children"}
        return {**rest, "productions": [{"children": data["children"]}]}

    @model_validator(mode="after")
    def _has_some_class(self) -> Self:
        _some_class(self.classes)
        return self

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        written: dict[str, Any] = {}
        if self.classes:
            written["classes"] = dict(self.classes)
        if self.attributes:
            written["attributes"] = {
                name: attribute.model_dump(mode="json", exclude_defaults=True)
                for name, attribute in self.attributes.items()
            }
        first, *others = self.productions
        if others or first.weight != 1.0:
            written["productions"] = [production.model_dump(mode="json") for production in self.productions]
        elif first.children:
            written["children"] = first.model_dump(mode="json")["children"]
        return written


class Grammar(Section):
    """A whole grammar file.

    Attributes:
        start: Symbol of the root.
        symbols: Symbols by name, in the order of declaration.
    """

    start: str
    symbols: Annotated[dict[SymbolName, Symbol], Field(min_length=1)]
