"""A real Chromium for the panel, driven through WebDriver: what it complains about is kept, and so is what moved by itself."""
import os
import shutil
import wave

import pytest

webdriver = pytest.importorskip("selenium.webdriver")
from selenium.common.exceptions import StaleElementReferenceException  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

SIZES = {"phone": (390, 844), "kiosk": (800, 480)}
TIMEOUT_S = 60
# Before the page's own scripts: violations of its policy, and shifts that nobody caused.
WATCH = """
  window.seen = {violations: [], shifts: []};
  addEventListener("securitypolicyviolation", e => seen.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
  new PerformanceObserver(list => list.getEntries().filter(e => !e.hadRecentInput && e.value > 0.001).forEach(e =>
    seen.shifts.push(`${e.value.toFixed(4)} ${e.sources.map(s => s.node && (s.node.className || s.node.nodeName)).join(" ")}`)))
    .observe({type: "layout-shift", buffered: true});
"""


def write_wav(path, pcm, rate):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)


class Browser:
    """One window with a profile of its own. microphone: a WAV file that is heard once."""

    def __init__(self, folder, size="phone", scheme="light", microphone=None, options=(), performance=None):
        driver = shutil.which("chromedriver")
        if driver is None or shutil.which("chromium") is None:
            pytest.skip("the packages chromium and chromium-driver are not installed")
        settings = webdriver.ChromeOptions()
        width, height = SIZES[size]
        arguments = ["--headless=new", f"--window-size={width},{height}", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                     "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", f"--user-data-dir={folder}", *options]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        if microphone is not None:
            arguments.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
        for argument in arguments:
            settings.add_argument(argument)
        settings.set_capability("goog:loggingPrefs", {"browser": "ALL", **({"performance": "ALL"} if performance else {})})
        if performance:
            settings.add_experimental_option("perfLoggingPrefs", performance)
        self.driver = webdriver.Chrome(options=settings, service=webdriver.ChromeService(driver))
        self.driver.set_page_load_timeout(TIMEOUT_S)
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        self.become(size, scheme)

    def become(self, size="phone", scheme="light", motion="no-preference"):
        """As new, at another size: nothing is kept of what was before."""
        width, height = SIZES[size]
        if self.driver.current_url.startswith("http"):
            self.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": self.run("return location.origin"), "storageTypes": "all"})
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": motion}]})
        self.driver.get_log("browser")
        return self

    def open(self, url):
        self.driver.get(url)
        return self

    def wait(self, what, condition, timeout=TIMEOUT_S):
        return WebDriverWait(self.driver, timeout, 0.02, ignored_exceptions=[StaleElementReferenceException]).until(lambda _: condition(), f"waited in vain: {what}")

    def find(self, selector):
        """The first that is shown."""
        return self.wait(selector, lambda: next(iter(self.all(selector)), None))

    def all(self, selector):
        return self.run("return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length)", selector)

    def by_text(self, selector, text):
        return self.wait(f"{selector} with {text!r}", lambda: self.run("""
          return [...document.querySelectorAll(arguments[0])].find(e => e.checkVisibility() && (e.innerText || e.ariaLabel || "").includes(arguments[1]))""", selector, text))

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def go(self, screen):
        self.find(f'nav a[href="#/{screen}"]').click()
        self.wait(screen, lambda: self.run("return document.querySelector('nav [aria-current]')?.hash") == f"#/{screen}")

    def check(self, but=()):
        """Nothing in the console, no violation of the policy, nothing that moved by itself."""
        seen = self.run("return window.seen")
        told = [m["message"] for m in self.driver.get_log("browser") if m["level"] in ("SEVERE", "WARNING")]
        complaints = [c for c in told if not any(b in c for b in but)]
        assert not complaints, complaints
        assert not seen["violations"], seen["violations"]
        assert not seen["shifts"], seen["shifts"]

    def close(self):
        self.driver.quit()
