"""What gebreamlak needs beside its TOML files."""
