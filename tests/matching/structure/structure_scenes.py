"""Small scenes of one to three digits of two classes."""

from __future__ import annotations

import numpy as np

from metasim.grammar.grammar import SceneGrammar
from metasim.matching.bank import Scenes
from metasim.matching.structure.bank import SetRenders, render_sets
from metasim.matching.structure.inventory import Inventory
from metasim.rendering.pool import RenderPool

PLACE = {"unit": "px", "range": [4, 28], "mutable": True, "law": {"uniform": [4, 28]}}
INVENTORY = Inventory.of(
    SceneGrammar.from_mapping(
        {
            "start": "image",
            "symbols": {
                "image": {"children": [{"symbol": "digit", "count": {"uniform": [1, 3]}}]},
                "digit": {"classes": [1, 4], "attributes": {"loc_x": PLACE, "loc_y": PLACE, "scale": 0.5}},
            },
        }
    )
)


def rendered(count: int) -> SetRenders:
    """Renders of scenes of the grammar."""
    rng = np.random.default_rng(0)
    graphs = [INVENTORY.grammar.sample(rng) for _ in range(count)]
    with RenderPool("sprites", {"size": 32}) as pool:
        scenes = Scenes(INVENTORY.grammar, INVENTORY.layout, pool, 0)
        return render_sets(scenes, INVENTORY, graphs, "test")
