"""Counters of the request path."""

from __future__ import annotations

import os
import subprocess
import sys

from prometheus_client import REGISTRY

from extproc import metrics


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_each_unsupported_field_counts():
    def seen(field: str) -> float:
        return value("llm_gateway_unsupported_fields_total", provider="m-claude", field=field)

    metrics.unsupported("m-claude", ("seed", "other"))
    metrics.unsupported("m-claude", ("seed",))
    assert (seen("seed"), seen("other")) == (2, 1)


def test_failed_attempts_count_by_what_became_of_them():
    def seen(status: str, committed: str) -> float:
        name = "llm_gateway_attempt_failures_total"
        return value(name, provider="m-claude", status=status, committed=committed)

    metrics.attempt_failed("m-claude", 502, committed=False)
    metrics.attempt_failed("m-claude", 502, committed=True)
    metrics.attempt_failed("m-claude", 502, committed=True)
    assert (seen("502", "false"), seen("502", "true"), seen("429", "false")) == (1, 2, 0)


def test_bugs_count():
    before = value("llm_gateway_internal_errors_total")
    metrics.bug()
    assert value("llm_gateway_internal_errors_total") == before + 1


def test_workers_leave_their_counts_where_the_admin_listener_adds_them_up(tmp_path):
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    count = [sys.executable, "-c", "from extproc import metrics; metrics.bug()"]
    for _ in range(2):
        subprocess.run(count, env=environment, check=True)
    read = (
        "from prometheus_client import CollectorRegistry, generate_latest, multiprocess\n"
        "registry = CollectorRegistry()\n"
        "multiprocess.MultiProcessCollector(registry)\n"
        "print(generate_latest(registry).decode())"
    )
    told = subprocess.run(
        [sys.executable, "-c", read], env=environment, check=True, capture_output=True, text=True
    )
    assert "llm_gateway_internal_errors_total 2.0" in told.stdout
