rule page:
    input:
        fits="results/{study}/fits.csv",
        chosen="results/{study}/chosen.csv",
        template=sorted(str(path) for path in (SCRIPTS / "proxsweep/dms/page").glob("*.*") if path.suffix != ".py"),
        code=code_of("proxsweep.dms.page.page"),
    output:
        report(
            "results/{study}/page.html",
            caption="../report/page.rst",
            category="Shifts",
            labels={"study": "{study}", "page": "effects and shifts by site, interactive"},
        ),
    log:
        "logs/{study}/page.log",
    benchmark:
        "results/{study}/benchmarks/page.tsv"
    conda:
        "../../envs/proxsweep.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=scaled(5),
    shell:
        "proxsweep page --fits {input.fits:q} --chosen {input.chosen:q} --output {output:q} > {log:q} 2>&1"
