"""Put what `glassnet reproduce --all` found beside the papers' files: `make papers`.

The overview and each paper's report go there as Markdown without figures, which stay in the folder
of the run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from glassnet.experiments.pages import index_markdown, paper_markdown
from glassnet.files import write_atomically
from glassnet.papers import PAPERS

FOLDER = Path("glassnet/papers")


def publish(out: Path) -> None:
    """Write the pages from the results of all papers in a run's folder."""
    facts = {
        name: json.loads((out / name / "results.json").read_text(encoding="utf-8"))
        for name in sorted(PAPERS)
    }
    if quick := [name for name, paper in facts.items() if paper["quick"]]:
        sys.exit(f"{', '.join(quick)} in {out}: quick runs are not published.")
    for name, paper in facts.items():
        text = paper_markdown(paper, figures=False)
        write_atomically(FOLDER / name / "README.md", text, overwrite=True)
    write_atomically(FOLDER / "README.md", index_markdown(facts.values()), overwrite=True)


if __name__ == "__main__":
    publish(Path(sys.argv[1]))
