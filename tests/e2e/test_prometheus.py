"""A real Prometheus scrapes the running program; its answers to PromQL are right. promtool judges rules, their tests and the text.

Debian's package starts no service for this: the binary runs here, on a port and in a folder of its own."""
import json
import os
import re
import shutil
import subprocess
import time

import pytest

from test_server import Server

requests = pytest.importorskip("requests")

WAIT_S = 60
AUDIO = "librivox/sense_and_sensibility_01_austen_64kb-0880.wav"


@pytest.fixture(scope="module", autouse=True)
def tools():
    for tool in ("prometheus", "promtool"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")


def promtool(*arguments, **more):
    answer = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=120, check=False, **more)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout + answer.stderr


@pytest.fixture(scope="module")
def deploy(source):
    return os.path.join(source, "deploy", "prometheus")


@pytest.fixture(scope="module")
def server(program, small_model, source, tmp_path_factory):
    running = Server(program, "--model", small_model, "--microphone", "none", "--commands", os.path.join(source, "deploy", "commands"),
                     "--set", "speech.enabled=no", "--set", "metrics.port=0", "--set", "health.disk=100", "--set", "health.disk_free=0",
                     folder=tmp_path_factory.mktemp("serve"))
    running.metrics_url = re.search(r"http://\S+/metrics", running.process.stdout.readline())[0]
    yield running
    assert running.stop() == 0


class Prometheus:
    """On a free port, which it says in its log; scrapes five times a second."""

    def __init__(self, target, folder):
        self.folder = folder
        config = folder / "prometheus.yml"
        config.write_text(json.dumps({
            "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"},
            "scrape_configs": [{"job_name": "voice-assistant", "static_configs": [{"targets": [target]}]}]}))
        promtool("check", "config", str(config))
        self.log = open(folder / "log", "w+", encoding="utf8")
        self.process = subprocess.Popen(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
                                         "--web.listen-address=127.0.0.1:0"], stderr=self.log, stdout=self.log)
        self.url = f"http://127.0.0.1:{self.wait_for(self.port)}"
        self.wait_for(lambda: requests.get(self.url + "/-/ready", timeout=10).status_code == 200)

    def port(self):
        """Its log does not say which of the free ports it got; the kernel does."""
        sockets = set()
        for fd in os.listdir(f"/proc/{self.process.pid}/fd"):
            try:
                sockets.add(os.readlink(f"/proc/{self.process.pid}/fd/{fd}"))
            except FileNotFoundError:
                pass
        with open("/proc/net/tcp", encoding="utf8") as file:
            for line in list(file)[1:]:
                field = line.split()
                if field[3] == "0A" and f"socket:[{field[9]}]" in sockets:
                    return int(field[1].split(":")[1], 16)
        return None

    def wait_for(self, function):
        end = time.monotonic() + WAIT_S
        while not (value := function()):
            assert self.process.poll() is None and time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.05)
        return value

    def query(self, expression):
        """{labels as text: number}"""
        answer = requests.get(self.url + "/api/v1/query", params={"query": expression}, timeout=10).json()
        assert answer["status"] == "success", answer
        return {",".join(f"{k}={v}" for k, v in sorted(each["metric"].items()) if k not in ("__name__", "job", "instance")): float(each["value"][1])
                for each in answer["data"]["result"]}

    def expect(self, expression, wanted):
        """Sooner or later: it scrapes."""
        end = time.monotonic() + WAIT_S
        while (found := self.query(expression)) != wanted:
            assert time.monotonic() < end, (expression, found, wanted)
            time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


@pytest.fixture(scope="module")
def prometheus(server, tmp_path_factory):
    running = Prometheus(re.search(r"//(.*)/metrics", server.metrics_url)[1], tmp_path_factory.mktemp("prometheus"))
    yield running
    running.stop()


def test_the_numbers_of_real_requests(server, prometheus, recordings):
    with open(os.path.join(recordings, AUDIO), "rb") as file:
        audio = file.read()
    for _ in range(3):
        assert server.post("/transcribe", files={"audio": audio}).status_code == 200
    seconds = server.post("/transcribe", files={"audio": audio}).json()["duration"]
    assert server.post("/transcribe", files={"audio": b"RIFF and no more"}).status_code == 415
    assert server.post("/command/execute", json={"text": "what time is it"}).status_code == 200
    assert server.post("/command/execute", json={"text": "sing about the sea"}).status_code == 422
    assert server.get("/nowhere").status_code == 404

    prometheus.expect("up", {"": 1})
    prometheus.expect("transcriptions_total", {"": 4})
    prometheus.expect("transcription_duration_seconds_count", {"": 4})
    prometheus.expect('voice_assistant_transcriptions_total > 0', {"source=upload": 4})
    prometheus.expect("voice_assistant_transcriptions_unfinished_total > 0", {"reason=failed": 1})
    prometheus.expect("voice_assistant_commands_total > 0", {"outcome=success": 1, "outcome=unknown": 1})
    prometheus.expect('voice_assistant_http_requests_total{class="4xx"}', {"class=4xx": 3})
    prometheus.expect("active_users >= bool 1", {"": 1})
    prometheus.expect("voice_assistant_healthy", {"": 1})
    prometheus.expect("sum(voice_assistant_microphone_state)", {"": 1})
    prometheus.expect("voice_assistant_queue_depth + voice_assistant_workers_busy", {"": 0})
    prometheus.expect("abs(voice_assistant_transcribed_audio_seconds_total - %f) < bool 0.1" % (4 * seconds), {"": 1})
    prometheus.expect("0.005 < histogram_quantile(0.5, transcription_duration_seconds_bucket) < bool 60", {"": 1})
    prometheus.expect("abs(time() - process_start_time_seconds - voice_assistant_uptime_seconds) < bool 5", {"": 1})
    prometheus.expect("voice_assistant_resident_anonymous_bytes < bool 1e9", {"": 1})
    prometheus.expect("process_open_fds > bool 3", {"": 1})
    prometheus.expect("count(voice_assistant_build_info)", {"": 1})


