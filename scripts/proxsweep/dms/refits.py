"""A study fitted once more with other conditions as the reference."""

from dataclasses import replace

from proxsweep.sweep.study import Study


def refits(study: Study) -> list[Study]:
    """The study with each other condition that it asks for as the reference; without folds, resamples and summaries.

    The name of each is a path: its files lie below those of the study.
    """
    wanted = study.own["references"]
    return [_refit(study, name) for name in wanted["conditions"]] if wanted else []


def _refit(study: Study, reference: str) -> Study:
    return replace(
        study,
        name=f"{study.name}/references/{reference}",
        sweep={**study.sweep, "lasso": study.own["references"]["lasso"]},
        cross_validation=None,
        resamples=None,
        own={**study.own, "reference": reference, "references": None},
        refit_of=study.name,
    )
