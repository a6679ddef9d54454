"""Print lines of code by file: no blank lines, no comments, no docstrings.

Usage: python tools/size.py FOLDER
"""

import ast
import sys
import tokenize
from pathlib import Path

NOT_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstring_lines(tree: ast.Module) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            docstring = node.body[0]
            lines.update(range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1))
    return lines


def code_lines(path: Path) -> int:
    with tokenize.open(path) as file:
        source = file.read()
    lines: set[int] = set()
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type not in NOT_CODE:
                lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstring_lines(ast.parse(source)))


def main() -> None:
    folder = Path(sys.argv[1])
    sizes = {path: code_lines(path) for path in sorted(folder.rglob("*.py"))}
    for path, lines in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"{lines:6,}  {path}")
    print(f"{sum(sizes.values()):6,}  in {len(sizes)} files")


if __name__ == "__main__":
    main()
