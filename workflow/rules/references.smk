rule shifts_by_reference:
    input:
        fits="results/{study}/fits.csv",
        chosen="results/{study}/chosen.csv",
        code=code_of("proxsweep.dms.results.shifts_by_reference"),
    output:
        report(
            "results/{study}/tables/shifts_by_reference.csv",
            caption="../report/shifts_by_reference.rst",
            category="References",
            labels={"study": "{study}", "table": "shifts read under every reference"},
        ),
    log:
        "logs/{study}/shifts_by_reference.log",
    benchmark:
        "results/{study}/benchmarks/shifts_by_reference.tsv"
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
    shell:
        "proxsweep shifts-by-reference --fits {input.fits:q} --chosen {input.chosen:q} --output {output:q} > {log:q} 2>&1"


rule references:
    input:
        fits="results/{study}/fits.csv",
        refits=lambda wildcards: list(refits_of(wildcards).values()),
        report="results/{study}/data/report.csv",
        notebook=str(HERE / "notebooks/dms/references.ipynb"),
        code=code_of("notebooks/dms/references.ipynb"),
    output:
        notebook="results/{study}/notebooks/references.ipynb",
        table=report(
            "results/{study}/tables/references.csv",
            caption="../report/references.rst",
            category="References",
            labels={"study": "{study}", "table": "fits and refits under other references"},
        ),
        svg=report(
            "results/{study}/figures/references.svg",
            caption="../report/references.rst",
            category="References",
            labels={"study": "{study}", "figure": "fits and refits under other references"},
        ),
        png="results/{study}/figures/references.png",
    log:
        "logs/{study}/references.log",
    benchmark:
        "results/{study}/benchmarks/references.tsv"
    retries: retried(1)
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
        attempt=this_attempt,
    params:
        parameters=references_parameters,
        kept="logs/{study}/references.ipynb",
    shell:
        RUN_NOTEBOOK
