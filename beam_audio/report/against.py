"""What moved between two outputs: of the same recordings, by another model or other rules."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beam_audio.report.shown import stored_segments
from beam_audio.report.tables import keep_figures

if TYPE_CHECKING:
    from beam_audio.report.tables import Tables
    from beam_audio.types import Row

_MOST_TEXTS: Final = 50


def moved_since(before: Tables, now: Tables) -> Row:
    """Decisions, hours, error rates and texts of the segments that two outputs share.

    Segments are the same where they have the same id: the same stretch of the same recording, cut
    by the same settings.

    Args:
        before: The output that is compared with.
        now: The output that is reported on, with its table of segments.
    """
    with tempfile.TemporaryDirectory(prefix="beam-audio-report-") as folder:
        kept = Path(folder, "segments.parquet")
        keep_figures(before, None)
        before.database.execute(
            "COPY (SELECT segment_id, decision, seconds, wer, wer_errors, wer_words FROM segments) "
            f"TO '{kept}' (FORMAT parquet)"
        )
        now.database.execute(
            f"CREATE OR REPLACE TABLE before AS SELECT * FROM read_parquet('{kept}')"
        )
    now.database.execute(
        "CREATE OR REPLACE VIEW common AS SELECT segment_id, before.decision AS decision_before, "
        "segments.decision AS decision_now, segments.seconds AS seconds, "
        "before.wer AS one_wer_before, segments.wer AS one_wer_now, "
        "before.wer_errors AS errors_before, before.wer_words AS words_before, "
        "segments.wer_errors AS errors_now, segments.wer_words AS words_now "
        "FROM before JOIN segments USING (segment_id)"
    )
    return {
        "output": before.root,
        **now.row(
            "SELECT (SELECT count(*) FROM common) AS common, "
            "(SELECT count(*) FROM before ANTI JOIN segments USING (segment_id)) AS only_before, "
            "(SELECT count(*) FROM segments ANTI JOIN before USING (segment_id)) AS only_now"
        ),
        "before": _side(now, "before"),
        "now": _side(now, "now"),
        "moved": now.rows(
            "SELECT decision_before AS before, decision_now AS now, count(*) AS segments, "
            f"sum(seconds) / 3600 AS hours, {_wer('before')}, {_wer('now')} FROM common "
            "WHERE decision_before <> decision_now GROUP BY 1, 2 ORDER BY hours DESC, 1, 2"
        ),
        "texts": _texts(before, now),
    }


def _wer(side: str) -> str:
    rate = f"sum(errors_{side})::DOUBLE / nullif(sum(words_{side}), 0)"
    return f"{rate} AS wer_{side}"


def _side(now: Tables, side: str) -> Row:
    hours = ", ".join(
        f"coalesce(sum(seconds) FILTER (decision_{side} = '{decision}'), 0) / 3600 "
        f"AS hours_{decision}"
        for decision in ("keep", "review", "drop")
    )
    found = now.row(f"SELECT {_wer(side)}, {hours} FROM common")
    found["wer"] = found.pop(f"wer_{side}")
    return found


def _texts(before: Tables, now: Tables) -> list[Row]:
    """The segments whose error rate moved most, with both texts."""
    rows = now.rows(
        "SELECT segment_id, one_wer_before AS wer_before, one_wer_now AS wer_now FROM common "
        "WHERE wer_before <> wer_now ORDER BY abs(wer_now - wer_before) DESC, segment_id LIMIT ?",
        _MOST_TEXTS,
    )
    ids = [row["segment_id"] for row in rows]
    texts = {
        name: stored_segments(tables, ids) for name, tables in (("before", before), ("now", now))
    }
    return [
        row | {f"text_{name}": found[row["segment_id"]]["text"] for name, found in texts.items()}
        for row in rows
    ]
