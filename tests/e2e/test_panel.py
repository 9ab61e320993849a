"""The panel in a real Chromium, before the real program: every screen at the size of a phone and of a kiosk."""
import json
import os
import re

import pytest

from conftest import prepared
from pipe_microphone import PipeMicrophone
from test_server import Server

requests = pytest.importorskip("requests")
from browser import Browser, write_wav  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

SCREENS = ["talk", "commands", "timers", "history", "system", "settings"]
LEAST_TARGET = 48
PORTS = ["--set", "metrics.port=0", "--set", "server.tls_port=0", "--set", "wyoming.port=0"]
BOTH = pytest.mark.parametrize("size", ["phone", "kiosk"])
# What answers with 403, 404 or 422 is told in the console, whatever the page makes of it.
ANSWERS = ["the server responded with a status of"]
# An event may show the change before the answer to it has come; until then the switch takes no other press.
SETTLED = "[role=switch][aria-label='Privacy mode']:not([aria-busy])"


@pytest.fixture(scope="module")
def server(program, run, small_model, source, tmp_path_factory):
    running = Server(program, "--model", small_model, "--commands", os.path.join(source, "deploy", "commands"), "--microphone", "none",
                     "--set", f"listen.vad={prepared(run, 'vad')}", "--set", "speech.enabled=false", "--set", "history.enabled=true",
                     *PORTS, folder=tmp_path_factory.mktemp("panel"))
    yield running
    assert running.stop() == 0


