"""The Debian package that `make deb` left in build-deb: contents, modes, configuration files, and the life of an installation.

The installation happens in a copy of this system that is thrown away: an overlay, in namespaces of its own, without systemd. How the
service lives with the package a virtual machine shows (tests/vm/topics/package.sh).
"""
import glob
import os
import re
import shutil
import subprocess

import pytest

ETC = "/etc/voice-assistant"
# The copy of this system in $2, with the packages of $1 in /packages. `inside` runs a command in it.
ROOM = r"""
mount --make-rprivate /
mount -t tmpfs none "$2"
mkdir "$2"/{upper,work,root}
mount -t overlay -o lowerdir=/,upperdir="$2/upper",workdir="$2/work" none "$2/root"
root=$2/root
mkdir -p "$root/packages"
mount --bind "$1" "$root/packages"
mount -t proc proc "$root/proc"
mount -t tmpfs none "$root/run"
mount --rbind /dev "$root/dev"
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
install() { inside dpkg --no-triggers --force-confdef --force-confold --force-depends --force-unsafe-io -i "/packages/$1" >/dev/null; }
inside dpkg --no-triggers --purge --force-depends voice-assistant >/dev/null 2>&1
"""


def newest(source, name):
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    found = glob.glob(os.path.join(source, "build-deb", f"{name}_*_{architecture}.deb"))
    if not found:
        pytest.skip(f"there is no {name} in build-deb: make deb")
    return max(found, key=os.path.getmtime)


@pytest.fixture(scope="module")
def package(source):
    return newest(source, "voice-assistant")


@pytest.fixture(scope="module")
def contents(package):
    """{path: (mode, owner)} of the package."""
    lines = subprocess.run(["dpkg-deb", "--contents", package], capture_output=True, text=True, check=True).stdout.splitlines()
    rows = (line.split(None, 5) for line in lines)
    return {row[5].split(" -> ")[0][1:]: (row[0], row[1]) for row in rows}


def field(package, name):
    return subprocess.run(["dpkg-deb", "--field", package, name], capture_output=True, text=True, check=True).stdout.strip()


def control(package, name):
    return subprocess.run(["dpkg-deb", "--info", package, name], capture_output=True, text=True, check=False).stdout


def other_version(package, folder, version, change="true"):
    """The package again under another version, after a shell command in its tree."""
    tree = os.path.join(folder, version)
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    subprocess.run(["sed", "-i", f"s/^Version: .*/Version: {version}/", os.path.join(tree, "DEBIAN/control")], check=True)
    subprocess.run(change, shell=True, cwd=tree, check=True)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, os.path.join(folder, version + ".deb")], check=True, capture_output=True)
    shutil.rmtree(tree)


@pytest.fixture(scope="module")
def life(in_namespaces, package, tmp_path_factory):
    """life(SCRIPT) -> output lines, with old.deb, 99.deb (other defaults), and the system's copy."""
    folder = tmp_path_factory.mktemp("packages")
    shutil.copy(package, folder / "old.deb")
    other_version(package, folder, "99", f"echo '# a new default' >>.{ETC}/voice-assistant.yaml; echo '# too' >>.{ETC}/commands/clock.yaml")

    def call(script):
        room = tmp_path_factory.mktemp("room")
        answer = in_namespaces(ROOM + script, folder, room)
        assert answer.returncode == 0, answer.stderr + answer.stdout
        return answer.stdout.splitlines()
    return call


def test_what_is_in_it(contents):
    for path in ("/usr/bin/voice-assistant", f"{ETC}/voice-assistant.yaml", f"{ETC}/commands/timers.yaml", "/usr/share/man/man1/voice-assistant.1.gz",
                 "/usr/share/man/man5/voice-assistant.yaml.5.gz", "/usr/share/man/man8/voice-assistant-helper.8.gz", "/usr/share/bash-completion/completions/voice-assistant", "/usr/share/zsh/vendor-completions/_voice-assistant",
                 "/usr/share/fish/vendor_completions.d/voice-assistant.fish",
                 "/usr/share/doc/voice-assistant/README.Debian", "/lib/systemd/system/voice-assistant.service", "/lib/systemd/system/voice-assistant-worker.service", "/usr/lib/sysusers.d/voice-assistant.conf"):
        assert path in contents, path
    assert not [path for path in contents if re.match(r"/(usr/local|home|root|work|build|opt|tmp)\b", path)]
    assert not [path for path in contents if path.endswith((".a", ".h", ".pc"))]


def test_owners_and_modes(contents):
    for path, (mode, owner) in contents.items():
        assert owner == "root/root", path
        assert not re.search("[sStT]", mode[1:]), path
        if not mode.startswith("l"):
            assert mode[5] == mode[8] == "-", f"{path}: others may write it"


