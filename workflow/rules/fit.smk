rule fit:
    input:
        encoding=encoding_of,
        encoding_report=report_of,
        preprocess_report="results/{study}/data/preprocess.report.csv",
        neighbour=neighbour_of,
        notebook=lambda wildcards: fit_notebook(wildcards),
        code=lambda wildcards: fit_code(wildcards),
    output:
        notebook="results/{study}/fits/{fit}/fit.ipynb",
        record="results/{study}/fits/{fit}/record.json",
        parameters="results/{study}/fits/{fit}/parameters.npz",
        mutations="results/{study}/fits/{fit}/mutations.csv",
        trace="results/{study}/fits/{fit}/trace.csv",
    log:
        "logs/{study}/fits/{fit}.log",
    benchmark:
        "results/{study}/benchmarks/{fit}.tsv"
    retries: retried(2)
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(600, 100, "encoding"),
        runtime=minutes(10, 10, "encoding"),
        attempt=this_attempt,
    params:
        parameters=fit_parameters,
        kept="logs/{study}/fits/{fit}.ipynb",
    shell:
        RUN_NOTEBOOK


rule plan:
    output:
        "results/{study}/plan.json",
    log:
        "logs/{study}/plan.log",
    benchmark:
        "results/{study}/benchmarks/plan.tsv"
    localrule: True
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=scaled(500),
        runtime=scaled(5),
    params:
        outline=outline,
    shell:
        "proxsweep list-fits --outline {params.outline:q} --output {output:q} > {log:q} 2>&1"


rule collect:
    input:
        plan="results/{study}/plan.json",
        records=records,
        code=code_of("proxsweep.sweep.collect"),
    output:
        fits=in_report("results/{study}/fits.csv", "Convergence", table="every fit"),
        status="results/{study}/status.csv",
        strays="results/{study}/strays.csv",
    log:
        "logs/{study}/collect.log",
    benchmark:
        "results/{study}/benchmarks/collect.tsv"
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(600),
        runtime=scaled(10),
    shell:
        "proxsweep collect --plan {input.plan:q} --fits {output.fits:q} --status {output.status:q}"
        " --strays {output.strays:q} > {log:q} 2>&1"


rule choose:
    input:
        fits="results/{study}/fits.csv",
        signs="results/{study}/tables/replicate_signs.csv",
        code=code_of("proxsweep.sweep.chosen"),
    output:
        chosen=in_report("results/{study}/chosen.csv", "Choice of the lasso weight", table="the weights chosen"),
        validated=in_report(
            "results/{study}/tables/cross_validation.csv", "Choice of the lasso weight", table="held-out loss"
        ),
    log:
        "logs/{study}/choose.log",
    benchmark:
        "results/{study}/benchmarks/choose.tsv"
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(600),
        runtime=scaled(5),
    params:
        chosen=lambda wildcards: json.dumps(STUDIES[wildcards.study].chosen),
    shell:
        "proxsweep choose --fits {input.fits:q} --signs {input.signs:q} --chosen {params.chosen:q}"
        " --validated {output.validated:q} --output {output.chosen:q} > {log:q} 2>&1"


rule fits:
    input:
        [f"results/{study}/fits.csv" for study in STUDIES],


rule check_strict:
    input:
        fits="results/{study}/fits.csv",
    output:
        "results/{study}/strict.txt",
    log:
        "logs/{study}/strict.log",
    benchmark:
        "results/{study}/benchmarks/strict.tsv"
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(300),
        runtime=scaled(5),
    shell:
        "(proxsweep strict {input.fits:q} > {output:q}) 2> {log:q}"


rule strict:
    input:
        results(),
        [f"results/{study}/strict.txt" for study in STUDIES],
