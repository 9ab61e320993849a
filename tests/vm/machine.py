"""Boots one emulated machine: what QEMU is told, how long it may take, and what is left of it."""
import os
import shutil
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# Without KVM: what counts here is order and success, not speed.
EMULATION = ["-accel", "tcg,thread=multi,tb-size=512", "-smp", "2", "-m", "1024"]
CONSOLE = "root=/dev/vda rw console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on"
# What boots a disk by itself: firmware, its variables, and what the machine needs for them.
OVMF = "/usr/share/OVMF/"
FIRMWARE = {
    "secureboot": (OVMF + "OVMF_CODE_4M.secboot.fd", OVMF + "OVMF_VARS_4M.snakeoil.fd",
                   ["-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"]),
    "image": (OVMF + "OVMF_CODE_4M.fd", OVMF + "OVMF_VARS_4M.fd", []),
}

# Machines whose disk their topics' host script brings.
OWN_DISK = ("image", "image-arm64")

# The kernel's command line of each kind of machine, behind CONSOLE. AppArmor and SELinux exclude each other. The images bring their own.
MACHINES = {
    "main": "apparmor=1 security=apparmor",
    "hardened": "apparmor=1 security=apparmor loglevel=1 logo.nologo rootwait fsck.repair=yes",
    "own": "apparmor=1 security=apparmor",
    "selinux": "security=selinux selinux=1 enforcing=0",
    "secureboot": "apparmor=1 security=apparmor",
    "sleep": "apparmor=1 security=apparmor no_console_suspend",
    "image": "",
    "image-arm64": "",
}
DEVICES = ("luks-disk", "tpm", "cpufreq-acpi", "battery-acpi", "display", "sound")
TABLES = {"cpufreq-acpi": "cpufreq.asl", "battery-acpi": "battery.asl", "display": "display.asl"}
# Without ERMS, with which the kernel clears and copies memory byte by byte: one step of a processor, but 4096 of the emulator for a page.
PROCESSOR = "max,-erms"
# Under the name of another maker the kernel looks for the frequencies of that maker's own interface.
NAMED_PROCESSOR = {"cpufreq-acpi": PROCESSOR + ",vendor=GenuineIntel,family=6,model=60"}
# Other boards than a PC. The processor is a Raspberry Pi 4's.
BOARDS = {"image-arm64": ["qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a72"]}
AFTER_THE_END_S = 30


def command_line(machine, devices):
    display = "acpi_backlight=video video.register_backlight_delay=1" if "display" in devices else ""
    return " ".join([CONSOLE, MACHINES[machine], display]).strip()


