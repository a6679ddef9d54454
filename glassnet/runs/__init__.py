"""Runs: a training that a command or a file describes, from its configuration to its report.

config.py    what was asked, as validated TOML
recipe.py    what that means for a data set: every open value decided, the network built
training.py  the run from beginning to end
folder.py    where it is kept, and how it is kept intact
report.py    scores, figures and report of the finished run
"""
