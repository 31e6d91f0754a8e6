"""2D sprites on a torch canvas: batched, differentiable, no system libraries."""
