# One rule for every summary of every family, from its declaration. Functions take the loop's value as a default: they
# are called after the loop has ended. Where a profile groups jobs, a summary is in the group of `collect`.
for family, summary in [(family, summary) for family in SUMMARIES for summary in SUMMARIES[family]]:

    rule:
        name:
            f"{PREFIXES[family]}{summary.name}"
        input:
            unpack(lambda wildcards, summary=summary: summaries.inputs(summary, STUDIES[wildcards.study])),
            notebook=str(HERE / summaries.notebook(summary, family)),
            code=code_of(summaries.notebook(summary, family)),
        output:
            **summary_files(summary),
        log:
            f"logs/{{study}}/{summary.name}.log",
        benchmark:
            f"results/{{study}}/benchmarks/{summary.name}.tsv"
        wildcard_constraints:
            study=one_of(name for name, study in STUDIES.items() if study.family == family),
        retries: retried(1)
        group:
            lambda wildcards: workflow.group_settings.overwrite_groups.get("collect")
        conda:
            "../../envs/proxsweep.yaml"
        threads: 1
        resources:
            mem_mb=memory(1000),
            runtime=scaled(5),
            attempt=this_attempt,
        params:
            parameters=lambda wildcards, summary=summary: json.dumps(
                summaries.parameters(summary, STUDIES[wildcards.study])
            ),
            kept=f"logs/{{study}}/{summary.name}.ipynb",
        shell:
            RUN_NOTEBOOK
