"""The fourth held-out part of the suite, drawn with the third, without looking at the rules.

Its labels were checked by `outcomes` before the doctor saw any of these trainings. Whoever changes
a rule because of what happened here draws new trainings in its place, moves these to the tuning
part, and says so in `docs/doctor-suite-notes.md`.
"""

from __future__ import annotations

from glassnet.doctor.suite import fourth_healthy, fourth_sick

SICK = fourth_sick.SICK
HEALTHY = fourth_healthy.HEALTHY
