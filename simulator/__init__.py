"""A simulator of LLM providers: their wire formats, their strictness, and their failures on demand.

``python -m simulator --port 9100`` serves; `running` starts one from Python. One process plays any
number of accounts: ``/openai-a/v1/chat/completions`` and ``/claude/v1/messages`` are the accounts
``openai-a`` and ``claude``. Answers are functions of the request (answer.py, directives.py), faults
are set per account (faults.py), and every request is recorded (recorder.py, control.py).
"""

from simulator.running import Simulator, running

__all__ = ["Simulator", "running"]
