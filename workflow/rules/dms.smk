rule lasso_max:
    input:
        encodings=lambda wildcards: list(encodings_of(wildcards).values()),
        code=code_of("proxsweep.dms.model.lasso_max"),
    output:
        report(
            "results/{study}/lasso_max.csv",
            caption="../report/lasso_max.rst",
            category="Convergence",
            labels={"study": "{study}", "table": "weights that leave no shift"},
        ),
    log:
        "logs/{study}/lasso_max.log",
    benchmark:
        "results/{study}/benchmarks/lasso_max.tsv"
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(600, 100, "encodings"),
        runtime=minutes(10, 10, "encodings"),
    params:
        spec=lasso_max_spec,
    shell:
        "proxsweep lasso-max --spec {params.spec:q} --output {output:q} > {log:q} 2>&1"


rule replicate_correlation:
    input:
        fits="results/{study}/fits.csv",
        report="results/{study}/data/report.csv",
        notebook=str(HERE / "notebooks/dms/replicate_correlation.ipynb"),
        code=code_of("notebooks/dms/replicate_correlation.ipynb"),
    output:
        notebook="results/{study}/notebooks/replicate_correlation.ipynb",
        table=report(
            "results/{study}/tables/replicate_correlation.csv",
            caption="../report/replicate_correlation.rst",
            category="Replicates",
            labels={"study": "{study}", "table": "replicate correlation of shifts"},
        ),
        svg=report(
            "results/{study}/figures/replicate_correlation.svg",
            caption="../report/replicate_correlation.rst",
            category="Replicates",
            labels={"study": "{study}", "figure": "replicate correlation of shifts"},
        ),
        png="results/{study}/figures/replicate_correlation.png",
    log:
        "logs/{study}/replicate_correlation.log",
    benchmark:
        "results/{study}/benchmarks/replicate_correlation.tsv"
    retries: retried(1)
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
        attempt=this_attempt,
    params:
        parameters=summary_parameters("replicate_correlation", ["bootstrap", "seed", "min_times_seen"]),
        kept="logs/{study}/replicate_correlation.ipynb",
    shell:
        RUN_NOTEBOOK


rule sparsity:
    input:
        fits="results/{study}/fits.csv",
        report="results/{study}/data/report.csv",
        notebook=str(HERE / "notebooks/dms/sparsity.ipynb"),
        code=code_of("notebooks/dms/sparsity.ipynb"),
    output:
        notebook="results/{study}/notebooks/sparsity.ipynb",
        table=report(
            "results/{study}/tables/sparsity.csv",
            caption="../report/sparsity.rst",
            category="Sparsity",
            labels={"study": "{study}", "table": "share of zero shifts"},
        ),
        svg=report(
            "results/{study}/figures/sparsity.svg",
            caption="../report/sparsity.rst",
            category="Sparsity",
            labels={"study": "{study}", "figure": "share of zero shifts"},
        ),
        png="results/{study}/figures/sparsity.png",
    log:
        "logs/{study}/sparsity.log",
    benchmark:
        "results/{study}/benchmarks/sparsity.tsv"
    retries: retried(1)
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
        attempt=this_attempt,
    params:
        parameters=summary_parameters("sparsity", ["min_times_seen"]),
        kept="logs/{study}/sparsity.ipynb",
    shell:
        RUN_NOTEBOOK


rule starts:
    input:
        fits="results/{study}/fits.csv",
        report="results/{study}/data/report.csv",
        notebook=str(HERE / "notebooks/dms/starts.ipynb"),
        code=code_of("notebooks/dms/starts.ipynb"),
    output:
        notebook="results/{study}/notebooks/starts.ipynb",
        table=report(
            "results/{study}/tables/starts.csv",
            caption="../report/starts.rst",
            category="Starts",
            labels={"study": "{study}", "table": "every start of every fit"},
        ),
        correlations=report(
            "results/{study}/tables/starts_correlations.csv",
            caption="../report/starts.rst",
            category="Starts",
            labels={"study": "{study}", "table": "replicate correlation by start"},
        ),
        svg=report(
            "results/{study}/figures/starts.svg",
            caption="../report/starts.rst",
            category="Starts",
            labels={"study": "{study}", "figure": "every start of every fit"},
        ),
        png="results/{study}/figures/starts.png",
    log:
        "logs/{study}/starts.log",
    benchmark:
        "results/{study}/benchmarks/starts.tsv"
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
            "starts", ["min_times_seen"], correlations="{folder}/tables/starts_correlations.csv"
        ),
        kept="logs/{study}/starts.ipynb",
    shell:
        RUN_NOTEBOOK


rule scale_bound:
    input:
        fits="results/{study}/fits.csv",
        report="results/{study}/data/report.csv",
        notebook=str(HERE / "notebooks/dms/scale_bound.ipynb"),
        code=code_of("notebooks/dms/scale_bound.ipynb"),
    output:
        notebook="results/{study}/notebooks/scale_bound.ipynb",
        table=report(
            "results/{study}/tables/scale_bound.csv",
            caption="../report/scale_bound.rst",
            category="Bound of the scale",
            labels={"study": "{study}", "table": "every fit at its bound"},
        ),
        svg=report(
            "results/{study}/figures/scale_bound.svg",
            caption="../report/scale_bound.rst",
            category="Bound of the scale",
            labels={"study": "{study}", "figure": "what the bound moves"},
        ),
        png="results/{study}/figures/scale_bound.png",
    log:
        "logs/{study}/scale_bound.log",
    benchmark:
        "results/{study}/benchmarks/scale_bound.tsv"
    retries: retried(1)
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
        attempt=this_attempt,
    params:
        parameters=summary_parameters("scale_bound", ["min_times_seen"]),
        kept="logs/{study}/scale_bound.ipynb",
    shell:
        RUN_NOTEBOOK


rule recovery:
    input:
        fits="results/{study}/fits.csv",
        report="results/{study}/data/report.csv",
        truth="results/{study}/data/truth.csv",
        notebook=str(HERE / "notebooks/dms/recovery.ipynb"),
        code=code_of("notebooks/dms/recovery.ipynb"),
    output:
        notebook="results/{study}/notebooks/recovery.ipynb",
        table=report(
            "results/{study}/tables/recovery.csv",
            caption="../report/recovery.rst",
            category="Simulated truth",
            labels={"study": "{study}", "table": "shifts found by branch"},
        ),
        svg=report(
            "results/{study}/figures/recovery.svg",
            caption="../report/recovery.rst",
            category="Simulated truth",
            labels={"study": "{study}", "figure": "shifts found by branch"},
        ),
        png="results/{study}/figures/recovery.png",
    log:
        "logs/{study}/recovery.log",
    benchmark:
        "results/{study}/benchmarks/recovery.tsv"
    retries: retried(1)
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
        attempt=this_attempt,
    params:
        parameters=summary_parameters("recovery", ["min_times_seen"], truth="{folder}/data/truth.csv"),
        kept="logs/{study}/recovery.ipynb",
    shell:
        RUN_NOTEBOOK
