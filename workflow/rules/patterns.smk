rule patterns:
    input:
        fits="results/{study}/fits.csv",
        chosen="results/{study}/chosen.csv",
        report="results/{study}/data/report.csv",
        notebook=str(HERE / "notebooks/dms/patterns.ipynb"),
        code=code_of("notebooks/dms/patterns.ipynb"),
    output:
        notebook="results/{study}/notebooks/patterns.ipynb",
        table=report(
            "results/{study}/tables/patterns.csv",
            caption="../report/patterns.rst",
            category="Fusion patterns",
            labels={"study": "{study}", "table": "counts of every fit"},
        ),
        mutations=report(
            "results/{study}/tables/pattern_mutations.csv",
            caption="../report/patterns.rst",
            category="Fusion patterns",
            labels={"study": "{study}", "table": "mutations behind the counts"},
        ),
        disagreements=report(
            "results/{study}/tables/pattern_disagreements.csv",
            caption="../report/pattern_disagreements.rst",
            category="Fusion patterns",
            labels={"study": "{study}", "table": "reference against equivariant"},
        ),
        svg=report(
            "results/{study}/figures/patterns.svg",
            caption="../report/patterns.rst",
            category="Fusion patterns",
            labels={"study": "{study}", "figure": "against the lasso weight"},
        ),
        png="results/{study}/figures/patterns.png",
        ranked_svg=report(
            "results/{study}/figures/patterns_ranked.svg",
            caption="../report/patterns_ranked.rst",
            category="Fusion patterns",
            labels={"study": "{study}", "figure": "the commonest patterns"},
        ),
        ranked_png="results/{study}/figures/patterns_ranked.png",
        sites_svg=report(
            "results/{study}/figures/patterns_sites.svg",
            caption="../report/patterns_sites.rst",
            category="Fusion patterns",
            labels={"study": "{study}", "figure": "along the sequence"},
        ),
        sites_png="results/{study}/figures/patterns_sites.png",
    log:
        "logs/{study}/patterns.log",
    benchmark:
        "results/{study}/benchmarks/patterns.tsv"
    retries: retried(1)
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
        attempt=this_attempt,
    params:
        parameters=summary_parameters(
            "patterns",
            ["min_times_seen"],
            chosen_csv="{folder}/chosen.csv",
            mutations_table="{folder}/tables/pattern_mutations.csv",
            disagreements_table="{folder}/tables/pattern_disagreements.csv",
            ranked_figure="{folder}/figures/patterns_ranked",
            sites_figure="{folder}/figures/patterns_sites",
        ),
        kept="logs/{study}/patterns.ipynb",
    shell:
        RUN_NOTEBOOK
