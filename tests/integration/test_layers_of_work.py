"""Over 200 recordings, a changed layer repeats the work of the stages behind it and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.counted_work import count_work, work_in
from support.run_outputs import all_rows, run, write_manifest

if TYPE_CHECKING:
    from pathlib import Path

RECORDINGS = 200
STEPS: tuple[tuple[dict[str, str], set[str]], ...] = (
    ({"rules": "strict"}, set()),
    ({"normalizer": "basic-1"}, set()),
    ({"task": "translate"}, {"decoded", "heard"}),
    ({"vad_preset": "onnx-asr"}, {"decoded", "searched", "measured", "heard"}),
)
"""What is changed, one after the other, and the stages it takes; the task is the model's layer."""

pytestmark = [pytest.mark.integration, pytest.mark.shared]


@pytest.fixture(scope="module")
def manifest(short_lines: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    step = len(short_lines) / RECORDINGS
    chosen = [short_lines[round(index * step)] for index in range(RECORDINGS)]
    return write_manifest(tmp_path_factory.mktemp("manifest") / "m.jsonl", chosen)


def test_a_changed_layer_repeats_only_what_depends_on_it(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "work"
    count_work(log, monkeypatch.setattr)
    output = tmp_path / "out"
    common = {"manifest": manifest, "unit_bytes": 1 << 20}
    flags: dict[str, str] = {}
    assert run(**common, **flags, output=output).exit_status == 0
    for changed, stages in STEPS:
        flags |= changed
        before = work_in(log)
        again = run(**common, **flags, output=output)
        updating = work_in(log) - before
        fresh_output = tmp_path / "-".join(changed)
        fresh = run(**common, **flags, output=fresh_output)
        afresh = work_in(log) - before - updating
        assert (again.exit_status, again.new_inputs, fresh.exit_status) == (0, 0, 0)
        assert all_rows(output) == all_rows(fresh_output)
        assert again.ledger == fresh.ledger
        assert updating == {stage: afresh[stage] for stage in stages}
