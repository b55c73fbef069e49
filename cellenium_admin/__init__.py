"""Control plane of the bucket and study engine: this package is the composition root and holds the shared kernel."""
