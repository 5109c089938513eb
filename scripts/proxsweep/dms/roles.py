"""The part that the swept parameters of the family play."""

from proxsweep.sweep.study import Roles

ROLES = Roles(order=("difference", "lasso", "replicate"), strength="lasso", replicate="replicate", path="lasso")
