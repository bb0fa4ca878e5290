"""Errors by tuple and field are completed, shortened for peers and listed in one text."""

from typing import Any

import pytest

from django_vortex.field_errors import (
    MAX_LISTED_ERRORS,
    MAX_TOLD_MESSAGES,
    complete_error,
    list_errors,
    shorten_error,
)
from django_vortex.quoting import MAX_MESSAGE_CHARACTERS, MAX_QUOTED_CHARACTERS


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ({"messages": ["No"]}, "No"),
        ({"messages": "No"}, "No"),
        ({"field": "age", "messages": ["Too old", "or too young"]}, "Field 'age': Too old or"),
        ({"index": 0, "messages": ["No"]}, "Tuple 0: No"),
        ({"index": 3, "field": "age", "messages": ["No"]}, "Tuple 3, field 'age': No"),
    ],
)
def test_an_error_is_listed_with_its_place(error: dict[str, Any], text: str) -> None:
    assert list_errors([complete_error(error)]).startswith(text)


def test_members_of_the_application_stay() -> None:
    error = complete_error({"messages": "No", "severity": 3})
    assert shorten_error(error) == error
    assert error == {"index": None, "field": "", "messages": ["No"], "severity": 3}


def test_a_text_lists_the_first_errors_and_counts_the_others() -> None:
    errors = [complete_error({"index": n, "messages": "No"}) for n in range(MAX_LISTED_ERRORS + 2)]
    assert list_errors(errors).endswith(f"; Tuple {MAX_LISTED_ERRORS - 1}: No; and 2 more")


def test_long_members_are_cut_for_a_peer() -> None:
    messages = ["x" * 1000] * (MAX_TOLD_MESSAGES + 1)
    error = shorten_error(complete_error({"field": "y" * 1000, "messages": messages}))
    assert len(error["field"]) == MAX_QUOTED_CHARACTERS
    assert [len(text) for text in error["messages"]] == [MAX_MESSAGE_CHARACTERS] * MAX_TOLD_MESSAGES
