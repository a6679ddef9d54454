"""Scripts that run in a fresh process, each with nothing but its own framework imported."""
