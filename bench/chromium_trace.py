"""What Chromium itself traces of a page: when an input came, and when its frame was on the screen. Read over the DevTools socket of the browser."""
import bisect
import json

import requests
from websockets.sync.client import connect

# Little, so that tracing does not slow down what it looks at; `DETAIL` shows where time goes.
CATEGORIES = ["input", "input.scrolling", "blink.user_timing", "disabled-by-default-display.framedisplayed"]
DETAIL = ["devtools.timeline", "cc", "benchmark", "viz", "toplevel", "v8", "disabled-by-default-devtools.timeline"]
BUFFER_KB = 400_000


class Tracing:
    """While it is open, the browser traces; `stop` returns the events."""

    def __init__(self, driver, has_detail=False):
        address = driver.capabilities["goog:chromeOptions"]["debuggerAddress"]
        url = requests.get(f"http://{address}/json/version", timeout=60).json()["webSocketDebuggerUrl"]
        self.connection = connect(url, max_size=None, open_timeout=60)
        self.socket = self.connection.__enter__()
        self.call("Tracing.start", transferMode="ReportEvents", traceConfig={
            "recordMode": "recordUntilFull", "traceBufferSizeInKb": BUFFER_KB, "excludedCategories": ["*"],
            "includedCategories": CATEGORIES + (DETAIL if has_detail else [])})

    def call(self, method, **parameters):
        """Sends, and returns what came before the answer."""
        self.socket.send(json.dumps({"id": 1, "method": method, "params": parameters}))
        before = []
        while True:
            message = json.loads(self.socket.recv(timeout=120))
            if message.get("id") == 1:
                assert "error" not in message, message
                return before
            before.append(message)

    def stop(self):
        messages, events = self.call("Tracing.end"), []
        while not messages or messages[-1]["method"] != "Tracing.tracingComplete":
            messages.append(json.loads(self.socket.recv(timeout=120)))
        self.connection.__exit__(None, None, None)
        assert not messages[-1]["params"].get("dataLossOccurred"), "the trace is incomplete"
        for message in messages:
            events += message["params"].get("value", [])
        return events


class Trace:
    """Times in milliseconds of the browser's clock."""

    def __init__(self, events):
        self.events = events
        self.shown = sorted(e["ts"] / 1000 for e in events if e["name"] == "Display::FrameDisplayed")

    def inputs(self):
        """[(type, start, end)]: an input of a hand or a key, and when the frame that it caused was on the screen. Not those that changed nothing."""
        open_, found = {}, []
        for event in sorted((e for e in self.events if e["name"] == "EventLatency"), key=lambda e: e["ts"]):
            key = (event["pid"], event["id2"]["local"])
            if event["ph"] == "b":
                open_[key] = event
            elif key in open_:
                begin = open_.pop(key)
                latency = begin["args"]["event_latency"]
                if latency["event_type"] != "MOUSE_MOVED_EVENT" and "display_trace_id" in latency:
                    found.append((latency["event_type"], begin["ts"] / 1000, event["ts"] / 1000))
        return found

    def marks(self, name):
        """[time]: performance.mark of that name in the page."""
        return sorted(e["ts"] / 1000 for e in self.events if e["name"] == name and "blink.user_timing" in e["cat"])

    def frame_after(self, time, patience=100):
        """When the next frame was on the screen; the time itself where none followed, because nothing changed any more."""
        i = bisect.bisect_right(self.shown, time)
        return self.shown[i] if i < len(self.shown) and self.shown[i] - time < patience else time

    def frame_times(self, begin, end):
        frames = [t for t in self.shown if begin <= t <= end]
        return [b - a for a, b in zip(frames, frames[1:])]
