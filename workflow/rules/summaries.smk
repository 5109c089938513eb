# One rule for every summary of every family, from its declaration. Functions take the loop's value as a default: they
# are called after the loop has ended. Where a profile groups jobs, a summary is in the group of `collect`.
for name, summary in [(name, summary) for name, own in FAMILIES.items() for summary in own.summaries]:

    rule:
        name:
            f"{PREFIXES[name]}{summary.name}"
        input:
            unpack(lambda wildcards, summary=summary: summaries.inputs(summary, study_of(wildcards))),
            notebook=str(HERE / summaries.notebook(summary, name)),
            code=code_of(summaries.notebook(summary, name)),
        output:
            **summary_files(summary),
        log:
            f"logs/{{study}}/{summary.name}.log",
        benchmark:
            f"results/{{study}}/benchmarks/{summary.name}.tsv"
        wildcard_constraints:
            study=studies_of(name),
        retries: retried(1)
        group:
            group_of("collect")
        conda:
            "../../envs/proxsweep.yaml"
        threads: 1
        resources:
            mem_mb=memory(1000),
            runtime=scaled(5),
            attempt=this_attempt,
        params:
            parameters=lambda wildcards, summary=summary: json.dumps(summaries.parameters(summary, study_of(wildcards))),
            kept=f"logs/{{study}}/{summary.name}.ipynb",
        shell:
            RUN_NOTEBOOK
