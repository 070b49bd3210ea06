"""A real browser for pages: Chromium without a window, spoken to by the WebDriver protocol, without the network."""

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.request

DRIVER, BROWSER = shutil.which("chromedriver"), shutil.which("chromium")
_FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
 --disable-component-update --disable-sync --hide-scrollbars""".split()
_NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND"


class Browser:
    """One window. `run` runs JavaScript, with `arguments`, and returns what it returns."""

    def __init__(self, address: str, session: str):
        self.address = f"{address}/session/{session}"

    def call(self, command: str, method: str = "POST", **values):
        return _called(f"{self.address}/{command}", method, values)

    def open(self, path) -> None:
        self.call("url", url=path.resolve().as_uri())

    def run(self, script: str, *arguments):
        return self.call("execute/sync", script=script, args=list(arguments))

    def cdp(self, command: str, **values):
        """A command of Chromium's own protocol."""
        return self.call("goog/cdp/execute", cmd=command, params=values)

    def size(self, width: int, height: int, scale: float = 1, phone: bool = False, dark: bool = False) -> None:
        options = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone}
        self.cdp("Emulation.setDeviceMetricsOverride", **options)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.cdp("Emulation.setEmulatedMedia", features=[scheme])

    def keys(self, text: str, shift: bool = False) -> None:
        """Press keys one after the other; U+E012 and so on are WebDriver's for those without a character."""
        presses = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        held = [[{"type": kind, "value": "\ue008"}] if shift else [] for kind in ("keyDown", "keyUp")]
        self.call("actions", actions=[{"type": "key", "id": "keys", "actions": [*held[0], *presses, *held[1]]}])

    def click(self, selector: str) -> None:
        self.run("document.querySelector(arguments[0]).click()", selector)

    def screenshot(self) -> bytes:
        return base64.b64decode(self.call("screenshot", method="GET"))

    def errors(self) -> list:
        """What the page has complained about."""
        return [entry["message"] for entry in self.call("se/log", type="browser") if entry["level"] == "SEVERE"]


@contextlib.contextmanager
def browser():
    """A `Browser`, gone behind the block; where there is no Chromium, see `BROWSER` and `DRIVER`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen(
        [DRIVER, f"--port={port}", "--silent"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address, session = f"http://127.0.0.1:{port}", None
    try:
        _wait(address)
        options = {"binary": BROWSER, "args": [*_FLAGS, _NO_NETWORK]}
        wanted = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        session = _called(f"{address}/session", "POST", {"capabilities": wanted})["sessionId"]
        yield Browser(address, session)
    finally:
        if session is not None:
            _called(f"{address}/session/{session}", "DELETE", {})
        driver.terminate()
        driver.wait()


def _wait(address: str) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            if _called(f"{address}/status", "GET", {})["ready"]:
                return
        time.sleep(0.05)
    raise RuntimeError("chromedriver does not answer")


def _called(address: str, method: str, values: dict):
    data = json.dumps(values).encode() if method == "POST" else None
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # this machine alone
    try:
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(json.load(error)["value"]["message"]) from error
