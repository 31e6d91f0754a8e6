"""Finding: what all the evidence comes to, in a word and in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from metasim.runs.summary import Comparison, Finding, Shift
from metasim.scene.layout import SceneLayout
from metasim.stats.novelty import novelty
from metasim.verdict.evidence import Features
from metasim.verdict.shifts import LEVEL, holm

DOUBT = " Their appearance differs too (blur, colour, noise?), from which readings may have suffered."
MADE_ALIKE = " The target looks otherwise than renders, so these were made to look like it first: {}."
FOREIGN = 0.2  # share of target images unlike any render; of one law 0.01, of a recoloured one up to 0.1


def unlike(target: Features, renders: Features) -> float:
    """Share of target images that look unlike any render, in looks scaled by the renders' own spread."""
    scale = renders.std(0)
    kept = scale > 1e-6 * max(float(scale.max()), 1e-30)
    return novelty(target[:, kept] / scale[kept], renders[:, kept] / scale[kept])


def conclude(
    layout: SceneLayout,
    main: Comparison,
    others: Mapping[str, Comparison],
    shifts: Mapping[str, Shift],
    spread: float | None,
    looks: tuple[float, float] | None,
) -> tuple[Finding, str]:
    """The finding, and the words for it.

    Args:
        layout: Columns, for their units.
        main: Evidence in the main features.
        others: Evidence in features that know nothing of attributes, by name.
        shifts: By attribute.
        spread: P value of the test of spreads and correlations.
        looks: Share of target images unlike any fresh render, and unlike any of the bank.
    """
    tests = {"main": main.p_value} | {name: c.p_value for name, c in others.items()}
    if spread is not None:
        tests["spread"] = spread
    raised = dict(zip(shifts, holm([s.p_value for s in shifts.values()]), strict=True))
    if shifts:
        tests["shifts"] = float(min(raised.values()))
    rejected = {name for name, p in zip(tests, holm(list(tests.values())), strict=True) if p <= LEVEL}
    moved = [name for name, p in raised.items() if p <= LEVEL and "shifts" in rejected]
    if looks is not None and looks[0] > FOREIGN:
        return "foreign", _foreign(looks, bool(moved))
    if moved or "spread" in rejected:
        looks_else = any(name in rejected for name in others)
        return "attributes", _differing(layout, shifts, moved, "spread" in rejected) + DOUBT * looks_else
    if rejected:
        return "appearance", _appearance(main, others, bool(shifts))
    return "same", f"No test tells generated from target.{_limits(layout, shifts)}"


def _foreign(looks: tuple[float, float], moved: bool) -> str:
    opening = f"{looks[0]:.0%} of the target images look unlike anything that is generated"
    if looks[1] > FOREIGN:
        why = f"and {looks[1]:.0%} unlike anything in the bank: the grammar cannot produce this target"
    elif moved:
        why = "and attributes differ: the match has failed, or the grammar cannot produce this target"
    else:
        why = "though the attributes read off them agree: the grammar cannot produce this target"
    return f"{opening}, {why} (another object, another background?); what is read off it means little."


def _differing(layout: SceneLayout, shifts: Mapping[str, Shift], moved: list[str], drifted: bool) -> str:
    units = {c.name: c.spec.unit for c in layout.columns}
    parts = []
    for name in moved:
        shift = shifts[name]
        if shift.difference is None or shift.error is None:
            parts.append(f"{name}, though it is hardly read")
        else:
            parts.append(
                f"{name} by {shift.difference:+.3g} ± {shift.error:.2g} {_unit(units[name])}".rstrip()
            )
    if drifted:
        parts.append("spreads or correlations")
    return f"Generated and target differ in {'; '.join(parts)}."


def _appearance(main: Comparison, others: Mapping[str, Comparison], read: bool) -> str:
    accuracy = max([main.c2st, *(c.c2st for c in others.values())])
    opening = "Attributes agree as far as they can be read, but the" if read else "The"
    return (
        f"{opening} appearance differs (blur, colour, noise, other examples of a class?): "
        f"a classifier of images is right in {accuracy:.0%} of cases."
    )


def _limits(layout: SceneLayout, shifts: Mapping[str, Shift]) -> str:
    seen = {
        c.name: shift.smallest / c.spec.span
        for c in layout.columns
        if (shift := shifts.get(c.name)) is not None and shift.smallest is not None
    }
    if not seen:
        return ""
    name = max(seen, key=lambda n: seen[n])
    column = layout.columns[layout.names.index(name)]
    least = f"{seen[name] * column.spec.span:.2g} {_unit(column.spec.unit)}".rstrip()
    return f" A shift would be seen nine times in ten from {least} of {name}, the least sharp, on."


def _unit(unit: str) -> str:
    return "" if unit == "1" else unit
