"""Parts of a plan in words, as `explain` and `diff` print them. No word here comes from a secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from controlplane.catalogue.prices import Price
from controlplane.config.values import format_duration
from controlplane.plan import Breaker, HealthCheck, Leaf, ModelPlan, Retry
from controlplane.xds.routes import back_off, fails_over
from extproc.contract.target import DialectName, versioned_path

NO_LIMIT = "no limit"


def duration(seconds: float | None) -> str:
    """``1m30s``; None is a limit that is not set."""
    return NO_LIMIT if seconds is None else format_duration(timedelta(seconds=seconds))


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3g} %"


def ranges(numbers: Iterable[int]) -> str:
    """``429, 502-504``: runs of three and more are drawn together."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = (f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)  # noqa: PLR2004
    return ", ".join(texts)


def addresses(leaf: Leaf) -> tuple[str, ...]:
    """Where requests go, ``scheme://host:port/path`` for each endpoint."""
    scheme = "https" if leaf.tls else "http"
    path = leaf.target.base_path
    if leaf.target.api_version:
        before, query = versioned_path(path, leaf.target.api_version, "")
        path = f"{before}*{query}"
    return tuple(
        f"{scheme}://{f'[{end.host}]' if ':' in end.host else end.host}:{end.port}{path}"
        for end in leaf.endpoints
    )


def price(given: Price | None) -> str:
    """What tokens cost, in USD, and who says so."""
    if given is None:
        return "not known"
    amounts = {"input": given.input, "output": given.output, "cached input": given.cached_input}
    known = ", ".join(f"{name} {amount:g}" for name, amount in amounts.items() if amount is not None)
    more = "" if given.long_prompts is None else f", otherwise from {given.long_prompts} tokens of input on"
    return f"{known} USD per million tokens{more} ({given.source})"


def path(why_ext_proc: str | None) -> str:
    """Who carries a model's requests, and why."""
    return "native: Envoy carries it alone" if why_ext_proc is None else f"ext_proc: {why_ext_proc}"


def by_dialect(texts: Mapping[DialectName, str]) -> str:
    """What is said of each dialect; once, where the same is said of all."""
    dialects: dict[str, list[str]] = {}
    for dialect, text in texts.items():
        dialects.setdefault(text, []).append(dialect)
    if len(dialects) == 1:
        return next(iter(dialects))
    return "; ".join(f"{text} ({', '.join(names)})" for text, names in dialects.items())


@dataclass(frozen=True, slots=True)
class RetryFacts:
    """What follows a failed attempt, as Envoy will do it.

    attempts: the first included. back_off: first and longest wait, in seconds.
    """

    attempts: int
    on: tuple[str, ...]
    statuses: tuple[int, ...]
    next_target: bool
    back_off: tuple[float, float]
    honors_retry_after: bool

    @classmethod
    def of(cls, model: ModelPlan) -> RetryFacts:
        return cls(
            attempts=model.retry.attempts,
            on=_conditions(model.retry),
            statuses=model.retry.statuses,
            next_target=fails_over(model),
            back_off=back_off(model),
            honors_retry_after=model.retry.honor_retry_after and not fails_over(model),
        )

    def lines(self) -> tuple[str, ...]:
        if self.attempts == 1:
            return ("none: 1 attempt",)
        first, longest = map(duration, self.back_off)
        wait = f"after {first}" if first == longest else f"after {first}, later up to {longest}"
        if self.honors_retry_after:
            wait += ", or what the provider's retry-after says"
        target = "each at the next target" if self.next_target else "all at this target"
        return f"{self.attempts} attempts, {target}, {wait}", f"on {'; '.join(self.on)}"


def _conditions(retry: Retry) -> tuple[str, ...]:
    conditions = []
    if retry.connect:
        conditions.append("no connection")
    if retry.resets:
        conditions.append("reset or time-out before the answer")
    if retry.statuses:
        conditions.append(f"status {ranges(retry.statuses)}")
    return tuple(conditions)


def breaker(known: Breaker) -> str:
    span = f"{duration(known.open_for)} to {duration(known.max_open_for)}"
    return f"after {known.consecutive_errors} errors in a row, for {span}"


def health_check(check: HealthCheck | None) -> str:
    if check is None:
        return "none"
    return f"GET {check.path} every {duration(check.interval)}, {duration(check.timeout)} to answer"
