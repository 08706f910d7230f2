"""What the types cannot say about models.

References are checked on the raw text, so that a wrong key elsewhere in a model does not hide a wrong name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from controlplane.config.check_providers import not_longer
from controlplane.config.problems import ConfigPath, quote, suggestion
from controlplane.config.report import Report
from controlplane.config.schema import MODEL_NAME
from controlplane.config.schema_models import LATER_STRATEGIES, ModelConfig
from controlplane.config.sections import NOT_SUPPORTED


def check_model_name(name: str, path: ConfigPath, report: Report) -> None:
    if "*" in name[:-1]:
        report.key_problem(path, "a model's name has one '*' at most, and that at its end")
    elif not name or not re.fullmatch(MODEL_NAME, name):
        report.key_problem(path, "a model's name is 1 to 256 visible ASCII characters without spaces")


def check_references(
    name: str, raw: object, path: ConfigPath, providers: Collection[str] | None, report: Report
) -> None:
    """Providers that exist (`providers` is None where they are not known), stars that stand for something."""
    for where, provider, target_model, whole in _references(raw, path):
        if provider is not None and providers is not None and provider not in providers:
            at = where if whole else (*where, "provider")
            report.problem(at, f"no provider named {quote(provider)}{suggestion(provider, providers)}")
        if target_model is not None and "*" in target_model:
            at = where if whole else (*where, "model")
            if "*" in target_model[:-1]:
                report.problem(at, "a target's model has one '*' at most, and that at its end")
            elif not name.endswith("*"):
                report.problem(at, f"a '*' here needs one at the end of the model's name ({quote(name)})")


def _references(raw: object, path: ConfigPath) -> Iterator[tuple[ConfigPath, str | None, str | None, bool]]:
    """(path, provider, model, is the path the whole text) of each target, as far as it can be read."""
    if not isinstance(raw, Mapping):
        return
    if isinstance(target := raw.get("target"), str):
        provider, _, model = target.partition("/")
        if provider and model:  # else the type refuses it
            yield (*path, "target"), provider, model, True
    targets = raw.get("targets")
    for index, entry in enumerate(targets if isinstance(targets, tuple) else ()):
        if isinstance(entry, Mapping):
            yield (*path, "targets", index), _text(entry.get("provider")), _text(entry.get("model")), False


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def check_model(model: ModelConfig, path: ConfigPath, report: Report) -> None:
    if model.target is None and model.targets is None:
        report.problem(path, "needs target or targets")
    if model.target is not None and model.targets is not None:
        report.problem((*path, "targets"), "target is given too; keep one of the two")
    if model.strategy in LATER_STRATEGIES:
        report.problem((*path, "strategy"), f"{quote(model.strategy)} is {NOT_SUPPORTED}")
    _check_weights(model, path, report)
    backoff = model.retry.backoff
    not_longer((*path, "retry", "backoff", "base"), backoff.base, "max", backoff.max, report)
    not_longer((*path, "first_token_timeout"), model.first_token_timeout, "timeout", model.timeout, report)


def _check_weights(model: ModelConfig, path: ConfigPath, report: Report) -> None:
    sums: defaultdict[int, int] = defaultdict(int)
    for index, target in enumerate(model.targets or ()):
        sums[target.priority] += 1 if target.weight is None else target.weight
        if target.weight is not None and model.strategy == "round_robin":
            report.problem(
                (*path, "targets", index, "weight"), "round_robin takes no weights; use strategy: weighted"
            )
    for priority, total in sums.items():
        if total == 0:
            report.problem(
                (*path, "targets"), f"the weights of priority {priority} are all 0; one must be more"
            )
