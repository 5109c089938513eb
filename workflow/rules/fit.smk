# One rule for each piece of the paths of a study, named after it: its outputs are the records of the fits that it makes.
# `update`: what is there stays, and the job finds out which fits are to be made (proxsweep.fit_job). What differs between
# families is in their declarations. What a profile says of the rule `fit` counts for all of them.
for name, piece in FITS.items():
    own = FAMILIES[piece.study.family]
    take_over(f"{PREFIXES[own.name]}fit", f"{PREFIXES[own.name]}{name}")

    rule:
        name:
            f"{PREFIXES[own.name]}{name}"
        input:
            unpack(fit_inputs(piece)),
            code=[
                str(HERE / f"notebooks/{own.name}/fit.ipynb"),
                *code_of(f"notebooks/{own.name}/fit.ipynb", own.drawing),
            ],
        output:
            update([f"results/{{study}}/fits/{pattern}/record.json" for pattern in piece.patterns]),
        log:
            f"logs/{{study}}/paths/{piece.name}.log",
        benchmark:
            f"results/{{study}}/benchmarks/fits/{piece.name}.tsv"
        wildcard_constraints:
            **dict.fromkeys(piece.wildcards, "[^/~]+"),
            study=re.escape(piece.study.name),
        retries: retried(2)
        group:
            group_of(f"{PREFIXES[own.name]}fit")
        conda:
            "../../envs/proxsweep.yaml"
        threads: own.threads
        resources:
            mem_mb=memory(*own.megabytes, "encoding"),
            runtime=minutes(own.minutes[0], own.minutes[1] * len(piece.labels), "encoding"),
            attempt=this_attempt,
        params:
            spec=lambda wildcards, piece=piece: json.dumps(planning.job_spec(fits_of(piece, wildcards)[0])),
            limits=lambda wildcards, piece=piece: json.dumps(planning.job_limits(fits_of(piece, wildcards))),
            # a function of the output is not compared with that of earlier runs: fits that come or go rerun nothing
            job=lambda wildcards, output, piece=piece: json.dumps(planning.job(fits_of(piece, wildcards))),
        shell:
            "proxsweep make-fits {params.job:q} --threads {threads} --attempt {resources.attempt} > {log:q} 2>&1"


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
        evidence=lambda wildcards: planning.evidence(study_of(wildcards)),
        code=code_of("proxsweep.sweep.chosen"),
    output:
        chosen=in_report("results/{study}/chosen.csv", "Selection", table="what was chosen"),
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
        evidence=lambda wildcards, input: " ".join(f"--evidence {shlex.quote(path)}" for path in input.evidence),
    shell:
        "proxsweep choose --fits {input.fits:q} {params.evidence} --chosen {params.chosen:q} --family {params.family:q}"
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
