"""What can go wrong with a player, by name."""

from __future__ import annotations

from metasim.base.errors import InputError
from metasim.rendering.protocol import EngineError


class PlayerUnavailable(InputError):
    """There is no player to start, or no port to meet it on."""


class PlayerFailure(EngineError):
    """A player failed; it is restarted, unless that is ``lasting``."""


class PlayerCrashed(PlayerFailure):
    """The player is gone, or broke the connection off."""


class PlayerTimeout(PlayerFailure):
    """The player did not answer in time."""


class PlayerProtocolError(PlayerFailure):
    """The player said something that the protocol does not allow."""


class SceneRejected(InputError):
    """The player cannot show a scene.

    Args:
        scene: Index of the scene in its call.
        reason: What the player says.
    """

    def __init__(self, scene: int, reason: str) -> None:
        super().__init__(f"scene {scene}", reason, "a scene that the player can show")
        self.scene, self.reason = scene, reason

    def __reduce__(self) -> tuple[type[SceneRejected], tuple[int, str]]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Pickles by fields."""
        return type(self), (self.scene, self.reason)
