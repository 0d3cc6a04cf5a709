"""Models and whole runs over gs://, against an emulator on the loopback interface."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from apache_beam.io.filesystems import FileSystems
from support.bucket_servers import (
    amazon_bucket,
    amazon_client,
    google_client,
    put,
    simple_google_bucket,
)
from support.random_whisper import Shape, random_weights, write_huggingface
from support.run_outputs import run, write_speech

from beam_audio import store
from beam_audio.asr import model_facts
from beam_audio.asr.remote_model import local_model
from beam_audio.errors import MachineError, ModelError
from beam_audio.output.ledger import read_ledger
from beam_audio.types import StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterator

SHAPE = Shape(width=8, encoder_layers=1, decoder_layers=1)


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """Address of an empty bucket."""
    with simple_google_bucket() as address:
        yield address


def upload_folder(folder: Path, uri: str) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            put(f"{uri}/{path.relative_to(folder)}", path.read_bytes())


def test_a_local_name_stays_as_it_is() -> None:
    assert local_model("whisper-tiny.en") == "whisper-tiny.en"
    assert local_model("models/mine") == "models/mine"


@pytest.mark.usefixtures("cache")
def test_a_model_in_a_bucket_is_copied_once_per_version(bucket: str, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    write_huggingface(weights, random_weights(SHAPE), SHAPE)
    (weights / "sub").mkdir()
    (weights / "sub" / "notes.txt").write_text("kept")
    address = f"{bucket}/models/mine"
    upload_folder(weights, address)

    copied = local_model(address)
    names = {str(path.relative_to(weights)): path.read_bytes() for path in weights.rglob("*.*")}
    assert {name: (tmp_path / copied / name).read_bytes() for name in names} == names
    assert local_model(address + "/") == copied
    assert model_facts(copied).model_id == "mine/float32"

    write_huggingface(weights, random_weights(SHAPE, seed=1), SHAPE)
    upload_folder(weights, address)
    assert local_model(address) != copied


@pytest.mark.usefixtures("cache")
def test_the_rest_of_a_killed_copy_is_not_used(bucket: str, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    write_huggingface(weights, random_weights(SHAPE), SHAPE)
    address = f"{bucket}/models/other"
    upload_folder(weights, address)
    copied = Path(local_model(address))
    copied.rename(copied.parent / "tmp-half-copied")
    (copied.parent / "tmp-half-copied" / "config.json").write_text("half")
    assert Path(local_model(address)) == copied
    assert model_facts(str(copied)).sample_rate_hz == 16_000


@pytest.mark.usefixtures("cache")
def test_a_model_in_a_bucket_of_amazon_is_copied(tmp_path: Path) -> None:
    write_huggingface(tmp_path / "weights", random_weights(SHAPE), SHAPE)
    with amazon_bucket() as (bucket, _):
        upload_folder(tmp_path / "weights", f"{bucket}/models/mine")
        assert model_facts(local_model(f"{bucket}/models/mine")).model_id == "mine/float32"


@pytest.mark.usefixtures("cache")
def test_an_address_without_files_is_no_model(bucket: str) -> None:
    with pytest.raises(ModelError, match="holds no file"):
        local_model(f"{bucket}/models/none")


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("place", ["gs", "s3"])
@pytest.mark.parametrize(
    "hostile",
    [
        "../../../../outside.txt",
        "/etc/outside.txt",
        "x//y",
        "a\\b",
        "C:/x",
        "x/./y",
        "config.json/x",
    ],
)
def test_an_object_that_is_no_file_below_the_model_is_refused_and_nothing_is_written(
    place: str, hostile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("m/config.json", f"m/{hostile}")
    listed = [StoredFile(f"{place}://bucket/{name}", 2, 1.0, "1") for name in names]
    monkeypatch.setattr(store, "files_under", lambda _: listed)
    with pytest.raises(ModelError, match=r"has (an object|the objects)") as raised:
        local_model(f"{place}://bucket/m")
    assert hostile.partition("/")[0] in str(raised.value).replace("\\\\", "\\")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("cache")
def test_an_object_with_two_dots_in_a_bucket_of_amazon_is_refused(tmp_path: Path) -> None:
    with amazon_bucket() as (bucket, flags):
        url = next(flag for flag in flags if "endpoint" in flag).partition("=")[2]
        for name in ("m/config.json", "m/../../../../outside.txt"):
            amazon_client(url).put_object(Bucket="bucket", Key=name, Body=b"{}")
        with pytest.raises(ModelError, match=r"object '\.\./\.\./\.\./\.\./outside.txt'"):
            local_model(f"{bucket}/m")
    assert not list(tmp_path.rglob("outside.txt"))


@pytest.mark.parametrize("address", ["gs://bucket/..", "gs://bucket/a\\b", "s3://bucket/m/."])
def test_a_model_whose_folder_has_no_name_of_a_folder_is_refused(address: str) -> None:
    with pytest.raises(ModelError, match="the name of its folder"):
        local_model(address)


@pytest.mark.usefixtures("cache")
def test_objects_that_consoles_draw_folders_with_are_no_files(bucket: str) -> None:
    for name in ("drawn/config.json", "drawn/sub/notes.txt"):
        put(f"{bucket}/models/{name}", b"{}")
    for name in ("drawn/", "drawn/sub/"):
        google_client().bucket("bucket").blob(f"models/{name}").upload_from_string(b"")
    copied = Path(local_model(f"{bucket}/models/drawn"))
    assert (copied / "sub" / "notes.txt").is_file()


def test_a_run_reads_and_writes_buckets(bucket: str, tmp_path: Path) -> None:
    for index, name in enumerate(["a.wav", "sub/b ü.wav"]):
        path = write_speech(tmp_path / f"{index}.wav", start_seconds=index, seconds=1.0)
        put(f"{bucket}/audio/{name}", path.read_bytes())
    output = f"{bucket}/audio/out"
    first = run(input=f"{bucket}/audio", output=output)
    assert (first.exit_status, first.listed, first.ledger.recordings) == (0, 2, 2)
    files = {meta.path for meta in store.files_under(output)}
    assert any(name.startswith(f"{output}/segments/date=") for name in files)
    assert not any("/_tmp/" in name for name in files)
    assert FileSystems.exists(f"{output}/run-{first.run_id}.json")

    again = run(input=f"{bucket}/audio/**.wav", output=output)
    assert (again.exit_status, again.new_inputs, again.times_real_time) == (0, 0, None)
    added = {meta.path for meta in store.files_under(output)} - files
    assert added == {f"{output}/run-{again.run_id}.json"}
    assert read_ledger(output, []).recordings == 2


def test_a_cache_that_cannot_be_written_is_the_machines_fault(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(f"{bucket}/no-room/model.bin", b"weights")
    (tmp_path / "a-file").touch()
    monkeypatch.setenv("BEAM_AUDIO_CACHE", str(tmp_path / "a-file"))
    with pytest.raises(MachineError, match=r"cannot be copied to .*BEAM_AUDIO_CACHE"):
        local_model(f"{bucket}/no-room")
