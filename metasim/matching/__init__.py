"""Moving the generator's distribution onto the target's: bank, inversion, population, transfer."""