def test_privacy_mode_is_seen(server, prometheus):
    assert server.post("/privacy/enable").status_code == 200
    prometheus.expect("voice_assistant_privacy_mode", {"": 1})
    assert server.post("/privacy/disable").status_code == 200
    prometheus.expect("voice_assistant_privacy_mode", {"": 0})


def test_the_text_is_clean(server):
    answer = requests.get(server.metrics_url, timeout=30)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert promtool("check", "metrics", input=answer.text) == ""
    assert requests.post(server.metrics_url, timeout=30).status_code == 405
    assert requests.get(server.metrics_url.replace("/metrics", "/status"), timeout=30).status_code == 404
    assert "cpu" in server.get("/metrics").json()  # that of the API is another one


def test_beyond_this_machine_it_is_tls_and_a_token(program, small_model, run, tmp_path):
    wide = Server(program, "--model", small_model, "--microphone", "none", "--set", "metrics.listen=0.0.0.0", folder=tmp_path)
    try:
        url = re.search(r"https://\S+:(\d+)/metrics", wide.process.stdout.readline())
        url = f"https://localhost:{url[1]}/metrics"
        assert requests.get(url, verify=wide.ca, timeout=30).status_code == 401
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.get(url.replace("https", "http"), timeout=30)
        for scope, status in (("history", 403), ("status", 200)):
            token = run("token", "add", scope, "--scopes", scope, "--set", f"data.folder={tmp_path}").stdout.strip()
            answer = requests.get(url, verify=wide.ca, headers={"Authorization": "Bearer " + token}, timeout=30)
            assert answer.status_code == status and ("transcriptions_total" in answer.text) == (status == 200)
    finally:
        assert wide.stop() == 0


def test_a_taken_port_does_not_keep_it_from_working(program, small_model, server, tmp_path):
    port = re.search(r":(\d+)/", server.metrics_url)[1]
    second = Server(program, "--model", small_model, "--microphone", "none", "--set", f"metrics.port={port}", folder=tmp_path)
    assert second.get("/status").status_code == 200
    assert second.stop() == 0
    assert "no metrics for Prometheus (metrics.port)" in (tmp_path / "stderr.txt").read_text()


def test_without_metrics(program, small_model, tmp_path):
    without = Server(program, "--model", small_model, "--microphone", "none", "--set", "metrics.enabled=no", folder=tmp_path)
    assert without.get("/status").status_code == 200
    assert without.stop() == 0
    assert "metrics on" not in without.process.stdout.read()


def test_configuration_and_rules(deploy):
    assert "SUCCESS" in promtool("check", "config", os.path.join(deploy, "prometheus.yml"))
    assert "rules found" in promtool("check", "rules", os.path.join(deploy, "alerts.yml"))
    assert "SUCCESS" in promtool("test", "rules", os.path.join(deploy, "alerts_test.yml"))


def test_every_alert_is_tested(deploy):
    with open(os.path.join(deploy, "alerts.yml"), encoding="utf8") as rules, open(os.path.join(deploy, "alerts_test.yml"), encoding="utf8") as tests:
        names, tested = set(re.findall(r"alert: (\w+)", rules.read())), tests.read()
    assert len(names) > 10 and all(name in tested for name in names)


def known_metrics(source):
    """Of metrics.def: with what a histogram adds."""
    with open(os.path.join(source, "src", "base", "metrics.def"), encoding="utf8") as file:
        rows = re.findall(r'^VA_(\w+)\(\w+, "(\w+)"', file.read(), re.M)
    return {name + suffix for kind, name in rows for suffix in (("_bucket", "_sum", "_count") if kind == "HISTOGRAM" else ("",))}


def names_in(expression):
    """The metrics of a PromQL expression: the words before selectors, and what stands alone."""
    expression = re.sub(r"\{[^}]*\}|\[[^]]*\]|(by|on|ignoring|without) *\([^)]*\)", " ", expression)
    return {name for name in re.findall(r"\b[a-z_]\w*\b(?! *\()", expression)
            if name not in ("and", "or", "unless", "bool", "by", "on", "ignoring", "up", "e9", "e6")}


def test_rules_and_dashboard_use_metrics_that_exist(source, deploy):
    known = known_metrics(source)
    with open(os.path.join(deploy, "alerts.yml"), encoding="utf8") as file:
        text = file.read()
    expressions = re.findall(r"expr: (?:\|\n((?: {10,}.*\n)+)|(.*))", text)
    assert len(expressions) == text.count("- alert:")
    for several, one in expressions:
        assert names_in(several + one) <= known, names_in(several + one) - known

    with open(os.path.join(source, "deploy", "grafana", "voice-assistant.json"), encoding="utf8") as file:
        dashboard = json.load(file)
    used = set()
    for panel in dashboard["panels"]:
        assert {"id", "type", "title", "gridPos"} <= set(panel)
        assert panel["type"] == "row" or (panel["targets"] and panel["datasource"]["uid"] == "${datasource}")
        for target in panel.get("targets", []):
            used |= names_in(target["expr"])
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert used and used <= known, used - known


def test_expressions_of_the_dashboard_are_understood(source, prometheus):
    with open(os.path.join(source, "deploy", "grafana", "voice-assistant.json"), encoding="utf8") as file:
        panels = json.load(file)["panels"]
    for target in (target for panel in panels for target in panel.get("targets", [])):
        expression = target["expr"].replace("$job", ".*").replace("$instance", ".*").replace("$__rate_interval", "1m")
        prometheus.query(expression)
