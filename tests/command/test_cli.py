"""What a user types, what is answered, and the exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.project import ROOT
from support.run_outputs import Command, listing, run_words

from beam_audio.asr.session import available_providers
from beam_audio.output.compact import TARGET_BYTES
from beam_audio.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

# Most take long to import; tqdm and yaml do not, but no answer needs them.
LIBRARIES = {
    *("apache_beam", "av", "google", "jiwer", "numpy", "onnxruntime", "pandas", "pyarrow"),
    *("pyloudnorm", "scipy", "shtab", "soundfile", "soxr", "tokenizers", "tqdm", "yaml"),
}


def test_help_shows_examples_and_exit_statuses(command: Command) -> None:
    status, out, _ = command("run", "--help")
    assert status == 0
    assert "beam-audio run --input=" in out
    assert "exit status:" in out


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("--modell=x", "unknown flag --modell; did you mean '--model'?"),
        ("--batch-seconds=30", "unknown flag --batch-seconds; did you mean '--batch_seconds'?"),
        ("--direct-num-workers=1", "did you mean '--direct_num_workers'?"),
        ("--mod=placeholder", "unknown flag --mod"),
        ("stray", "stray argument 'stray'"),
        ("--batch_seconds=many", "--batch_seconds=many must be a number"),
        ("--limit=0", "--limit=0 must be above 0"),
        ("--channels=left", "--channels=left"),
        ("--segmenter=vda", "did you mean 'vad'?"),
        ("--language=qq", "--language=qq: placeholder knows"),
        ("--normalizer=whisper", "did you mean 'whisper-en-2'?"),
        ("--partition_by=text", "--partition_by=text"),
        ("--config=/nowhere/x.yaml", "--config=/nowhere/x.yaml cannot be read"),
        ("--rules=/nowhere/rules.yaml", "/nowhere/rules.yaml"),
        ("--segmenter=fixed --window_seconds=31", "--window_seconds"),
        ("--direct_num_workers=many", "invalid int value: 'many'"),
    ],
)
def test_bad_arguments_end_2(
    command: Command, audio: Path, tmp_path: Path, wrong: str, message: str
) -> None:
    status, out, err = command(*run_words(audio, tmp_path / "out", *wrong.split()))
    assert (status, out) == (2, ""), err
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "COMMAND"),
        (["rnu"], "unknown command 'rnu'; did you mean 'run'?"),
        (["transcribe"], "unknown command 'transcribe'; see beam-audio --help"),
        (["run", "AUDIO", "-o", "OUT"], "did you mean: beam-audio run --input=AUDIO --output=OUT"),
        (["run"], "--output is missing"),
        (["run", "--output=OUT"], "--input, --manifest"),
        (["run", "--input=AUDIO", "--manifest=M", "--output=OUT"], "--input, --manifest"),
        (["run", "--input=AUDIO/*.mp3", "--output=OUT"], "AUDIO/*.mp3 matches no file"),
        (["run", "--input=AUDIO/none.wav", "--output=OUT"], "none.wav matches no file"),
        (["run", "--manifest=none.jsonl", "--output=OUT"], "none.jsonl matches no file"),
        (["run", "--manifest=AUDIO", "--output=OUT"], "AUDIO matches no file"),
        (["run", "--input=nosuch://b/a", "--output=OUT"], "nosuch://b/a"),
        (["doctor", "--verbose"], "unknown flag --verbose"),
        (["models"], "VERB"),
        (["models", "list", "tiny"], "stray argument 'tiny'"),
        (["demo", "--outptu=x"], "did you mean '--output'?"),
    ],
)
def test_commands_that_cannot_be_run_end_2(
    command: Command, audio: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    def fill(text: str) -> str:
        return text.replace("AUDIO", str(audio)).replace("OUT", str(tmp_path / "out"))

    status, out, err = command(*map(fill, arguments))
    assert (status, out) == (2, "")
    assert fill(message) in err
    assert not (tmp_path / "out").exists()


def test_no_secret_of_an_address_is_printed(command: Command, tmp_path: Path) -> None:
    manifest = tmp_path / "m.jsonl"
    signed = "https://me:5ec2e7@host/a.wav?X-Goog-Signature=5ec2e7"
    manifest.write_text(json.dumps({"audio": signed}))
    given = (f"--output={tmp_path}/out", "--model=placeholder")
    status, out, err = command("run", f"--manifest={manifest}", *given)
    assert (status, "https://host/a.wav" in out) == (3, True)
    assert "5ec2e7" not in out + err
    status, out, err = command("run", f"--input={signed}", *given)
    assert (status, "https://host/a.wav" in err) == (2, True)
    assert "5ec2e7" not in out + err


def test_no_secret_of_an_address_is_logged() -> None:
    program = (
        "import contextlib, logging\n"
        "from beam_audio.command.cli import main\n"
        "with contextlib.suppress(SystemExit):\n"
        "    main(['--version'])\n"
        "logging.getLogger('lib').warning('cannot read %s', 'https://h/a?X-Amz-Signature=5ec2e7')\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)  # noqa: PLW1510 - its output tells
    assert ran.stderr == "WARNING lib: cannot read https://h/a\n"


def test_an_output_that_is_a_file_ends_2(command: Command, audio: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "out"
    blocked.write_text("mine")
    status, _, err = command(*run_words(audio, blocked))
    assert status == 2
    assert str(blocked) in err
    assert "choose another --output" in err
    assert blocked.read_text() == "mine"


def test_an_output_below_a_file_ends_2(command: Command, audio: Path) -> None:
    status, _, err = command(*run_words(audio, audio / "one.wav" / "out"))
    assert status == 2
    assert "choose another --output" in err


@pytest.mark.skipif("CUDAExecutionProvider" in available_providers(), reason="CUDA is here")
def test_a_required_provider_that_is_not_there_ends_1(
    command: Command, audio: Path, tmp_path: Path, weights: str
) -> None:
    wanted = ["--provider=cuda", "--require_provider", f"--model={weights}"]
    status, out, err = command(*run_words(audio, tmp_path / "out", *wanted))
    assert (status, out) == (1, "")
    assert "CUDAExecutionProvider was required" in err
    assert listing(tmp_path / "out") == {}


def test_a_model_that_does_not_exist_is_named(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    status, out, err = command(*run_words(audio, tmp_path / "out", "--model=whisper-tiny.fr"))
    assert (status, out) == (2, "")
    assert "whisper-tiny.fr" in err
    assert "whisper-tiny.en" in err


def test_flags_come_from_a_file(command: Command, audio: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(f"input: {audio}\noutput: {tmp_path}/wrong\nmodel: placeholder\n")
    status, _, _ = command("run", f"--config={file}", f"--output={tmp_path}/out")
    assert status == 0
    assert (tmp_path / "out").is_dir()
    assert not (tmp_path / "wrong").exists()


def test_the_version_is_printed(command: Command) -> None:
    assert command("--version") == (0, f"beam-audio {__version__}\n", "")


def test_the_help_of_the_command_shows_examples(command: Command) -> None:
    status, out, _ = command("--help")
    assert status == 0
    assert "beam-audio run --input=calls/ --output=out" in out


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_shell_completes_verbs_and_flags(command: Command, shell: str) -> None:
    status, out, _ = command(f"--print-completion={shell}")
    assert status == 0
    assert all(word in out for word in ("compact", "partition_by", "target_bytes"))


def test_the_help_states_the_size_that_compact_aims_at(command: Command) -> None:
    assert f"default: {TARGET_BYTES >> 20} MiB" in command("compact", "--help")[1]


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["run", "--help"], ["run", "--ouptut=x"], ["rnu"]]
)
def test_an_answer_takes_no_library(words: list[str]) -> None:
    program = (
        "import sys\nfrom beam_audio.command.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print('IMPORTED', *sys.modules)"
    )
    command = [sys.executable, "-c", program, *words]
    ran = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    imported = {name.partition(".")[0] for name in ran.stdout.partition("IMPORTED ")[2].split()}
    assert not imported & LIBRARIES


@pytest.mark.slow
def test_the_module_runs_as_a_command_with_its_exit_status(audio: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "beam_audio", *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    done = run(*run_words(audio, tmp_path / "out"))
    assert (done.returncode, done.stderr) == (0, "")
    refused = run("run", "--inptu=x")
    assert refused.returncode == 2
    assert refused.stderr == "beam-audio: unknown flag --inptu; did you mean '--input'?\n"
