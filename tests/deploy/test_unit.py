"""The units: they are sound; the service and the worker are as closed as docs/hardening.md says, and each line of their sandboxes counts."""
import json
import os
import re
import shutil
import subprocess

import pytest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNITS = os.path.join(SOURCE, "deploy", "systemd")
LIMIT = 2.0

SERVICE = "voice-assistant.service.in"
WORKER = "voice-assistant-worker.service.in"

# What systemd-analyze would have closed as well, and what needs it open.
OPEN_TO_BOTH = {
    "PrivateNetwork": "the service serves the network and asks servers, the worker asks one",
    "RestrictAddressFamilies_AF_INET_INET6": "the same",
    "RestrictAddressFamilies_AF_UNIX": "the journal, the helper, the notification of systemd",
    "RestrictAddressFamilies_AF_NETLINK": "the list of interfaces, for names of hosts",
    "IPAddressDeny": "which addresses is the firewall's matter",
    "RootDirectoryOrRootImage": "programs of commands and libraries are the system's",
}
OPEN = {
    SERVICE: OPEN_TO_BOTH | {
        "PrivateDevices": "the microphone",
        "DeviceAllow": "the same",
        "RestrictRealtime": "the thread that reads it",
        "SystemCallFilter_resources": "the same, and the limit of open files",
        "ProcSubset": "memory, load and network in GET /metrics",
    },
    WORKER: OPEN_TO_BOTH | {"DeviceAllow": "the clock, to read: ProtectClock allows it"},
}

# What the analysis does not weigh, or not by its value.
LINES_OF_BOTH = """
Type=notify
Restart=on-failure
RestartSec=5
WatchdogSec=30
User=voice-assistant
Group=voice-assistant
StateDirectory=voice-assistant
ConfigurationDirectory=voice-assistant
LimitCORE=0
AppArmorProfile=-voice-assistant
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
SystemCallFilter=@system-service seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
SystemCallErrorNumber=EPERM
"""
LINES = {
    SERVICE: LINES_OF_BOTH + """
Wants=network-online.target voice-assistant-helper.socket
LogsDirectory=voice-assistant
LimitRTPRIO=10
ReadWritePaths=-/sys/devices/platform/leds
DevicePolicy=closed
DeviceAllow=char-116 rw
DeviceAllow=char-89 rw
DeviceAllow=char-13 r
DeviceAllow=char-gpiochip rw
SystemCallFilter=~@privileged @keyring userfaultfd
""",
    WORKER: LINES_OF_BOTH + """
Wants=network-online.target
PrivateIPC=yes
TimeoutStopSec=90
Nice=10
SystemCallFilter=~@privileged @resources @keyring userfaultfd
""",
}

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)


