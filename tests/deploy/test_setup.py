"""voice-assistant-setup as far as it goes without changing this machine: usage, checks, dry runs, and the firewall in a network of its own. What it does
for real is tested in the virtual machine (tests/vm/topics)."""
import os
import shutil
import signal
import subprocess
import time

import pytest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SETUP = os.path.join(SOURCE, "deploy", "setup", "voice-assistant-setup")
VERBS = ("encrypted-data", "firewall", "vpn", "secure-boot")


def setup(*arguments, **more):
    return subprocess.run(["bash", SETUP, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL, **more)


def needs(*commands):
    for command in commands:
        if shutil.which(command) is None:
            pytest.skip(f"{command} is not installed")


def test_help():
    text = setup("--help").stdout
    assert setup().returncode == 2
    for verb in VERBS:
        assert verb in text
        told = setup(verb, "--help")
        assert told.returncode == 0 and told.stdout.startswith(f"Usage: voice-assistant-setup {verb} ")


@pytest.mark.parametrize("arguments", [
    ("format-everything",), *((verb,) for verb in VERBS), *((verb, "explode") for verb in VERBS), *((verb, "status", "--loud") for verb in VERBS),
    ("encrypted-data", "create"), ("encrypted-data", "create", "--file"), ("encrypted-data", "create", "--file", "/a"),
    ("encrypted-data", "create", "--file", "/a b", "--size", "100"), ("encrypted-data", "create", "--file", "a", "--size", "100"),
    ("encrypted-data", "create", "--file", "/a", "--size", "100", "--partition", "/dev/null"), ("encrypted-data", "create", "--file", "/a", "--size", "1"),
    ("encrypted-data", "create", "--file", "/a", "--size", "100", "--unlock", "hope"), ("firewall", "set", "--with", "hope"),
    ("vpn", "set", "a.ovpn", "b.ovpn"), ("vpn", "set", "--remote", "host"),
])
def test_a_wrong_command_line_changes_nothing(arguments):
    if "vpn" in arguments:
        needs("openssl", "openvpn")
    if "--unlock" in arguments or "--size" in arguments:
        needs("cryptsetup")
    told = setup(*arguments)
    assert told.returncode == 2, told.stderr
    assert told.stderr and "Traceback" not in told.stderr


def test_what_is_no_disk_is_not_encrypted():
    needs("cryptsetup", "mkfs.ext4")
    for device in ("/dev/null", "/dev/none", SOURCE):
        told = setup("encrypted-data", "create", "--partition", device, "--dry-run")
        assert told.returncode == 1 and "no block device" in told.stderr
    told = setup("encrypted-data", "create", "--file", "/var/tmp/none.luks", "--size", "100", "--dry-run")
    assert told.returncode == 0 and "would make" in told.stdout and not os.path.exists("/var/tmp/none.luks")


def test_secure_boot_where_there_is_none():
    if os.path.isdir("/sys/firmware/efi/efivars"):
        pytest.skip("this machine has UEFI")
    told = setup("secure-boot", "check")
    assert told.returncode == 2 and "not supported" in told.stdout


def test_own_keys(tmp_path):
    needs("cert-to-efi-sig-list", "openssl")
    folder = tmp_path / "keys"
    assert setup("secure-boot", "keys", "--folder", folder, "--dry-run").returncode == 0 and not folder.exists()
    assert setup("secure-boot", "keys", "--folder", folder).returncode == 0
    assert sorted(p.name for p in folder.iterdir()) == sorted(f"{key}.{kind}" for key in ("PK", "KEK", "db") for kind in ("auth", "crt", "esl", "key"))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all((folder / f"{key}.key").stat().st_mode & 0o777 == 0o600 for key in ("PK", "KEK", "db"))
    before = (folder / "db.key").read_bytes()
    assert "are there" in setup("secure-boot", "keys", "--folder", folder).stdout and (folder / "db.key").read_bytes() == before


# ---- the encrypted volume, with programs that do nothing and folders of the test's ----

@pytest.fixture
def volume(tmp_path):
    """A copy of the scripts for a machine below tmp_path. What DATA is mounted from is in `mounted`; `hang` names the program that stops in the middle."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    shutil.copytree(os.path.join(SOURCE, "deploy"), tmp_path / "deploy")
    for path in (tmp_path / "deploy/setup").glob("setup-*"):
        text = path.read_text("utf-8").replace("-p /run", f"-p {tmp_path}")
        for inside in ("/var/lib/voice-assistant", "/etc/crypttab", "/etc/systemd/system", "/run/systemd/system", "/mnt/encrypted_data"):
            text = text.replace(inside, f"{tmp_path}{inside}")
        path.write_text(text, "utf-8")
    fake = f"""#!/bin/bash
name=$(basename "$0")
if [ "$name" = "$(cat {tmp_path}/hang 2>/dev/null)" ]; then
    [ "$name" != cp ] || {{ mkdir "${{@: -1}}" && echo part >"${{@: -1}}/part"; }}
    touch {tmp_path}/hangs
    sleep 600
fi
case $name in
    id) echo 0 ;;
    findmnt) [ "${{@: -1}}" != {tmp_path}/var/lib/voice-assistant ] || cat {tmp_path}/mounted 2>/dev/null ;;
    umount) [ "$1" = -q ] || rm {tmp_path}/mounted ;;
    mountpoint) exit 1 ;;
    systemctl) [ "$1" != show ] || echo /lib/systemd/system/voice-assistant.service ;;
    cp) exec /bin/cp "$@" ;;
