"""``/_sim/*``: what tests ask of the simulator.

GET /_sim/requests[?account=]       what arrived              DELETE  forget it
GET /_sim/faults                    the faults in force       POST    add one or a list; DELETE [?account=]
GET /_sim/accounts                  configured accounts       POST    configure one or a list; DELETE
GET /_sim/health                    200
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from simulator.faults import FaultBook
from simulator.recorder import Recorder
from simulator.wire import Account

PREFIX: Final = "/_sim/"


class AccountSettings(msgspec.Struct, forbid_unknown_fields=True):
    """What ``POST /_sim/accounts`` takes; see wire.Account."""

    account: str
    api_key: str | None = None
    models: tuple[str, ...] = Account(name="").models
    allow_unknown_fields: bool = False


class Control:
    """The state that tests can see and change."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.faults = FaultBook()
        self._accounts: dict[str, AccountSettings] = {}
        self._actions: dict[tuple[str, str], Callable[[Mapping[str, str], bytes], Any]] = {
            ("GET", "requests"): lambda query, _: self.recorder.show(query.get("account")),
            ("DELETE", "requests"): lambda _, __: self.recorder.clear(),
            ("GET", "faults"): lambda _, __: self.faults.show(),
            ("POST", "faults"): lambda _, body: {"ids": self.faults.add(body)},
            ("DELETE", "faults"): lambda query, _: self.faults.clear(query.get("account")),
            ("GET", "accounts"): lambda _, __: [
                msgspec.to_builtins(each) for each in self._accounts.values()
            ],
            ("POST", "accounts"): lambda _, body: self._configure(body),
            ("DELETE", "accounts"): lambda _, __: self._accounts.clear(),
            ("GET", "health"): lambda _, __: None,
        }

    def account(self, name: str) -> Account:
        """The account called `name`; any exists."""
        settings = self._accounts.get(name)
        if settings is None:
            return Account(name=name)
        return Account(
            name=name,
            api_key=settings.api_key,
            models=settings.models,
            allow_unknown_fields=settings.allow_unknown_fields,
        )

    def handle(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """Status and JSON for a request whose path begins with PREFIX."""
        action = self._actions.get((method, path.removeprefix(PREFIX)))
        if action is None:
            return 404, {"error": f"no such thing: {method} {path}"}
        try:
            return 200, action(query, body)
        except msgspec.DecodeError as error:
            return 400, {"error": str(error)}

    def _configure(self, body: bytes) -> None:
        value = msgspec.json.decode(body)
        settings = msgspec.convert(value if isinstance(value, list) else [value], list[AccountSettings])
        self._accounts |= {each.account: each for each in settings}
