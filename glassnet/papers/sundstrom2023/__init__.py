"""Sundström and Raittila 2023: see `paper.toml`."""
