from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.config.addresses import BaseUrl, is_loopback, is_wildcard, parse_base_url
from controlplane.config.values import LONGEST, format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("30s", 30),
        ("5m", 300),
        ("1h", 3600),
        ("1m30s", 90),
        ("1h2m3s4ms", 3723.004),
        ("24h", 86400),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (30, "a duration needs a unit: 30s or 30ms?"),
        (0.5, "a duration needs a unit: 0.5s or 0.5ms?"),
        (True, "not a duration; write it like 250ms, 30s, 5m or 1m30s"),
        ("", "'' is not a duration; write it like 250ms, 30s, 5m or 1m30s"),
        ("30", "'30' is not a duration; write it like 250ms, 30s, 5m or 1m30s"),
        ("1s1m", "'1s1m' is not a duration; write it like 250ms, 30s, 5m or 1m30s"),
        ("-1s", "'-1s' is not a duration; write it like 250ms, 30s, 5m or 1m30s"),
        ("1m\n", "'1m\\n' is not a duration; write it like 250ms, 30s, 5m or 1m30s"),
        ("٣s", "'٣s' is not a duration; write it like 250ms, 30s, 5m or 1m30s"),
        ("0s", "must be longer than 0"),
        ("24h1ms", "must be 24h at most"),
        ("999999999h", "must be 24h at most"),
    ],
)
def test_no_durations(value: object, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_duration(value)
    assert str(caught.value) == problem


@given(st.integers(1, LONGEST // timedelta(milliseconds=1)))
def test_a_duration_is_written_as_it_is_read(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("100B", 100),
        ("512KiB", 524288),
        ("32MiB", 33554432),
        ("1GiB", 2**30),
        ("500KB", 500_000),
        ("2GB", 2 * 10**9),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (33554432, "a size needs a unit: 32MiB?"),
        (32, "a size needs a unit: 32KiB or 32MiB?"),
        (True, "not a size; write it like 512KiB or 32MiB"),
        (1.5, "not a size; write it like 512KiB or 32MiB"),
        ("32 MiB", "'32 MiB' is not a size; write it like 512KiB or 32MiB"),
        ("32mib", "'32mib' is not a size; write it like 512KiB or 32MiB"),
    ],
)
def test_no_sizes(value: object, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_size(value)
    assert str(caught.value) == problem


@given(st.integers(0, 10**12 - 1))
def test_a_size_is_written_as_it_is_read(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://api.openai.com", BaseUrl("https", "api.openai.com", 443)),
        ("http://LocalHost/", BaseUrl("http", "localhost", 80)),
        ("http://10.0.0.5:8000/v1/", BaseUrl("http", "10.0.0.5", 8000, "/v1")),
        ("http://[::1]:8000", BaseUrl("http", "::1", 8000)),
        ("http://my_service:8080/openai/v1", BaseUrl("http", "my_service", 8080, "/openai/v1")),
        ("https://a.example/%7Etilde", BaseUrl("https", "a.example", 443, "/%7Etilde")),
    ],
)
def test_base_urls(text: str, url: BaseUrl) -> None:
    assert parse_base_url(text) == url
    assert parse_base_url(str(url)) == url


@given(st.text())
def test_a_password_in_a_url_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_base_url(f"https://user:hunter2@{text}")
    assert "hunter2" not in str(caught.value)


def test_addresses() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert not is_loopback("0.0.0.0")
    assert is_wildcard("::")
    assert not is_wildcard("10.0.0.1")
