"""One mesh of the user's own at a time, made one size, seen from any side in any light."""
