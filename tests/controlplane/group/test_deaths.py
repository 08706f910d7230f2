"""How long a dead process waits for its next start."""

from controlplane.group.deaths import PATIENT, SETTLED, Deaths, Limits


def pauses(deaths: Deaths, count: int, *, served: bool = True, lived: float = 1.0) -> list[float | None]:
    return [deaths.pause(served=served, lived=lived) for _ in range(count)]


def test_the_first_restart_is_at_once_and_later_ones_wait_longer() -> None:
    assert pauses(Deaths(Limits()), 7) == [0.0, 0.05, 0.1, 0.2, 0.2, 0.2, 0.2]


def test_a_long_service_is_a_new_beginning() -> None:
    deaths = Deaths(Limits())
    pauses(deaths, 5)
    assert deaths.pause(served=True, lived=SETTLED) == 0.0
    assert deaths.in_a_row == 1


def test_a_long_life_without_service_is_none() -> None:
    assert pauses(Deaths(Limits(starts=3)), 3, served=False, lived=60.0) == [0.1, 0.2, None]


def test_what_cannot_start_is_a_crash_loop_soon() -> None:
    assert pauses(Deaths(Limits(starts=6)), 6, served=False)[-2:] == [0.8, None]


def test_one_service_in_between_is_another_beginning_of_starts() -> None:
    deaths = Deaths(Limits(starts=3))
    pauses(deaths, 2, served=False)
    assert deaths.pause(served=True, lived=0.1) is not None
    assert pauses(deaths, 3, served=False)[-1] is None


def test_what_serves_and_dies_again_and_again_is_one_late() -> None:
    found = pauses(Deaths(Limits(short_lives=40)), 40)
    assert None not in found[:-1]
    assert found[-1] is None


def test_without_limits_there_is_no_crash_loop() -> None:
    deaths = Deaths(Limits())
    deaths.limits = None
    assert pauses(deaths, 1000, served=False)[-1] == 0.8


def test_a_group_that_was_ready_is_patient() -> None:
    assert PATIENT.starts > Limits().starts
    total = sum(pause or 0 for pause in pauses(Deaths(PATIENT), PATIENT.starts, served=False))
    assert total > 8
