"""Credentials: local paths need none; a bucket is refused at once without them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from apache_beam.internal.gcp import auth
from apache_beam.options.pipeline_options import PipelineOptions
from support.project import ROOT
from support.run_outputs import write_speech

from beam_audio.errors import ConfigError, MachineError
from beam_audio.store.credentials import require_access, require_credentials

LINE_SECONDS = 60
"""Less than Beam takes to give up a single line."""
CREDENTIALS = ("GOOGLE_", "AWS_", "CLOUDSDK_", "STORAGE_", "GCE_", "NO_GCE_")
WATCHED = """
import os, sys
def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.connect"):
        print("network:", event, arguments, file=sys.stderr)
        os._exit(99)
sys.addaudithook(watch)
from beam_audio.__main__ import run
run()
"""


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment without credentials that does not look like continuous integration."""
    left_out = (*CREDENTIALS, "CI", "ORT_")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(left_out)}
    (tmp_path / "home").mkdir()
    return kept | {"HOME": str(tmp_path / "home")}


def command(
    arguments: list[str], environment: dict[str, str], *python: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *(python or ("-m", "beam_audio")), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_local_paths_open_no_connection_at_all(bare: dict[str, str], tmp_path: Path) -> None:
    """No connection to a metadata server either, which may take long to answer.

    Python does not see what ONNX Runtime reports to its maker, but that is first written to a file
    in the home folder.
    """
    write_speech(tmp_path / "in" / "a.wav", seconds=1.0)
    flags = [f"--input={tmp_path}/in", f"--output={tmp_path}/out", "--model=placeholder"]
    unreachable = {"GCE_METADATA_HOST": "10.255.255.1", "GCE_METADATA_IP": "10.255.255.1"}
    done = command(["run", *flags], bare | unreachable, "-c", WATCHED)
    assert "network:" not in done.stderr
    assert done.returncode == 0, done.stderr
    assert list(Path(bare["HOME"]).rglob("*")) == []


def test_google_without_credentials_is_refused_after_one_question(
    bare: dict[str, str], tmp_path: Path
) -> None:
    """The metadata server is asked once; here it accepts connections and does not answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        flags = ["--input=gs://bucket/in", f"--output={tmp_path}/out"]
        done = command(["run", *flags], bare | {"GCE_METADATA_IP": host})
        silent.settimeout(0)
        asked = 0
        while True:
            try:
                silent.accept()[0].close()
            except BlockingIOError:
                break
            asked += 1
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert "gs://bucket/in" in last
    assert "gcloud auth application-default login" in last
    assert "--no_auth" in last
    assert asked == 1


def test_amazon_without_credentials_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(
        ConfigError, match=r"s3://bucket/out: no AWS credentials .* 'aws configure'"
    ):
        require_access(["s3://bucket/out"], PipelineOptions([]))
    require_access(["s3://bucket/out"], PipelineOptions(["--s3_access_key_id=key"]))


def test_manifest_lines_in_a_bucket_without_credentials_end_the_run_at_once(
    bare: dict[str, str], tmp_path: Path
) -> None:
    """It is the machine's fault: no line becomes a failure, and no line is asked about."""
    lines = [f'{{"audio_filepath": "s3://bucket/{number}.wav"}}' for number in range(50)]
    manifest, output = tmp_path / "m.jsonl", tmp_path / "out"
    manifest.write_text("\n".join(lines))
    flags = [f"--manifest={manifest}", f"--output={output}", "--model=placeholder"]
    start = time.monotonic()
    done = command(["run", *flags], bare | {"AWS_EC2_METADATA_DISABLED": "true"})
    assert time.monotonic() - start < LINE_SECONDS
    assert done.returncode == 1
    assert "s3://bucket: no AWS credentials were found; run 'aws configure'" in done.stderr
    assert done.stderr.count("aws configure") == 1
    assert not (output / "failures").exists()


def test_credentials_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    require_access([], PipelineOptions(["--s3_access_key_id=key"]))
    require_credentials("s3://bucket/a.wav")
    monkeypatch.setattr("beam_audio.store.credentials.find_spec", lambda _: None)
    require_credentials("s3://bucket/b.wav")
    require_credentials("a.wav")
    require_access([], PipelineOptions([]))
    with pytest.raises(MachineError, match="pip install"):
        require_credentials("s3://bucket/c.wav")


def test_no_credentials_are_needed_for_a_public_bucket_and_for_local_paths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Set and put back: otherwise no later test of this process would search for credentials.
    monkeypatch.setattr(auth._Credentials, "_credentials_init", False)
    require_access(["gs://bucket/in"], PipelineOptions(["--no_auth"]))
    assert auth.get_service_credentials(PipelineOptions([])) is None
    require_access(["local", None], PipelineOptions([]))


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setattr("beam_audio.store.credentials.find_spec", lambda _: None)
    for uri, extra in (("gs://bucket/in", "gcp"), ("s3://bucket/in", "aws")):
        with pytest.raises(ConfigError, match=rf"{uri}.*beam_audio\[{extra}\]"):
            require_access([uri], PipelineOptions([]))
