"""Checks of a flag that names a subscription or topic, without a server."""

from __future__ import annotations

import sys
from typing import Literal

import pytest
from google.auth.exceptions import DefaultCredentialsError

from beam_audio.errors import ConfigError
from beam_audio.stream.pubsub import client_library, require_path


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("", "topics"),
        ("t", "topics"),
        ("projects/p/topics/", "topics"),
        ("projects/p/subscriptions/s", "topics"),
        ("projects/p/topics/t", "subscriptions"),
        ("projects/p/topics/t/", "topics"),
    ],
)
def test_a_name_of_another_form_is_refused_by_its_flag(
    path: str, kind: Literal["subscriptions", "topics"]
) -> None:
    with pytest.raises(ConfigError, match=f"--flag={path} must be projects/P/{kind}/"):
        require_path("--flag", path, kind)


def test_names_of_the_right_form_pass() -> None:
    require_path("--flag", "projects/p/topics/t", "topics")
    require_path("--flag", "projects/p/subscriptions/s", "subscriptions")


def test_without_the_client_the_flag_and_the_extra_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("google.cloud.pubsub_v1", raising=False)
    monkeypatch.setitem(sys.modules, "google.cloud.pubsub_v1", None)
    with pytest.raises(ConfigError, match=r"--output_topic.*'beam_audio\[gcp\]'"):
        client_library("--output_topic")


def test_missing_credentials_count_as_unreachable() -> None:
    assert issubclass(DefaultCredentialsError, client_library("--flag").unreachable)
