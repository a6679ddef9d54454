"""The fourth held-out part of the suite, drawn with the third, without looking at the rules.

Its labels were checked by `outcomes` before the doctor saw any of these trainings. It was run once;
what was missed was looked at then, so it is spent, and `fifth_held_out` replaces it.
"""

from __future__ import annotations

from glassnet.doctor.suite import fourth_healthy, fourth_sick

SICK = fourth_sick.SICK
HEALTHY = fourth_healthy.HEALTHY