def table(name, folder):
    """The ACPI table NAME.asl, compiled."""
    out = os.path.join(folder, name[:-len(".asl")])
    subprocess.run(["iasl", "-p", out, os.path.join(HERE, "acpi", name)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return out + ".aml"


def device_arguments(devices, folder):
    arguments = ["-serial", "null", "-serial", "null"]  # their scratch registers are what the ACPI tables keep values in
    for device in sorted(devices):
        if device in TABLES:
            arguments += ["-acpitable", "file=" + table(TABLES[device], folder)]
    if "display" in devices:
        arguments += ["-device", "bochs-display,addr=9"]
    if "sound" in devices:
        arguments += ["-audiodev", "none,id=sound", "-device", "intel-hda", "-device", "hda-duplex,audiodev=sound"]
    if "luks-disk" in devices:
        disk = os.path.join(folder, "luks.img")
        with open(disk, "wb") as file:
            file.truncate(256 << 20)
        arguments += ["-drive", f"if=none,id=luks,file={disk},format=raw,cache=unsafe", "-device", "virtio-blk-pci,drive=luks,serial=luks"]
    if "tpm" in devices:
        arguments += ["-chardev", f"socket,id=tpm,path={folder}/tpm.sock", "-tpmdev", "emulator,id=tpm,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm"]
    return arguments


def boot_arguments(machine, devices, image, share, folder, boot_disk):
    if machine not in FIRMWARE:
        brought = f"{image}/command-line"
        line = command_line(machine, devices)
        if os.path.exists(brought):
            with open(brought, encoding="ascii") as file:
                line = file.read().strip()
        return ["-kernel", f"{image}/vmlinuz", "-initrd", f"{image}/initrd", "-append", line]
    code, variables, arguments = FIRMWARE[machine]
    # A topic's host script may have brought keys of its own.
    keys = os.path.join(share, "vars.fd")
    shutil.copy(keys if os.path.exists(keys) else variables, f"{folder}/vars.fd")
    arguments = arguments + ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}", "-drive", f"if=pflash,unit=1,format=raw,file={folder}/vars.fd"]
    if boot_disk:
        arguments += ["-drive", f"if=none,id=boot,file={boot_disk},format=raw,cache=unsafe", "-device", "virtio-blk-pci,drive=boot,bootindex=1"]
    return arguments


def start_tpm(folder):
    os.makedirs(f"{folder}/tpm", exist_ok=True)
    process = subprocess.Popen(["swtpm", "socket", "--tpm2", "--terminate", "--tpmstate", f"dir={folder}/tpm", "--ctrl", f"type=unixio,path={folder}/tpm.sock"],
                               stdout=subprocess.DEVNULL)
    until = time.monotonic() + 10
    while not os.path.exists(f"{folder}/tpm.sock") and time.monotonic() < until:
        time.sleep(0.05)
    return process


def await_end(process, share, limit_s, console, stop_at):
    """Waits for QEMU's end, for the guest's last word and a while, for STOP_AT on the console, or for the limit."""
    end = time.monotonic() + limit_s
    finished = False
    while process.poll() is None and time.monotonic() < end:
        if not finished and os.path.exists(f"{share}/finished"):
            finished = True
            end = min(end, time.monotonic() + AFTER_THE_END_S)
        if stop_at and os.path.exists(console):
            with open(console, "rb") as file:
                if stop_at.encode() in file.read():
                    break
        time.sleep(0.2)
    over = process.poll() is None and not finished and not stop_at
    if process.poll() is None:
        process.kill()
    process.wait()
    return over


def boot(machine, devices, image, share, folder, limit_s, boot_disk=None, stop_at=None):
    """Boots MACHINE with IMAGE and SHARE, its other files in FOLDER. Returns (seconds, whether the limit was reached)."""
    console = f"{share}/logs/console.log"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", os.path.abspath(f"{image}/root.img"), f"{folder}/root.qcow2"], check=True)
    tpm = start_tpm(folder) if "tpm" in devices else None
    processor = next((NAMED_PROCESSOR[device] for device in devices if device in NAMED_PROCESSOR), PROCESSOR)
    board = BOARDS.get(machine, ["qemu-system-x86_64", "-machine", "q35", "-cpu", processor])
    arguments = [*board, *EMULATION, "-nodefaults", "-display", "none", "-no-reboot", "-rtc", "base=utc",
                 "-serial", f"file:{console}",
                 "-drive", f"if=none,id=root,file={folder}/root.qcow2,format=qcow2,cache=unsafe,discard=unmap", "-device", "virtio-blk-pci,drive=root",
                 *device_arguments(devices, folder),  # behind the root: the first disk is /dev/vda
                 "-virtfs", f"local,path={share},mount_tag=host,security_model=none,multidevs=remap", "-device", "virtio-rng-pci",
                 *boot_arguments(machine, devices, image, share, folder, boot_disk)]
    begun = time.monotonic()
    with open(f"{share}/logs/qemu.log", "wb") as log:
        over = await_end(subprocess.Popen(arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL), share, limit_s, console, stop_at)
    if tpm:
        tpm.terminate()
        tpm.wait()
    os.remove(f"{folder}/root.qcow2")
    return time.monotonic() - begun, over
