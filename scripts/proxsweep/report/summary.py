"""What a summary of a study is: a notebook over all fits, with its tables, its figures and its place in the report.

A family declares each of its summaries once (:class:`Summary`). The functions below turn a declaration into the inputs,
outputs and parameters of its notebook for one study; rules, gallery and tests read the same declarations.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from inspect import cleandoc
from typing import Any, NamedTuple

from proxsweep.sweep.study import Study

Files = str | dict[str, str] | None


@dataclass(frozen=True)
class Output:
    """A table or figure of a summary.

    Attributes
    ----------
    label : str
        What it shows, in the report; without one it is not in the report.
    parameter : str
        The notebook's parameter that says where it goes: ``table`` or ``figure`` for the main ones, ``cells_table`` or
        ``regions_figure`` for further ones.
    file : str
        Its name without folder and suffix; by default the summary's, followed by what stands before ``_table`` or
        ``_figure`` in the parameter.
    caption : str
        What is to be said of it beside the caption of the summary, in reStructuredText.
    """

    label: str
    parameter: str
    file: str = ""
    caption: str = ""

    @property
    def key(self) -> str:
        """What tells a further table or figure from the main one, for which it is empty."""
        return self.parameter.removesuffix("table").removesuffix("figure").rstrip("_")


@dataclass(frozen=True)
class Summary:
    """A summary of all fits of a study.

    Attributes
    ----------
    name : str
        Of its rule, its notebook and its files.
    category, caption : str
        The heading it stands under in the report, and the text beside its tables and figures, in reStructuredText.
    tables, figures : tuple of Output
    reads : mapping
        Files that it reads beside the table of fits and the data report, below the study's folder, by the notebook's
        parameter. The rule's input has the parameter's name without ``_csv``.
    reads_by_study : mapping
        The same where a study decides: functions from a study to a path, several by a label, or None.
    settings : tuple of str
        Keys under ``summaries`` in the config that the notebook uses.
    parameters : function
        Further parameters of the notebook, from a study.
    wanted : function
        Whether a study gets the summary.
    shared : bool
        Whether the notebook belongs to all families and stands in ``notebooks/`` itself.
    """

    name: str
    category: str
    caption: str
    tables: tuple[Output, ...]
    figures: tuple[Output, ...]
    reads: Mapping[str, str] = field(default_factory=dict)
    reads_by_study: Mapping[str, Callable[[Study], Files]] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    parameters: Callable[[Study], dict[str, Any]] = lambda study: {}
    wanted: Callable[[Study], bool] = lambda study: True
    shared: bool = False


class File(NamedTuple):
    """An output of a summary's rule: its name there, its path with ``{study}`` in it, what the report calls it."""

    name: str
    path: str
    labels: dict[str, str]


def of_study(declared: Iterable[Summary], study: Study) -> list[Summary]:
    """The summaries that a study gets, in the order in which they are declared; a refit gets none."""
    return [] if study.refit_of else [summary for summary in declared if summary.wanted(study)]


def notebook(summary: Summary, family: str) -> str:
    """Path of the summary's notebook in the project."""
    return f"notebooks/{summary.name}.ipynb" if summary.shared else f"notebooks/{family}/{summary.name}.ipynb"


def inputs(summary: Summary, study: Study) -> dict[str, list[str]]:
    """Files that the notebook reads, by the name of the rule's input."""
    folder = f"results/{study.name}"
    read = {_input(parameter): [f"{folder}/{path}"] for parameter, path in summary.reads.items()}
    found = {_input(parameter): _paths(find(study)) for parameter, find in summary.reads_by_study.items()}
    return {"fits": [f"{folder}/fits.csv"], **read, **found, "report": [f"{folder}/data/report.csv"]}


def outputs(summary: Summary) -> list[File]:
    """The executed notebook, tables, then figures (SVG, which the report shows, and PNG)."""
    files = [File("notebook", f"results/{{study}}/notebooks/{summary.name}.ipynb", {})]
    for table in summary.tables:
        path = f"{_place(summary, table, 'tables')}.csv"
        files.append(File(table.key or "table", path, {"table": table.label} if table.label else {}))
    for figure in summary.figures:
        place = _place(summary, figure, "figures")
        files.append(File(f"{figure.key}_svg".lstrip("_"), f"{place}.svg", {"figure": figure.label}))
        files.append(File(f"{figure.key}_png".lstrip("_"), f"{place}.png", {}))
    return files


def parameters(summary: Summary, study: Study) -> dict[str, Any]:
    """Parameters of the notebook, as JSON-able values: where it reads and writes, and the settings it uses."""
    folder = f"results/{study.name}"
    places = {table.parameter: f"{_place(summary, table, 'tables')}.csv" for table in summary.tables}
    places |= {figure.parameter: _place(summary, figure, "figures") for figure in summary.figures}
    places = {parameter: path.format(study=study.name) for parameter, path in places.items()}
    return {
        "study": study.name,
        "fits_csv": f"{folder}/fits.csv",
        "data_report": f"{folder}/data/report.csv",
        "table": places.pop("table"),
        "figure": places.pop("figure"),
        **({"summaries": {key: study.summaries[key] for key in summary.settings}} if summary.settings else {}),
        "figures": {**{key: study.figures[key] for key in ("dpi", "pdf")}, "data_report": f"{folder}/data/report.csv"},
        **{parameter: f"{folder}/{path}" for parameter, path in summary.reads.items()},
        **places,
        **summary.parameters(study),
        **{parameter: find(study) or "" for parameter, find in summary.reads_by_study.items()},
    }


def caption(summary: Summary) -> str:
    """The report's text on a summary: its caption, then those of single tables and figures, each by its file's name."""
    own = [
        f"``{_file(summary, output)}``: {cleandoc(output.caption)}"
        for output in (*summary.tables, *summary.figures)
        if output.caption
    ]
    return "\n\n".join([cleandoc(summary.caption), *own])


def _input(parameter: str) -> str:
    return parameter.removesuffix("_csv")


def _paths(found: Files) -> list[str]:
    if not found:
        return []
    return list(found.values()) if isinstance(found, dict) else [found]


def _file(summary: Summary, output: Output) -> str:
    return output.file or "_".join(filter(None, (summary.name, output.key)))


def _place(summary: Summary, output: Output, folder: str) -> str:
    """Path of an output without its suffix, with ``{study}`` in it."""
    return f"results/{{study}}/{folder}/{_file(summary, output)}"


CONVERGENCE = Summary(
    name="convergence",
    category="Convergence",
    caption="""
        Relative residual (above) and objective gap (below) of every fit, against iterations and against seconds of
        solving; the legend says what colours stand for. Lines of converged fits end in a filled point below the dotted
        line, the tolerance; dashed lines with a hollow point did not converge. The gap is to the lowest objective of
        the same fit, not to another optimum. In the table, ``start_spread`` says how far apart several starts ended.
    """,
    reads={"status_csv": "status.csv"},
    parameters=lambda study: {
        "strength": study.roles.strength,
        "strength_label": study.roles.strength_label,
        "replicate": study.roles.replicate,
        "compared": [],  # a family's own declaration may compare ways to solve one problem
    },
    tables=(Output("convergence of every fit", "table"), Output("statuses", "status_table", "statuses")),
    figures=(Output("convergence of every fit", "figure"),),
    shared=True,
)
