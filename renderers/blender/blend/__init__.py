"""A user's own .blend file as a scene: what stands for nodes, what attributes move, what there is to bind."""
