"""What a request costs: CPU, latency and memory of the gateway, next to a plain Envoy in the same run.

``python -m tests.bench`` or ``make bench``; docs/performance.md says how to read it.
"""