def write(folder, name, text):
    """A unit as it would be installed, but for programs, which only have to be there."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub(r"@\w+@/[\w/-]+", "/bin/true", text))
    return path


def text_of(name):
    with open(os.path.join(UNITS, name), encoding="utf-8") as file:
        return file.read()


def faults(name, text, folder):
    path = write(folder, name.removesuffix(".in"), text)
    found = [f"there is no line {line}" for line in LINES[name].split("\n") if line not in text.split("\n")]
    checks = json.loads(analyze("security", "--offline=true", "--json=short", path).stdout)
    found += [f"{row['name']} is open" for row in checks if row.get("exposure") and row["json_field"] not in OPEN[name]]
    if analyze("security", "--offline=true", f"--threshold={LIMIT * 10 - 1:.0f}", path).returncode != 0:
        found.append(f"the exposure is {LIMIT} or more")
    return found


def sandbox(text):
    lines = text.split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith("# ---- what it cannot do"))
    return [line for line in lines[start:lines.index("[Install]")] if line and not line.startswith("#")]


@pytest.mark.parametrize("name", [SERVICE, WORKER])
def test_the_unit_is_closed(name, tmp_path):
    assert faults(name, text_of(name), tmp_path) == []


@pytest.mark.parametrize("name", [SERVICE, WORKER])
def test_every_line_of_the_sandbox_counts(name, tmp_path):
    text = text_of(name)
    lines = sandbox(text)
    assert len(lines) > 25
    for line in lines:
        assert faults(name, text.replace(f"\n{line}\n", "\n", 1), tmp_path), f"nobody misses {line}"


@pytest.mark.parametrize("name, limit", [("voice-assistant-helper.service.in", 1.0), ("cpu-governor.service.in", 0.5)])
def test_the_other_units_are_closed(name, limit, tmp_path):
    path = write(tmp_path, name.removesuffix(".in"), text_of(name))
    assert analyze("security", "--offline=true", f"--threshold={limit * 10:.0f}", path).returncode == 0
    open_unit = write(tmp_path, "open.service", re.sub(r"^(Capability|Protect|Private|Restrict|SystemCall).*\n", "", text_of(name), flags=re.M))
    assert analyze("security", "--offline=true", f"--threshold={limit * 10:.0f}", open_unit).returncode != 0


# The helper's rights are those of root without a capability: what it may write of the system is what it is for.
def test_the_helper_writes_nothing_else():
    text = text_of("voice-assistant-helper.service.in")
    for line in ("CapabilityBoundingSet=", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectKernelTunables=yes", "ReadWritePaths=/sys/bus /sys/devices /sys/power",
                 "DevicePolicy=closed", "DeviceAllow=/dev/rfkill rw", "RestrictAddressFamilies=none", "PrivateNetwork=yes"):
        assert line in text.split("\n")
    assert len(re.findall(r"^(?:ReadWritePaths|DeviceAllow|BindPaths|StateDirectory)=", text, re.M)) == 2
    socket = text_of("voice-assistant-helper.socket").split("\n")
    for line in ("SocketUser=root", "SocketGroup=voice-assistant", "SocketMode=0660", "ListenSequentialPacket=/run/voice-assistant/helper.sock"):
        assert line in socket


# systemd makes the socket as root and then gives the path to its group: a link of the program's in its place would be followed.
def test_nobody_but_root_can_replace_the_helpers_socket():
    folder = os.path.dirname(re.search(r"^ListenSequentialPacket=(.*)$", text_of("voice-assistant-helper.socket"), re.M)[1])
    with open(os.path.join(UNITS, "voice-assistant.tmpfiles"), encoding="utf-8") as file:
        assert f"d {folder} 0755 root root -" in file.read().split("\n")
    for name in os.listdir(UNITS):
        if name.endswith((".service", ".service.in")):
            assert os.path.basename(folder) not in re.findall(r"^RuntimeDirectory=(.*)$", text_of(name), re.M), name


# It is open to nothing that the analysis takes for closed: no files of the system to write, and no devices.
def test_the_worker_has_no_more_than_its_data():
    assert not re.search(r"^(ReadWritePaths|BindPaths|DeviceAllow|LogsDirectory|RuntimeDirectory|SupplementaryGroups)=", text_of(WORKER), re.M)


@pytest.mark.parametrize("name", [SERVICE, WORKER])
def test_nothing_waits_for_the_network(name):
    text = text_of(name)
    assert not re.search(r"^(After|Requires|BindsTo)=.*network", text, re.M)
    assert "DefaultDependencies" not in text


@pytest.mark.parametrize("name", sorted(name for name in os.listdir(UNITS) if re.search(r"\.(service|socket|timer|mount)(\.in)?$", name)))
def test_units_are_sound(name, tmp_path):
    path = write(tmp_path, name.removesuffix(".in"), text_of(name))
    for other in os.listdir(UNITS):
        if re.search(r"\.(service|socket|timer|mount)(\.in)?$", other):
            write(tmp_path, other.removesuffix(".in"), text_of(other))
    # systemd makes this one of /etc/crypttab.
    write(tmp_path, "systemd-cryptsetup@.service", "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/true\n")
    answer = analyze("verify", "--man=no", path)
    complaints = [line for line in answer.stderr.split("\n") if os.path.basename(path) in line]
    assert answer.returncode == 0 and complaints == [], answer.stderr


# Who is to type the passphrase over ssh needs a machine that has booted. A unit between the two shows by a circle whether local files wait for the volume.
def test_the_boot_does_not_wait_for_the_encrypted_volume(tmp_path):
    name = "mnt-encrypted_data.mount"
    write(tmp_path, name, text_of(name))
    with open(os.path.join(SOURCE, "deploy", "setup", "setup-encrypted-data"), encoding="utf-8") as file:
        bind = re.search(r'"\$UNITS/\$BIND_UNIT" <<END\n(.*?)\nEND\n', file.read(), re.S)[1]
    bind_name = r"var-lib-voice\x2dassistant.mount"
    write(tmp_path, bind_name, bind.replace("$MOUNT", "/mnt/encrypted_data").replace("$DATA", "/var/lib/voice-assistant"))
    write(tmp_path, "systemd-cryptsetup@.service", "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/true\n")
    for mount in (name, bind_name):
        path = write(tmp_path, "between.service", f"[Unit]\nDefaultDependencies=no\nWants=local-fs.target {mount}\nAfter=local-fs.target\nBefore={mount}\n"
                     "[Service]\nExecStart=/bin/true\n")
        assert "ordering cycle" not in analyze("verify", "--man=no", path).stderr, mount


def test_every_unit_is_installed():
    with open(os.path.join(UNITS, "meson.build"), encoding="utf-8") as file:
        build = file.read()
    units = [name.removesuffix(".in") for name in os.listdir(UNITS) if name != "meson.build"]
    assert [name for name in units if f"'{name}'" not in build] == []
