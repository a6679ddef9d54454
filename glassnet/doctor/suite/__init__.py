"""The suite: sick and healthy trainings, by which the doctor's rules are judged.

The *tuning* part is what the thresholds were set on, and all that was looked at since. The
*held-out* part is drawn by lot and says how good the rules are. `make doctor-suite` runs both and
writes `docs/doctor-suite.md`; `python -m glassnet.doctor.suite --verify` checks the held-out part's
labels without the doctor.

training.py       what a training is, and what networks are made of
tuning.py         what the thresholds were set on
*_held_out.py     six parts, of which all but the last have been looked at
third_*, fourth_* rows and trainings of these parts
drawing.py        trainings drawn by lot
outcomes.py       whether a label is right, by what the training came to
page.py           the page
"""
