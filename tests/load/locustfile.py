"""The load test's user, for Locust: waits 1 to 3 s, then uploads a recording (weight 3), asks for the state (2) or runs a command (1).

    locust -f tests/load/locustfile.py --headless -u 16 -r 4 -t 60s --host http://127.0.0.1:8000

503 with Retry-After is the server's declared back-pressure and counted under a name of its own; everything else but 200 is a failure, and so
is a transcription without its words. VA_LOAD_AUDIO names another recording, whose words are not looked at.
"""
import os

from locust import HttpUser, between, task

RECORDING = "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0880.wav"
WORDS = "young man"

path = os.environ.get("VA_LOAD_AUDIO") or RECORDING
with open(path, "rb") as f:
    audio = f.read()
words = WORDS if path == RECORDING else ""


class Person(HttpUser):
    wait_time = between(1, 3)

    def ask(self, method, route, expected="", **more):
        with self.client.request(method, route, catch_response=True, **more) as answer:
            if answer.status_code == 503 and answer.headers.get("Retry-After", "").isdigit():
                answer.request_meta["name"] = route + " 503"
                answer.success()
            elif answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {answer.text[:200]}")
            elif expected not in answer.text:
                answer.failure(f"{expected!r} is not in {answer.text[:200]}")

    @task(3)
    def transcribe(self):
        self.ask("POST", "/transcribe", words, files={"audio": ("audio.wav", audio, "audio/wav")})

    @task(2)
    def status(self):
        self.ask("GET", "/status", '"state"')

    @task(1)
    def command(self):
        self.ask("POST", "/command", '"success":true', json={"command": "set_temperature", "value": 22})
