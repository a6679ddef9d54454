"""The suite: sick and healthy trainings, by which the doctor's rules are judged.

The *tuning* part is what the thresholds were set on. The *held-out* part has other data sets,
architectures and seeds, and says how good the rules are. `make doctor-suite` runs both and writes
`docs/doctor-suite.md`.
"""
