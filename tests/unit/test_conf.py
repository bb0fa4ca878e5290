import math

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_vortex.conf import VortexSettings, find_problems, get_settings, read_settings
from django_vortex.routing.rates import Rate


def only_problem(values):
    (problem,) = find_problems(values)
    return problem


def test_no_setting_gives_the_defaults():
    assert read_settings({}) == VortexSettings()
    assert VortexSettings().heartbeat_seconds == 5.0
    assert VortexSettings().max_message_bytes == 1_048_576


def test_values_arrive_typed():
    read = read_settings({"HEARTBEAT_SECONDS": 2, "ALLOWED_ORIGINS": ["https://a.example", "null"]})
    assert repr(read.heartbeat_seconds) == "2.0"
    assert read.allowed_origins == ("https://a.example", "null")


def test_default_of_every_setting_passes_its_own_rule():
    defaults = VortexSettings()
    values = {name.upper(): getattr(defaults, name) for name in VortexSettings.__slots__}
    assert find_problems(values) == []
    assert read_settings(values) == defaults


def test_misspelt_key_is_told_with_the_nearest_name():
    problem = only_problem({"HEARTBEAT_SECNDS": 5})
    assert problem.text == "VORTEX['HEARTBEAT_SECNDS'] is not a setting."
    assert problem.hint == "Did you mean 'HEARTBEAT_SECONDS'?"


def test_lower_case_key_is_told_with_its_capitals():
    assert only_problem({"threads": 4}).hint == "Did you mean 'THREADS'?"


def test_key_like_no_other_lists_the_known_ones():
    assert "THROTTLE_SECONDS" in only_problem({"ZZZ": 1}).hint


def test_key_that_is_no_text_is_a_problem():
    assert only_problem({5: 1}).text == "VORTEX[5] is not a setting."


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("NAME", ""),
        ("NAME", 5),
        ("HEARTBEAT_SECONDS", "5"),
        ("HEARTBEAT_SECONDS", 0),
        ("HEARTBEAT_SECONDS", 20),
        ("HEARTBEAT_SECONDS", True),
        ("HEARTBEAT_SECONDS", math.nan),
        ("HOLD_SECONDS", -1),
        ("HOLD_SECONDS", math.inf),
        ("MAX_MESSAGE_BYTES", 1.5),
        ("MAX_MESSAGE_BYTES", 10),
        ("MAX_MESSAGE_BYTES", "1 MB"),
        ("MAX_DEPTH", 100_000),
        ("THREADS", 0),
        ("THREADS", False),
        ("TRUSTED_PROXIES", -1),
        ("ALLOWED_ORIGINS", "https://a.example"),
        ("ALLOWED_ORIGINS", ["https://a.example", None]),
        ("ALLOWED_ORIGINS", ["a.example"]),
        ("ALLOWED_ORIGINS", ["https://a.example/page"]),
        ("CHANNEL_LAYER", ""),
        ("CHANNEL_LAYER", 1),
        ("PERMISSION", None),
        ("PERMISSION", "IsStaff"),
        ("CRUD_PERMISSION", None),
        ("REQUEST_RATES", "often"),
        ("CONNECT_RATES", {"peer": "1/x"}),
        ("CONNECT_RATES", {"pear": "1/s"}),
        ("CRUD_PERMISSION", "IsStaff"),
    ],
)
def test_wrong_value_is_told_with_what_was_expected(key, value):
    problem = only_problem({key: value})
    assert problem.key == key
    assert problem.text.startswith(f"VORTEX['{key}'] must be a")
    assert problem.text.endswith(f", got {value!r}.")


def test_no_channel_layer_at_all_can_be_asked_for():
    assert read_settings({"CHANNEL_LAYER": None}).channel_layer is None


def test_timeout_not_longer_than_the_beat_is_a_contradiction():
    problem = only_problem({"PEER_TIMEOUT_SECONDS": 3, "HEARTBEAT_SECONDS": 3})
    assert problem.key == "PEER_TIMEOUT_SECONDS"
    assert "(3) must be longer than HEARTBEAT_SECONDS (3)" in problem.text


def test_all_mistakes_are_found_at_once():
    problems = find_problems({"THREADS": 0, "MAX_DEPTH": 0, "NAMES": "x"})
    assert [one.key for one in problems] == ["THREADS", "MAX_DEPTH", "NAMES"]


def test_long_wrong_value_is_cut():
    assert len(only_problem({"NAME": ["x"] * 1000}).text) < 200


def test_setting_that_is_no_dict_is_one_problem():
    assert only_problem(["NAME"]).text == "VORTEX must be a dict, got ['NAME']."


def test_reading_mistakes_raises_with_all_of_them():
    with pytest.raises(ImproperlyConfigured) as caught:
        read_settings({"THREADS": 0, "NAMES": "x"})
    assert "VORTEX['THREADS']" in str(caught.value)
    assert "Did you mean 'NAME'?" in str(caught.value)


def test_override_settings_is_seen_and_undone():
    before = get_settings()
    with override_settings(VORTEX={"NAME": "other"}):
        assert get_settings().name == "other"
    assert get_settings() == before
    assert get_settings() is get_settings()


@pytest.mark.parametrize("value", ["60/m", {"caller": "60/m"}])
def test_rates_arrive_read(value):
    assert read_settings({"REQUEST_RATES": value}).request_rates == {"caller": Rate(60, 60.0)}
    assert read_settings({}).request_rates is None


def test_older_name_of_the_permission_counts_for_tables_while_it_is_alone():
    staff, anybody = "django_vortex.IsStaff", "django_vortex.AllowAny"
    default = "django_vortex.AuthenticatedOrReadOnly"

    def read(**values: str) -> tuple[str, str]:
        settings = read_settings(values)
        return settings.permission, settings.crud_permission

    assert read() == (default, default)
    assert read(PERMISSION=staff) == (staff, staff)
    assert read(CRUD_PERMISSION=staff) == (default, staff)
    assert read(PERMISSION=staff, CRUD_PERMISSION=anybody) == (staff, staff)
