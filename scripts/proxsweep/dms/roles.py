"""The part that the swept parameters of the family play."""

from proxsweep.sweep.study import Roles

ROLES = Roles(
    order=("difference", "lasso", "replicate"),
    strength="lasso",
    strength_label="Lasso weight",
    replicate="replicate",
    path="lasso",
)
