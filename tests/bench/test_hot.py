"""The micro-benchmark of the hot loop measures every case."""

from __future__ import annotations

import gc

from tests.bench import hot


def test_every_case_has_a_figure(capsys):
    hot.main(["--seconds", "0"])
    lines = capsys.readouterr().out.splitlines()
    assert [line[:40].strip() for line in lines] == [case.name for case in hot.cases()]
    assert all(float(line[40:].removesuffix(" µs")) > 0 for line in lines)
    assert gc.isenabled()


def test_cases_are_chosen_by_name(capsys):
    hot.main(["--seconds", "0", "--only", "one translated chunk"])
    assert len(capsys.readouterr().out.splitlines()) == 1
