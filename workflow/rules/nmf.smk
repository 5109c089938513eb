from proxsweep.nmf import jobs as nmf_jobs

OF_NMF = [study for study in STUDIES.values() if study.family == "nmf"]


rule nmf_simulate:
    input:
        code=code_of("proxsweep.nmf.data.simulate"),
    output:
        matrix="results/{study}/data/simulated.csv",
        truth="results/{study}/data/truth.npz",
    log:
        "logs/{study}/simulate.log",
    benchmark:
        "results/{study}/benchmarks/simulate.tsv"
    wildcard_constraints:
        study=studies_of("nmf"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(800),
        runtime=scaled(10),
    params:
        spec=lambda wildcards: json.dumps(study_of(wildcards).data["simulate"]),
    shell:
        "proxsweep nmf-simulate --spec {params.spec:q} --matrix {output.matrix:q} --truth {output.truth:q} > {log:q} 2>&1"


rule nmf_read:
    input:
        matrix=lambda wildcards: nmf_jobs.matrix_files(study_of(wildcards)),
        samples=lambda wildcards: nmf_jobs.samples(study_of(wildcards)),
        code=code_of("proxsweep.nmf.data.prepare"),
    output:
        matrix="results/{study}/data/matrix.npz",
        samples="results/{study}/data/samples.csv",
        report="results/{study}/data/read.report.csv",
    log:
        "logs/{study}/read.log",
    benchmark:
        "results/{study}/benchmarks/read.tsv"
    wildcard_constraints:
        study=studies_of("nmf"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(500, 10, "matrix"),
        runtime=minutes(20, 0.2, "matrix"),
    params:
        matrix=lambda wildcards: nmf_jobs.matrix(study_of(wildcards)),
        samples=lambda wildcards, input: " ".join(f"--samples {shlex.quote(path)}" for path in input.samples),
        spec=as_json(nmf_jobs.data_spec),
        # a function of the output is not compared with that of earlier runs: another rank reads nothing anew
        ranks=lambda wildcards, output: study_of(wildcards).sweep["rank"],
    shell:
        "proxsweep nmf-read {params.matrix:q} {params.samples} --spec {params.spec:q} --ranks {params.ranks}"
        " --output {output.matrix:q} --labels {output.samples:q} --report {output.report:q} > {log:q} 2>&1"


rule nmf_encode:
    input:
        matrix="results/{study}/data/matrix.npz",
        samples="results/{study}/data/samples.csv",
        code=code_of("proxsweep.nmf.data.replicates"),
    output:
        encoding="results/{study}/encodings/replicate~{replicate}.npz",
        report="results/{study}/encodings/replicate~{replicate}.report.csv",
    log:
        "logs/{study}/encode/replicate~{replicate}.log",
    benchmark:
        "results/{study}/benchmarks/encode/replicate~{replicate}.tsv"
    wildcard_constraints:
        study=studies_of("nmf"),
        replicate=one_of({label for study in OF_NMF for label in study.sweep["replicate"]}),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(500, 40, "matrix"),
        runtime=minutes(10, 0.2, "matrix"),
    params:
        spec=as_json(nmf_jobs.data_spec),
        ranks=lambda wildcards, output: study_of(wildcards).sweep["rank"],
        parts=lambda wildcards, output: json.dumps(nmf_jobs.parts(study_of(wildcards))),
    shell:
        "proxsweep nmf-encode {input.matrix:q} --labels {input.samples:q} --replicate {wildcards.replicate:q}"
        " --spec {params.spec:q} --ranks {params.ranks} --parts {params.parts:q} --encoding {output.encoding:q}"
        " --report {output.report:q} > {log:q} 2>&1"


rule nmf_data_report:
    input:
        read="results/{study}/data/read.report.csv",
        encode=lambda wildcards: expand(
            "results/{{study}}/encodings/replicate~{replicate}.report.csv",
            replicate=list(nmf_jobs.encodings(study_of(wildcards))),
        ),
    output:
        in_report("results/{study}/data/report.csv", "Data", "matrix_report", table="what happened to the data"),
    log:
        "logs/{study}/data_report.log",
    benchmark:
        "results/{study}/benchmarks/data_report.tsv"
    wildcard_constraints:
        study=studies_of("nmf"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(300),
        runtime=scaled(5),
    shell:
        "proxsweep stack {input:q} --output {output:q} > {log:q} 2>&1"


rule nmf_stability:
    input:
        fits="results/{study}/fits.csv",
        samples="results/{study}/data/samples.csv",
        code=code_of("proxsweep.nmf.results.stability"),
    output:
        stability=in_report("results/{study}/tables/stability.csv", "Stability", table="agreement of starts"),
        clusters=in_report("results/{study}/tables/clusters.csv", "Stability", table="clusters of samples"),
    log:
        "logs/{study}/stability.log",
    benchmark:
        "results/{study}/benchmarks/stability.tsv"
    wildcard_constraints:
        study=studies_of("nmf"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(10),
    params:
        unconverged=lambda wildcards: nmf_jobs.unconverged(study_of(wildcards)),
    shell:
        "proxsweep nmf-stability --fits {input.fits:q} --samples {input.samples:q} {params.unconverged}"
        " --output {output.stability:q} --clusters {output.clusters:q} > {log:q} 2>&1"


rule nmf_consensus:
    input:
        fits="results/{study}/fits.csv",
        chosen="results/{study}/chosen.csv",
        samples="results/{study}/data/samples.csv",
        encodings=lambda wildcards: list(nmf_jobs.encodings(study_of(wildcards)).values()),
        code=code_of("proxsweep.nmf.results.consensus"),
    output:
        features=in_report("results/{study}/consensus/features.csv", "Consensus", "consensus", table="factors"),
        samples=in_report("results/{study}/consensus/samples.csv", "Consensus", "consensus", table="exposures"),
        factors=in_report(
            "results/{study}/consensus/factors.csv", "Consensus", "consensus", table="factors of all starts"
        ),
        summary=in_report("results/{study}/consensus/summary.csv", "Consensus", "consensus", table="what went into it"),
        matrix="results/{study}/consensus/samples.npz",
    log:
        "logs/{study}/consensus.log",
    benchmark:
        "results/{study}/benchmarks/consensus.tsv"
    wildcard_constraints:
        study=studies_of("nmf"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 30, "encodings"),
        runtime=minutes(10, 1, "encodings"),
    params:
        encodings=as_json(nmf_jobs.encodings),
        density=lambda wildcards: study_of(wildcards).summaries["density"],
        unconverged=lambda wildcards: nmf_jobs.unconverged(study_of(wildcards)),
    shell:
        "proxsweep nmf-consensus --fits {input.fits:q} --chosen {input.chosen:q} --encodings {params.encodings:q}"
        " --samples {input.samples:q} --density {params.density:q} {params.unconverged} --features {output.features:q}"
        " --samples-output {output.samples:q} --factors {output.factors:q} --matrix {output.matrix:q}"
        " --summary {output.summary:q} > {log:q} 2>&1"
