rule convergence:
    input:
        fits="results/{study}/fits.csv",
        status="results/{study}/status.csv",
        report="results/{study}/data/report.csv",
        notebook=str(HERE / "notebooks/convergence.ipynb"),
        code=code_of("notebooks/convergence.ipynb"),
    output:
        notebook="results/{study}/notebooks/convergence.ipynb",
        table=report(
            "results/{study}/tables/convergence.csv",
            caption="../report/convergence.rst",
            category="Convergence",
            labels={"study": "{study}", "table": "convergence of every fit"},
        ),
        statuses=report(
            "results/{study}/tables/statuses.csv",
            caption="../report/convergence.rst",
            category="Convergence",
            labels={"study": "{study}", "table": "statuses"},
        ),
        svg=report(
            "results/{study}/figures/convergence.svg",
            caption="../report/convergence.rst",
            category="Convergence",
            labels={"study": "{study}", "figure": "convergence of every fit"},
        ),
        png="results/{study}/figures/convergence.png",
    log:
        "logs/{study}/convergence.log",
    benchmark:
        "results/{study}/benchmarks/convergence.tsv"
    retries: 1
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(20),
        attempt=this_attempt,
    params:
        parameters=summary_parameters(
            "convergence", status_csv="{folder}/status.csv", status_table="{folder}/tables/statuses.csv"
        ),
        kept="logs/{study}/convergence.ipynb",
    shell:
        RUN_NOTEBOOK


rule notebook_index:
    input:
        plan="results/{study}/plan.json",
        fits="results/{study}/fits.csv",
        summaries=summary_notebooks,
        code=code_of("proxsweep.notebook_index"),
    output:
        directory("results/{study}/notebooks/html"),
    log:
        "logs/{study}/notebook_index.log",
    benchmark:
        "results/{study}/benchmarks/notebook_index.tsv"
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1500),
        runtime=scaled(30),
    shell:
        "proxsweep index --plan {input.plan:q} --fits {input.fits:q} --summaries {input.summaries:q} --output {output:q} > {log:q} 2>&1"
