rule notebook_index:
    input:
        plan="results/{study}/plan.json",
        fits="results/{study}/fits.csv",
        summaries=lambda wildcards: [
            f"results/{wildcards.study}/notebooks/{summary.name}.ipynb"
            for summary in summaries.of_study(family_of(wildcards).summaries, study_of(wildcards))
        ],
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
    input:
        code=code_of("proxsweep.config.resolved"),
    output:
        in_report("results/{study}/config.yaml", "What was run", file="config, all defaults filled in"),
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
        config=as_json(planning.resolved),
    shell:
        "proxsweep write-config --config {params.config:q} --output {output:q} > {log:q} 2>&1"


rule reproducibility:
    input:
        plan="results/{study}/plan.json",
        fits="results/{study}/fits.csv",
        refits=lambda wildcards: [
            f"results/{refit.name}/fits.csv" for refit in family_of(wildcards).refits(study_of(wildcards))
        ],
        config="results/{study}/config.yaml",
        lock=str(HERE / "envs/requirements.lock"),
        code=code_of("proxsweep.report.reproducibility"),
    output:
        table="results/{study}/reproducibility.csv",
        page=in_report("results/{study}/reproducibility.html", "What was run", file="reproducibility"),
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
    params:
        family=lambda wildcards: study_of(wildcards).family,
    shell:
        "proxsweep reproducibility results/{wildcards.study:q} --family {params.family:q} --table {output.table:q} --page {output.page:q} > {log:q} 2>&1"


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
