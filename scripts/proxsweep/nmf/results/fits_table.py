"""The study's table of fits, read and ordered by what the family sweeps."""

from functools import partial

from proxsweep.nmf.roles import ROLES
from proxsweep.sweep import fits

finished = partial(fits.finished, roles=ROLES)
in_order = partial(fits.in_order, roles=ROLES)
