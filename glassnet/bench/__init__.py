"""Side by side: the same work done by glassnet and by others, and how long each takes.

    workloads.py     what is computed, and how much faster we mean to be: plain data
    inputs.py        the rows and the initial weights that every contender gets
    contender.py     what a contender is; ours.py, torch_contender.py, … are one each
    worker.py        a contender alone in its own process, answering one question at a time
    runner.py        the questions: same losses? warm up, then A B A B …
    check.py         whether all computed the same numbers
    report.py        ratios, table, JSON and Markdown; figures.py draws them

The command is `glassnet bench`.
"""
