"""A run removes what killed processes left in its studies; a dry run does not."""

from projects import small_study


def test_a_run_removes_unfinished_files_and_a_dry_run_does_not(project):
    project.config("s.yaml", {"s": small_study()})
    folder = project.folder / "results/s/data"
    folder.mkdir(parents=True)
    left = folder / ".func_scores.csv.ffffffff-1.abcdefgh"
    left.touch()
    project.run("touch", "-d", "2 days ago", left)
    command = ("results/s/plan.json", "--configfile", "s.yaml")
    planned = project.snakemake("--dry-run", *command)
    assert planned.returncode == 0 and left.exists(), planned.stdout
    done = project.snakemake(*command)
    assert done.returncode == 0 and not left.exists(), done.stdout
    assert "proxsweep: results/s: removed 1 unfinished files that killed processes had left" in done.stdout