esac
"""
    for name in ("id", "findmnt", "umount", "cp", "cryptsetup", "mkfs.ext4", "mount", "mountpoint", "fallocate", "systemctl"):
        (bin_folder / name).write_text(fake, "utf-8")
        (bin_folder / name).chmod(0o755)
    for folder in ("etc/systemd/system", "var/lib/voice-assistant"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "var/lib/voice-assistant/history").write_text("x")
    (tmp_path / "etc/crypttab").write_text("")
    return tmp_path


def run_volume(folder, *arguments, wait=True):
    # Like a user's at a terminal: what runs in the background of a shell has SIGINT ignored, and so have its children.
    process = subprocess.Popen(["bash", folder / "deploy/setup/setup-encrypted-data", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                               env={**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"})
    process.stdin.write("a passphrase for the test\n")
    process.stdin.flush()
    if wait:
        assert process.wait(60) == 0, process.stdout.read()
    return process


def set_up(folder):
    (folder / "etc/crypttab").write_text("voice-assistant-data /srv/volume none luks\nother /srv/other none\n")
    (folder / "mounted").write_text("/dev/mapper/voice-assistant-data[/voice-assistant]\n")


def break_off(folder, process, number):
    while not (folder / "hangs").exists() and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, number)
    return process.wait(60)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_who_breaks_off_the_copying_back_leaves_no_copy(volume, number):
    set_up(volume)
    (volume / "hang").write_text("cp")
    process = run_volume(volume, "remove", "--copy-back", wait=False)
    assert break_off(volume, process, number) != 0
    assert sorted(p.name for p in (volume / "var/lib").iterdir()) == ["voice-assistant"]
    assert (volume / "mounted").exists() and "voice-assistant-data" in (volume / "etc/crypttab").read_text()


def test_what_an_earlier_copying_left_does_not_come_back(volume):
    set_up(volume)
    (volume / "var/lib/voice-assistant.copy").mkdir()
    (volume / "var/lib/voice-assistant.copy/deleted-since").write_text("x")
    (volume / "var/lib/voice-assistant.copy/history").write_text("old")
    run_volume(volume, "remove", "--copy-back")
    assert [(p.name, p.read_text()) for p in (volume / "var/lib/voice-assistant").iterdir()] == [("history", "x")]
    assert (volume / "etc/crypttab").read_text() == "other /srv/other none\n"


def test_the_volume_when_it_comes_starts_the_service_until_it_is_taken_away(volume):
    units = volume / "etc/systemd/system"
    run_volume(volume, "create", "--file", str(volume / "volume"), "--size", "100")
    wanted = units / r"dev-mapper-voice\x2dassistant\x2ddata.device.wants" / "voice-assistant.service"
    assert os.readlink(wanted) == "/lib/systemd/system/voice-assistant.service"
    run_volume(volume, "remove")
    assert not list(units.iterdir())


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("program", ["mkfs.ext4", "cp"])
def test_who_breaks_off_the_making_of_a_volume_has_the_data_where_it_was(volume, program, number):
    (volume / "hang").write_text(program)
    process = run_volume(volume, "create", "--file", str(volume / "volume"), "--size", "100", wait=False)
    assert break_off(volume, process, number) != 0
    assert (volume / "var/lib/voice-assistant/history").read_text() == "x"
    assert (volume / "etc/crypttab").read_text().strip() == "" and not list((volume / "etc/systemd/system").iterdir())


# ---- an .ovpn file, against what it may say ----

@pytest.fixture(scope="module")
def vpn(tmp_path_factory):
    needs("openssl", "openvpn")
    folder = tmp_path_factory.mktemp("vpn")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.crt")
    openssl("req", *curve, "-subj", "/CN=client", "-keyout", "client.key", "-out", "client.csr")
    openssl("x509", "-req", "-days", "1", "-in", "client.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", "client.crt")
    (folder / "client.key").chmod(0o600)
    return folder


def client(folder, *lines):
    path = folder / "client.ovpn"
    path.write_text("\n".join(["client", "remote vpn.example.org 1194 udp", "ca ca.crt", "cert client.crt", "key client.key", *lines, ""]))
    return setup("vpn", "set", path, "--dry-run")


@pytest.mark.parametrize("line", ["dev tun", "verb 5", "comp-lzo", "# up /bin/sh", "auth SHA512", "remote-random", "keepalive 10 60", "cipher AES-256-CBC"])
def test_harmless_options_of_a_vpn_are_taken(vpn, line):
    told = client(vpn, line)
    assert told.returncode == 0, told.stderr
    assert "would write: /etc/openvpn/client/voice-assistant.conf" in told.stdout


@pytest.mark.parametrize("line", [
    "up /bin/sh", "down /bin/sh", "plugin /tmp/a.so", "tls-verify /bin/sh", "ipchange /bin/sh", "route-up /bin/sh", "auth-user-pass-verify /bin/sh via-env",
    "config /etc/passwd", "management 0.0.0.0 1", "log /etc/passwd", "writepid /etc/passwd", "chroot /", "cd /", "iproute /bin/sh", "learn-address /bin/sh",
    "dev tap", "auth none", "auth MD5", "<connection>", "<ca>", "remote host$(id)", "remote `id`", "remote a;b", "remote a\"b", "pkcs12 a.p12", "daemon",
    "verify-x509-name 'a b'", "capath /etc", "crl-verify /etc/passwd", "tls-crypt /etc/hostname", "Up /bin/sh", "--up /bin/sh",
])
def test_others_are_refused(vpn, line):
    told = client(vpn, line)
    assert told.returncode == 1 and told.stderr and "would write" not in told.stdout


def test_keys_that_others_may_read_are_refused(vpn):
    (vpn / "client.key").chmod(0o640)
    told = client(vpn)
    (vpn / "client.key").chmod(0o600)
    assert told.returncode == 1 and "chmod 600" in told.stderr


# ---- data copied back from a volume, which a folder plays here, with folders of the system that vanish ----

COPY_BACK = """
mount -t tmpfs none /mnt && mkdir -p /mnt/{upper,work} /mnt/encrypted_data/voice-assistant || exit 77
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work none /etc && mount -t tmpfs -o size=1m none /var/lib || exit 77
head -c "$1" /dev/zero >/mnt/encrypted_data/voice-assistant/history
mkdir /var/lib/voice-assistant && mount --bind /mnt/encrypted_data/voice-assistant /var/lib/voice-assistant
echo 'voice-assistant-data /dev/none none luks' >/etc/crypttab
bash "$SETUP" encrypted-data remove --copy-back
echo "$? $(ls /var/lib) $(stat -c %s /var/lib/voice-assistant/history) $(mountpoint -q /var/lib/voice-assistant && echo volume) $(grep -c . /etc/crypttab)"
"""


@pytest.mark.parametrize("size, after", [(500_000, "0 voice-assistant 500000  0"), (2_000_000, "1 voice-assistant 2000000 volume 1")])
def test_data_is_copied_back_whole_or_stays_on_the_volume(tmp_path, size, after):
    needs("unshare", "findmnt")
    if os.geteuid() != 0:
        pytest.skip("mounts need root")
    (tmp_path / "findmnt").write_text("""#!/bin/sh
