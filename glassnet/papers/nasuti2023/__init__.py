"""What nasuti2023 needs beside its TOML files."""