def test_the_documents_that_units_and_documents_name(package, contents, tmp_path):
    subprocess.run(["dpkg-deb", "-x", package, tmp_path], check=True)
    named = set()
    for unit in glob.glob(f"{tmp_path}/lib/systemd/system/*"):
        with open(unit, encoding="utf-8") as f:
            named |= set(re.findall(r"file://(\S+)", f.read()))
    documents = "/usr/share/doc/voice-assistant/docs"
    for path in glob.glob(f"{tmp_path}{documents}/*.md"):
        with open(path, encoding="utf-8") as f:
            named |= {f"{documents}/{link}" for link in re.findall(r"\]\((\w[^):#]*)", f.read())}
    assert len(named) > 30 and not named - set(contents)


def test_conffiles(package, contents):
    conffiles = control(package, "conffiles").split()
    assert sorted(conffiles) == sorted(path for path in contents if path.startswith("/etc/") and not path.endswith("/"))
    assert f"{ETC}/voice-assistant.yaml" in conffiles


def test_what_it_needs(package):
    depends = field(package, "Depends")
    for name in ("libasound2", "libc6", "libssl3", "libsqlite3-0", "libcurl4", "systemd"):
        assert re.search(rf"\b{name}\b", depends), name
    assert "-dev" not in depends


@pytest.mark.parametrize("architecture, machine", [("amd64", "X86-64"), ("arm64", "AArch64")])
def test_programs_are_for_the_architecture(source, architecture, machine, tmp_path):
    found = glob.glob(os.path.join(source, "build-deb", f"voice-assistant_*_{architecture}.deb"))
    if not found:
        pytest.skip(f"there is no package for {architecture} in build-deb")
    path = max(found, key=os.path.getmtime)
    subprocess.run(["dpkg-deb", "-x", path, tmp_path], check=True)
    header = subprocess.run(["readelf", "-h", tmp_path / "usr/bin/voice-assistant"], capture_output=True, text=True, check=True).stdout
    assert machine in header
    assert field(path, "Architecture") == architecture
    assert "libc6" in field(path, "Depends") and "libgpiod2" in field(path, "Depends")
    libraries = os.path.join(source, "build-arm64-root")
    if architecture == "arm64" and shutil.which("qemu-aarch64") and os.path.isdir(libraries):
        answer = subprocess.run(["qemu-aarch64", "-L", libraries, tmp_path / "usr/bin/voice-assistant", "match", "what time is it"],
                                capture_output=True, text=True, check=False)
        assert answer.returncode == 0 and "get_time" in answer.stdout, answer.stderr


def test_it_is_built_from_what_start_installs(source):
    with open(os.path.join(source, "scripts/packages.txt"), encoding="utf-8") as f:
        wanted = re.search(r"\[build\]\n(.*?)\n\n", f.read(), re.S)[1].split()
    with open(os.path.join(source, "debian/control"), encoding="utf-8") as f:
        named = set(re.split(r"[\s,]+", re.search(r"^Build-Depends:(.*?)^\S", f.read(), re.S | re.M)[1]))
    # What every Debian build has.
    assert not set(wanted) - named - {"gcc", "libc6-dev", "ninja-build"}


def test_scripts_fetch_nothing(package):
    for name in ("preinst", "postinst", "prerm", "postrm"):
        script = control(package, name)
        assert not re.search(r"\b(curl|wget|pip|apt|model fetch)\b", script), name


def test_the_configuration_opens_nothing(run, package, tmp_path):
    subprocess.run(["dpkg-deb", "-x", package, tmp_path], check=True)
    config = f"{tmp_path}{ETC}/voice-assistant.yaml"
    assert run("config", "check", "--config", config).returncode == 0
    shown = run("config", "show", "--config", config).stdout
    for option in ("listen: \"?127.0.0.1", "tls_listen: \"?127.0.0.1"):
        assert re.search(option, shown), shown
    assert not re.search(r"(0\.0\.0\.0|\"::\"|: ::)", shown)
    assert run("commands", "check", "--commands", f"{tmp_path}{ETC}/commands").returncode == 0


def test_the_library(source, contents):
    library, header = newest(source, "libvoice-assistant0"), newest(source, "libvoice-assistant-dev")
    inside = subprocess.run(["dpkg-deb", "--contents", library], capture_output=True, text=True, check=True).stdout
    assert "libvoice_assistant.so.0" in inside and "/usr/bin" not in inside
    inside = subprocess.run(["dpkg-deb", "--contents", header], capture_output=True, text=True, check=True).stdout
    assert "/usr/include/voice_assistant.h" in inside and "pkgconfig/voice_assistant.pc" in inside
    assert not [path for path in contents if "libvoice_assistant" in path]


def test_installing_makes_the_user_and_runs(life):
    user, groups, version, modes = life(r"""
install old.deb
inside getent passwd voice-assistant
inside id -Gn voice-assistant
inside voice-assistant --version
inside stat -c '%a %U' /etc/voice-assistant /etc/voice-assistant/voice-assistant.yaml | tr '\n' ' '; echo""")
    assert re.search(r":(/usr/sbin/nologin|/sbin/nologin|/bin/false)$", user) and int(user.split(":")[2]) < 1000
    assert "audio" in groups.split()
    assert version.startswith("voice-assistant ")
    assert modes.split() == ["755", "root", "644", "root"]


