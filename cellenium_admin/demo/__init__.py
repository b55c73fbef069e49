"""`make demo`: every server on this machine, a real study from the bucket to its markers, and the trail of it."""
