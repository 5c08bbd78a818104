"""A headless Chromium, driven over a pipe in its DevTools protocol: it needs nothing beside it."""

from __future__ import annotations

import base64
import itertools
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.mql5.toolchain import missing

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-extensions", "--no-proxy-server", "--mute-audio"),
    *("--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-pipe"),
)
_WIRING = (  # the browser reads commands from descriptor 3 and answers on 4
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)
_PATIENCE_S = 60.0  # a loaded machine starts a browser slowly
_FIRST_FREE = 10  # descriptors below may be those that the browser wants for its pipe


class Browser:
    """A running Chromium. Made by `chromium`."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._writer = os.fdopen(to_browser, "wb")
        self._reader = os.fdopen(from_browser, "rb")
        self._ids = itertools.count(1)
        self._messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.events: list[dict[str, Any]] = []
        threading.Thread(target=self._read, daemon=True).start()

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """One command and its result."""
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        self._writer.write(json.dumps(message).encode() + b"\0")
        self._writer.flush()
        while True:
            try:
                found = self._messages.get(timeout=_PATIENCE_S)
            except queue.Empty:
                raise AssertionError(f"the browser did not answer {method}") from None
            if found.get("id") == number:
                assert "error" not in found, f"{method}: {found['error']}"
                result: dict[str, Any] = found["result"]
                return result
            self.events.append(found)

    @contextmanager
    def tab(self, *, width: int = 1280, height: int = 900, dark: bool = False) -> Iterator[Tab]:
        """A tab with no past, of this many pixels."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        tab = Tab(self, session["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.call(f"{domain}.enable")
        tab.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        tab.call("Emulation.setEmulatedMedia", features=[scheme])
        try:
            yield tab
        finally:
            self.call("Target.disposeBrowserContext", browserContextId=context)

    def close(self) -> None:
        self._writer.close()

    def _read(self) -> None:
        pending = b""
        while received := self._reader.read1(65_536):
            *whole, pending = (pending + received).split(b"\0")
            for each in whole:
                self._messages.put(json.loads(each))
        self._reader.close()


class Tab:
    """One page in the browser."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **params)

    def resize(self, width: int, height: int = 900) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def open(self, url: str, until: str = "true") -> None:
        """Load a page and wait for a condition in it."""
        self.call("Page.navigate", url=url)
        self.wait(f"document.readyState === 'complete' && ({until})")

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression; a promise's is waited for."""
        done = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, f"{script}: {done['exceptionDetails']}"
        return done["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        until = time.monotonic() + _PATIENCE_S
        while not self.run(f"Boolean({condition})"):
            if time.monotonic() > until:
                text = self.run("document.body.innerText")
                raise AssertionError(f"never came true: {condition}; the page says:\n{text}")
            time.sleep(0.05)

    def text(self, selector: str) -> str:
        """What a reader sees of an element, blanks run together."""
        return " ".join(self.run(f"document.querySelector({selector!r}).innerText").split())

    def texts(self, selector: str) -> list[str]:
        """The same of all that match."""
        found = self.run(f"[...document.querySelectorAll({selector!r})].map((e) => e.textContent)")
        return [" ".join(each.split()) for each in found]

    def problems(self) -> list[str]:
        """What the browser has complained of: errors in scripts, refusals of the policy."""
        found = []
        for event in self._own_events():
            if event["method"] == "Runtime.exceptionThrown":
                found.append(str(event["params"]["exceptionDetails"]))
            elif event["method"] == "Log.entryAdded":
                found.append(event["params"]["entry"]["text"])
            elif event["method"] == "Runtime.consoleAPICalled":
                found.append(str(event["params"]["args"]))
        return found

    def requested(self) -> list[str]:
        """The addresses that the tab has asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self._own_events()
            if event["method"] == "Network.requestWillBeSent"
        ]

    def screenshot(self, path: Path) -> None:
        """The whole page as a PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.call(
            "Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True
        )
        path.write_bytes(base64.b64decode(shot["data"]))

    def _own_events(self) -> list[dict[str, Any]]:
        self.run("0")  # what came before this is known after it
        return [each for each in self._browser.events if each.get("sessionId") == self._session]


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A browser with its profile in `folder`."""
    executable = next(filter(None, map(shutil.which, _NAMES)), None)
    if executable is None or os.name != "posix":
        missing("no chromium to look at the page with")
    import fcntl

    pipes = [*os.pipe(), *os.pipe()]
    theirs_in, ours_out, ours_in, theirs_out = (
        fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE) for each in pipes
    )
    for each in pipes:
        os.close(each)
    browser_command = [executable, *_OPTIONS, f"--user-data-dir={folder}"]
    process = subprocess.Popen(
        [sys.executable, "-c", _WIRING, str(theirs_in), str(theirs_out), *browser_command],
        pass_fds=(theirs_in, theirs_out),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    browser = Browser(ours_out, ours_in)
    try:
        yield browser
        browser.call("Browser.close")
    finally:
        browser.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
