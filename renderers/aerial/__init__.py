"""Roads seen from above, with cars, houses and trees: numpy alone, no system libraries."""
