"""What khadka2023 needs beside its TOML files."""
