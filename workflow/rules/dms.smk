include: "dms_common.smk"
include: "dms_data.smk"


rule lasso_max:
    input:
        encodings=lambda wildcards: list(jobs.encodings(study_of(wildcards)).values()),
        code=code_of("proxsweep.dms.model.lasso_max"),
    output:
        in_report("results/{study}/lasso_max.csv", "Convergence", table="weights that leave no shift"),
    log:
        "logs/{study}/lasso_max.log",
    benchmark:
        "results/{study}/benchmarks/lasso_max.tsv"
    wildcard_constraints:
        study=studies_of("dms"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(600, 100, "encodings"),
        runtime=minutes(10, 10, "encodings"),
    params:
        spec=as_json(jobs.lasso_max_spec),
    shell:
        "proxsweep lasso-max --spec {params.spec:q} --output {output:q} > {log:q} 2>&1"


rule cold_starts:
    input:
        fits="results/{study}/fits.csv",
        chosen="results/{study}/chosen.csv",
        encodings=lambda wildcards: list(jobs.encodings(study_of(wildcards)).values()),
        code=code_of("proxsweep.dms.model.cold_starts"),
    output:
        in_report(
            "results/{study}/tables/cold_starts.csv", "Convergence", table="starts from zeros at the chosen weight"
        ),
    log:
        "logs/{study}/cold_starts.log",
    benchmark:
        "results/{study}/benchmarks/cold_starts.tsv"
    wildcard_constraints:
        study=studies_of("dms"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(600, 100, "encodings"),
        runtime=minutes(10, 10, "encodings"),
    params:
        encodings=as_json(jobs.encodings),
    shell:
        "proxsweep cold-starts --fits {input.fits:q} --chosen {input.chosen:q} --encodings {params.encodings:q}"
        " --output {output:q} > {log:q} 2>&1"


rule replicate_signs:
    input:
        fits="results/{study}/fits.csv",
        code=code_of("proxsweep.dms.results.replicate_signs"),
    output:
        in_report("results/{study}/tables/replicate_signs.csv", "Confidence", table="signs in pairs of replicates"),
    log:
        "logs/{study}/replicate_signs.log",
    benchmark:
        "results/{study}/benchmarks/replicate_signs.tsv"
    wildcard_constraints:
        study=studies_of("dms"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
    params:
        least=lambda wildcards: study_of(wildcards).summaries["min_times_seen"],
    shell:
        "proxsweep replicate-signs --fits {input.fits:q} --min-times-seen {params.least} --output {output:q} > {log:q} 2>&1"


rule shifts:
    input:
        fits="results/{study}/fits.csv",
        chosen="results/{study}/chosen.csv",
        code=code_of("proxsweep.dms.results.shifts"),
    output:
        in_report("results/{study}/shifts.csv", "Confidence", table="shifts at the chosen weight"),
    log:
        "logs/{study}/shifts.log",
    benchmark:
        "results/{study}/benchmarks/shifts.tsv"
    wildcard_constraints:
        study=studies_of("dms"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
    shell:
        "proxsweep shifts --fits {input.fits:q} --chosen {input.chosen:q} --output {output:q} > {log:q} 2>&1"


rule shifts_by_reference:
    input:
        fits="results/{study}/fits.csv",
        chosen="results/{study}/chosen.csv",
        code=code_of("proxsweep.dms.results.shifts_by_reference"),
    output:
        in_report(
            "results/{study}/tables/shifts_by_reference.csv", "References", table="shifts read under every reference"
        ),
    log:
        "logs/{study}/shifts_by_reference.log",
    benchmark:
        "results/{study}/benchmarks/shifts_by_reference.tsv"
    wildcard_constraints:
        study=studies_of("dms"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
    shell:
        "proxsweep shifts-by-reference --fits {input.fits:q} --chosen {input.chosen:q} --output {output:q} > {log:q} 2>&1"


rule effects:
    input:
        fits="results/{study}/fits.csv",
        code=code_of("proxsweep.dms.results.effects"),
    output:
        "results/{study}/effects.csv.gz",
    log:
        "logs/{study}/effects.log",
    benchmark:
        "results/{study}/benchmarks/effects.tsv"
    wildcard_constraints:
        study=studies_of("dms"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(600),
        runtime=scaled(20),
    shell:
        "proxsweep effects --fits {input.fits:q} --output {output:q} > {log:q} 2>&1"


rule page:
    input:
        fits="results/{study}/fits.csv",
        chosen="results/{study}/chosen.csv",
        template=sorted(str(path) for path in (SCRIPTS / "proxsweep/dms/page").glob("*.*") if path.suffix != ".py"),
        code=code_of("proxsweep.dms.page.page"),
    output:
        in_report("results/{study}/page.html", "Shifts", page="effects and shifts by site, interactive"),
    log:
        "logs/{study}/page.log",
    benchmark:
        "results/{study}/benchmarks/page.tsv"
    wildcard_constraints:
        study=studies_of("dms"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
    shell:
        "proxsweep page --fits {input.fits:q} --chosen {input.chosen:q} --output {output:q} > {log:q} 2>&1"
