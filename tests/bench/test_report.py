"""The table, and the same as data."""

from __future__ import annotations

import json

from tests.bench import report
from tests.bench.measure import Measured
from tests.bench.proc import Memory
from tests.bench.rows import rows


def unary(row: str, envoy: float, python: float, others: float = 0.0) -> Measured:
    figures = {"envoy_us": envoy, "python_us": python, "total_us": envoy + python, "rps": 1000.0}
    at_rate = {f"{name}_at_rate": 2 * figures[name] for name in ("envoy_us", "python_us", "total_us")}
    latency = {f"p{rank}_ms": envoy / 100 for rank in (50, 95, 99)}
    return Measured(row, {**figures, **at_rate, **latency, "others": others})


def make(*measured: Measured) -> report.Run:
    everything = {row.name: row for row in rows(["h2", "grpcio"])}
    return report.Run(
        rows=[everything[one.row] for one in measured],
        rounds=[measured],
        memory={"Envoy plain": Memory(70.0, 71.5, 20.0)},
        machine={"cores": 2},
        notes=["a note"],
    )


RUN = make(
    unary("plain-unary", 100, 0),
    unary("translated-unary@h2", 200, 100),
    unary("translated-unary@grpcio", 250, 400),
    unary("transcoder-unary", 150, 0),
)


def test_the_text() -> None:
    lines = report.text(RUN).splitlines()
    assert lines[:3] == ["cores 2", "", "a note"]
    assert [line.split()[1:] for line in lines if line.startswith("translated-unary@h2")] == [
        ["200.0", "100.0", "3.00", "3.00–3.00", "2.00", "1000"],
        ["400.0", "200.0", "3.00", "3.00–3.00", "2.00", *["2.00"] * 3, *["+1.00"] * 3],
    ]
    assert [line.split("  ")[0] for line in lines if line.endswith("2.00–2.00")] == [
        "total CPU, translated-unary@h2 / transcoder-unary",
        "total CPU, translated-unary@h2 / transcoder-unary, at 200/s",
    ]
    assert "python CPU, translated-unary@h2 / translated-unary@grpcio" in report.text(RUN)
    assert lines[-1].split() == ["Envoy", "plain", "70.0", "71.5", "20.0"]
    assert not any(line.startswith("Streams") for line in lines)


def test_a_row_that_failed_has_its_reason() -> None:
    run = make(unary("plain-unary", 100, 0), Measured("native-unary", {}, "3 of 200 requests failed"))
    text = report.text(run)
    assert text.endswith("FAILED native-unary: 3 of 200 requests failed\n")
    assert [line.split() for line in text.splitlines() if line.startswith("native-unary")] == [
        ["native-unary", "FAILED"]
    ] * 2
    assert report.data(run)["rows"]["native-unary"]["failed"] == "3 of 200 requests failed"


def test_a_failed_reference_leaves_ratios_open() -> None:
    run = make(Measured("plain-unary", {}, "no"), unary("native-unary", 100, 0))
    assert [line.split()[3:6] for line in report.text(run).splitlines() if line.startswith("native")] == [
        ["–", "–", "–"]
    ] * 2


def test_rows_that_others_disturbed_are_named() -> None:
    text = report.text(make(unary("plain-unary", 100, 0, others=0.31), unary("native-unary", 100, 0, 0.01)))
    assert text.endswith("measure again: plain-unary 31%\n")


def test_the_data_is_json_and_whole() -> None:
    data = json.loads(json.dumps(report.data(RUN)))
    row = data["rows"]["translated-unary@h2"]
    assert row["total_times_plain"] == {"median": 3.0, "low": 3.0, "high": 3.0}
    assert row["added_p99_ms"]["median"] == 1.0
    assert row["envoy_us_at_rate"]["median"] == 400.0
    assert data["memory_mib"]["Envoy plain"]["resident"] == 70.0
    assert data["rounds"][0][0]["figures"]["rps"] == 1000.0