@pytest.fixture
def routes(server):
    return {route.replace(" /api/v1/", " /") for route in server.get("/api/v1/", headers={"Accept": "application/json"}).json()["routes"]}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One browser for all that need no other: its microphone is in a room where nobody speaks."""
    folder = tmp_path_factory.mktemp("browser")
    write_wav(folder / "quiet.wav", bytes(2 * 16000 * 600), 16000)
    browser = Browser(folder / "profile", microphone=folder / "quiet.wav")
    yield browser
    browser.close()


@pytest.fixture
def make(shared):
    return shared.become


@pytest.fixture
def another(tmp_path):
    """another(size, ...) -> a Browser of its own, closed at the end."""
    browsers = []

    def call(size="phone", **more):
        browsers.append(Browser(tmp_path / f"profile{len(browsers)}", size, **more))
        return browsers[-1]
    yield call
    for browser in browsers:
        browser.close()


def panel(browser, server, screen="talk"):
    browser.open(f"{server.url}/panel/#/{screen}")
    browser.wait("the state", lambda: browser.find(".state").text == "Ready")
    return browser


def offered(browser):
    return [screen for screen in SCREENS if browser.all(f'nav a[href="#/{screen}"]')]


def needs(routes, *wanted):
    for route in wanted:
        if route not in routes:
            pytest.skip(f"this program has no {route}")


def type_command(browser, sentence):
    field = browser.find(".typed input")
    field.send_keys(sentence + Keys.ENTER)


# ---- the way there ----

def test_a_browser_is_sent_to_the_panel_and_a_program_is_not(server):
    page = server.get("/", headers={"Accept": "text/html,*/*"})
    assert page.url == server.url + "/panel/" and page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert server.get("/panel").url == server.url + "/panel/"
    assert "routes" in server.get("/", headers={"Accept": "*/*"}).json()
    policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
    assert policy.pop("default-src") == "'none'" and policy.pop("script-src") == "'self'"
    assert set(policy.values()) == {"'self'", "'none'"} and policy["frame-ancestors"] == "'none'"
    assert not re.search(r"\bon\w+=|style=|<script>|javascript:|https?://", page.text.replace("http://www.w3.org/2000/svg", ""))


def test_files_have_their_type_and_are_not_sent_twice(server):
    for name, kind in (("app.js", "text/javascript"), ("style.css", "text/css"), ("icon.svg", "image/svg+xml"), ("icon-512.png", "image/png"),
                       ("manifest.webmanifest", "application/manifest+json")):
        first = server.get(f"/panel/{name}")
        assert first.status_code == 200 and first.headers["Content-Type"].startswith(kind)
        assert server.get(f"/panel/{name}", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert server.get("/panel/passwd").status_code == 404
    assert server.get("/panel/..%2fapp.js").status_code == 404


def test_the_files_of_the_folder_are_those_in_the_program(server, source):
    for name in os.listdir(os.path.join(source, "web")):
        with open(os.path.join(source, "web", name), "rb") as file:
            served = server.get("/panel/" + ("" if name == "index.html" else name)).content
            assert name == "worker.js" or served == file.read()
            assert b"@BUILD@" not in served


# ---- screens ----

@BOTH
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen(make, server, size, scheme):
    browser = panel(make(size, scheme=scheme), server)
    assert {"talk", "history", "system", "settings"} <= set(offered(browser))
    for screen in offered(browser):
        browser.go(screen)
        browser.wait("its content", lambda: browser.run("return !!document.querySelector('.screen:not([hidden])').innerText.trim()"))
        assert screen.lower() in browser.driver.title.lower()
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight")
        small = browser.run("""
          return [...document.querySelectorAll("button, a[href], input, select, summary")].filter(e => e.checkVisibility() && !e.matches(".skip, .link"))
            .map(e => [e, (e.closest("label") || e).getBoundingClientRect()]).filter(([e, r]) => r.width && (Math.round(r.height) < arguments[0] || Math.round(r.width) < arguments[0]))
            .map(([e, r]) => `${e.outerHTML.slice(0, 90)} ${r.width}x${r.height}`)""", LEAST_TARGET)
        assert not small, small
    ground = browser.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)")
    assert (sum(ground) < 200) == (scheme == "dark")
    browser.check()


def names_of(browser):
    """Roles and names as a screen reader gets them."""
    tree = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    return [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in tree if not n.get("ignored")]


@BOTH
def test_a_screen_reader_finds_everything_by_name(make, server, size):
    browser = panel(make(size), server)
    browser.driver.execute_cdp_cmd("Accessibility.enable", {})
    for screen in offered(browser):
        browser.go(screen)
        names = names_of(browser)
        without = [role for role, name in names if role in ("button", "link", "switch", "textbox", "searchbox", "radio", "combobox", "spinbutton") and not name.strip()]
        assert not without, without
        roles = {role for role, _ in names}
        assert {"banner", "main", "navigation", "heading"} <= roles
        assert ("switch", "Privacy mode") in names


@pytest.mark.parametrize("size, scheme", [("phone", "light"), ("kiosk", "dark")])
def test_axe_finds_nothing(make, server, size, scheme):
    axe = pytest.importorskip("axe_core_python")
    with open(os.path.join(os.path.dirname(axe.__file__), "axe.min.js"), encoding="utf-8") as file:
        script = file.read()
    browser = panel(make(size, scheme=scheme), server)
    found = []

    def look(where):
        browser.wait("the animation", lambda: browser.run("return document.getAnimations().filter(a => a.effect.getTiming().iterations !== Infinity).length === 0"))
        browser.run(f"if (!window.axe) {{ {script}; window.axe = axe; }}")
        result = browser.driver.execute_async_script("const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations))")
        found.extend((where, v["id"], [n["html"][:120] for n in v["nodes"]]) for v in result)
    for screen in offered(browser):
        browser.go(screen)
        look(screen)
    browser.go("talk")
    browser.find(".bar .switch").click()
    browser.wait("privacy", lambda: browser.all(".private-screen") and browser.all(SETTLED))
    look("privacy")
    browser.find(".bar .switch").click()
    browser.wait("no privacy", lambda: not browser.all(".private-screen"))
    assert not found, found


# ---- commands ----

def test_a_typed_command(make, server):
    browser = panel(make("phone"), server)
    type_command(browser, "set a timer for seven minutes")
    browser.wait("the reply", lambda: "7 minutes" in browser.find(".reply").text)
    type_command(browser, "purple elephants <img src=x>")
    browser.wait("that it did not fit", lambda: "did not understand" in browser.find(".reply").text)
    assert browser.find(".heard").text == "purple elephants <img src=x>" and not browser.all(".said img")
    browser.check(but=ANSWERS)


def test_a_spoken_command(another, program, run, model, source, shared_data, tmp_path):
    soundfile = pytest.importorskip("soundfile")
    pcm, rate = soundfile.read(os.path.join(shared_data, "smarthome_ohf", "real_set_a_timer_for_5_minutes.flac"), dtype="int16")
    write_wav(tmp_path / "command.wav", bytes(rate) + pcm.tobytes() + bytes(2 * rate * 60), rate)
    server = Server(program, "--model", model, "--commands", os.path.join(source, "deploy", "commands"), "--microphone", "none",
                    "--set", f"listen.vad={prepared(run, 'vad')}", "--set", "speech.enabled=false", *PORTS, folder=tmp_path)
    try:
        browser = panel(another("phone", microphone=tmp_path / "command.wav"), server)
        # Everything that stands there in between is kept: what comes and goes quickly must not be missed.
        browser.run("""
          window.texts = []; window.loud = 0;
          new MutationObserver(() => texts.push(document.querySelector(".heard").textContent)).observe(document.querySelector(".said"), {subtree: true, childList: true, characterData: true});
          new MutationObserver(() => { loud = Math.max(loud, parseFloat(document.querySelector(".ring").style.transform.slice(6)) || 0); })
            .observe(document.querySelector(".ring"), {attributes: true});""")
        browser.find(".talk-button").click()  # a tap: the pause behind the command ends it
        browser.wait("the button", lambda: browser.find(".talk-button").get_attribute("aria-pressed") == "true")
        browser.wait("the reply", lambda: "5 minutes" in browser.find(".reply").text)
        assert "timer" in browser.find(".heard").text.lower()
        texts = browser.run("return texts")
        assert any("timer" in text.lower() for text in texts[:-1]) and len({t for t in texts if t}) >= 2, texts
        assert browser.run("return loud") > 1.05
        browser.wait("rest", lambda: browser.find(".talk-button").get_attribute("aria-pressed") == "false")
        browser.check()
    finally:
        assert server.stop() == 0


def test_a_command_to_the_assistants_own_microphone(make, program, run, model, source, shared_data, tmp_path):
    """As on a kiosk, or where a browser gives no microphone because the page came without TLS."""
    soundfile = pytest.importorskip("soundfile")
    pcm, rate = soundfile.read(os.path.join(shared_data, "smarthome_ohf", "real_set_a_timer_for_5_minutes.flac"), dtype="int16")
    assert rate == 16000
    microphone = PipeMicrophone(tmp_path / "microphone", bytes(3200))
    server = Server(program, "--model", model, "--commands", os.path.join(source, "deploy", "commands"), "--microphone", "file:" + microphone.path,
                    "--set", f"listen.vad={prepared(run, 'vad')}", "--set", "listen.mode=button", "--set", "speech.enabled=false", *PORTS, folder=tmp_path)
    try:
        browser = make("kiosk")
        # A page that is not secure has no such object.
        script = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": "Object.defineProperty(navigator, 'mediaDevices', {value: undefined})"})
        panel(browser, server)
        browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
        talk = browser.find(".talk-button")
        talk.click()
        browser.wait("that it listens", lambda: "Go on" in browser.find(".heard").text)
        assert server.get("/status").json()["state"] != "idle"
        microphone.say(pcm.tobytes())
        browser.wait("the reply", lambda: "5 minutes" in browser.find(".reply").text)
        assert "timer" in browser.find(".heard").text.lower()
        browser.wait("rest", lambda: talk.get_attribute("aria-pressed") == "false")
        talk.click()  # again, and given up by hand
        browser.wait("that it listens", lambda: "Go on" in browser.find(".heard").text)
        talk.click()
        browser.wait("rest", lambda: talk.get_attribute("aria-pressed") == "false" and server.get("/status").json()["state"] == "idle")
        browser.check(but=ANSWERS)
    finally:
        microphone.close()
        assert server.stop() == 0


def test_escape_gives_up_and_holding_works(make, server):
    browser = panel(make("kiosk"), server)
    talk = browser.find(".talk-button")
    talk.click()
    browser.wait("that it listens", lambda: "Go on" in browser.find(".heard").text)
    ActionChains(browser.driver).send_keys(Keys.ESCAPE).perform()
    browser.wait("that it gave up", lambda: browser.find(".reply").text == "Cancelled." and talk.get_attribute("aria-pressed") == "false")
    ActionChains(browser.driver).click_and_hold(talk).perform()
    browser.wait("that it listens", lambda: "Go on" in browser.find(".heard").text)
    browser.run("return new Promise(done => setTimeout(done, 400))")  # longer than a tap
    ActionChains(browser.driver).release(talk).perform()
    browser.wait("the end", lambda: browser.find(".reply").text != "")
    browser.wait("rest", lambda: server.get("/status").json()["state"] == "idle")
    browser.check()


def test_commands_can_be_found_and_run(make, server, routes):
    needs(routes, "GET /commands")
    browser = panel(make("phone"), server, "commands")
    browser.find(".commands .phrase")
    browser.find("input[type=search]").send_keys("what time")
    browser.wait("fewer", lambda: 0 < len(browser.all(".commands .phrase")) < 6)
    browser.by_text(".phrase", "what time is it").click()
    browser.wait("the reply", lambda: re.search(r"\d:\d\d", browser.find(".reply").text))
    browser.check()


# ---- privacy ----

@BOTH
def test_the_privacy_switch_cannot_be_overlooked(make, server, size):
    browser = panel(make(size), server)

    def ground():
        return browser.run("return getComputedStyle(document.body).backgroundColor")
    usual, switch = ground(), browser.find("[role=switch][aria-label='Privacy mode']")
    assert switch.get_attribute("aria-checked") == "false"
    switch.click()
    browser.wait("privacy mode", lambda: switch.get_attribute("aria-checked") == "true")
    assert server.get("/privacy").json()["privacy_mode"] is True
    assert "Privacy mode is on" in browser.find(".private-screen").text and not browser.all(".talk-button")
    for screen in offered(browser):
        browser.go(screen)
        assert ground() != usual and browser.find(".state").text == "Not listening"
    browser.go("talk")
    type_command(browser, "what time is it")  # hands work, ears do not
    browser.by_text("button", "Turn privacy mode off").click()
    browser.wait("the end of it", lambda: switch.get_attribute("aria-checked") == "false" and browser.all(".talk-button"))
    assert server.get("/privacy").json()["privacy_mode"] is False and ground() == usual
    server.post("/privacy/enable")  # by somebody else
    browser.wait("that it is seen here", lambda: switch.get_attribute("aria-checked") == "true")
    server.post("/privacy/disable")
    browser.wait("that it is seen here", lambda: switch.get_attribute("aria-checked") == "false")
    browser.check()


# ---- the other screens ----

def test_the_history_is_searched_exported_and_deleted(make, server):
    assert requests.delete(server.url + "/api/v1/history?all=true", timeout=60).ok
    for sentence in ("set a timer for nine minutes", "what time is it"):
        assert server.post("/command/execute", json={"text": sentence}).ok
    browser = panel(make("kiosk"), server, "history")
    browser.wait("both", lambda: len(browser.all(".entry")) == 2)
    browser.find("input[type=search]").send_keys("timer")
    browser.wait("one", lambda: len(browser.all(".entry")) == 1 and "nine minutes" in browser.find(".entry").text)
    browser.find(".entry button").click()
    browser.wait("none", lambda: not browser.all(".entry"))
    assert len(server.get("/api/v1/history").json()["entries"]) == 1
    browser.find("input[type=search]").clear()
    browser.find("input[type=search]").send_keys(" ")
    browser.wait("the other", lambda: len(browser.all(".entry")) == 1)
    browser.run("window.saved = []; const make = URL.createObjectURL; URL.createObjectURL = blob => (saved.push(blob.size), make(blob));")
    browser.by_text("button", "CSV").click()
    browser.wait("the file", lambda: browser.run("return saved[0]"))
    browser.by_text("button", "Delete all").click()
    browser.find("dialog")
    ActionChains(browser.driver).send_keys(Keys.ESCAPE).perform()
    browser.wait("no dialog", lambda: not browser.all("dialog"))
    assert len(server.get("/api/v1/history").json()["entries"]) == 1
    browser.by_text("button", "Delete all").click()
    browser.by_text("dialog button", "Delete all").click()
    browser.wait("nothing", lambda: "Nothing has been said" in browser.find(".screen:not([hidden])").text)
    assert server.get("/api/v1/history").json()["entries"] == []
    browser.check()


def test_timers_count_down_and_stop(make, server, routes):
    needs(routes, "GET /timers")
    server.post("/command/execute", json={"text": "cancel all timers"})
    browser = panel(make("phone"), server, "timers")
    browser.by_text("button", "5 min").click()
    left = browser.find(".timer .left")
    browser.wait("the count", lambda: re.fullmatch(r"[45]:\d\d", left.text))
    first = left.text
    browser.wait("that it goes on", lambda: left.text != first)
    if "DELETE /timers/{id}" in routes:
        browser.find(".timer button").click()
        browser.wait("none", lambda: not browser.all(".timer"))
    server.post("/command/execute", json={"text": "cancel all timers"})
    browser.check()


def test_the_system_is_shown(make, server):
    browser = panel(make("kiosk"), server, "system")
    browser.wait("health", lambda: re.search(r"Everything works|Something is wrong", browser.find(".screen:not([hidden])").text))
    text = browser.find(".screen:not([hidden])").text
    assert re.search(r"Memory\s+\d+ %", text) and "Not present" in text and "tiny.en" in text
    browser.check()


def test_options_are_changed(make, server):
    browser = panel(make("phone"), server, "settings")

    def option(name):
        return browser.find(f'.option [name="{name}"], .option [aria-label="{name}"]')

    def row(name):
        return browser.run("return arguments[0].closest('li').innerText", option(name))

    def value(name):
        return next(o["value"] for o in server.get("/api/v1/settings").json()["settings"] if o["name"] == name)
    for section in ("history", "speech", "model"):
        browser.find(f'[data-section="{section}"] summary').click()
    days = option("history.days")
    before = value("history.days")
    days.send_keys(Keys.CONTROL + "a" + Keys.NULL + "12" + Keys.TAB)
    browser.wait("that it counts", lambda: value("history.days") == 12 and browser.by_text("button", "Take back: history.days"))
    assert "restart" not in row("history.days")
    browser.by_text("button", "Take back: history.days").click()
    browser.wait("what it was", lambda: value("history.days") == before and not browser.all('[aria-label="Take back: history.days"]'))
    # What the configuration alone may say cannot be changed here, and says so.
    assert not option("speech.command").is_enabled() and "only in the configuration file" in row("speech.command")
    assert requests.patch(server.url + "/api/v1/settings", json={"speech.command": "sh"}, timeout=60).status_code == 403
    # What is read at the start waits for a restart.
    assert "after a restart" in row("speech.rate")
    rate = option("speech.rate")
    rate.send_keys(Keys.CONTROL + "a" + Keys.NULL + "150" + Keys.TAB)
    browser.wait("that it waits", lambda: "waits for a restart" in row("speech.rate"))
    # The command line, which named a model, goes before.
    name, before = option("model.name"), value("model.name")
    name.send_keys(Keys.CONTROL + "a" + Keys.NULL + "base.en" + Keys.TAB)
    browser.wait("that it does not count", lambda: "command line" in browser.run("return document.querySelector('.toast')?.textContent ?? ''"))
    browser.wait("what counts", lambda: "command line" in row("model.name") and option("model.name").get_attribute("value") == before)
    assert requests.patch(server.url + "/api/v1/settings", json={"speech.rate": None, "model.name": None}, timeout=60).ok
    browser.check(but=ANSWERS)


def test_settings_last(make, server):
    browser = panel(make("phone"), server, "settings")
    browser.by_text(".choices label", "Dark").click()
    browser.by_text(".choices label", "Larger").click()
    panel(browser, server)
    assert browser.run("return [document.documentElement.dataset.theme, getComputedStyle(document.documentElement).fontSize]") == ["dark", "20px"]
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    browser.check()


def test_options_are_changed_and_locked_ones_are_not(make, server):
    browser = panel(make("phone"), server, "settings")
    browser.wait("the options", lambda: browser.all("details[data-section=listen]"))
    for section in ("listen", "access", "speech"):
        browser.find(f"details[data-section={section}] summary").click()
    field = browser.find("[name='listen.wait']")
    browser.run("arguments[0].value = '7.5'; arguments[0].dispatchEvent(new Event('change'))", field)
    browser.wait("the change", lambda: "Saved." in browser.find("body").text)
    setting = {option["name"]: option for option in server.get("/api/v1/settings").json()["settings"]}
    assert setting["listen.wait"]["value"] == 7.5 and setting["listen.wait"]["source"] == "settings"
    assert not browser.find("[name='access.local']").is_enabled() and not browser.find("[name='speech.command']").is_enabled()
    browser.check()


# ---- hands off the mouse ----

def test_by_keyboard_alone(make, server):
    browser = panel(make("kiosk"), server)

    def press(*keys):
        ActionChains(browser.driver).send_keys(*keys).perform()

    def focus():
        return browser.run("const e = document.activeElement; return e.getAttribute('aria-label') || e.textContent.trim()")

    def to(name):
        for _ in range(40):
            if focus() == name:
                assert browser.run("return document.activeElement.matches(':focus-visible') && getComputedStyle(document.activeElement).outlineStyle !== 'none'"), name
                return
            press(Keys.TAB)
        raise AssertionError(f"Tab does not lead to {name}")
    press(Keys.TAB)
    assert focus() == "Skip to content"
    to("Privacy mode")
    press(Keys.SPACE)
    browser.wait("privacy", lambda: browser.all(".private-screen") and browser.all(SETTLED))
    press(Keys.SPACE)
    browser.wait("no privacy", lambda: browser.all(".talk-button"))
    to("Talk")
    press(Keys.SPACE)
    browser.wait("that it listens", lambda: browser.find(".talk-button").get_attribute("aria-pressed") == "true" and "Go on" in browser.find(".heard").text)
    press(Keys.ESCAPE)
    browser.wait("that it gave up", lambda: browser.find(".talk-button").get_attribute("aria-pressed") == "false")
    to("Type a command")
    press("what time is it", Keys.ENTER)
    browser.wait("the reply", lambda: re.search(r"\d:\d\d", browser.find(".reply").text))
    to("History")
    press(Keys.ENTER)
    browser.wait("the history", lambda: focus() == "History" and browser.run("return document.activeElement.tagName") == "H1")
    browser.check()


def test_without_motion_nothing_moves(make, server):
    browser = panel(make("phone", motion="reduce"), server)
    browser.go("settings")
    assert browser.run("return document.getAnimations().length") == 0
    browser.check()


def test_the_shell_opens_without_the_program(make, program, small_model, source, tmp_path):
    server = Server(program, "--model", small_model, "--commands", os.path.join(source, "deploy", "commands"), "--microphone", "none",
                    "--set", "speech.enabled=false", *PORTS, folder=tmp_path)
    try:
        browser = panel(make("phone"), server)
        manifest = json.loads(browser.driver.execute_cdp_cmd("Page.getAppManifest", {})["data"])
        assert manifest["start_url"] == "/panel/" and manifest["display"] == "standalone"
        browser.wait("the worker", lambda: browser.run("return navigator.serviceWorker.getRegistration('/panel/').then(r => r?.active?.state === 'activated')"))
        kept = browser.run("return caches.keys().then(n => caches.open(n[0])).then(c => c.keys()).then(k => k.map(r => new URL(r.url).pathname))")
        assert "/panel/app.js" in kept and all(path.startswith("/panel/") for path in kept)
        browser.check()
    finally:
        assert server.stop() == 0
    browser.open(f"{server.url}/panel/")
    browser.wait("that it says so", lambda: browser.find(".state").text == "No connection")


# ---- access ----

def make_private(program, small_model, source, folder):
    return Server(program, "--model", small_model, "--commands", os.path.join(source, "deploy", "commands"), "--microphone", "none",
                  "--set", "speech.enabled=false", *PORTS, "--set", "access.local=token", folder=folder)


def test_who_has_no_token_is_asked_for_one(make, program, run, small_model, source, routes, tmp_path):
    needs(routes, "POST /pairing/claim")
    server = make_private(program, small_model, source, tmp_path)
    try:
        made = run("token", "add", "tablet", "--json", "--set", f"data.folder={tmp_path}")
        token = re.search(r"va_[\w-]+", made.stdout)
        assert token, made.stdout + made.stderr
        browser = make("phone").open(f"{server.url}/panel/")
        field = browser.find("#token")
        field.send_keys("va_wrong" + Keys.ENTER)
        browser.wait("that it is wrong", lambda: "not accepted" in browser.find("[role=alert]").text)
        field.clear()
        field.send_keys(token[0] + Keys.ENTER)
        browser.wait("the panel", lambda: browser.find(".state").text == "Ready")
        panel(browser, server)  # it is kept
        browser.go("settings")
        browser.by_text("button", "Sign out").click()
        browser.find("#token")
        browser.check(but=ANSWERS)
    finally:
        assert server.stop() == 0


def test_a_phone_is_paired(make, another, server, routes):
    needs(routes, "POST /pairing", "POST /pairing/claim")
    wall = panel(make("kiosk"), server, "settings")
    wall.by_text("button", "Show the code").click()
    wall.find(".qr svg path, .qr svg rect")
    link = wall.find(".pairing a").get_attribute("href")
    assert re.fullmatch(r"https://\S+/pair#[A-Z0-9-]+", link)
    assert wall.find(".pairing .print").text
    phone = another("phone").open(f"{server.url}/pair#{link.split('#')[1]}")
    assert phone.run("return location.hash") == ""
    name = phone.find("#device-name")
    name.clear()
    name.send_keys("grandma's phone" + Keys.ENTER)
    phone.wait("the panel", lambda: phone.all(".state") and phone.find(".state").text == "Ready")
    token = phone.run("return localStorage.getItem('va.token')")
    assert requests.get(server.url + "/status", headers={"Authorization": f"Bearer {token}"}, timeout=60).ok
    phone.check()
    wall.check()
    again = make("phone").open(f"{server.url}/pair#{link.split('#')[1]}")
    again.find("form button").click()
    again.wait("that it works once", lambda: again.find("[role=alert]").text)
    assert again.run("return localStorage.getItem('va.token')") is None
