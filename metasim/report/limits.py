"""Limits: what the images of a run do not determine, and how that is known."""

from __future__ import annotations

from metasim.report.columns import shown_unit
from metasim.runs.summary import AttributeResult, Reading, Summary

_POORLY_READ = 0.7  # share of the variation explained below which readings, not posteriors, are to blame


def not_identifiable(summary: Summary) -> list[str]:
    """What the images do not determine and why, an item an attribute."""
    items = []
    for name, attribute in summary.attributes.items():
        reading = summary.verdict.readings.get(name)
        if not attribute.identifiable:
            items.append(
                f"{name}: is not determined{_why(reading, list(reading.explained) if reading else [])}."
            )
            continue
        if attribute.classes_not_identifiable:
            classes = attribute.classes_not_identifiable
            items.append(f"{name}: not for {', '.join(classes)}{_why(reading, classes)}.")
        if not attribute.spread_identifiable:
            items.append(f"{name}: its mean is determined, its spread is not{_drowned(attribute, reading)}.")
    return items


def judged_identifiability(summary: Summary) -> bool:
    """Whether identifiability was judged, which takes an inverse network; true if too old to tell."""
    return bool(summary.verdict.readings) or not summary.verdict.features


def _why(reading: Reading | None, classes: list[str]) -> str:
    """The share of variation that is read off known renders of these classes, or what else shows it."""
    if reading is None:
        return ""
    known = {name: reading.explained[name] for name in classes if name in reading.explained}
    poor = {name: share for name, share in known.items() if share < _POORLY_READ}
    if not poor:
        return "; posteriors of the target's images are hardly narrower than without them"
    shares = ", ".join(
        f"{max(share, 0.0):.0%}{f' of {name}' if name else ''}" for name, share in poor.items()
    )
    return f"; of its variation among renders with known attributes the inverse network reads only {shares}"


def _drowned(attribute: AttributeResult, reading: Reading | None) -> str:
    if reading is None:
        return ""
    unit = shown_unit(attribute.unit)
    gap = "" if unit in ("", "°") else " "
    spread = f"{attribute.generated.std:.3g}{gap}{unit}"
    return f"; a reading is wrong by {reading.error:.3g}{gap}{unit} typically, the spread is {spread}"
