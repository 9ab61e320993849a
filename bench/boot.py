#!/usr/bin/env python3
"""How soon after power-on the assistant listens: the appliance image beside a plain Debian with the same packages, in an emulated machine.

Both images are built by deploy/image/build (--plain: the same packages and the same program, started as Debian starts them). Each is booted once
to make what a first boot makes, which does not count, then --rounds times alternately, from the same state. The clock is the machine's own: from
the kernel's start, and from systemd's, to the moment at which the service said that it is ready, and to that at which it listens: ready, with the
microphone open. Seconds in emulation are no seconds of a Raspberry Pi; what carries over is the ratio. Without KVM, and so on an idle host, a boot
takes about 30 s. Needs root.

The table goes to standard error, JSON lines with name, ours and goal to standard output. Exit code 1 when a goal is not reached.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(HERE)
# Without ERMS, with which the kernel clears and copies memory byte by byte: one step of a processor, but 4096 of the emulator for a page.
PROCESSOR = "max,-erms"
SYSTEMS = {"plain": "plain-amd64", "appliance": "voice-assistant-amd64"}
LESS_PERCENT, KERNEL_TO_READY_S, OWN_SHARE_S, MEMORY_MB = 40, 30, 0.5, 200
ROOT_OFFSET = (1 + 256) << 20  # of the second partition (deploy/image/disk)

# Runs in the machine when its boot is over: says on the second serial port what the boot took, and ends the machine.
PROBE_UNIT = """[Unit]
After=multi-user.target graphical.target
[Service]
Type=idle
ExecStart=/bin/bash /etc/boot-probe
StandardOutput=null
"""
PROBE = r"""
until systemctl is-system-running | grep -qE 'running|degraded'; do sleep 0.2; done
for i in {1..100}; do
    journalctl --boot --quiet --unit voice-assistant.service --grep 'microphone state=open' --output cat | grep -q . && break
    sleep 0.2
