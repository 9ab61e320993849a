# What ./start and ./check share: messages, Debian packages, builds. Source it with SOURCE set to the source tree.

PROGRAM=$SOURCE/build/src/daemon/voice-assistant
LOGS=$SOURCE/build/logs

step() { printf '\n== %s\n' "$*"; }
say() { printf '   %s\n' "$*"; }

# One line on what happened, one on what to do.
fail() {
    printf '\nError: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf 'What to do: %s\n' "$2" >&2
    exit 1
}

# progress PERCENT TEXT: redrawn in place on a terminal, every tenth part elsewhere.
progress_last=-1
progress() {
    if [ -t 1 ]; then
        printf '\r   %3d %%  %-60.60s' "$1" "$2"
    elif [ $(($1 / 10)) -ne $((progress_last / 10)) ] || [ "$progress_last" -lt 0 ]; then
        printf '   %3d %%  %s\n' "$1" "$2"
    fi
    progress_last=$1
}

progress_end() {
    if [ -t 1 ] && [ "$progress_last" -ge 0 ]; then
        printf '\r%-75s\r' ''
    fi
    progress_last=-1
}

check_system() {
    case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-aarch64) ;;
    *) fail "this is $(uname -s) on $(uname -m); voice-assistant runs on Linux on x86-64 or arm64" "use such a machine" ;;
    esac
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        fail "this system has no apt-get, so its packages cannot be installed by this script" \
            "use Debian 12, or install the likes of scripts/packages.txt yourself and build with: meson setup build && ninja -C build"
    fi
    local id version
    id=$(. /etc/os-release && echo "${ID:-unknown}")
    version=$(. /etc/os-release && echo "${VERSION_ID:-unknown}")
    [ "$id-$version" = debian-12 ] || say "This is $id $version; made for and tested on Debian 12. Going on."
}

# need_space FOLDER MEGABYTES FOR
need_space() {
    local free folder=$1
    while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
    free=$(($(df -Pk "$folder" | awk 'NR == 2 { print $4 }') / 1024))
    [ "$free" -ge "$2" ] || fail "$3 needs about $2 MB in $folder, but only $free MB are free" "free some disk space there and run this again"
}

# packages SECTION...
packages() {
    awk -v wanted=" $* " '/^\[/ { on = index(wanted, " " substr($0, 2, length($0) - 2) " "); next } on && NF && !/^#/ { print $1 }' \
        "$SOURCE/scripts/packages.txt"
}

missing_packages() {
    local installed
    # shellcheck disable=SC2046
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $(packages "$@") 2>/dev/null | awk '$2 == "installed" { print $1 }')
    packages "$@" | grep -vxF -e "$installed" || true
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then env DEBIAN_FRONTEND=noninteractive "$@"; else sudo env DEBIAN_FRONTEND=noninteractive "$@"; fi
}

# Says why apt failed, from its log.
explain_apt() {
    local log=$1
    if grep -qiE 'no space left|enough free space' "$log"; then
        fail "the disk is full: packages could not be installed" "free some disk space (df -h shows where) and run this again"
    elif grep -qiE 'hash sum mismatch|not signed|NO_PUBKEY|signatures were invalid' "$log"; then
        fail "a downloaded package or list does not have the expected hash or signature; nothing of it was installed" \
            "run this again; if it stays so, check the mirror in /etc/apt/sources.list*"
    elif grep -qiE 'could not get lock|held by process' "$log"; then
        fail "another program is installing packages just now" "wait until it has finished and run this again"
    elif grep -qiE 'temporary failure|could not resolve|could not connect|unable to connect|connection (failed|refused|timed out)|failed to fetch' "$log"; then
        fail "the Debian packages could not be downloaded: no network, or the mirror in /etc/apt/sources.list* does not answer" \
            "check the network connection and run this again; what was downloaded is kept"
    elif grep -qiE 'unable to locate package|no installation candidate' "$log"; then
        fail "this system's package lists lack: $(sed -nE "s/^E: (Unable to locate package|Package '?)//p" "$log" | tr '\n' ' ')" \
            "use Debian 12 with its main section in /etc/apt/sources.list*"
    fi
    grep '^E:' "$log" | tail -n 3 >&2
    fail "apt-get could not install the packages" "read $log, mend that and run this again"
}

# apt_run LOG ARGUMENT...: apt-get with its progress shown. The progress has its own pipe: on one shared with the packages' scripts
# apt's non-blocking writes make theirs fail. sudo passes on only descriptors 0 to 2, so the shell inside sets them up.
apt_run() {
    local log=$1 kind percent text
    shift
    # shellcheck disable=SC2016
    as_root sh -c 'log=$1; shift; exec apt-get -o APT::Status-Fd=3 -o Dpkg::Use-Pty=0 -y -q "$@" 3>&1 >>"$log" 2>&1 </dev/null' sh "$log" "$@" |
        while IFS=: read -r kind _ percent text; do
            case $kind in
            dlstatus | pmstatus) progress "${percent%%.*}" "$text" ;;
            esac
        done || { progress_end; return 1; }
    progress_end
}

