"""The third held-out part of the suite, drawn without looking at the rules or at earlier results.

Its labels were checked by `outcomes` before the doctor saw any of these trainings. It was run once;
what was missed was looked at then, so it is spent, and `fourth_held_out` replaces it.
"""

from __future__ import annotations

from glassnet.doctor.suite import third_healthy, third_sick_networks, third_sick_trainings

SICK = [*third_sick_networks.SICK, *third_sick_trainings.SICK]
HEALTHY = third_healthy.HEALTHY
