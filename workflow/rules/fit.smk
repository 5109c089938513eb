# One rule for the fits of each family in use; what differs between families is in their declarations.
for name, own in FAMILIES.items():

    rule:
        name:
            f"{PREFIXES[name]}fit"
        input:
            unpack(fit_inputs),
            notebook=str(HERE / f"notebooks/{name}/fit.ipynb"),
            code=code_of(f"notebooks/{name}/fit.ipynb", own.drawing),
        output:
            **{key: f"results/{{study}}/fits/{{fit}}/{file}" for key, file in planning.fit_outputs(own).items()},
        log:
            "logs/{study}/fits/{fit}.log",
        benchmark:
            "results/{study}/benchmarks/{fit}.tsv"
        wildcard_constraints:
            study=studies_of(name),
        retries: retried(2)
        conda:
            "../../envs/proxsweep.yaml"
        threads: own.threads
        resources:
            mem_mb=memory(*own.megabytes, "encoding"),
            runtime=minutes(*own.minutes, "encoding"),
            attempt=this_attempt,
        params:
            parameters=lambda wildcards: json.dumps(planning.fit_parameters(find_fit(wildcards))),
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
        outline=as_json(outlines.outline),
    shell:
        "proxsweep list-fits --outline {params.outline:q} --output {output:q} > {log:q} 2>&1"


rule collect:
    input:
        plan="results/{study}/plan.json",
        records=lambda wildcards: planning.records(study_of(wildcards)),
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
        signs=lambda wildcards: planning.signs(study_of(wildcards)),
        code=code_of("proxsweep.sweep.chosen"),
    output:
        chosen=in_report("results/{study}/chosen.csv", "Selection", table="the weights chosen"),
        validated=in_report(
            "results/{study}/tables/cross_validation.csv",
            "Selection",
            table="held-out loss",
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
        chosen=lambda wildcards: json.dumps(study_of(wildcards).chosen),
        family=lambda wildcards: study_of(wildcards).family,
        signs=lambda wildcards, input: " ".join(f"--signs {shlex.quote(path)}" for path in input.signs),
    shell:
        "proxsweep choose --fits {input.fits:q} {params.signs} --chosen {params.chosen:q} --family {params.family:q}"
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