# install_packages SECTION...: only what is missing; nothing online when nothing is.
install_packages() {
    local missing log
    missing=$(missing_packages "$@")
    if [ -z "$missing" ]; then
        say "all $(packages "$@" | wc -l) packages are there"
        return
    fi
    # shellcheck disable=SC2086
    set -- $missing
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "$# Debian packages are missing, and you are neither root nor is sudo installed" "as root run: apt-get install $*"
        sudo -n true 2>/dev/null || [ -t 0 ] || fail "$# Debian packages are missing, and sudo asks for a password that cannot be typed here" \
            "run this in a terminal, or as root run: apt-get install $*"
        sudo -v || fail "$# Debian packages are missing, and sudo did not let you in" "as root run: apt-get install $*"
    fi
    need_space /var/cache/apt/archives 800 "installing packages"
    mkdir -p "$LOGS"
    log=$LOGS/apt.log
    : >"$log"
    say "installing $#: $*"
    [ -z "$(ls /var/lib/dpkg/updates 2>/dev/null)" ] || as_root dpkg --configure -a >>"$log" 2>&1 || explain_apt "$log"
    say "reading the package lists"
    apt_run "$log" -o APT::Update::Error-Mode=any update || explain_apt "$log"
    apt_run "$log" --no-install-recommends install "$@" || explain_apt "$log"
    say "installed"
}

# build FOLDER MESON_OPTION...: sets up once, then compiles what changed. The log is beside the others.
build() {
    local folder=$SOURCE/$1 name=${1//\//-} log line
    shift
    mkdir -p "$LOGS"
    log=$LOGS/$name.log
    # A tree that was copied together with its build folder is built anew.
    [ "$(cat "$folder/.place" 2>/dev/null)" = "$folder $*" ] || rm -rf "$folder/build.ninja" "$folder/meson-private" "$folder/meson-info"
    if [ ! -e "$folder/build.ninja" ]; then
        if ! meson setup "$@" "$folder" "$SOURCE" >"$log" 2>&1; then
            rm -rf "$folder/build.ninja" "$folder/meson-private" "$folder/meson-info"
            tail -n 5 "$log" >&2
            fail "the build could not be set up" "read $log"
        fi
        echo "$folder $*" >"$folder/.place"
    fi
    { ninja -C "$folder" 2>&1 || echo "ninja-failed"; } | tee "$log" | while IFS= read -r line; do
        if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
            progress $((100 * BASH_REMATCH[1] / BASH_REMATCH[2])) "compiling"
        fi
    done
    progress_end
    if grep -qx 'ninja-failed' "$log"; then
        grep -E '(error|warning|undefined reference|No space left)[: ]' "$log" | head -n 20 >&2
        ! grep -q 'No space left' "$log" || fail "the disk is full: the build stopped" "free some disk space and run this again"
        fail "the build failed" "read $log"
    fi
}

# install_python: the packages of tests/requirements.txt, in an environment of their own; nothing online when they are there.
PYTHON=$SOURCE/build-venv/bin/python
install_python() {
    local list=$SOURCE/tests/requirements.txt log=$LOGS/pip.log
    if cmp -s "$list" "$SOURCE/build-venv/installed" && "$PYTHON" -c 'import pytest' 2>/dev/null; then
        say "all Python packages are there"
        return
    fi
    mkdir -p "$LOGS"
    say "installing $(grep -c '^[a-zA-Z]' "$list") Python packages"
    if ! { python3 -m venv --clear "$SOURCE/build-venv" && "$PYTHON" -m pip install --quiet --disable-pip-version-check -r "$list"; } >"$log" 2>&1; then
        tail -n 3 "$log" >&2
        fail "the Python packages of the tests could not be installed" "check the network, read $log and run this again"
    fi
    cp "$list" "$SOURCE/build-venv/installed"
}

# fetch_model NAME: downloads, checks and prepares a model unless it is there.
fetch_model() {
    if "$PROGRAM" model info "$1" >/dev/null 2>&1; then
        say "$1 is prepared"
    else
        "$PROGRAM" model fetch "$1" || fail "the model $1 could not be made ready (the line above says why); nothing half-made was left" \
            "mend the cause and run this again"
    fi
}
