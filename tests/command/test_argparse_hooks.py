"""The private members of argparse, in the Pythons they were looked at in."""

from __future__ import annotations

import argparse
import sys

from beam_audio.command.argparse_hooks import PYTHON_VERSIONS, actions


def test_this_python_is_one_whose_argparse_was_looked_at() -> None:
    assert sys.version_info[:2] in PYTHON_VERSIONS


def test_every_flag_is_listed_those_of_groups_too() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("-a", "--all")
    parser.add_argument("place")
    parser.add_argument_group("more").add_argument("--more")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--on", action="store_true")
    either.add_argument("--no_on", action="store_false", dest="on")
    names = {"-h", "--help", "-a", "--all", "--more", "--on", "--no_on"}
    assert {name for action in actions(parser) for name in action.option_strings} == names
