"""What a scene is: attribute schema, scene graph, its tensor and JSON forms."""
