"""The `halfopen` command: one module for each group of subcommands."""
