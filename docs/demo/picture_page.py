"""Takes the picture of a page that beam-audio wrote, as docs/search.md shows one.

    beam-audio search out '"two boats" chil*' --page=found.html
    python docs/demo/picture_page.py found.html docs/images/search.png

It needs Chromium. The picture has few colours, so its file is small.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

WIDTH, HEIGHT = 760, 510
COLOURS = 96


def main() -> None:
    """Take the picture of the top of a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("target", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder, "page.png")
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += [f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={taken}"]
        subprocess.run([*command, given.page.resolve().as_uri()], check=True)
        picture = Image.open(taken).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(given.target, optimize=True)


if __name__ == "__main__":
    main()
