"""Addresses lose their secrets, and everything else stays as it is."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.inputs.redaction import redacted

GOOGLE = (
    "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=me%40p%2Fauto&X-Goog-Date=20261126T000000Z"
    "&X-Goog-Expires=900&X-Goog-SignedHeaders=host&X-Goog-Signature=5ec2e7"
)
AMAZON = GOOGLE.replace("Goog", "Amz") + "&X-Amz-Security-Token=5ec2e7"
AZURE = "sv=2024-11-04&st=2026-11-26&se=2026-11-27&sr=b&sp=r&sig=5ec2e7%2Bx%3D"
KEYS = (
    *("sig", "token", "access_token", "sas-token", "api_key", "apikey", "X-Api-Key", "password"),
    *("client_secret", "AWSAccessKeyId", "Signature", "GoogleAccessId", "jwt", "x%2Dgoog%2Dx"),
)


@pytest.mark.parametrize(
    ("address", "left"),
    [
        (f"https://storage.googleapis.com/b/a.wav?{GOOGLE}", "https://storage.googleapis.com/b/a.wav"),
        (f"https://b.s3.amazonaws.com/a.wav?{AMAZON}", "https://b.s3.amazonaws.com/a.wav"),
        (f"https://x.blob.core.windows.net/c/a.wav?{AZURE}", "https://x.blob.core.windows.net/c/a.wav"),
        (f"https://h/a.wav?versionId=7&{GOOGLE}", "https://h/a.wav?versionId=7"),
        (f"https://h/a.wav?{AMAZON}&versionId=7&part=2", "https://h/a.wav?versionId=7&part=2"),
        (f"https://h/a.wav?a=1&{AZURE}&b=2#t=3", "https://h/a.wav?a=1&b=2#t=3"),
        ("https://b.s3.amazonaws.com/a?AWSAccessKeyId=A&Signature=5ec2e7&Expires=1", "https://b.s3.amazonaws.com/a"),
        ("https://d.cloudfront.net/a?Policy=5ec2e7&Signature=5ec2e7&Key-Pair-Id=5ec2e7", "https://d.cloudfront.net/a"),
        ("https://me:5ec2e7@host:8443/a.wav", "https://host:8443/a.wav"),
        ("https://5ec2e7@host/a.wav", "https://host/a.wav"),
        ("s3://key:5ec2e7@bucket/a.wav", "s3://bucket/a.wav"),
        ("ftp://me:p@5ec2e7@host/a", "ftp://host/a"),
        ("https://h/a#access_token=5ec2e7", "https://h/a"),
        ("https://h/a;token=5ec2e7?b=1", "https://h/a?b=1"),
        (f"gs://b/a.wav?{GOOGLE}", "gs://b/a.wav"),
        (f"/data/a.wav?{GOOGLE}", "/data/a.wav"),
        (f"https://proxy/?u={quote(f'https://me:5ec2e7@h/a?x=1&{GOOGLE}', safe='')}&v=2", "https://proxy/?u=https%3A%2F%2Fh%2Fa%3Fx%3D1&v=2"),
    ],
)  # fmt: skip
def test_an_address_loses_what_opens_it(address: str, left: str) -> None:
    assert redacted(address) == left
    assert redacted(left) == left


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("around", ["{}=5ec2e7", "a=1&{}=5ec2e7", "{}=5ec2e7&a=1", "a=1;{}=5ec2e7"])
def test_every_key_that_opens_something_is_left_out(key: str, around: str) -> None:
    for name in (key, key.upper(), key.lower()):
        address = redacted(f"https://host/a.wav?{around.format(name)}")
        assert address == "https://host/a.wav" + ("?a=1" if "a=1" in around else "")


@pytest.mark.parametrize(
    "text",
    [
        "/data/calls/a=1/b.wav",
        "gs://bucket/what?.wav",
        "gs://bucket/a&b;c=d.wav",
        "https://host/a.wav?versionId=3&st=1&se=2&expires=4",
        "https://host/a@b.wav",
        "/mail/me@example.org.wav",
        "call://7",
        "is it so? yes; token or not = 3",
        "a 100%3Dok",
        "sha256:00ff",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    "text",
    [
        f"cannot open 'https://h/a.wav?{GOOGLE}': no such host",
        f"HTTPSConnectionPool(host='h'): Max retries with url: /a.wav?{AMAZON} (Caused by x)",
        f"<Error><Url>https://h/a.wav?{AMAZON.replace('&', '&amp;')}</Url></Error>",
        json.dumps({"uri": f"https://me:5ec2e7@h/a.wav?{AZURE}", "n": 1}),
        '{"uri": "https:\\/\\/me:5ec2e7@h\\/a?x=1\\u0026X-Goog-Signature=5ec2e7"}',
        f"first https://h/a?{GOOGLE} and https://me:5ec2e7@h/b?{AZURE}, then nothing",
    ],
)
def test_texts_of_other_programs_lose_the_secrets_of_their_addresses(text: str) -> None:
    assert "5ec2e7" in text
    assert "5ec2e7" not in redacted(text)
    assert redacted(text)[:12] == text[:12]


def test_the_rest_of_a_text_stays() -> None:
    text = f"cannot open 'https://h/a.wav?{GOOGLE}': no such host"
    assert redacted(text) == "cannot open 'https://h/a.wav': no such host"
    line = json.dumps({"uri": f"https://h/a?{AZURE}", "n": 1})
    assert json.loads(redacted(line)) == {"uri": "https://h/a", "n": 1}


@given(st.text(st.sampled_from("abs3xXgGoO-_=&?;#@:/%25DF \"'token"), max_size=60))
def test_a_redacted_text_is_redacted(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


@given(
    pairs=st.lists(
        st.tuples(
            st.sampled_from([*KEYS, "a", "versionId", "t"]), st.sampled_from(["5ec2e7", "1"])
        ),
        max_size=6,
    )
)
def test_no_order_of_keys_keeps_a_secret(pairs: list[tuple[str, str]]) -> None:
    secret = [(key, value if key in KEYS else "1") for key, value in pairs]
    query = "&".join(f"{key}={value}" for key, value in secret)
    assert "5ec2e7" not in redacted(f"https://host/a.wav?{query}")