[ "${*##* }" != /var/lib/voice-assistant ] || ! mountpoint -q /var/lib/voice-assistant || echo '/dev/mapper/voice-assistant-data[/voice-assistant]'
""")
    (tmp_path / "findmnt").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "SETUP": SETUP}
    done = subprocess.run(["unshare", "--mount", "bash", "-c", COPY_BACK, "bash", str(size)], capture_output=True, text=True, timeout=60, check=False,
                          env=environment)
    if done.returncode == 77:
        pytest.skip("no folders of its own can be mounted here")
    assert done.stdout.splitlines()[-1] == after, done.stdout + done.stderr


# ---- the firewall, in a network of its own ----

SCRIPT = """
mount -t tmpfs none /etc/voice-assistant && mount -t tmpfs none /etc/systemd/system && mount -t tmpfs none /run || exit 77
ip link set lo up 2>/dev/null
printf 'wyoming:\\n  allow: "%s"\\nserver:\\n  port: %s\\n' "$1" "$2" >/etc/voice-assistant/voice-assistant.yaml
shift 2
setup() { bash "$SETUP" firewall "$@"; }
"""


def alone(program, tmp_path, allow, script, port=8000):
    needs("nft", "unshare")
    if os.geteuid() != 0:
        pytest.skip("a network of its own needs root")
    os.makedirs("/etc/voice-assistant", exist_ok=True)
    (tmp_path / "voice-assistant").symlink_to(program)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "SETUP": SETUP}
    done = subprocess.run(["unshare", "--net", "--mount", "bash", "-c", SCRIPT + script, "bash", allow, str(port)], capture_output=True, text=True,
                          timeout=120, check=False, env=environment)
    if done.returncode == 77:
        pytest.skip("no folders of its own can be mounted here")
    return done


def test_rules_for_nftables(program, tmp_path):
    done = alone(program, tmp_path, "192.0.2.5, 10.0.0.0/8, fd00::/8", """
        set -e
        setup set --with nftables >/dev/null
        setup check --with nftables
        setup set --with nftables >/dev/null
        nft list ruleset
        # Debian's own service begins with "flush ruleset".
        for line in After=.*nftables.service PartOf=nftables.service ReloadPropagatedFrom=nftables.service; do
            grep -q "^$line" /etc/systemd/system/voice-assistant-firewall.service
        done
        nft add rule inet voice_assistant input tcp dport 8001 accept
        ! setup check --with nftables
        setup set --with nftables >/dev/null && setup check --with nftables
        nft delete element inet voice_assistant wyoming4 { 192.0.2.5 }
        ! setup check --with nftables
        setup remove >/dev/null
        [ -z "$(nft list ruleset)" ] && [ ! -e /etc/voice-assistant/firewall.nft ]
    """)
    assert done.returncode == 0, done.stderr
    for line in ("policy drop;", "tcp dport 22 accept", "tcp dport { 8000, 8443 } accept", "elements = { 10.0.0.0/8, 192.0.2.5 }", "elements = { fd00::/8 }"):
        assert line in done.stdout
    assert "8001" not in done.stdout


@pytest.mark.parametrize("rule, is_hole", [
    ("allow 8001", True), ("allow 9,8001/tcp", True), ("allow 8000:8443/tcp", True), ("limit 10300/tcp", True), ("allow to any", True),
    ("allow to any proto tcp comment 'x'", True), ("allow in on wg0 to any port 8001", True), ("allow 8001/udp", False), ("allow out 8001", False),
    ("deny 8001", False), ("allow 18001", False), ("allow 9000:9001/tcp", False), ("allow from 192.0.2.0/24", False), ("allow 'OpenSSH'", False),
])
def test_rules_of_others_for_ufw(program, tmp_path, rule, is_hole):
    needs("awk")
    (tmp_path / "ufw").write_text(f"""#!/bin/sh
