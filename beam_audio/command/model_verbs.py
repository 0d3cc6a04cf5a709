"""``beam-audio models``: the verbs about models, their arguments, and what they print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_audio.command.unknown_words import refuse_unknown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def add_verbs(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verbs to ``beam-audio models``.

    Args:
        add: Adds one, of its name, its action, its line of help and more.
    """
    add("list", list_models, "models known by name")
    build = add("build", build_model, "build a model's ONNX files")
    build.add_argument("name", help="a name or a folder")
    build.add_argument("--precision", help="numeric precision; by default the card's")
    get = add("get", get_model, "bring a network for sounds, speakers or ratings")
    get.add_argument("name", help="a name, such as campplus, fireredvad-aed or dnsmos")
    check = add("check", check_model, "check a model's files and load it")
    check.add_argument("name", help="a name or a folder")


def list_models(_given: argparse.Namespace, rest: list[str]) -> int:
    """List the models known by name."""
    refuse_unknown(rest, [])
    from beam_audio import asr
    from beam_audio.models.network_card import all_network_cards

    print("\n".join(map(str, (*asr.list_models(), *all_network_cards()))))
    return 0


def get_model(given: argparse.Namespace, rest: list[str]) -> int:
    """Bring the files of a named network to this machine."""
    refuse_unknown(rest, [])
    from beam_audio.models.network_files import get_network

    print(get_network(given.name).status)
    return 0


def build_model(given: argparse.Namespace, rest: list[str]) -> int:
    """Build a model's files."""
    refuse_unknown(rest, ["--precision"])
    from beam_audio import asr

    built = asr.build_model(given.name, precision=given.precision)
    print(built or f"{given.name} has nothing to build")
    return 0


def check_model(given: argparse.Namespace, rest: list[str]) -> int:
    """Check a model's files and load it."""
    refuse_unknown(rest, [])
    from beam_audio import asr

    print(asr.check_model(given.name))
    return 0
