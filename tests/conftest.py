"""Options of the test run."""

import os

import hypothesis
import pytest

import extproc.codec

# The same examples in every run, however slow the machine: what is new is for long runs to find.
hypothesis.settings.register_profile("same", deadline=None, derandomize=True)
hypothesis.settings.register_profile("any", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

COMPILED = not extproc.codec.__file__.endswith(".py")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite golden files, remove those without a source"
    )
    parser.addoption(
        "--require-compiled", action="store_true", help="fail if ext_proc's hot loop is not compiled"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--require-compiled") and not COMPILED:
        raise pytest.UsageError(f"not compiled: {extproc.codec.__file__}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if COMPILED and item.get_closest_marker("interpreted"):
        pytest.skip("looks into modules in a way that compiled ones do not allow")


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
