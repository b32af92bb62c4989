"""The figures of docs/benchmarks.md. Run by scripts/bench."""
