"""What a run leaves in its folder, rendered from its tables and manifest alone."""
