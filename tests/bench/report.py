"""The tables that people read, and the same as data. Pure: figures in, text out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from tests.bench.measure import RATE, STREAMS, Measured
from tests.bench.proc import Memory
from tests.bench.rows import LIMIT, REFERENCE, SLOW_TRANSPORT, Kind, Row
from tests.bench.summary import Round, Spread, difference, over_rounds, ratio

_HEADINGS: Final[dict[Kind, str]] = {
    "unary": f"Unary, per request (CPU and req/s: closed loop; latency: {RATE}/s)",
    "stream": f"Streams, per chunk ({STREAMS} streams at once; latency: of the first chunk)",
}
_COLUMNS: Final = (
    *("Envoy µs", "Python µs", "CPU × plain", "min–max", "Envoy × plain"),
    *("a second", "p50 ms", "p95", "p99", "+p50", "+p95", "+p99"),
)
_PER_SECOND: Final[dict[Kind, str]] = {"unary": "rps", "stream": "chunks_per_second"}


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
    kinds: tuple[Kind, ...] = ("unary", "stream")
    parts = [_machine(run.machine), *run.notes]
    parts += [_kind_table(run, kind) for kind in kinds if any(row.kind == kind for row in run.rows)]
    parts += [part for part in (_comparisons(run), _memory(run.memory), _failures(run)) if part]
    return "\n\n".join(parts) + "\n"


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
        "cpu_times_plain": ratio(rounds, row.name, reference, "total_us"),
        "envoy_times_plain": ratio(rounds, row.name, reference, "envoy_us"),
        **{f"added_{p}": difference(rounds, row.name, reference, p) for p in _LATENCIES},
    }
    return found | {name: asdict(spread) for name, spread in related.items() if spread}


_LATENCIES: Final = ("p50_ms", "p95_ms", "p99_ms")


def _kind_table(run: Run, kind: Kind) -> str:
    lines = [_line(run, row) for row in run.rows if row.kind == kind]
    return f"{_HEADINGS[kind]}\n\n{_table([['', *_COLUMNS], *lines])}"


def _line(run: Run, row: Row) -> list[str]:
    if row.name in run.problems:
        return [row.name, "FAILED"]
    rounds, reference = run.good, REFERENCE[row.kind]
    figures = over_rounds(rounds, row.name)
    cpu = ratio(rounds, row.name, reference, "total_us")
    return [
        row.name,
        _number(figures.get("envoy_us"), 1),
        _number(figures.get("python_us"), 1),
        _number(cpu, 2),
        f"{cpu.low:.2f}–{cpu.high:.2f}" if cpu else "–",
        _number(ratio(rounds, row.name, reference, "envoy_us"), 2),
        _number(figures.get(_PER_SECOND[row.kind]), 0),
        *(_number(figures.get(name), 2) for name in _LATENCIES),
        *(_number(difference(rounds, row.name, reference, name), 2, sign="+") for name in _LATENCIES),
    ]


def _compared(run: Run) -> dict[str, Spread]:
    """The ratios between our own rows, and to the transcoder."""
    rounds, named = run.good, {row.name for row in run.rows}
    found: dict[str, Spread | None] = {}
    for row in run.rows:
        slow = f"{row.base}@{SLOW_TRANSPORT}"
        if row.site.startswith("gateway@") and row.name != slow and slow in named:
            for what in ("python", "total"):
                found[f"{what} CPU, {row.name} / {slow}"] = ratio(rounds, row.name, slow, f"{what}_us")
        limit = LIMIT.get(row.base)
        if limit in named:
            found[f"total CPU, {row.name} / {limit}"] = ratio(rounds, row.name, limit, "total_us")
    return {name: spread for name, spread in found.items() if spread}


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
