rule ridge_encode:
    input:
        table=lambda wildcards: study_of(wildcards).data["table"],
        code=code_of("proxsweep.ridge.fit"),
    output:
        encoding="results/{study}/data/encoding.npz",
        report="results/{study}/data/report.csv",
    log:
        "logs/{study}/encode.log",
    benchmark:
        "results/{study}/benchmarks/encode.tsv"
    wildcard_constraints:
        study=studies_of("ridge"),
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(300),
        runtime=scaled(5),
    params:
        response=lambda wildcards: study_of(wildcards).data["response"],
    shell:
        "proxsweep ridge-encode --table {input.table:q} --response {params.response:q}"
        " --encoding {output.encoding:q} --report {output.report:q} > {log:q} 2>&1"
