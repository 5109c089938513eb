rule shrinkage:
    input:
        fits="results/{study}/fits.csv",
        chosen="results/{study}/chosen.csv",
        correlation="results/{study}/tables/replicate_correlation.csv",
        validation="results/{study}/tables/cross_validation.csv",
        sparsity="results/{study}/tables/sparsity.csv",
        report="results/{study}/data/report.csv",
        notebook=str(HERE / "notebooks/dms/shrinkage.ipynb"),
        code=code_of("notebooks/dms/shrinkage.ipynb"),
    output:
        notebook="results/{study}/notebooks/shrinkage.ipynb",
        table=report(
            "results/{study}/tables/shrinkage.csv",
            caption="../report/shrinkage.rst",
            category="Sparsity",
            labels={"study": "{study}", "table": "losses, correlation and zero shifts"},
        ),
        svg=report(
            "results/{study}/figures/shrinkage.svg",
            caption="../report/shrinkage.rst",
            category="Sparsity",
            labels={"study": "{study}", "figure": "losses, correlation and zero shifts"},
        ),
        png="results/{study}/figures/shrinkage.png",
    log:
        "logs/{study}/shrinkage.log",
    benchmark:
        "results/{study}/benchmarks/shrinkage.tsv"
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
            "shrinkage",
            chosen_csv="{folder}/chosen.csv",
            correlation_csv="{folder}/tables/replicate_correlation.csv",
            validation_csv="{folder}/tables/cross_validation.csv",
            sparsity_csv="{folder}/tables/sparsity.csv",
        ),
        kept="logs/{study}/shrinkage.ipynb",
    shell:
        RUN_NOTEBOOK


rule replicate_scatter:
    input:
        fits="results/{study}/fits.csv",
        chosen="results/{study}/chosen.csv",
        correlation="results/{study}/tables/replicate_correlation.csv",
        report="results/{study}/data/report.csv",
        notebook=str(HERE / "notebooks/dms/replicate_scatter.ipynb"),
        code=code_of("notebooks/dms/replicate_scatter.ipynb"),
    output:
        notebook="results/{study}/notebooks/replicate_scatter.ipynb",
        table=report(
            "results/{study}/tables/replicate_scatter.csv",
            caption="../report/replicate_scatter.rst",
            category="Replicates",
            labels={"study": "{study}", "table": "shifts of two replicates"},
        ),
        svg=report(
            "results/{study}/figures/replicate_scatter.svg",
            caption="../report/replicate_scatter.rst",
            category="Replicates",
            labels={"study": "{study}", "figure": "shifts of two replicates"},
        ),
        png="results/{study}/figures/replicate_scatter.png",
    log:
        "logs/{study}/replicate_scatter.log",
    benchmark:
        "results/{study}/benchmarks/replicate_scatter.tsv"
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
            "replicate_scatter",
            ["min_times_seen"],
            chosen_csv="{folder}/chosen.csv",
            correlation_csv="{folder}/tables/replicate_correlation.csv",
        ),
        kept="logs/{study}/replicate_scatter.ipynb",
    shell:
        RUN_NOTEBOOK


rule shift_paths:
    input:
        fits="results/{study}/fits.csv",
        chosen="results/{study}/chosen.csv",
        report="results/{study}/data/report.csv",
        notebook=str(HERE / "notebooks/dms/shift_paths.ipynb"),
        code=code_of("notebooks/dms/shift_paths.ipynb"),
    output:
        notebook="results/{study}/notebooks/shift_paths.ipynb",
        table=report(
            "results/{study}/tables/shift_paths.csv",
            caption="../report/shift_paths.rst",
            category="Shifts",
            labels={"study": "{study}", "table": "shifts against the weight"},
        ),
        svg=report(
            "results/{study}/figures/shift_paths.svg",
            caption="../report/shift_paths.rst",
            category="Shifts",
            labels={"study": "{study}", "figure": "shifts against the weight"},
        ),
        png="results/{study}/figures/shift_paths.png",
    log:
        "logs/{study}/shift_paths.log",
    benchmark:
        "results/{study}/benchmarks/shift_paths.tsv"
    retries: retried(1)
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
        attempt=this_attempt,
    params:
        parameters=summary_parameters("shift_paths", ["min_times_seen"], chosen_csv="{folder}/chosen.csv"),
        kept="logs/{study}/shift_paths.ipynb",
    shell:
        RUN_NOTEBOOK


