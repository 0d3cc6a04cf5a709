"""The verbs ``report`` and ``explain``: what they write and print."""

from __future__ import annotations

import importlib.util
import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.command.display import printable
from beam_audio.errors import ConfigError
from beam_audio.output.folder import in_use
from beam_audio.store.output_names import REPORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.types import Row

_WITHOUT_DUCKDB: Final = (
    "this verb asks the tables through DuckDB, which is not installed: pip install "
    "'beam_audio[report]'"
)


def report(
    root: str, *, rules: str | None, page: str | None, against: str | None, as_json: bool
) -> None:
    """Write the page of an output, or print its figures.

    Args:
        root: The output folder.
        rules: The preset or file that judged it; None where it is to be found.
        page: The local file that is written; by default ``report.html`` in the output.
        against: Another output, to say what moved since; None for none.
        as_json: Print the figures and write nothing.

    Raises:
        ConfigError: DuckDB is not installed, or there is nothing to report on.
        StoreError: The tables are damaged, or the page cannot be written.
    """
    require_duckdb()
    from beam_audio.report.against import moved_since  # noqa: PLC0415 - DuckDB
    from beam_audio.report.content import report_of  # noqa: PLC0415
    from beam_audio.report.page import page_of  # noqa: PLC0415
    from beam_audio.report.tables import opened_tables  # noqa: PLC0415

    with ExitStack() as stack:
        tables = stack.enter_context(opened_tables(root))
        found = report_of(tables, rules)
        if against is not None:
            found.content["against"] = moved_since(
                stack.enter_context(opened_tables(against)), tables
            )
        if as_json:
            print(json.dumps(found.content, ensure_ascii=True))
            return
        html = page_of(tables, found).encode("utf-8")
    print(f"written to  {_write(root, page, html)}")


def _write(root: str, page: str | None, html: bytes) -> str:
    if page is None:
        # A run that starts at this moment must not clean the half-written file away.
        with in_use(root, lambda: None):
            store.write_whole(root, REPORT, html)
        return store.join(root, REPORT)
    write_page(page, html)
    return page


def write_page(page: str, html: bytes) -> None:
    """Write the file that ``--page`` names.

    Raises:
        ConfigError: It cannot be written.
    """
    try:
        Path(page).write_bytes(html)
    except OSError as error:
        raise ConfigError(f"--page={page} cannot be written: {error.strerror}") from error


def explain(root: str, segment_id: str, *, rules: str | None, play: bool, as_json: bool) -> None:
    """Print why a segment was decided as it was; with ``play``, write its audio, too.

    Raises:
        ConfigError: DuckDB is not installed, or there is no such segment.
        InputError: Its audio is nowhere.
    """
    require_duckdb()
    from beam_audio.report import explain as explaining  # noqa: PLC0415 - DuckDB
    from beam_audio.report.tables import opened_tables  # noqa: PLC0415

    with opened_tables(root) as tables:
        segment = explaining.find_segment(tables, segment_id)
        found = explaining.explain(tables, segment, rules)
        print(json.dumps(found, ensure_ascii=True) if as_json else explanation(found))
        if play:
            clip = Path(f"{segment['segment_id']}.flac")
            clip.write_bytes(explaining.flac_of(tables, segment))
            if not as_json:
                print(f"\nwritten to  {clip}")


def require_duckdb() -> None:
    """Check that DuckDB is installed.

    Raises:
        ConfigError: It is not; the message says how to get it.
    """
    if importlib.util.find_spec("duckdb") is None:
        raise ConfigError(_WITHOUT_DUCKDB)


def explanation(found: Row) -> str:
    """What is known of a segment, as aligned text."""
    parts = (_decision, _rules, _audio, _model, _neighbours)
    return "\n".join(line for part in parts for line in part(found))


def _decision(found: Row) -> Iterator[str]:
    reasons = ", ".join(found["reasons"]) or "no reason"
    yield _line("segment", found["segment_id"])
    yield _line("decision", f"{found['decision']} ({reasons}), by {_judge_of(found)}")
    yield _line("text", found["text"])
    if found["reference_text"] is not None:
        yield _line("reference", found["reference_text"])
        if found["reference_origin"] is not None:
            is_manifest = found["reference_origin"] == "manifest"
            yield _line("", f"from {'the manifest' if is_manifest else _person(found)}")
    if found["differences"]:
        yield _line("difference", " ".join(map(_step, found["differences"])))
    for key, value in found["metadata"].items():
        yield _line(f"  {key}", value)


def _judge_of(found: Row) -> str:
    """Who decided; where a person did, with what the rules decided."""
    rules = f"the rules {found['rules_id']}"
    if found["rules_decision"] is None:
        return rules
    reasons = ", ".join(found["rules_reasons"]) or "no reason"
    return f"{_person(found)}; {rules} decided {found['rules_decision']} ({reasons})"


def _person(found: Row) -> str:
    return f"{found['corrected_by'] or 'a person'} on {found['corrected_at']}"


def _step(step: list[str]) -> str:
    """One step of a difference: ``-missing-`` and ``+recognised+`` as marks."""
    kind, wanted, heard = step
    if kind == "equal":
        return wanted
    marked = (f"[-{wanted}-]" if wanted else "", f"{{+{heard}+}}" if heard else "")
    return " ".join(filter(None, marked))


def _rules(found: Row) -> Iterator[str]:
    if not found["rules_known"]:
        yield _line(
            "rules", "their file is not at hand, so there are no verdicts; name it: --rules=FILE"
        )
    for verdict in sorted(found["verdicts"], key=lambda each: not each["applies"]):
        mark = "applies" if verdict["applies"] else "-"
        conditions = " and ".join(map(_condition, verdict["conditions"]))
        yield _line(f"  {mark}", f"{verdict['reason']} ({verdict['decision']}): {conditions}")


def _condition(condition: Row) -> str:
    bound, value = _shown(condition["bound"]), _shown(condition["value"])
    return f"{condition['column']} {condition['comparison']} {bound} ({value})"


def _shown(value: object) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _audio(found: Row) -> Iterator[str]:
    audio = found["audio"]
    there = "is there" if audio["is_there"] else "cannot be read from here"
    yield _line("audio", f"{audio['uri']} ({there})")
    cut = f"{found['start_seconds']:.3f} to {found['end_seconds']:.3f} s"
    offset = audio["offset_seconds"]
    after = f", counted from {offset:g} s" if offset is not None else ""
    stored = "stored with its row" if audio["is_stored"] else "not stored"
    kind = f"{audio['codec']} in {audio['container']}, {audio['sample_rate_hz']} Hz"
    yield _line("", f"{cut}{after}; {kind}; {stored}")


def _model(found: Row) -> Iterator[str]:
    model = found["model"]
    yield _line("model", f"{model['model_id']} on {model['provider'] or 'an unknown provider'}")
    yield _line("", f"sha256 {model['model_sha256']}")
    yield _line("settings", f"config_id {found['config_id']}")
    if model["run_file"]:
        yield _line("", f"{model['run_file']} holds every flag")


def _neighbours(found: Row) -> Iterator[str]:
    for name, each in zip(_places(found), found["neighbours"], strict=True):
        cut = f"{each['start_seconds']:.3f} to {each['end_seconds']:.3f} s"
        yield _line(name, f"{each['segment_id']}, {cut}, {each['decision']}: {each['text']}")


def _places(found: Row) -> list[str]:
    return [
        "before" if each["start_seconds"] < found["start_seconds"] else "after"
        for each in found["neighbours"]
    ]


def _line(name: str, text: object) -> str:
    return f"{printable(name):<11} {printable(str(text))}".rstrip()
