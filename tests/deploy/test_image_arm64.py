"""The appliance's image for a Raspberry Pi, as `make image ARGS="--arch arm64"` leaves it (VA_IMAGE_ARM64 names another): what the board's firmware
reads from the card, what the initial RAM disk needs to reach the root there, and the root. That it boots, tests/vm/topics/image-arm64.sh shows on an
emulated board; what only a Raspberry Pi can show are its firmware and its devices.
"""
import collections
import fnmatch
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess

import pytest

SECTOR = 512
FIRMWARE = ("bootcode.bin", "start.elf", "fixup.dat", "start4.elf", "fixup4.dat")
BOARDS = ("bcm2837-rpi-3-b", "bcm2837-rpi-3-b-plus", "bcm2711-rpi-4-b")
# Where the drivers are by which a board reaches its disk.
STORAGE = re.compile(r"kernel/drivers/(mmc|regulator|reset|usb)/")
NODE, END_NODE, PROPERTY, END = 1, 2, 3, 9  # the tokens of a flattened device tree


def output(*command):
    answer = subprocess.run(list(map(str, command)), capture_output=True, check=False)
    assert answer.returncode == 0, (command, answer.stderr[-500:])
    return answer.stdout


@pytest.fixture(scope="module")
def image(source):
    path = os.environ.get("VA_IMAGE_ARM64", os.path.join(source, "build-image", "voice-assistant-arm64.img"))
    if not os.path.exists(path):
        pytest.skip(f'there is no {path}: make image ARGS="--arch arm64"')
    return path


@pytest.fixture(scope="module")
def table(image):
    return json.loads(output("sfdisk", "--json", image))["partitiontable"]


@pytest.fixture(scope="module")
def boot(image, table, tmp_path_factory):
    """The files of the boot partition."""
    folder = tmp_path_factory.mktemp("boot")
    output("mcopy", "-s", "-i", f"{image}@@{table['partitions'][0]['start'] * SECTOR}", "::/*", folder)
    return folder


@pytest.fixture(scope="module")
def root_partition(image, table):
    return f"{image}?offset={table['partitions'][1]['start'] * SECTOR}"


@pytest.fixture(scope="module")
def root(root_partition, tmp_path_factory):
    """The part of the root that is looked at. The links at its top make it a root for an emulator."""
    folder = tmp_path_factory.mktemp("root")
    for path in ("etc", "boot", "usr/bin", "usr/lib"):
        (folder / path).parent.mkdir(exist_ok=True)
        output("debugfs", "-R", f"rdump /{path} {(folder / path).parent}", root_partition)
    (folder / "lib").symlink_to("usr/lib")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def settings(boot):
    """config.txt: key=value, or for the initial RAM disk key value."""
    rows = (re.split("[= ]", line, maxsplit=1) for line in (boot / "config.txt").read_text().splitlines() if line and not line.startswith("#"))
    return {row[0]: row[1].strip() for row in rows}


def inode(root_partition, path):
    """(mode, user, group) of a path of the root."""
    text = output("debugfs", "-R", f"stat {path}", root_partition).decode()
    return tuple(int(re.search(rf"{name}: +(\d+)", text)[1], base) for name, base in (("Mode", 8), ("User", 10), ("Group", 10)))


def compatible(path):
    """The words by which the devices that a device tree has switched on name their drivers."""
    data = path.read_bytes()
    at, strings = struct.unpack(">II", data[8:16])
    nodes, found = [], set()
    while True:
        token = struct.unpack_from(">I", data, at)[0]
        at += 4
        if token == NODE:
            at = (data.index(b"\0", at) + 4) & ~3
            nodes.append({})
        elif token == PROPERTY:
            length, name = struct.unpack_from(">II", data, at)
            end = data.index(b"\0", strings + name)
            nodes[-1][data[strings + name:end]] = data[at + 8:at + 8 + length].rstrip(b"\0").decode(errors="replace").split("\0")
            at = (at + 8 + length + 3) & ~3
        elif token == END_NODE:
            node = nodes.pop()
            if node.get(b"status", ["okay"]) != ["disabled"]:
                found.update(node.get(b"compatible", []))
        elif token == END:
            return found


def test_partitions(table, root_partition):
    boot, root = table["partitions"]
    assert table["label"] == "dos"
    assert boot["type"] == "c" and boot["bootable"] and boot["start"] * SECTOR == 1 << 20
    assert root["type"] == "83" and root["start"] == boot["start"] + boot["size"]
    output("e2fsck", "-f", "-n", root_partition)
    assert "Filesystem volume name:   assistant" in output("debugfs", "-R", "stats -h", root_partition).decode()