done
{
    systemctl show --property UserspaceTimestampMonotonic
    systemctl show --property ActiveState,ActiveEnterTimestampMonotonic,ExecMainStartTimestampMonotonic voice-assistant.service
    sync
    echo 3 >/proc/sys/vm/drop_caches
    awk '$1 == "MemTotal:" { t = $2 } $1 == "MemAvailable:" { a = $2 } END { print "UsedKilobytes=" t - a }' /proc/meminfo
    echo "Failed=$(systemctl --failed --no-legend --plain | wc -l)"
    echo "Circles=$(journalctl --boot --no-pager --output cat | grep -c 'ordering cycle')"
    systemd-analyze time
    echo '# microphone'
    cat /proc/asound/cards
    curl -s http://127.0.0.1:8000/status
    echo
    journalctl --boot --unit voice-assistant.service --output short-monotonic --no-hostname --no-pager
    echo '# chain'
    systemd-analyze critical-chain --no-pager voice-assistant.service
    echo '# blame'
    systemd-analyze blame --no-pager | head -n 40
    echo '# end'
} >/dev/ttyS1 2>&1
sync
systemctl poweroff --no-block
"""


def say(text=""):
    print(text, file=sys.stderr, flush=True)


def build(name, options):
    image = os.path.join(options.folder, SYSTEMS[name] + ".img")
    if options.built and os.path.exists(image):
        return image
    arguments = [os.path.join(SOURCE, "deploy", "image", "build"), "--out", options.folder, "--arch", "amd64", "--model", options.model, "--models", options.models]
    if options.deb:
        arguments += ["--deb", options.deb]
    if name == "plain":
        arguments.append("--plain")
    subprocess.run(arguments, check=True, stdout=sys.stderr)
    return image


def put(image, source, target):
    subprocess.run(["debugfs", "-w", "-f", "-", f"{image}?offset={ROOT_OFFSET}"], input=f"write {source} {target}\n", text=True, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def add_probe(image, folder):
    """Writes the probe into a copy of the image, which nothing mounts."""
    for name, text, target in (("unit", PROBE_UNIT, "/etc/systemd/system/boot-probe.service"), ("probe", PROBE, "/etc/boot-probe")):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        put(image, path, target)


def overlay(base, path):
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw" if base.endswith(".img") else "qcow2", "-b", base, path], check=True)


def boot(image, disk, folder, limit_s):
    """Boots DISK with the kernel of IMAGE; returns what the probe said."""
    with open(image + ".cmdline", encoding="ascii") as file:
        # The probe is wanted by the command line alone. Without a console the kernel's messages cost nothing.
        command_line = file.read().strip() + " systemd.wants=boot-probe.service random.trust_cpu=on"
    said = os.path.join(folder, "said")
    if os.path.exists(said):
        os.remove(said)
    subprocess.run(["timeout", str(limit_s), "qemu-system-x86_64", "-accel", "tcg,thread=multi,tb-size=512", "-machine", "q35", "-cpu", PROCESSOR, "-smp",
                    "2", "-m", "1024", "-nodefaults", "-display", "none", "-no-reboot", "-serial", f"file:{folder}/console", "-serial", f"file:{said}",
                    "-kernel", image + ".vmlinuz", "-initrd", image + ".initrd", "-append", command_line,
                    "-drive", f"if=none,id=root,file={disk},format=qcow2,cache=unsafe", "-device", "virtio-blk-pci,drive=root",
                    "-audiodev", "none,id=sound", "-device", "intel-hda", "-device", "hda-duplex,audiodev=sound",
                    "-netdev", "user,id=net,restrict=on", "-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci"], check=False)
    with open(said, encoding="utf-8", errors="replace") as file:
        text = file.read().replace("\r", "")
    if "# end" not in text:
        raise RuntimeError(f"the machine did not come to its end within {limit_s} s; what its kernel said is in {folder}/console")
    return text


def seconds_of(text):
    """systemd's way to write a time: 1min 2.5s, 850ms."""
    units = {"min": 60, "s": 1, "ms": 0.001, "us": 0.000001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(min|ms|us|s)", text))


def figures(text):
    values = dict(re.findall(r"^(\w+)=(.*)$", text, re.M))
    if values["ActiveState"] != "active":
        raise RuntimeError("the service was not ready at the end of the boot")
    if values["Circles"] != "0":
        raise RuntimeError("units waited for each other, and systemd left some off: what started is not what was to start")
    ready, userspace = (int(values[key]) / 1e6 for key in ("ActiveEnterTimestampMonotonic", "UserspaceTimestampMonotonic"))
    opened = [float(found) for found in re.findall(r"^\[ *([\d.]+)\] voice-assistant\[\d+\]: assistant: microphone state=open", text, re.M)]
    if not opened:
        raise RuntimeError("the microphone was not open at the end of the boot")
    listens = max(ready, opened[0])
    share = re.search(r"^voice-assistant\.service \+(\S.*)$", text, re.M)
    return {"ready": ready - userspace, "userspace": listens - userspace, "kernel": listens, "share": seconds_of(share[1]) if share else 0.0,
            "memory": int(values["UsedKilobytes"]) / 1024, "failed": int(values["Failed"]), "all": text}


def measure(options, folder):
    images, rounds = {}, {name: [] for name in SYSTEMS}
    for name in SYSTEMS:
        images[name] = build(name, options)
        probed = f"{folder}/{name}.img"
        subprocess.run(["cp", "--sparse=always", images[name], probed], check=True)
        add_probe(probed, folder)
        overlay(probed, f"{folder}/{name}.settled")
        say(f"first boot of {name}")
        boot(images[name], f"{folder}/{name}.settled", folder, options.limit)
    for number in range(options.rounds):
        for name in SYSTEMS:
            disk = f"{folder}/{name}.{number}"
            overlay(f"{folder}/{name}.settled", disk)
            load = os.getloadavg()[0]
            found = figures(boot(images[name], disk, folder, options.limit))
            os.remove(disk)
            found["load"] = load
            rounds[name].append(found)
            say(f"{name:10} round {number + 1}: userspace to ready {found['ready']:.2f} s, to listening {found['userspace']:.2f} s, "
                f"kernel to listening {found['kernel']:.2f} s, own share {found['share']:.2f} s, {found['memory']:.0f} MB, "
                f"{found['failed']} units failed; load average before {load:.2f}")
    return rounds


def report(rounds):
    middle = {name: {key: statistics.median(r[key] for r in found) for key in ("ready", "userspace", "kernel", "share", "memory", "load")}
              for name, found in rounds.items()}
    plain, ours = middle["plain"], middle["appliance"]
    say("\n| median | plain | appliance |\n| --- | --- | --- |")
    for key, what in (("ready", "userspace to ready, s"), ("userspace", "userspace to listening, s"), ("kernel", "kernel to listening, s"),
                      ("share", "the service's own start, s"), ("memory", "memory of the machine, MB"), ("load", "load average of the host before")):
        say(f"| {what} | {plain[key]:.2f} | {ours[key]:.2f} |")
    less = 100 * (1 - ours["userspace"] / plain["userspace"])
    goals = [("userspace time to listening, percent less", less, LESS_PERCENT, less >= LESS_PERCENT),
             ("kernel to listening, s", ours["kernel"], KERNEL_TO_READY_S, ours["kernel"] < KERNEL_TO_READY_S),
             ("own share of the critical chain, s", ours["share"], OWN_SHARE_S, ours["share"] < OWN_SHARE_S),
             ("memory of the machine, MB", ours["memory"], MEMORY_MB, ours["memory"] < MEMORY_MB)]
    for name, value, goal, reached in goals:
        say(f"{name}: {value:.2f}, goal {goal}: {'reached' if reached else 'NOT reached'}")
        print(json.dumps({"name": name, "ours": round(value, 2), "goal": goal}))
    return all(reached for *_, reached in goals)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="boots of each that count (default: 5)")
    parser.add_argument("--folder", default=os.path.join(SOURCE, "build-image"), help="where the images are made (default: build-image)")
    parser.add_argument("--deb", help="the package of the program (default: what make deb makes)")
    parser.add_argument("--model", default="base", help="the model in the images (default: base)")
    parser.add_argument("--models", default=os.path.join(SOURCE, "build-models"), help="the folder of the models (default: build-models)")
    parser.add_argument("--built", action="store_true", help="take the images that are there")
    parser.add_argument("--limit", type=int, default=300, help="seconds a boot may take (default: 300)")
    parser.add_argument("--details", action="store_true", help="print what systemd-analyze says of the last boot of each")
    options = parser.parse_args()
    options.folder = os.path.abspath(options.folder)
    os.makedirs(options.folder, exist_ok=True)
    begun = time.monotonic()
    folder = tempfile.mkdtemp(prefix="boot-", dir=options.folder)
    try:
        rounds = measure(options, folder)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        say(f"bench/boot.py: {error}")
        return 2
    shutil.rmtree(folder)
    if options.details:
        for name, found in rounds.items():
            say(f"\n== {name}\n{found[-1]['all']}")
    reached = report(rounds)
    say(f"{time.monotonic() - begun:.0f} s")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
