"""An Explanation as aligned text, for a terminal at 3 a.m."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from controlplane import describe
from controlplane.explain import Account, Attempt, Explanation, Order

_LABEL: Final = 11
"""Width of the left column."""


def explanation_text(explanation: Explanation) -> str:
    """Several lines, without one at the end."""
    sections = (
        ("model", [_model(explanation)]),
        ("endpoint", [explanation.endpoint]),
        ("path", [describe.path(explanation.why_ext_proc)]),
        ("targets", _targets(explanation)),
        ("price", _prices(explanation)),
        ("tried", _orders(explanation.orders)),
        ("retry", explanation.retry.lines()),
        ("timeouts", _timeouts(explanation)),
        ("providers", _columns([_account(account) for account in explanation.accounts])),
        ("unsupported", [f"{explanation.unsupported_fields}, for fields that the target cannot honour"]),
        ("envoy", _envoy(explanation)),
    )
    return "\n".join(line for label, lines in sections for line in _section(label, lines))


def _section(label: str, lines: Iterable[str]) -> Iterator[str]:
    for index, line in enumerate(lines):
        yield f"{label if index == 0 else '':{_LABEL}} {line}".rstrip()


def _model(explanation: Explanation) -> str:
    kind = "stream" if explanation.stream else "no stream"
    if explanation.star is None:
        return f"{explanation.model}  (exact name; {kind})"
    return f"{explanation.model}  (longest pattern: {explanation.matched}, * is {explanation.star!r}; {kind})"


def _targets(explanation: Explanation) -> list[str]:
    return _columns(
        [
            attempt.leaf,
            attempt.model,
            attempt.wire_format,
            " ".join(attempt.addresses),
            f"key in {attempt.credential}" if attempt.credential else "no key",
        ]
        for attempt in explanation.attempts
    )


def _prices(explanation: Explanation) -> list[str]:
    return _columns([attempt.leaf, _price(attempt)] for attempt in explanation.attempts)


def _price(attempt: Attempt) -> str:
    window = attempt.context_window
    context = "" if window is None else f"; context of {window} tokens"
    return describe.price(attempt.price) + context


def _orders(orders: Sequence[Order]) -> list[str]:
    return _columns([_share(order, len(orders)), " > ".join(order.leaves)] for order in orders)


def _share(order: Order, orders: int) -> str:
    return "always" if orders == 1 else f"{describe.percent(order.weight, order.of)} (weight {order.weight})"


def _timeouts(explanation: Explanation) -> list[str]:
    timeouts = explanation.timeouts
    rows = [["whole request", describe.duration(timeouts.request)]]
    if explanation.stream:
        rows.append(["first content", f"{describe.duration(timeouts.first_token)} for each attempt"])
        rows.append(["between pieces", describe.duration(timeouts.idle)])
    rows.append(["silence", describe.duration(timeouts.silence)])
    return _columns(rows)


def _account(account: Account) -> list[str]:
    most = account.max_concurrent_requests
    parts = [
        f"connect {describe.duration(account.connect_timeout)}",
        f"answer {describe.duration(account.request_timeout)}",
        "any number at once" if most is None else f"{most} at once",
        f"breaker {describe.breaker(account.breaker)}",
    ]
    if account.health_check is not None:
        parts.append(f"health {describe.health_check(account.health_check)}")
    return [account.provider, "; ".join(parts)]


def _envoy(explanation: Explanation) -> list[str]:
    clusters = dict.fromkeys(
        [
            *(order.cluster for order in explanation.orders),
            *(attempt.cluster for attempt in explanation.attempts),
        ]
    )
    return _columns([["route", explanation.route], *(["cluster", name] for name in clusters)])


def _columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows with their cells one under the other."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
