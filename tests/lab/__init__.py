"""The laboratory: real hosts with systemd and ssh on one machine, and the faults that befall them. See docs/lab.md."""
