"""YAML text to values with places; several files to one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.config.problems import Position
from controlplane.config.source import Source, merge
from controlplane.config.yamltext import parse


def source(*texts: str) -> Source:
    names = tuple(f"{index}.yaml" for index in range(1, len(texts) + 1))
    parsed = [parse(text.encode(), name) for text, name in zip(texts, names, strict=True)]
    assert [text.problems for text in parsed] == [[] for _ in texts]
    root = parsed[0].root
    for text in parsed[1:]:
        root = merge(root, text.root)
    return Source(root, names, frozenset())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("off", "off"), ("yes", "yes"), ("No", "No"), ("true", True), ("False", False),
        ("12", 12), ("-3", -3), ("0o17", 15), ("0x1F", 31), ("017", 17), ("1_000", "1_000"), ("1:30", "1:30"),
        ("2024-10-21", "2024-10-21"), ("1.5", 1.5), ("1e3", 1000.0), ("-.inf", float("-inf")), ("5xx", "5xx"),
        ("'12'", "12"), ('"true"', "true"), ("9" * 30, 1e30), ("9" * 5000, float("inf")), ("=", "="),
    ],
)  # fmt: skip
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert source(f"a: {text}").raw() == {"a": value}


def test_keys_that_yaml_1_1_would_make_booleans_are_text() -> None:
    assert source("on: 1\nno: 2").raw() == {"on": 1, "no": 2}


def test_later_files_win() -> None:
    base = "a: {x: 1, list: [1, 2], deep: {p: 1}}\nb: text\nc: {k: 1}"
    over = "a: {x: 2, list: [3], deep: {q: 2}}\nb: {now: mapping}\nc: text"
    assert source(base, over).raw() == {
        "a": {"x": 2, "list": (3,), "deep": {"p": 1, "q": 2}},
        "b": {"now": "mapping"},
        "c": "text",
    }


def test_places_follow_the_winner() -> None:
    tree = source("a:\n  x: 1\n  y: 2\n", "\na:\n  x: 3\n")
    assert tree.position(("a", "x")) == Position("2.yaml", 3, 6)
    assert tree.key_position(("a", "x")) == Position("2.yaml", 3, 3)
    assert tree.position(("a", "y")) == Position("1.yaml", 3, 6)
    assert tree.position(("a",)) == Position("2.yaml", 2, 1)


def test_places() -> None:
    tree = source("models:\n  fast:\n    targets:\n      - provider: a\n      - {provider: b}\n")
    assert tree.position(("models", "fast")) == Position("1.yaml", 2, 3)
    assert tree.position(("models", "fast", "targets", 0)) == Position("1.yaml", 4, 9)
    assert tree.position(("models", "fast", "targets", 1, "provider")) == Position("1.yaml", 5, 20)
    assert tree.position(("models", "fast", "targets", 7, "provider")) == Position("1.yaml", 3, 5)
    assert tree.position(("models", "fast", "timeout", "x")) == Position("1.yaml", 2, 3)
    assert tree.position(("nothing",)) == Position("1.yaml", 1, 1)


def test_a_byte_order_mark_and_windows_line_ends_are_no_problem() -> None:
    parsed = parse(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "x")
    assert parsed.problems == []
    assert Source(parsed.root, ("x",), frozenset()).position(("b",)) == Position("x", 2, 4)


def test_broken_utf8_is_placed_in_characters() -> None:
    (problem,) = parse("a: 1\nü: ".encode() + b"\xff", "x").problems
    assert str(problem) == "x:2:4: not UTF-8 text"


@given(st.binary())
def test_any_bytes_are_a_tree_or_a_problem(content: bytes) -> None:
    parsed = parse(content, "x")
    assert (parsed.root is None) <= bool(parsed.problems)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"%@`#?,<~ \n\t1", max_size=40))
def test_any_yaml_like_text_is_a_tree_or_a_problem(text: str) -> None:
    parsed = parse(text.encode(), "x")
    assert (parsed.root is None) <= bool(parsed.problems)
    assert all(problem.line >= 1 and problem.col >= 1 for problem in parsed.problems)
