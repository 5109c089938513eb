# The workflow stands in workflow/; this file lets `snakemake` find it, and its profiles, from here. The default target is
# named here because Snakemake forgets that of an included file.
include: "workflow/Snakefile"


rule all:
    input:
        results(),
