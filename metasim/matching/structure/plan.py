"""The plan where scenes differ in their nodes: two rounds, more renders the more objects there may be."""

from __future__ import annotations

from metasim.config import MatchingConfig
from metasim.matching.plan import LEAST_STEPS, MOST_REHEARSED, REHEARSAL, Plan, plan_for
from metasim.matching.structure.inventory import Inventory

FIRST_ROUND = 0.42  # of the bank
STEPS = (800, 1200)  # of the set predictor, after each round
TRANSFER_STEPS = 600


def structure_plan(inventory: Inventory, config: MatchingConfig) -> Plan:
    """Renders as for one object of each symbol, more the more objects there may be, in two rounds."""
    alone = plan_for(inventory.layout, config.renders, config.effort)
    total = config.renders or round(alone.renders * inventory.most**0.5)
    rehearsal = min(round(REHEARSAL * total), MOST_REHEARSED)
    first = round(FIRST_ROUND * (total - rehearsal))
    steps = tuple(max(round(config.effort * count), LEAST_STEPS) for count in STEPS)
    return Plan(
        rounds=(first, total - rehearsal - first),
        steps=steps,
        rehearsal=rehearsal,
        transfer=max(round(config.effort * TRANSFER_STEPS), LEAST_STEPS),
    )
