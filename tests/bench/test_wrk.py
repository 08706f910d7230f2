"""What wrk is told, and what it says."""

from __future__ import annotations

import pytest

from tests.bench import wrk

FINE = (
    "Running 1s test\n  1234 requests in 1.00s\n"
    'BENCH {"requests":1234,"microseconds":1000500,"connect":0,"read":0,"write":0,"status":0,"timeout":0}\n'
)


def test_a_good_run() -> None:
    assert wrk.parse(FINE) == wrk.Summary(1234, 1.0005, {})
    assert wrk.parse(FINE).problem == ""


def test_errors_are_named() -> None:
    told = FINE.replace('"status":0', '"status":7').replace('"read":0', '"read":2')
    assert wrk.parse(told).problem == "wrk: 2 read errors, 7 status errors"


def test_no_answers() -> None:
    assert (
        wrk.parse(FINE.replace('"requests":1234', '"requests":0')).problem == "wrk: no request was answered"
    )


def test_no_summary() -> None:
    with pytest.raises(ValueError, match="unable to connect"):
        wrk.parse("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_the_script_quotes_the_body() -> None:
    text = wrk.script(b'{"text": "\\n%s"}')
    assert 'wrk.body = [==[{"text": "\\n%s"}]==]' in text
    assert '"requests":%d' in text
    with pytest.raises(ValueError, match="end the Lua string"):
        wrk.script(b"]==]")
