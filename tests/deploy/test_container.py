"""The root folder of the container's image, as the last stage of the Containerfile has it: its size, what is in it, and the program in it.
VA_IMAGE names the root of an image that was built (`make container`); without it one is put together from the built program.

It is run as a container runs it: in that root, read-only but for the volume, as its user, without capabilities and new privileges, with
processes, mounts and a network of its own. What no test here shows is a container runtime and its own confinement.
"""
import json
import os
import pathlib
import re
import stat
import subprocess

import pytest

MAX_BYTES = 60_000_000
USER = 10300
RECORDING = "librivox/sense_and_sensibility_01_austen_64kb-0880.wav"

# Arguments: the image, the volume, the model, the recordings, the Containerfile. `enter` runs a program in there.
ROOM = r"""
image=$1 volume=$2 model=$3 recordings=$4 containerfile=$5
mount --make-rprivate /
mount --bind "$image" "$image"
mount -o remount,bind,ro,nosuid,nodev "$image"
mount --bind "$volume" "$image/var/lib/voice-assistant"
touch "$volume/models/base.vam"
mount --bind "$model" "$image/var/lib/voice-assistant/models/base.vam"
mount -t proc proc "$image/proc"
mount -t tmpfs -o mode=755 none "$image/dev"
for device in null zero urandom; do touch "$image/dev/$device"; mount --bind "/dev/$device" "$image/dev/$device"; done
mount -t tmpfs -o mode=755 none "$image/sys"
mkdir "$image/sys/recordings"
mount --bind "$recordings" "$image/sys/recordings"
enter() {
    # shellcheck disable=SC2046
    ${with-} env -i $(sed -n 's/^ENV //p' "$containerfile") setpriv --no-new-privs \
        unshare --root "$image" --wd /var/lib/voice-assistant --setgid 10300 --setuid 10300 "$@"
}
assistant() { enter /usr/bin/voice-assistant "$@"; }
ip link set lo up
"""

SERVE = ROOM + r"""
with=exec assistant serve "${@:6}" >"$volume/out" 2>&1 &
server=$!
for ((i = 0; i < 300; i++)); do ! grep -qs '^listening on https' "$volume/out" || break; sleep 0.1; done
"""


@pytest.fixture(scope="module")
def containerfile(source):
    return os.path.join(source, "deploy", "container", "Containerfile")


@pytest.fixture(scope="module")
def image(source, program, tmp_path_factory):
    if os.environ.get("VA_IMAGE"):
        return pathlib.Path(os.environ["VA_IMAGE"]).absolute()
    folder = tmp_path_factory.mktemp("container") / "image"
    command = [os.path.join(source, "deploy/container/collect"), program, os.path.join(source, "deploy/commands"), folder]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture
def enter(in_namespaces, image, small_model, recordings, containerfile, tmp_path):
    """enter(SCRIPT, ARGUMENT...): the words after the five of ROOM."""
    (tmp_path / "models").mkdir()
    os.chown(tmp_path, USER, USER)
    if not os.path.exists(small_model):
        pytest.skip("needs VA_TEST_MODELS")
    return lambda script, *more: in_namespaces(script, image, tmp_path, os.path.abspath(small_model), recordings, containerfile, *more)


def test_size(image):
    size = sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(image) for name in names)
    assert size < MAX_BYTES


def test_there_is_nothing_but_the_program(image):
    assert sorted(os.listdir(image / "usr/bin")) == ["espeak-ng", "voice-assistant"]
    for folder, folders, names in os.walk(image):
        for name in folders + names:
            info = os.lstat(os.path.join(folder, name))
            assert not info.st_mode & (stat.S_ISUID | stat.S_ISGID), name
            assert stat.S_ISLNK(info.st_mode) or not info.st_mode & stat.S_IWOTH or name == "tmp", name
    assert (image / "var/lib/voice-assistant").stat().st_mode & 0o777 == 0o750


def test_the_user_has_a_number_and_no_rights(containerfile, enter):
    with open(containerfile, encoding="utf-8") as f:
        assert re.search(rf"^USER {USER}:{USER}$", f.read(), re.M)
    answer = enter(ROOM + r"""
cp -L "$(command -v cat)" "$volume/cat"
chmod 755 "$volume/cat"
enter /var/lib/voice-assistant/cat /proc/self/status""")
    assert answer.returncode == 0, answer.stderr
    status = dict(line.split(":\t", 1) for line in answer.stdout.splitlines() if ":\t" in line)
    assert status["Uid"].split() == status["Gid"].split() == [str(USER)] * 4
    assert status["NoNewPrivs"] == "1" and int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0


def test_transcribes_and_writes_nothing_outside_the_volume(enter):
    answer = enter(ROOM + f'assistant transcribe --model base /sys/recordings/{RECORDING}; ! touch "$image/etc/x" 2>/dev/null')
    assert answer.returncode == 0, answer.stderr
    assert "young man" in answer.stdout


def test_says_a_text(enter, tmp_path):
    answer = enter(ROOM + "assistant say --output /var/lib/voice-assistant/said.wav 'the light is on'")
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "said.wav").stat().st_size > 20000


def test_serves_the_loopback_alone(enter):
    answer = enter(SERVE + r"""
assistant health
curl -sf -F audio=@"$recordings/%s" http://127.0.0.1:8000/transcribe; echo
curl -sf --json '{"text":"what time is it"}' http://127.0.0.1:8000/command/execute; echo
ss -Hltn | awk '{ print $4 }'
kill -TERM "$server"
wait "$server"
""" % RECORDING)
    assert answer.returncode == 0, answer.stderr + answer.stdout
    health, text, command, *listening = answer.stdout.splitlines()
    assert health == "healthy"
    assert "young man" in json.loads(text)["text"]
    assert json.loads(command)["success"] is True
    assert listening and all(address.startswith(("127.0.0.1:", "[::1]:")) for address in listening)


def test_beyond_the_loopback_only_over_tls_and_with_a_token(enter):
    answer = enter(SERVE + r"""
ip address add 10.99.0.1/32 dev lo
ask() { curl -s -o /dev/null -w '%{http_code}\n' --cacert <(assistant tls ca) --connect-to ::10.99.0.1: "$@" || true; }
ask https://localhost:8443/status
token=$(assistant token add test --json | sed -n 's/.*"token": *"\([^"]*\)".*/\1/p')
ask -H "Authorization: Bearer $token" https://localhost:8443/status
ask http://localhost:8000/status
kill -TERM "$server"
wait "$server"
""", "--set", "server.tls_listen=::")
    assert answer.returncode == 0, answer.stderr + answer.stdout
    assert answer.stdout.split() == ["401", "200", "000"]


def test_without_a_model_it_says_what_to_do(in_namespaces, enter, tmp_path):
    answer = enter(ROOM + 'umount "$image/var/lib/voice-assistant/models/base.vam"; rm "$volume/models/base.vam"; assistant serve')
    assert answer.returncode == 1 and "voice-assistant model" in answer.stderr
