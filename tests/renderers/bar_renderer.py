"""A renderer of one's own: a white bar as wide as the scene says."""

import numpy as np

from metasim.base.errors import InputError
from metasim.rendering.protocol import Capabilities, Frame, Pass


class BarRenderer:
    def __init__(self, size: int = 32):
        self.size = size

    @property
    def capabilities(self):
        return Capabilities(frozenset({Pass.RGB}), (self.size, self.size))

    def render(self, scenes, passes, seed):
        if passes - {Pass.RGB}:
            raise InputError("passes", ", ".join(passes), "rgb")
        return [Frame({Pass.RGB: self.draw(scene.by_name["bar"].attributes["width"])}) for scene in scenes]

    def draw(self, width):
        columns = np.arange(self.size) < width
        return np.tile(columns[None, :, None] * np.uint8(255), (self.size, 1, 3))

    def close(self):
        pass
