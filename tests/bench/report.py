"""The tables that people read, and the same as data. Pure: figures in, text out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from tests.bench.measure import RATE, STREAMS, Measured
from tests.bench.proc import Memory
from tests.bench.rows import LIMIT, REFERENCE, SLOW_TRANSPORT, Kind, Row
from tests.bench.summary import Round, Spread, difference, over_rounds, ratio
from tests.bench.wrk import CONNECTIONS

DISTURBED: Final = 0.05
"""Share of the machine that others may take before a row is called disturbed."""
_LATENCIES: Final = ("p50_ms", "p95_ms", "p99_ms")


@dataclass(frozen=True, slots=True)
class _Section:
    """A table of rows of one kind: what they cost, and either how many there were or how long they took.

    suffix: of the CPU figures' names.
    """

    kind: Kind
    heading: str
    suffix: str = ""
    per_second: str = ""
    latency: bool = False


_SECTIONS: Final = (
    _Section(
        "unary", f"Unary, as many as it takes ({CONNECTIONS} connections), per request", per_second="rps"
    ),
    _Section("unary", f"Unary, at {RATE} requests/s, per request", suffix="_at_rate", latency=True),
    _Section(
        "stream",
        f"Streams, {STREAMS} at once, per chunk; latency: of the first chunk",
        per_second="chunks_per_second",
        latency=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Run:
    """All that was found out.

    rounds: what each measured, in the order of the rows.
    memory: by process, at the end.
    notes: what the reader must know, e.g. that there is one transport only.
    """

    rows: Sequence[Row]
    rounds: Sequence[Sequence[Measured]]
    memory: Mapping[str, Memory]
    machine: Mapping[str, Any]
    notes: Sequence[str]

    @property
    def good(self) -> list[Round]:
        return [{one.row: one.figures for one in measured if not one.problem} for measured in self.rounds]

    @property
    def problems(self) -> dict[str, str]:
        """Row -> why it failed, the last time it did."""
        return {one.row: one.problem for measured in self.rounds for one in measured if one.problem}


def text(run: Run) -> str:
    parts = [_machine(run.machine), *run.notes, *(_section(run, section) for section in _SECTIONS)]
    parts += [_comparisons(run), _memory(run.memory), _disturbed(run), _failures(run)]
    return "\n\n".join(part for part in parts if part) + "\n"


def data(run: Run) -> dict[str, Any]:
    """Everything, raw and summed up, for JSON."""
    rounds = run.good
    return {
        "machine": dict(run.machine),
        "notes": list(run.notes),
        "rows": {row.name: _row_data(run, rounds, row) for row in run.rows},
        "comparisons": {name: asdict(spread) for name, spread in _compared(run).items()},
        "memory_mib": {name: asdict(memory) for name, memory in run.memory.items()},
        "rounds": [[asdict(one) for one in measured] for measured in run.rounds],
    }


def _row_data(run: Run, rounds: Sequence[Round], row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": row.kind, "site": row.site}
    if row.name in run.problems:
        found["failed"] = run.problems[row.name]
    found |= {name: asdict(spread) for name, spread in over_rounds(rounds, row.name).items()}
    reference = REFERENCE[row.kind]
    related = {
        **{
            f"{what}_times_plain{suffix}": ratio(rounds, row.name, reference, f"{what}_us{suffix}")
            for suffix in ("", "_at_rate")
            for what in ("total", "envoy")
        },
        **{f"added_{p}": difference(rounds, row.name, reference, p) for p in _LATENCIES},
    }
    return found | {name: asdict(spread) for name, spread in related.items() if spread}


def _section(run: Run, section: _Section) -> str:
    rows = [row for row in run.rows if row.kind == section.kind]
    if not rows:
        return ""
    columns = ["", "Envoy µs", "Python µs", "CPU × plain", "min–max", "Envoy × plain"]
    columns += ["a second"] if section.per_second else []
    columns += ["p50 ms", "p95", "p99", "+p50", "+p95", "+p99"] if section.latency else []
    return f"{section.heading}\n\n{_table([columns, *(_line(run, section, row) for row in rows)])}"


def _line(run: Run, section: _Section, row: Row) -> list[str]:
    if row.name in run.problems:
        return [row.name, "FAILED"]
    rounds, reference, suffix = run.good, REFERENCE[row.kind], section.suffix
    figures = over_rounds(rounds, row.name)
    cpu = ratio(rounds, row.name, reference, f"total_us{suffix}")
    cells = [
        row.name,
        _number(figures.get(f"envoy_us{suffix}"), 1),
        _number(figures.get(f"python_us{suffix}"), 1),
        _number(cpu, 2),
        f"{cpu.low:.2f}–{cpu.high:.2f}" if cpu else "–",
        _number(ratio(rounds, row.name, reference, f"envoy_us{suffix}"), 2),
    ]
    if section.per_second:
        cells.append(_number(figures.get(section.per_second), 0))
    if section.latency:
        added = [difference(rounds, row.name, reference, name) for name in _LATENCIES]
        cells += [_number(figures.get(name), 2) for name in _LATENCIES]
        cells += [_number(spread, 2, sign="+") for spread in added]
    return cells


def _compared(run: Run) -> dict[str, Spread]:
    """The ratios between our own rows, and to the transcoder."""
    named = {row.name for row in run.rows}
    found: dict[str, Spread | None] = {}
    for row in run.rows:
        slow, limit = f"{row.base}@{SLOW_TRANSPORT}", LIMIT.get(row.base)
        if row.name != slow and slow in named:
            for what in ("python", "total"):
                found |= _ratios(run, row, slow, what)
        if limit in named:
            found |= _ratios(run, row, limit, "total")
    return {name: spread for name, spread in found.items() if spread}


def _ratios(run: Run, row: Row, reference: str, what: str) -> dict[str, Spread | None]:
    label = f"{what} CPU, {row.name} / {reference}"
    found = {label: ratio(run.good, row.name, reference, f"{what}_us")}
    if row.kind == "unary":
        found[f"{label}, at {RATE}/s"] = ratio(run.good, row.name, reference, f"{what}_us_at_rate")
    return found


def _comparisons(run: Run) -> str:
    lines = [
        [name, f"{spread.median:.2f}", f"{spread.low:.2f}–{spread.high:.2f}"]
        for name, spread in _compared(run).items()
    ]
    return "Compared\n\n" + _table([["", "ratio", "min–max"], *lines]) if lines else ""


def _memory(found: Mapping[str, Memory]) -> str:
    lines = [
        [name, *(f"{value:.1f}" for value in (one.resident, one.peak, one.private))]
        for name, one in found.items()
    ]
    return "Memory at the end, MiB\n\n" + _table([["", "resident", "peak", "private"], *lines])


def _disturbed(run: Run) -> str:
    """Where processes that are not of the stand were busy meanwhile."""
    worst = {
        row.name: max(figures[row.name]["others"] for figures in run.good if row.name in figures)
        for row in run.rows
        if row.name not in run.problems
    }
    disturbed = [f"{name} {share:.0%}" for name, share in worst.items() if share > DISTURBED]
    return f"Others used the machine meanwhile, measure again: {', '.join(disturbed)}" if disturbed else ""


def _failures(run: Run) -> str:
    return "\n".join(f"FAILED {name}: {problem}" for name, problem in run.problems.items())


def _machine(machine: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in machine.items())


def _number(value: Spread | None, digits: int, sign: str = "") -> str:
    return f"{value.median:{sign}.{digits}f}" if value else "–"


def _table(lines: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the first to the left, the rest to the right."""
    columns = max(map(len, lines))
    padded = [[*line, *[""] * (columns - len(line))] for line in lines]
    widths = [max(len(line[column]) for line in padded) for column in range(columns)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in padded
    )