def test_completion_in_the_shells_that_are_there(life):
    fish = shutil.which("fish") is not None
    lines = life(r"""
install old.deb
ask() { inside bash -c '. /usr/share/bash-completion/completions/voice-assistant && _voice_assistant_ask "$@"' bash "$@"; }
ask voice-assistant heal
ask voice-assistant model ver
ask voice-assistant serve --set server.tls_l
ask voice-assistant transcribe ''
[ ! -x "$root/usr/bin/fish" ] || inside HOME=/tmp fish -c "complete -C 'voice-assistant heal'; complete -C 'voice-assistant serve --set server.tls_l'"
""")
    assert lines[:4] == ["health", "verify", "server.tls_listen=", "-f"]
    assert lines[4:] == (["health", "server.tls_listen="] if fish else [])


def test_installing_says_nothing_unneeded(life):
    assert life(r"inside dpkg --force-depends --force-unsafe-io -i /packages/old.deb 2>&1 | grep -vE '^(Created symlink|Selecting|Preparing|Unpacking|Setting up|Processing triggers|\(Reading)' | grep -v '^dpkg: .*depends' || true") in ([], [""])


def test_an_upgrade_keeps_what_was_changed_and_goes_back(life):
    lines = life(r"""
install old.deb
echo '# mine' >>"$root/etc/voice-assistant/voice-assistant.yaml"
rm "$root/etc/voice-assistant/commands/volume.yaml"
mkdir -p "$root/var/lib/voice-assistant/models"
echo kept >"$root/var/lib/voice-assistant/models/base.vam"
show() {
    inside dpkg-query -W -f '${Version} ${db:Status-Status}\n' voice-assistant
    grep -c '^# mine' "$root/etc/voice-assistant/voice-assistant.yaml"
    grep -c '^# too' "$root/etc/voice-assistant/commands/clock.yaml" || true
    [ -e "$root/etc/voice-assistant/commands/volume.yaml" ] && echo back || echo gone
    cat "$root/var/lib/voice-assistant/models/base.vam"
}
install 99.deb
show
install old.deb
show""")
    assert lines[0] == "99 installed" and lines[1:5] == ["1", "1", "gone", "kept"]
    assert re.match(r"\d.* installed", lines[5]) and lines[5] != lines[0] and lines[6:] == ["1", "0", "gone", "kept"]


def test_purging_empties_a_volume_that_is_mounted(life):
    assert life(r"""
install old.deb
mkdir -p "$root/var/lib/voice-assistant"
mount -t tmpfs none "$root/var/lib/voice-assistant"
mkdir "$root/var/lib/voice-assistant/models" "$root/var/lib/voice-assistant.plain"
touch "$root/var/lib/voice-assistant.plain/history.db" # from before there was a volume
touch "$root/var/lib/voice-assistant/models/base.vam"
inside dpkg --no-triggers --purge --force-depends voice-assistant >/dev/null
ls -A "$root/var/lib/voice-assistant"
find "$root/var/lib" -name 'voice-assistant.*'
echo done""") == ["done"]


def test_purging_opens_no_firewall_and_loses_no_key(life):
    assert life(r"""
install old.deb
mkdir "$root/etc/voice-assistant/secure-boot"
touch "$root"/etc/voice-assistant/{secure-boot/db.key,firewall.nft,data.key,mine.yaml,secure}
inside dpkg --no-triggers --purge --force-depends voice-assistant >/dev/null 2>&1
find "$root/etc/voice-assistant" -type f -printf '%P\n' | sort""") == ["data.key", "firewall.nft", "secure-boot/db.key"]


def test_removing_keeps_and_purging_does_not(life):
    lines = life(r"""
install old.deb
mkdir -p "$root/var/lib/voice-assistant" "$root/var/log/voice-assistant"
touch "$root/var/lib/voice-assistant/tokens" "$root/var/log/voice-assistant/app.log"
touch "$root/etc/voice-assistant/commands/mine.yaml"
there() { for path in /etc/voice-assistant/commands/mine.yaml /etc/voice-assistant/voice-assistant.yaml /var/lib/voice-assistant/tokens \
    /var/log/voice-assistant/app.log /usr/bin/voice-assistant; do [ ! -e "$root$path" ] || echo "${path##*/}"; done | tr '\n' ' '; echo; }
inside dpkg --no-triggers --remove voice-assistant >/dev/null
there
inside dpkg --no-triggers --purge voice-assistant >/dev/null 2>&1
there
find "$root/etc" "$root/usr" "$root/lib/systemd" "$root/var/lib/voice-assistant" "$root/var/log" -path '*voice-assistant*' -o -path '*voice_assistant*' 2>/dev/null |
    grep -vE '^[^ ]*/(work|packages|__pycache__)/' || true
echo end
inside id -un voice-assistant
install old.deb
inside dpkg-query -W -f '${db:Status-Status}\n' voice-assistant""")
    assert lines[:2] == ["mine.yaml voice-assistant.yaml tokens app.log ", " "] or lines[:2] == ["mine.yaml voice-assistant.yaml tokens app.log ", ""]
    assert lines[2:] == ["end", "voice-assistant", "installed"]
