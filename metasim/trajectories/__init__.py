"""Ways of a camera through a scene."""
