"""The national grouper's own files: written, read, compared, and its answers taken over."""
