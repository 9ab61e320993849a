#!/usr/bin/env python3
"""A real Home Assistant for the tests: prepared once into a folder of its own (`home_assistant.py prepare`), started by them."""
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

# The last version for Python 3.11, which Debian 12 has.
VERSION = "2024.3.3"
# josepy 2 has removed what that version's certificates need; the others are what its part for Wyoming asks for.
PACKAGES = [f"homeassistant=={VERSION}", "josepy<2", "wyoming==1.5.3", "mutagen==1.47.0", "hassil==1.6.1", "home-assistant-intents==2024.3.12",
            "ha-ffmpeg==3.1.0", "webrtc-noise-gain==1.2.3"]
FOLDER = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "voice-assistant-check", "home-assistant")
START_S = 300

CONFIGURATION = """\
homeassistant:
  name: Test
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
auth:
intent:
input_boolean:
  kitchen_lamp:
    name: Kitchen Lamp
  garden_lamp:
    name: "Garden: \\"the\\" Lamp"
"""

# Run by the Python of the virtual environment: an area with one of the entities in it, a user, and a token of his.
SET_UP = """
import asyncio, datetime, sys
from homeassistant import auth, core
from homeassistant.helpers import area_registry, device_registry, entity_registry

async def main():
    hass = core.HomeAssistant(sys.argv[1])
    await area_registry.async_load(hass)
    await device_registry.async_load(hass)
    await entity_registry.async_load(hass)
    hass.auth = await auth.auth_manager_from_config(hass, [{"type": "homeassistant"}], [])
    user = await hass.auth.async_create_user("test", group_ids=["system-admin"])
    token = await hass.auth.async_create_refresh_token(user, client_name="test", token_type="long_lived_access_token",
                                                       access_token_expiration=datetime.timedelta(days=1))
    with open(sys.argv[2], "w") as f:
        f.write(hass.auth.async_create_access_token(token) + "\\n")
    area = area_registry.async_get(hass).async_create("Kitchen")
    entities = entity_registry.async_get(hass)
    entity = entities.async_get_or_create("input_boolean", "input_boolean", "kitchen_lamp", suggested_object_id="kitchen_lamp")
    entities.async_update_entity(entity.entity_id, area_id=area.id)
    await hass.async_stop(force=True)

asyncio.run(main())
"""


def python():
    return os.path.join(FOLDER, "bin", "python")


def is_prepared():
    """Whether the very version is there, whole."""
    return os.path.exists(os.path.join(FOLDER, f"prepared-{VERSION}-wyoming"))


def prepare():
    """A virtual environment with Home Assistant from PyPI, some 300 MB."""
    subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
    subprocess.run([python(), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    with open(os.path.join(FOLDER, f"prepared-{VERSION}-wyoming"), "w", encoding="utf-8"):
        pass


class HomeAssistant:
    """A running one, with its token in token_file."""

    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.token_file = os.path.join(folder, "token")
        with open(os.path.join(folder, "configuration.yaml"), "w", encoding="utf-8") as f:
            f.write(CONFIGURATION.format(port=port))
        os.umask(0o077)
        subprocess.run([python(), "-c", SET_UP, folder, self.token_file], check=True, timeout=START_S)
        with open(self.token_file, encoding="utf-8") as f:
            self.token = f.read().strip()
        self.log = open(os.path.join(folder, "output.txt"), "w", encoding="utf-8")
        self.process = subprocess.Popen([os.path.join(FOLDER, "bin", "hass"), "--config", folder, "--skip-pip"], stdout=self.log, stderr=self.log)
        self.wait()

    def wait(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "Home Assistant has ended"
            try:
                if re.search(r'"state": *"RUNNING"', self.get("/api/config")):
                    return
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.5)
        raise AssertionError("Home Assistant does not answer")

    def get(self, path):
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.log.close()


if __name__ == "__main__":
    if sys.argv[1:] != ["prepare"]:
        sys.exit("usage: home_assistant.py prepare")
    if not is_prepared():
        prepare()
    print(f"Home Assistant {VERSION} is in {FOLDER}")