def test_what_the_firmware_reads(boot, root, settings):
    for name in FIRMWARE + tuple(f"{board}.dtb" for board in BOARDS):
        assert (boot / name).stat().st_size > 1000, name
    assert settings["arm_64bit"] == "1" and settings["disable_splash"] == "1" and settings["boot_delay"] == "0"
    for name in (settings["kernel"], settings["initramfs"]):
        assert (boot / name).read_bytes() == (root / "boot" / name).read_bytes()
    assert (boot / settings["kernel"]).read_bytes()[56:60] == b"ARM\x64"


def test_command_line(boot):
    line, = (boot / "cmdline.txt").read_text().splitlines()
    words = line.split()
    for word in ("root=LABEL=assistant", "rw", "rootwait", "quiet", "fsck.repair=yes", "apparmor=1", "security=apparmor"):
        assert word in words, word
    # A Raspberry Pi 4 does not start with a size for it.
    assert not [word for word in words if word.startswith("cma=")]


def test_initial_ram_disk(boot, root, settings, tmp_path):
    (tmp_path / "cpio").write_bytes(output("zstd", "-dc", boot / settings["initramfs"]))
    inside = {line.removeprefix("usr/") for line in output("cpio", "--list", "--quiet", "-F", tmp_path / "cpio").decode().splitlines()}
    assert {"sbin/fsck", "sbin/fsck.ext4"} <= inside
    modules = root / "usr/lib/modules" / settings["kernel"].removeprefix("vmlinuz-")
    paths = {pathlib.PurePath(path).stem.replace("-", "_"): path for path in re.findall(r"^([^:]+):", (modules / "modules.dep").read_text(), re.M)}
    aliases = collections.defaultdict(set)
    for pattern, module in re.findall(r"^alias of:N\*T\*C(\S+) (\S+)$", (modules / "modules.alias").read_text(), re.M):
        aliases[pattern].add(paths[module])
    for board in BOARDS:
        needed = {path for word in compatible(boot / f"{board}.dtb") for pattern, found in aliases.items() if fnmatch.fnmatchcase(word, pattern) for path in found}
        needed = {path for path in needed if STORAGE.match(path)} | {paths["ext4"], paths["usb_storage"], paths["xhci_pci"]}
        assert len(needed) > 5
        assert not {path for path in needed if f"lib/modules/{modules.name}/{path}" not in inside}, board


def test_root(root, root_partition):
    units = root / "etc/systemd/system"
    assert (units / "multi-user.target.wants/voice-assistant.service").is_symlink()
    for unit in ("avahi-daemon", "bluetooth", "ModemManager"):
        assert os.readlink(units / f"{unit}.service") == "/dev/null"
    assert not list((root / "etc/ssh").glob("ssh_host_*"))
    assert (root / "etc/machine-id").read_text() == ""
    assert "root:!" in (root / "etc/shadow").read_text()
    mounts = {fields[1]: fields[:1] + fields[2:3] for fields in map(str.split, (root / "etc/fstab").read_text().splitlines())}
    assert mounts == {"/": ["LABEL=assistant", "ext4"], "/boot/firmware": ["LABEL=BOOT", "vfat"]}
    # Owners are the image's own: the emulator that made it had users of its own.
    user, group = re.search(r"^voice-assistant:[^:]*:(\d+):(\d+):", (root / "etc/passwd").read_text(), re.M).groups()
    for name in ("vad", "wake-okay_nabu"):
        assert inode(root_partition, f"/var/lib/voice-assistant/models/{name}.vam")[1:] == (int(user), int(group))
    assert inode(root_partition, "/usr/bin/voice-assistant") == (0o755, 0, 0)


def test_program(root, root_partition):
    if not shutil.which("qemu-aarch64"):
        pytest.skip("needs qemu-user")
    program = root / "usr/bin/voice-assistant"
    assert program.read_bytes()[18:20] == b"\xb7\x00"
    version = re.search(r"^Package: voice-assistant\n(?:.+\n)*?Version: (\S+)", output("debugfs", "-R", "cat /var/lib/dpkg/status", root_partition).decode(), re.M)
    assert output("qemu-aarch64", "-L", root, program, "--version").decode().split()[-1] == version[1]
