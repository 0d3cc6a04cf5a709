"""Private members of Beam: the version they belong to, and that each still does its work."""

from __future__ import annotations

import re
from importlib import metadata

import apache_beam
import pytest
from apache_beam.internal.gcp import auth
from apache_beam.io.aws.s3filesystem import S3FileSystem
from apache_beam.io.filesystems import FileSystems
from apache_beam.io.gcp.gcsfilesystem import GCSFileSystem
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, S3Options
from support.bucket_servers import google_bucket, put
from support.project import ROOT

from beam_audio.store import beam_hooks


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> PipelineOptions:
    """Options that Beam's file systems know for the time of a test."""
    monkeypatch.setattr(FileSystems, "_pipeline_options", None)
    given = PipelineOptions(["--project=p", "--s3_region_name=here"])
    FileSystems.set_options(given)
    return given


def test_the_installed_beam_is_the_one_the_hooks_were_written_for() -> None:
    minor = ".".join(apache_beam.__version__.split(".")[:2])
    assert minor == beam_hooks.BEAM_VERSION, "look at each member in beam_hooks.py, then raise it"
    required = metadata.requires("beam_audio") or []
    assert any(f"apache-beam<2.78,>={minor}" == each.split(";")[0].strip() for each in required)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (GCSFileSystem, "_gcsIO"),
        (auth._Credentials, "_credentials_init"),
        (PipelineOptions, "_add_argparse_args"),
        (FileSystems, "_pipeline_options"),
    ],
)
def test_each_member_exists(owner: type, name: str) -> None:
    assert hasattr(owner, name)


def test_file_systems_have_no_flags_before_anybody_sets_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FileSystems, "_pipeline_options", None)
    assert not beam_hooks.file_system_options().view_as(GoogleCloudOptions).no_auth


def test_file_systems_tell_their_options(options: PipelineOptions) -> None:
    assert beam_hooks.file_system_options() is options
    google = beam_hooks.google_options(beam_hooks.google_file_system())
    assert google is options
    assert google.view_as(GoogleCloudOptions).project == "p"
    assert isinstance(FileSystems.get_filesystem("s3://"), S3FileSystem)
    assert beam_hooks.amazon_options().view_as(S3Options).s3_region_name == "here"


def test_each_access_to_google_is_a_new_one_that_reads() -> None:
    with google_bucket() as bucket:
        put(f"{bucket}/a", b"x")
        file_system = beam_hooks.google_file_system()
        first, second = (beam_hooks.gcs_io(file_system) for _ in range(2))
        assert first is not second
        assert first.open(f"{bucket}/a", "r").read() == b"x"


def test_beam_searches_for_no_credentials_after_the_hook(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def search(*_: object) -> None:
        raise AssertionError("Beam searches for credentials")

    monkeypatch.setattr(auth._Credentials, "_credentials_init", False)
    monkeypatch.setattr(auth._Credentials, "_get_service_credentials", search)
    with pytest.raises(AssertionError):
        auth.get_service_credentials(PipelineOptions([]))
    beam_hooks.skip_google_credentials()
    assert auth.get_service_credentials(PipelineOptions([])) is None


def test_flags_of_every_kind_are_known_by_their_class() -> None:
    parsers = dict(beam_hooks.beam_parsers())
    assert parsers[S3Options].parse_args(["--s3_region_name=r"]).s3_region_name == "r"
    assert parsers[GoogleCloudOptions].parse_args(["--project=p"]).project == "p"
    assert parsers[S3Options].parse_known_args(["--project=p"])[1] == ["--project=p"]


def test_other_files_use_private_members_of_the_standard_library_only() -> None:
    for path in (ROOT / "beam_audio").rglob("*.py"):
        for line in path.read_text().splitlines():
            if "SLF001" in line and path.name != "beam_hooks.py":
                assert re.search(r"\b(atexit|argparse|parser|action)\._", line), (path, line)
