rule simulate:
    input:
        code=code_of("proxsweep.dms.data.simulate"),
    output:
        table="results/{study}/data/func_scores.csv",
        truth="results/{study}/data/truth.csv",
    log:
        "logs/{study}/simulate.log",
    benchmark:
        "results/{study}/benchmarks/simulate.tsv"
    wildcard_constraints:
        study=studies_of("dms"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(800),
        runtime=scaled(10),
    params:
        spec=lambda wildcards: json.dumps(study_of(wildcards).data["simulate"]),
    shell:
        "proxsweep simulate --spec {params.spec:q} --table {output.table:q} --truth {output.truth:q} > {log:q} 2>&1"


# On the machine that runs the workflow: compute nodes may have no network.
rule fetch:
    input:
        check_address,
    output:
        "results/{study}/data/downloads/{download}",
    log:
        "logs/{study}/fetch/{download}.log",
    benchmark:
        "results/{study}/benchmarks/fetch/{download}.tsv"
    wildcard_constraints:
        study=studies_of("dms"),
        download=one_of(PurePosixPath(path).name for path in WANTED),
    localrule: True
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(800),
        runtime=scaled(10),
    params:
        address=lambda wildcards: download(wildcards)["func_scores"],
        sha256=lambda wildcards: f"--sha256 {download(wildcards)['sha256']}" if download(wildcards)["sha256"] else "",
    shell:
        "proxsweep fetch {params.address:q} {params.sha256} --output {output:q} > {log:q} 2>&1"


rule preprocess:
    input:
        tables=lambda wildcards: jobs.table_paths(study_of(wildcards)),
        site_map=lambda wildcards: jobs.site_map(study_of(wildcards)),
        sequences=lambda wildcards: jobs.sequences(study_of(wildcards)),
        code=code_of("proxsweep.dms.data.preprocess"),
    output:
        variants="results/{study}/data/variants.csv",
        wildtypes="results/{study}/data/wildtypes.csv",
        report="results/{study}/data/preprocess.report.csv",
    log:
        "logs/{study}/preprocess.log",
    benchmark:
        "results/{study}/benchmarks/preprocess.tsv"
    wildcard_constraints:
        study=studies_of("dms"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(500, 25, "tables"),
        runtime=scaled(20),
    params:
        spec=as_json(jobs.data_spec, jobs.PREPROCESS_KEYS),
    shell:
        "proxsweep preprocess {input.tables:q} --spec {params.spec:q} --variants {output.variants:q}"
        " --wildtypes {output.wildtypes:q} --report {output.report:q} > {log:q} 2>&1"


rule encode:
    input:
        variants="results/{study}/data/variants.csv",
        wildtypes="results/{study}/data/wildtypes.csv",
        code=code_of("proxsweep.dms.data.encode"),
    output:
        encoding="results/{study}/encodings/replicate~{replicate}.npz",
        report="results/{study}/encodings/replicate~{replicate}.report.csv",
    log:
        "logs/{study}/encode/replicate~{replicate}.log",
    benchmark:
        "results/{study}/benchmarks/encode/replicate~{replicate}.tsv"
    wildcard_constraints:
        study=studies_of("dms"),
        replicate=one_of({label for study in OF_DMS for label in study.sweep["replicate"]}),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(500, 25, "variants"),
        runtime=scaled(20),
    params:
        spec=as_json(jobs.data_spec, jobs.ENCODE_KEYS),
    shell:
        "proxsweep encode --variants {input.variants:q} --wildtypes {input.wildtypes:q}"
        " --spec {params.spec:q} --replicate {wildcards.replicate:q} --encoding {output.encoding:q}"
        " --report {output.report:q} > {log:q} 2>&1"


rule data_report:
    input:
        preprocess="results/{study}/data/preprocess.report.csv",
        encode=lambda wildcards: expand(
            "results/{{study}}/encodings/replicate~{replicate}.report.csv",
            replicate=list(jobs.encodings(study_of(wildcards))),
        ),
    output:
        in_report("results/{study}/data/report.csv", "Data", "data_report", table="what happened to the data"),
    log:
        "logs/{study}/data_report.log",
    benchmark:
        "results/{study}/benchmarks/data_report.tsv"
    wildcard_constraints:
        study=studies_of("dms"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(300),
        runtime=scaled(5),
    shell:
        "proxsweep stack {input:q} --output {output:q} > {log:q} 2>&1"
