"""Chromium without a window, driven by chromedriver in the W3C WebDriver protocol."""

from __future__ import annotations

import base64
import json
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from support.free_ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"
_KEYS: Final = {"tab": "\ue004", "right": "\ue014"}
_START_SECONDS: Final = 30.0
_OPTIONS: Final = {
    "args": [
        "--headless=new",
        "--no-sandbox",  # tests may run as root
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--autoplay-policy=no-user-gesture-required",
        "--mute-audio",
    ]
}
_LOGS: Final = {"browser": "ALL", "performance": "ALL"}


class Browser:
    """One window. Scripts are run in the page and give values back."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}/session"
        always = {"goog:chromeOptions": _OPTIONS, "goog:loggingPrefs": _LOGS}
        begun = self._ask("POST", "", {"capabilities": {"alwaysMatch": always}})
        self._address += f"/{begun['sessionId']}"

    def open(self, page: Path) -> None:
        self._ask("POST", "/url", {"url": page.resolve().as_uri()})

    def run(self, script: str, *values: object) -> Any:  # noqa: ANN401 - what the script returns
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(values)})

    def wait(self, condition: str, seconds: float = 10.0) -> Any:  # noqa: ANN401 - as above
        """Wait until an expression is true in the page; returns its value."""
        deadline = time.monotonic() + seconds
        while not (value := self.run(f"return {condition}")):
            if time.monotonic() > deadline:
                raise TimeoutError(condition)
            time.sleep(0.05)
        return value

    def drag(self, selector: str, to_share: float) -> None:
        """Drag the handle of a range from where it is to a share of its width."""
        box = self.run(
            "const at = document.querySelector(arguments[0]); "
            "at.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const box = at.getBoundingClientRect(); return [box.left, box.top + box.height / 2, "
            "box.width, (at.value - at.min) / (at.max - at.min)]",
            selector,
        )
        left, middle, width, share = box
        handle = 8  # half its width
        start = left + handle + (width - 2 * handle) * share
        end = left + handle + (width - 2 * handle) * to_share
        moves = [
            {"type": "pointerMove", "duration": 0, "x": round(start), "y": round(middle)},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerMove", "duration": 200, "x": round(end), "y": round(middle)},
            {"type": "pointerUp", "button": 0},
        ]
        self._ask(
            "POST", "/actions", {"actions": [{"type": "pointer", "id": "m", "actions": moves}]}
        )

    def press(self, key: str) -> None:
        keys = [{"type": kind, "value": _KEYS.get(key, key)} for kind in ("keyDown", "keyUp")]
        self._ask("POST", "/actions", {"actions": [{"type": "key", "id": "k", "actions": keys}]})

    def write(self, selector: str, text: str) -> None:
        found = self._ask("POST", "/element", {"using": "css selector", "value": selector})
        self._ask("POST", f"/element/{found[_ELEMENT]}/value", {"text": text})

    def resize(self, width: int, height: int, *, is_phone: bool = False) -> None:
        self._devtools(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone},
        )

    def set_dark(self, *, is_dark: bool) -> None:
        value = "dark" if is_dark else "light"
        features = [{"name": "prefers-color-scheme", "value": value}]
        self._devtools("Emulation.setEmulatedMedia", {"features": features})

    def picture(self) -> bytes:
        """The whole page as PNG."""
        asked = {"format": "png", "captureBeyondViewport": True}
        return base64.b64decode(self._devtools("Page.captureScreenshot", asked)["data"])

    def complaints(self) -> list[str]:
        """What the console said since it was last asked."""
        return [each["message"] for each in self._log("browser")]

    def requests(self) -> list[str]:
        """Addresses that the page asked for since it was last asked."""
        messages = [json.loads(each["message"])["message"] for each in self._log("performance")]
        return [
            each["params"]["request"]["url"]
            for each in messages
            if each["method"] == "Network.requestWillBeSent"
        ]

    def end(self) -> None:
        self._ask("DELETE", "")

    def _log(self, kind: str) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self._ask("POST", "/se/log", {"type": kind}))

    def _devtools(self, command: str, parameters: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        return self._ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def _ask(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self._address}{path}", body, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - it is local
            return json.load(answer)["value"]


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with one window, and the end of it."""
    port = free_port()
    with subprocess.Popen(
        ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as driver:
        try:
            window = _begun(port)
            try:
                yield window
            finally:
                window.end()
        finally:
            driver.terminate()


def _begun(port: int) -> Browser:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            return Browser(port)
        except ConnectionError:
            pass
        except OSError as error:
            if not isinstance(getattr(error, "reason", None), ConnectionError):
                raise
        if time.monotonic() > deadline:
            raise TimeoutError("chromedriver does not answer")
        time.sleep(0.1)
