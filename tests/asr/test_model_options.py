from beam_audio.asr.model_options import DEFAULT_OPTIONS, ModelOptions


def test_the_default_options_suit_every_family() -> None:
    assert ModelOptions() == DEFAULT_OPTIONS
    assert DEFAULT_OPTIONS.only_whisper_has() == {}
    assert ModelOptions(precision="int8", provider="cpu", threads=2).only_whisper_has() == {}


def test_whispers_options_are_named_by_their_flags() -> None:
    options = ModelOptions(padding="full", mode="translate", prompt="")
    assert options.only_whisper_has() == {"padding": "full", "prompt": "", "task": "translate"}
