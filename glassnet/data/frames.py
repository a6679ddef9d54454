"""CSV, TSV and Parquet files as polars frames, each fault told in one sentence with its place.

Rows are counted from 1 and do not include the header.
"""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

MISSING_WORDS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "?")
SEPARATORS = {".csv": ",;\t", ".tsv": "\t"}
TABLE_SUFFIXES = (".csv", ".tsv", ".parquet")
FIRST_ROWS = 1000  # rows from which column types are guessed at first


def read_frame(path: Path, header: bool = True) -> pl.DataFrame:
    """Read a table file.

    Numbers that were written with spaces around them are read as numbers; `MISSING_WORDS` are
    missing values; blank lines at the end do not count.

    Arguments:
        path: a .csv, .tsv or .parquet file.
        header: whether the first line of a text file must hold names. With `False` a first line
            of numbers only is data, and columns are called column_1, column_2, …

    Raises:
        ValueError: for a file that is not there, empty, without rows, not UTF-8, ragged, of another
            format, or with duplicate or empty column names.
    """
    import polars as pl

    check_file(path)
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        frame = _read_parquet(path)
    elif suffix in SEPARATORS:
        frame = _read_text(path, header)
    else:
        raise ValueError(
            f"{path} is not a table that can be read: expected {', '.join(TABLE_SUFFIXES)}."
        )
    if frame.height == 0:
        raise ValueError(f"{path} has column names but no rows: expected at least one row.")
    # whole numbers beyond 64 bits, which NumPy does not have
    frame = frame.with_columns(pl.selectors.by_dtype(pl.Int128).cast(pl.Float64))
    return frame.with_columns(pl.selectors.float().fill_nan(None))


def check_file(path: Path) -> None:
    """Raise ValueError unless `path` is a file with something in it."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder, expected a file.")
    if not path.exists():
        raise ValueError(f"There is no file {path}: check the path.")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes).")


def is_number(cell: str) -> bool:
    """Whether a cell of text reads as a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _read_parquet(path: Path) -> pl.DataFrame:
    import polars as pl

    try:
        return pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"{path} is not a whole Parquet file ({reason}): write it again."
        ) from error


def _read_text(path: Path, header: bool) -> pl.DataFrame:
    import polars as pl

    separator, first = _first_line(path)
    has_header = header or not all(is_number(cell) for cell in first)
    if has_header:
        _check_names(path, first)
    options: dict[str, Any] = {
        "separator": separator,
        "has_header": has_header,
        "null_values": list(MISSING_WORDS),
    }
    try:
        frame = _read_compactly(path, options)
    except pl.exceptions.PolarsError as error:
        raise ValueError(_what_is_wrong(path, separator, len(first), error)) from error
    if has_header:
        frame.columns = first
    return _numbers_in_text(_without_blank_end(frame), decimal_comma=separator == ";")


def _read_compactly(path: Path, options: dict[str, Any]) -> pl.DataFrame:
    """Read with the types of the first rows; where a later row contradicts, with those of all."""
    import polars as pl

    try:
        return pl.read_csv(path, schema_overrides=_first_types(path, options), **options)
    except pl.exceptions.PolarsError:
        return pl.read_csv(path, infer_schema_length=None, **options)


def _first_types(path: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Column types of the first rows; integers from 0 to 255 (pixels) take a byte, not eight."""
    import polars as pl

    start = pl.read_csv(path, n_rows=FIRST_ROWS, infer_schema_length=FIRST_ROWS, **options)
    types: dict[str, Any] = dict(start.schema)
    for name in start.select(pl.selectors.integer()).columns:
        if start[name].is_between(0, 255).all():
            types[name] = pl.UInt8
    return types


def _first_line(path: Path) -> tuple[str, list[str]]:
    """The separator and the cells of the first line, stripped of spaces."""
    try:
        # utf-8-sig: spreadsheet programs write a byte order mark that is no part of the first name
        with path.open(encoding="utf-8-sig", newline="") as file:
            line = next((line for line in file if line.strip()), "")
            file.seek(0)
            candidates = SEPARATORS[path.suffix.lower()]
            separator = max(candidates, key=line.count)
            cells = next((row for row in csv.reader(file, delimiter=separator) if row), [])
    except UnicodeDecodeError as error:
        raise ValueError(_not_utf8(path)) from error
    except csv.Error as error:
        raise ValueError(f"{path}: the first line can't be read ({error}).") from error
    if not any(cell.strip() for cell in cells):
        raise ValueError(f"{path} is empty: expected a line of column names, then rows.")
    return separator, [cell.strip() for cell in cells]


def _check_names(path: Path, names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise ValueError(
            f"{path} has {names.count(twice[0])} columns called {twice[0]!r}: "
            "give each column a name of its own."
        )
    if "" in names:
        raise ValueError(
            f"{path}: column {names.index('') + 1} of {len(names)} has no name: name it, or leave "
            "it out if it is a row index (pandas: index=False)."
        )


def _without_blank_end(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    tail = frame.tail(100).select(pl.all_horizontal(pl.all().is_null())).to_series().to_list()
    blank = sum(1 for _ in itertools.takewhile(bool, reversed(tail)))
    return frame.head(frame.height - blank)


def _numbers_in_text(frame: pl.DataFrame, decimal_comma: bool) -> pl.DataFrame:
    """Strip spaces; text columns in which every value is a number become numbers.

    Files whose columns are separated by semicolons usually write 1,5 for 1.5.
    """
    import polars as pl

    columns = []
    for name in frame.select(pl.selectors.string()).columns:
        text = frame[name].str.strip_chars()
        text = text.set(text.is_in(MISSING_WORDS), None)
        columns.append(_as_numbers(text, decimal_comma))
    return frame.with_columns(columns)


def _as_numbers(text: pl.Series, decimal_comma: bool) -> pl.Series:
    import polars as pl

    known = text.len() - text.null_count()
    plain = text.str.replace(",", ".", literal=True) if decimal_comma else text
    for kind in (pl.Int64, pl.Float64):
        numbers = plain.cast(kind, strict=False)
        if known and numbers.len() - numbers.null_count() == known:
            return numbers
    return text


def _what_is_wrong(path: Path, separator: str, width: int, error: Exception) -> str:
    """Find what polars stumbled on, as a sentence with the line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=separator)
            for cells in reader:
                if len(cells) > width:
                    return (
                        f"{path}, line {reader.line_num}: {len(cells)} fields, but the first line "
                        f"has {width}: quote fields that contain {separator!r}."
                    )
    except UnicodeDecodeError:
        return _not_utf8(path)
    except csv.Error:
        pass
    reason = str(error).splitlines()[0]
    return f"{path} can't be read as a table ({reason}): check that every quotation mark is closed."


def _not_utf8(path: Path) -> str:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return (
                    f"{path}, line {number}: byte 0x{line[error.start]:02x} is not UTF-8: "
                    "save the file with UTF-8 encoding."
                )
    return f"{path} is not UTF-8: save the file with UTF-8 encoding."
