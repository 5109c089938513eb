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
            "convergence",
            status_csv="{folder}/status.csv",
            status_table="{folder}/tables/statuses.csv",
            strength="lasso",
            strength_label="Lasso weight",
            replicate="replicate",
        ),
        kept="logs/{study}/convergence.ipynb",
    shell:
        RUN_NOTEBOOK


rule notebook_index:
    input:
        plan="results/{study}/plan.json",
        fits="results/{study}/fits.csv",
        summaries=summary_notebooks,
        code=code_of("proxsweep.report.notebook_index"),
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
        mem_mb=memory(800),
        runtime=scaled(20),
    shell:
        "proxsweep index --plan {input.plan:q} --fits {input.fits:q} --summaries {input.summaries:q} --output {output:q} > {log:q} 2>&1"


rule write_config:
    output:
        report(
            "results/{study}/config.yaml",
            caption="../report/config.rst",
            category="What was run",
            labels={"study": "{study}", "file": "config, all defaults filled in"},
        ),
    log:
        "logs/{study}/write_config.log",
    benchmark:
        "results/{study}/benchmarks/write_config.tsv"
    localrule: True
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(5),
    params:
        config=lambda wildcards: json.dumps(resolved.values(STUDIES[wildcards.study])),
    shell:
        "proxsweep write-config --config {params.config:q} --output {output:q} > {log:q} 2>&1"


rule reproducibility:
    input:
        plan="results/{study}/plan.json",
        fits="results/{study}/fits.csv",
        refits=lambda wildcards: list(refits_of(wildcards).values()),
        config="results/{study}/config.yaml",
        lock=str(HERE / "envs/requirements.lock"),
        code=code_of("proxsweep.report.reproducibility"),
    output:
        table="results/{study}/reproducibility.csv",
        page=report(
            "results/{study}/reproducibility.html",
            caption="../report/reproducibility.rst",
            category="What was run",
            labels={"study": "{study}", "file": "reproducibility"},
        ),
    log:
        "logs/{study}/reproducibility.log",
    benchmark:
        "results/{study}/benchmarks/reproducibility.tsv"
    localrule: True
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(10),
    shell:
        "proxsweep reproducibility results/{wildcards.study:q} --table {output.table:q} --page {output.page:q} > {log:q} 2>&1"


rule table_page:
    input:
        table="results/{study}/{table}.csv",
        code=code_of("proxsweep.report.table_page"),
    output:
        report(
            "results/{study}/pages/{table}.html",
            caption="../report/tables.rst",
            category=lambda wildcards: PAGES[wildcards.table][0],
            labels=lambda wildcards: {"study": wildcards.study, "table": PAGES[wildcards.table][1]},
        ),
    log:
        "logs/{study}/pages/{table}.log",
    benchmark:
        "results/{study}/benchmarks/pages/{table}.tsv"
    wildcard_constraints:
        table=one_of(PAGES),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(600),
        runtime=scaled(5),
    shell:
        "proxsweep table-page {input.table:q} --output {output:q} > {log:q} 2>&1"
