rule replicate_signs:
    input:
        fits="results/{study}/fits.csv",
        code=code_of("proxsweep.dms.results.replicate_signs"),
    output:
        report(
            "results/{study}/tables/replicate_signs.csv",
            caption="../report/replicate_signs.rst",
            category="Confidence",
            labels={"study": "{study}", "table": "signs in pairs of replicates"},
        ),
    log:
        "logs/{study}/replicate_signs.log",
    benchmark:
        "results/{study}/benchmarks/replicate_signs.tsv"
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
    params:
        least=lambda wildcards: STUDIES[wildcards.study].summaries["min_times_seen"],
    shell:
        "proxsweep replicate-signs --fits {input.fits:q} --min-times-seen {params.least} --output {output:q} > {log:q} 2>&1"


rule false_discovery:
    input:
        fits="results/{study}/fits.csv",
        signs="results/{study}/tables/replicate_signs.csv",
        chosen="results/{study}/chosen.csv",
        truth=truth_of,
        report="results/{study}/data/report.csv",
        notebook=str(HERE / "notebooks/dms/false_discovery.ipynb"),
        code=code_of("notebooks/dms/false_discovery.ipynb"),
    output:
        notebook="results/{study}/notebooks/false_discovery.ipynb",
        table=report(
            "results/{study}/tables/false_discovery.csv",
            caption="../report/false_discovery.rst",
            category="Confidence",
            labels={"study": "{study}", "table": "false shifts by stop codons"},
        ),
        pairs="results/{study}/tables/false_discovery_pairs.csv",
        svg=report(
            "results/{study}/figures/false_discovery.svg",
            caption="../report/false_discovery.rst",
            category="Confidence",
            labels={"study": "{study}", "figure": "false shifts"},
        ),
        png="results/{study}/figures/false_discovery.png",
    log:
        "logs/{study}/false_discovery.log",
    benchmark:
        "results/{study}/benchmarks/false_discovery.tsv"
    retries: retried(1)
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
        attempt=this_attempt,
    params:
        parameters=false_discovery_parameters,
        kept="logs/{study}/false_discovery.ipynb",
    shell:
        RUN_NOTEBOOK


rule shifts:
    input:
        fits="results/{study}/fits.csv",
        chosen="results/{study}/chosen.csv",
        code=code_of("proxsweep.dms.results.shifts"),
    output:
        report(
            "results/{study}/shifts.csv",
            caption="../report/shifts.rst",
            category="Confidence",
            labels={"study": "{study}", "table": "shifts at the chosen weight"},
        ),
    log:
        "logs/{study}/shifts.log",
    benchmark:
        "results/{study}/benchmarks/shifts.tsv"
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
    shell:
        "proxsweep shifts --fits {input.fits:q} --chosen {input.chosen:q} --output {output:q} > {log:q} 2>&1"
