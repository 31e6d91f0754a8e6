"""Checks of an experiment whose scenes differ in their nodes, before anything is rendered."""

from __future__ import annotations

from metasim.base.errors import InputError
from metasim.base.validation import closest
from metasim.config import ExperimentConfig
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.structure.inventory import Inventory


def check_structure(config: ExperimentConfig) -> None:
    """Refuses what is not learnt where nodes vary.

    Raises:
        InputError: At the first setting that asks for it.
    """
    expected = "{} where productions or counts vary"
    matching = config.matching
    for name, allowed in (("preset", ("inversion",)), ("bank", ("own",)), ("refine", ("off", "score"))):
        if (value := getattr(matching, name)) not in allowed:
            raise InputError(f"matching.{name}", str(value), expected.format(" or ".join(allowed)))


def check_classes(grammar: SceneGrammar) -> None:
    """Refuses a generator's grammar in which productions give classes weights of their own.

    Classes go with numbers in the generator, but by the policy that learns them.

    Raises:
        InputError: At the first such child.
    """
    for name, symbol in grammar.rules.symbols.items():
        for child in (child for production in symbol.productions for child in production.children):
            if child.classes:
                where = f"grammar: symbols.{name}.children"
                got = f"classes of its own for {child.symbol}"
                raise InputError(where, got, "none but in a target: the symbol's are learnt")


def check_target_objects(target: SceneGrammar, inventory: Inventory) -> None:
    """Refuses a target whose objects cannot be told in the generator's words.

    Raises:
        InputError: If its scenes have numbers, classes or symbols that the generator cannot make, or lack
            an attribute that it learns, or give it in another unit.
    """
    here, like = "target.grammar", "as in the generator's grammar"
    theirs = Inventory.of(target, here)
    if theirs.symbols != inventory.symbols:
        raise InputError(
            here, f"symbols {', '.join(theirs.symbols)}", f"{', '.join(inventory.symbols)}, {like}"
        )
    for tally, weight in zip(theirs.tallies, theirs.prior, strict=True):
        if weight > 0 and tally not in inventory.tallies:
            counts = ", ".join(f"{n} {s}" for n, s in zip(tally, inventory.symbols, strict=True))
            raise InputError(here, f"scenes of {counts}", f"numbers that can be made, {like}")
    for column in inventory.layout.columns:
        known = theirs.anatomy.scenery + theirs.symbols
        symbol = target.schema.by_name[column.symbol] if column.symbol in known else None
        specs = {spec.name: spec for spec in symbol.attributes} if symbol else {}
        spec = specs.get(column.spec.name)
        if spec is None or spec.unit not in ("1", column.spec.unit):
            found = "no such attribute" if spec is None else f"unit {spec.unit}"
            raise InputError(f"{here}: {column.name}", found, f"unit {column.spec.unit}, {like}")
    for symbol in inventory.symbols:
        known = inventory.grammar.schema.by_name[symbol].classes
        for name in target.drawn_classes(symbol):
            if name not in known:
                raise InputError(f"{here}: {symbol}", f"class {name}", f"{closest(name, known)}, {like}")
