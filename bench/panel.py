#!/usr/bin/env python3
"""make bench-panel [ARGS=--rounds 5]: how quickly the panel answers a finger, while the engine transcribes beside it.

A real Chromium at 800x480 and 390x844, the real program, and uploads that keep its workers busy all the time. All figures come from Chromium's own trace:
of each input the time until the frame it caused was on the screen (the slices EventLatency), of each change of screen the time from the input to the
frame in which the new screen has come to rest, and the time between frames while the meter moves. An input that changes nothing has no frame and is
not counted. Prints medians, 95th percentiles and the distribution of the frames, and the limits they are held to: 50 ms and 200 ms."""
import argparse
import bisect
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))
VENV = os.path.join(SOURCE, "build-venv", "bin", "python")
try:
    import requests
    from browser import SIZES, Browser
    from chromium_trace import Trace, Tracing
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys
    from test_server import Server
except ImportError:
    if sys.executable != VENV and os.path.exists(VENV):
        os.execv(VENV, [VENV, *sys.argv])
    sys.exit("bench/panel.py needs the packages of tests/requirements.txt: ./check pytest installs them")

INPUT_MS, TRANSITION_MS = 50, 200
SCREENS = ["commands", "timers", "history", "system", "settings", "talk"]
KEY_S = 0.06  # a quick hand
FRAMES_MS = [17.5, 25, 34, 50, 100]
# The marks are seen in the trace. A screen is at rest when its animation has ended.
MARKS = """
  window.rests = 0;
  // Without a display, Chromium lets its clock of frames stand still for up to a second when nothing moves. A screen does not.
  const dot = document.createElement("div");
  dot.id = "clock";
  document.body.append(dot);
  Object.assign(dot.style, {position: "fixed", top: 0, left: 0, width: "4px", height: "4px", background: "gray"});
  dot.animate({opacity: [0.5, 1]}, {duration: 1000, iterations: Infinity});
  document.addEventListener("click", e => e.target.closest("nav a") && performance.mark("change"), true);
  document.addEventListener("animationend", e => {
    if (!e.target.matches(".screen"))
      return;
    performance.mark("rest");
    rests++;
  }, true);
"""


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Load:
    """Uploads, one after the other in as many threads as there are workers."""

    def __init__(self, url, path, threads):
        self.url, self.path, self.done = url, path, 0
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self):
        with open(self.path, "rb") as file:
            audio = file.read()
        while not self.ended.is_set():
            self.done += requests.post(self.url + "/transcribe", files={"audio": audio}, timeout=300).ok

    def close(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def distribution(frames):
    shares, below = [], 0
    for limit in FRAMES_MS:
        n = sum(f < limit for f in frames)
        shares.append(f"<{limit:g} ms {100 * (n - below) / len(frames):.1f} %")
        below = n
    return ", ".join(shares) + f", longer {100 * (len(frames) - below) / len(frames):.1f} %"


def use(browser, rounds):
    """Goes through the panel as a hand would."""
    for _ in range(rounds):
        for screen in SCREENS:
            if not browser.all(f'nav a[href="#/{screen}"]'):
                continue
            before = browser.run("return rests")
            browser.go(screen)
            browser.wait("rest", lambda: browser.run("return rests") > before)
        for wanted in ("true", "false"):
            browser.find(".bar .switch").click()
            browser.wait("privacy", lambda: browser.find(".bar .switch").get_attribute("aria-checked") == wanted)
        field = browser.find(".typed input")
        for key in "what time is it" + Keys.ENTER:
            field.send_keys(key)
            time.sleep(KEY_S)
        browser.wait("the reply", lambda: ":" in browser.find(".reply").text)
        browser.find(".talk-button").click()
        browser.wait("that it listens", lambda: browser.find(".talk-button").get_attribute("aria-pressed") == "true")
        browser.driver.set_script_timeout(30)
        browser.run('performance.mark("meter"); return new Promise(done => setTimeout(() => { performance.mark("meter end"); done(); }, 3000))')
        ActionChains(browser.driver).send_keys(Keys.ESCAPE).perform()
        browser.wait("rest", lambda: browser.find(".talk-button").get_attribute("aria-pressed") == "false")


def transitions(trace):
    """From the release of the finger to the frame that shows the screen at rest."""
    releases, rests, found = [i[1] for i in trace.inputs() if i[0] == "MOUSE_RELEASED"], trace.marks("rest"), []
    for change in trace.marks("change"):
        i, k = bisect.bisect_right(releases, change), bisect.bisect_right(rests, change)
        if i > 0 and k < len(rests):
            found.append(trace.frame_after(rests[k]) - releases[i - 1])
    return found


def measure(server, folder, size, rounds, wav, trace_to):
    """{name: [milliseconds]} of one size of screen."""
    browser = Browser(os.path.join(folder, size), size, microphone=wav)
    try:
        browser.open(f"{server.url}/panel/")
        browser.wait("the state", lambda: browser.find(".state").text != "Connecting")
        browser.run(MARKS)
        tracing = Tracing(browser.driver, has_detail=trace_to is not None)
        use(browser, rounds)
        events = tracing.stop()
    finally:
        browser.close()
    if trace_to:
        with open(f"{trace_to}-{size}.json", "w", encoding="utf-8") as file:
            json.dump(events, file)
    trace = Trace(events)
    frames = [t for begin, end in zip(trace.marks("meter"), trace.marks("meter end")) for t in trace.frame_times(begin, end)]
    inputs = trace.inputs()
    result = {"input to paint": [end - begin for _, begin, end in inputs], "transition": transitions(trace), "frame": frames}
    for kind in sorted({i[0] for i in inputs}):
        result["  " + kind.lower()] = [end - begin for k, begin, end in inputs if k == kind]
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12, help="rounds through all screens (12)")
    parser.add_argument("--models", default=os.environ.get("VA_TEST_MODELS", os.path.join(SOURCE, "build-models")))
    parser.add_argument("--model", default="base")
    parser.add_argument("--idle", action="store_true", help="without transcriptions beside it")
    parser.add_argument("--trace", metavar="FILE", help="keep the traces, in detail, as FILE-phone.json and FILE-kiosk.json (tracing in detail costs time)")
    options = parser.parse_args()
    program = os.environ.get("VA_PROGRAM") or os.path.join(SOURCE, "build", "src", "daemon", "voice-assistant")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        speech, said = os.path.join(folder, "speech.wav"), os.path.join(folder, "said.wav")
        subprocess.run(["espeak-ng", "-w", speech, "The quick brown fox jumps over the lazy dog, and then it goes home to sleep. " * 4], check=True)
        subprocess.run(["espeak-ng", "-w", said, "turn on the light in the kitchen and the living room please. " * 20], check=True)
        server = Server(program, "--model", os.path.join(options.models, options.model + ".vam"), "--commands", os.path.join(SOURCE, "deploy", "commands"),
                        "--microphone", "none", "--set", f"listen.vad={os.path.join(options.models, 'vad.vam')}", "--set", "speech.enabled=false",
                        "--set", "history.enabled=true", "--set", "metrics.port=0", "--set", "server.tls_port=0", "--set", "wyoming.port=0", folder=folder)
        load = None if options.idle else Load(server.url, speech, 2)
        try:
            for size, (width, height) in SIZES.items():
                done = load.done if load else 0
                print(f"{width}x{height}")
                for name, values in measure(server, folder, size, options.rounds, said, options.trace).items():
                    limit = {"input to paint": INPUT_MS, "transition": TRANSITION_MS}.get(name)
                    if not values:
                        print(f"  {name:22} none")
                        continue
                    worst = percentile(values, 0.95)
                    failed = failed or (limit is not None and worst > limit)
                    print(f"  {name:22} median {statistics.median(values):6.1f} ms   95 % {worst:6.1f} ms   most {max(values):6.1f} ms   of {len(values)}"
                          + (f"   limit {limit} ms: {'kept' if worst <= limit else 'MISSED'}" if limit else ""))
                    if name == "frame":
                        print(f"    {distribution(values)}")
                print(f"  load average {os.getloadavg()[0]:.1f}, transcriptions beside it: {(load.done if load else 0) - done}")
        finally:
            if load:
                load.close()
            server.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
