"""The part that the swept parameters of the family play."""

from proxsweep.sweep.study import Roles

ROLES = Roles(
    order=("algorithm", "rank", "replicate"),
    strength="rank",
    strength_label="Rank",
    larger_is_simpler=False,
    replicate="replicate",
    path="rank",
    path_descends=False,
)
