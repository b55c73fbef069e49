"""What a worker does to answer a heavy question; imported by tasks only."""
