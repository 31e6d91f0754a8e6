"""The default scene: one everyday object on a table, under a sun, before an orbiting camera."""
