"""Write gallery.md and its pictures: ``python docs/gallery.py results``, a folder with the studies below, finished.

The text below each picture is its caption in the report.
"""

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from proxsweep.families import family
from proxsweep.report.summary import notebook

DOCS = Path(__file__).parent
WIDTH = 1000  # pixels of a picture two columns wide
STUDIES = (
    ("demo", "dms", "config/config.yaml", "The demo", "a simulated scan of three strains whose shifts are known"),
    (
        "spike_10k",
        "dms",
        "config/spike_10k.yaml",
        "Real data",
        "10,000 variants of the SARS-CoV-2 spike in two backgrounds, Delta and Omicron BA.1",
    ),
    ("signatures", "nmf", "config/nmf_demo.yaml", "Factors", "simulated counts of five mutational signatures"),
    ("algorithms", "nmf", "config/nmf_demo.yaml", "Algorithms", "the same counts by least squares, four ways"),
)


ONLY = {"algorithms": ("convergence",)}  # figures of a study that shows no more than these


def figures(name: str) -> Iterator[tuple[str, str, str]]:
    """Name, heading and caption of every figure: a summary's own, and further ones that have a caption of their own."""
    for summary in family(name).summaries:
        for figure in summary.figures:
            if not figure.key:
                yield summary.name, heading(notebook(summary, name)), paragraph(summary.caption)
            elif figure.caption:
                yield (
                    f"{summary.name}_{figure.key}",
                    figure.label[0].upper() + figure.label[1:],
                    paragraph(figure.caption),
                )


def heading(path: str) -> str:
    """The heading of a notebook."""
    first = json.loads((DOCS.parent / path).read_text(encoding="utf-8"))["cells"][0]["source"]
    return "".join(first).splitlines()[0].removeprefix("# ")


def paragraph(caption: str) -> str:
    """A caption as one Markdown paragraph."""
    return re.sub(r"\s+", " ", caption.replace("``", "`")).strip()


def picture(source: Path, target: Path) -> None:
    """A copy of a figure for the screen."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(source) as image:
        scale = WIDTH / (183 / 25.4 * 300)
        size = round(image.width * scale), round(image.height * scale)
        small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        small.quantize(128).save(target, optimize=True)


def section(study: str, name: str, config: str, title: str, what: str, results: Path) -> str:
    """The part of one study; figures that it does not have are left out."""
    option = "" if study == "demo" else f" --configfile {config}"
    parts = [f"## {title}: {what}\n\n`snakemake --cores 2{option}` draws all of them."]
    for figure, question, caption in figures(name):
        source = results / "figures" / f"{figure}.png"
        if not source.exists() or figure not in ONLY.get(study, (figure,)):
            continue
        target = Path("images") / "gallery" / f"{study}_{figure}.png"
        picture(source, DOCS / target)
        parts.append(
            f"### {question}\n\n```sh\nsnakemake --cores 2 results/{study}/figures/{figure}.svg{option}\n```\n\n"
            f"![{question}]({target})\n\n{caption}"
        )
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="folder of the studies")
    results = parser.parse_args().results
    intro = (
        "# Gallery\n\nEvery figure of a study, the line that makes it, and how to read it. Each is also written as SVG,"
        " with text as text, and as PDF if asked for; its numbers stand in `tables/` under the same name. The report"
        " ([report.md](report.md)) shows the same figures beside their tables."
    )
    parts = [section(*study, results / study[0]) for study in STUDIES if (results / study[0]).exists()]
    (DOCS / "gallery.md").write_text("\n\n".join([intro, *parts]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
