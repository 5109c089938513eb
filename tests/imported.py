"""Imported once, before runs of Snakemake are forked: Snakemake itself, and the plugins that it looks for."""

import snakemake.cli

snakemake.cli.get_argument_parser()
