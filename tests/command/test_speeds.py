"""The speed of a worker: an earlier run's, a table's, or an estimate that says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.run_outputs import run, settings, write_speech

from beam_audio.command import planning
from beam_audio.command.speeds import known_gpus, usual_gpu_speed, worker_speed
from beam_audio.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.run.config import RunConfig

TINY = "whisper-tiny.en"
CUDA = "CUDAExecutionProvider"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run over two seconds of audio wrote about itself."""
    folder = tmp_path_factory.mktemp("run")
    write_speech(folder / "in" / "a.wav")
    run(input=folder / "in", output=folder / "out")
    (path,) = (folder / "out").glob("run-*.json")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def write_run(output: Path, told: dict[str, Any], *, precision: str | None, **others: Any) -> None:  # noqa: ANN401 - JSON
    output.mkdir(exist_ok=True)
    content = told | {"throughput": {"wall_seconds": 100.0, "times_real_time": 30.0}}
    content |= {"machine": {"cores": 3}} | others
    content["configuration"] = content["configuration"] | {"precision": precision}
    (output / "run-1.json").write_text(json.dumps(content))


def planned(output: Path, **flags: object) -> RunConfig:
    return settings(input="in", output=output, **flags)


def test_the_speed_is_that_of_an_earlier_run_of_the_same_model(
    tmp_path: Path, told: dict[str, Any]
) -> None:
    write_run(tmp_path, told, precision=None, throughput=told["throughput"])
    with pytest.raises(ConfigError, match="--times_real_time"):
        worker_speed(planned(tmp_path), cores=4)  # it took too little time to tell

    write_run(tmp_path, told, precision=None)
    endless = json.dumps(told | {"machine": {"cores": 1e-320}})
    for number, broken in enumerate(("{cut of", "{}", "[" * 100_000, "[]", '"x"', endless), 94):
        (tmp_path / f"run-{number}.json").write_text(broken)
    assert worker_speed(planned(tmp_path), cores=4).times_real_time == 40.0
    with pytest.raises(ConfigError):
        worker_speed(planned(tmp_path, model="whisper-small"), cores=4)


def test_a_run_on_a_gpu_tells_of_gpus_alone_and_of_a_whole_one(
    tmp_path: Path, told: dict[str, Any]
) -> None:
    write_run(tmp_path, told, precision="float16", providers=[CUDA])
    with pytest.raises(ConfigError, match="--times_real_time"):
        worker_speed(planned(tmp_path), cores=4)
    assert worker_speed(planned(tmp_path), cores=4, gpu="nvidia-l4").times_real_time == 30.0
    with pytest.raises(ConfigError, match="--times_real_time"):
        worker_speed(planned(tmp_path, precision="float32"), cores=4, gpu="nvidia-l4")


def test_the_models_with_weights_of_their_own_have_a_speed() -> None:
    for model in (TINY, "whisper-base"):
        for padding in ("full", "condensed"):
            config = settings(input="in", output="none", model=model, padding=padding)
            one, four = (worker_speed(config, cores=cores).times_real_time for cores in (1, 4))
            assert four == pytest.approx(4 * one)
            assert one > 1


def test_the_measured_gpu_has_the_measured_speed() -> None:
    speed = usual_gpu_speed("nvidia-h200-141gb", TINY)
    assert speed is not None
    assert speed.times_real_time == 1835
    assert speed.measured.startswith("measured on one NVIDIA H200")


def test_slower_memory_slows_the_part_of_the_card_alone() -> None:
    names = ("nvidia-l4", "nvidia-tesla-t4", "nvidia-h100-80gb")
    found = [speed for speed in (usual_gpu_speed(name, TINY) for name in names) if speed]
    assert found[0].times_real_time == pytest.approx(1835 / (0.64 + 0.36 * 16), abs=1)
    assert [*sorted(found, key=lambda speed: speed.times_real_time)] == found
    assert found[-1].times_real_time < 1835
    assert all(speed.measured.startswith("an estimate") for speed in found)


def test_a_model_that_was_never_measured_on_a_gpu_has_no_speed() -> None:
    assert all(usual_gpu_speed(gpu, "whisper-base") is None for gpu in known_gpus())


def test_the_command_knows_the_gpus_of_the_table() -> None:
    assert set(planning._GPUS) == set(known_gpus())