case "$*" in
'show added')
    for port in 22 8000 8443; do echo "ufw allow $port/tcp comment 'voice-assistant-setup'"; done
    echo "ufw {rule}" ;;
*) echo 'Status: active' && echo 'Default: deny (incoming), allow (outgoing), disabled (routed)' ;;
esac
""")
    (tmp_path / "ufw").chmod(0o755)
    done = alone(program, tmp_path, "", "mount -t tmpfs none /etc/ufw 2>/dev/null; setup status --with ufw")
    assert done.returncode == int(is_hole) and ("somebody opened" in done.stdout) == is_hole, done.stdout + done.stderr


def test_the_port_of_the_session_stays_open(program, tmp_path):
    done = alone(program, tmp_path, "", """
        SSH_CONNECTION="192.0.2.9 40000 192.0.2.1 2022" setup set --with nftables >/dev/null && nft list ruleset
        SSH_CONNECTION="192.0.2.9 40000 192.0.2.1 2022;reboot" setup set --with nftables >/dev/null && nft list ruleset | grep -c 2022
        SSH_CONNECTION="192.0.2.9 40000 192.0.2.1 2023" bash -c 'env -u SSH_CONNECTION bash "$SETUP" firewall set --with nftables && true'
    """)
    assert "tcp dport { 22, 2022 } accept" in done.stdout and "\n0\n" in done.stdout, done.stderr
    assert "open to all: ssh (22 2023), 8000, 8443; to nobody: 10300\n" in done.stdout, "the shell before sudo knows the session"


def test_addresses_and_ports_that_are_none(program, tmp_path):
    done = alone(program, tmp_path, "", "setup set --with nftables; echo $?; nft list ruleset", port=0)
    assert done.stdout == "1\n" and "server.port" in done.stderr
