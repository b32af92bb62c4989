"""Real processes under faults, judged from outside; see scripts/chaos --help and docs/reliability.md."""
