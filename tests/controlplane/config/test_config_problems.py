import pytest

from controlplane.config.problems import ConfigPath, Problem, by_position, format_path, quote, suggestion


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("models", "fast", "targets", 1, "provider"), "models.fast.targets[1].provider"),
        (("models", "gpt-4o"), "models.gpt-4o"),
        (("models", "openai/*", "target"), 'models."openai/*".target'),
        (("models", "gpt-4.1"), 'models."gpt-4.1"'),
        (("models", ""), 'models.""'),
        (("models", 'a"\n\u2028b'), 'models."a\\"\\n\\u2028b"'),
        (("models", "größe"), 'models."größe"'),
    ],
)
def test_paths(path: ConfigPath, text: str) -> None:
    assert format_path(path) == text


def test_a_problem_is_one_line() -> None:
    assert (
        str(Problem("gateway.yaml", 41, 7, "models.fast", "required"))
        == "gateway.yaml:41:7: models.fast: required"
    )
    assert (
        str(Problem("gateway.yaml", 1, 1, "", "the file is empty")) == "gateway.yaml:1:1: the file is empty"
    )


def test_quotes_are_short_and_on_one_line() -> None:
    assert quote("a\nb") == "'a\\nb'"
    assert len(quote("x" * 1000)) == 60
    assert quote("x" * 1000).endswith("...'")


def test_suggestions() -> None:
    assert suggestion("bedrok", ["openai", "bedrock"]) == "; did you mean 'bedrock'?"
    assert suggestion("x", ["openai", "bedrock"]) == "; known here: openai, bedrock"
    assert suggestion("x", [f"provider-{n}" for n in range(100)]) == ""
    assert suggestion("x", []) == ""


def test_order_is_that_of_the_files_then_of_the_lines() -> None:
    first, second = Problem("b", 9, 1, "", "m"), Problem("a", 1, 1, "", "m")
    third = Problem("a", 1, 2, "", "m")
    assert by_position([third, second, first, first], ["b", "a"]) == [first, second, third]