rule shift_sizes:
    input:
        fits="results/{study}/fits.csv",
        chosen="results/{study}/chosen.csv",
        shifts="results/{study}/shifts.csv",
        report="results/{study}/data/report.csv",
        notebook=str(HERE / "notebooks/dms/shift_sizes.ipynb"),
        code=code_of("notebooks/dms/shift_sizes.ipynb"),
    output:
        notebook="results/{study}/notebooks/shift_sizes.ipynb",
        table=report(
            "results/{study}/tables/shift_sizes.csv",
            caption="../report/shift_sizes.rst",
            category="Shifts",
            labels={"study": "{study}", "table": "sizes of shifts"},
        ),
        svg=report(
            "results/{study}/figures/shift_sizes.svg",
            caption="../report/shift_sizes.rst",
            category="Shifts",
            labels={"study": "{study}", "figure": "sizes of shifts"},
        ),
        png="results/{study}/figures/shift_sizes.png",
    log:
        "logs/{study}/shift_sizes.log",
    benchmark:
        "results/{study}/benchmarks/shift_sizes.tsv"
    retries: retried(1)
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
        attempt=this_attempt,
    params:
        parameters=summary_parameters("shift_sizes", chosen_csv="{folder}/chosen.csv", shifts_csv="{folder}/shifts.csv"),
        kept="logs/{study}/shift_sizes.ipynb",
    shell:
        RUN_NOTEBOOK


rule shift_heatmap:
    input:
        fits="results/{study}/fits.csv",
        chosen="results/{study}/chosen.csv",
        shifts="results/{study}/shifts.csv",
        wildtypes="results/{study}/data/wildtypes.csv",
        site_map=site_map,
        report="results/{study}/data/report.csv",
        notebook=str(HERE / "notebooks/dms/shift_heatmap.ipynb"),
        code=code_of("notebooks/dms/shift_heatmap.ipynb"),
    output:
        notebook="results/{study}/notebooks/shift_heatmap.ipynb",
        table=report(
            "results/{study}/tables/shift_heatmap.csv",
            caption="../report/shift_heatmap.rst",
            category="Shifts",
            labels={"study": "{study}", "table": "shifts by site and amino acid"},
        ),
        regions_svg=report(
            "results/{study}/figures/shift_heatmap_regions.svg",
            caption="../report/shift_heatmap.rst",
            category="Shifts",
            labels={"study": "{study}", "figure": "shifts in regions"},
        ),
        regions_png="results/{study}/figures/shift_heatmap_regions.png",
        svg=report(
            "results/{study}/figures/shift_heatmap.svg",
            caption="../report/shift_heatmap.rst",
            category="Shifts",
            labels={"study": "{study}", "figure": "shifts by site and amino acid"},
        ),
        png="results/{study}/figures/shift_heatmap.png",
    log:
        "logs/{study}/shift_heatmap.log",
    benchmark:
        "results/{study}/benchmarks/shift_heatmap.tsv"
    retries: retried(1)
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
        attempt=this_attempt,
    params:
        parameters=heatmap_parameters,
        kept="logs/{study}/shift_heatmap.ipynb",
    shell:
        RUN_NOTEBOOK


rule predictions:
    input:
        fits="results/{study}/fits.csv",
        chosen="results/{study}/chosen.csv",
        encodings=lambda wildcards: list(encodings_of(wildcards).values()),
        report="results/{study}/data/report.csv",
        notebook=str(HERE / "notebooks/dms/predictions.ipynb"),
        code=code_of("notebooks/dms/predictions.ipynb"),
    output:
        notebook="results/{study}/notebooks/predictions.ipynb",
        table=report(
            "results/{study}/tables/predictions.csv",
            caption="../report/predictions.rst",
            category="Shifts",
            labels={"study": "{study}", "table": "observed and predicted scores"},
        ),
        cells="results/{study}/tables/predictions_cells.csv",
        svg=report(
            "results/{study}/figures/predictions.svg",
            caption="../report/predictions.rst",
            category="Shifts",
            labels={"study": "{study}", "figure": "observed and predicted scores"},
        ),
        png="results/{study}/figures/predictions.png",
    log:
        "logs/{study}/predictions.log",
    benchmark:
        "results/{study}/benchmarks/predictions.tsv"
    retries: retried(1)
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
        attempt=this_attempt,
    params:
        parameters=predictions_parameters,
        kept="logs/{study}/predictions.ipynb",
    shell:
        RUN_NOTEBOOK
