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
    shell:
        "proxsweep nmf-encode {input.matrix:q} --labels {input.samples:q} --replicate {wildcards.replicate:q}"
        " --spec {params.spec:q} --ranks {params.ranks} --encoding {output.encoding:q} --report {output.report:q}"
        " > {log:q} 2>&1"


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
