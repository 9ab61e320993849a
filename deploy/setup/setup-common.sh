# What the verbs of voice-assistant-setup share. They source it with $verb and $here set.
# shellcheck shell=bash disable=SC2034,SC2154
dry_run=no
force=no
CONFIG=/etc/voice-assistant/voice-assistant.yaml

# Files that come with the program: the tree's deploy/, or the folder that they are installed in.
share=$here/..
[ -e "$share/firewall/nftables.conf" ] || share=$here/../../share/voice-assistant

say() { printf '%s\n' "$*"; }
warn() { printf 'voice-assistant-setup %s: %s\n' "$verb" "$*" >&2; }
fail() {
    warn "$1"
    exit 1
}
wrong() {
    warn "$1; see --help"
    exit 2
}

# The value of an option, as in: file=$(value "$@"). Without one the command line is wrong.
value() {
    [ $# -ge 2 ] || wrong "$1 needs a value"
    printf '%s' "$2"
}

need_root() { [ "$(id -u)" -eq 0 ] || [ "$dry_run" = yes ] || fail "this needs root"; }

# need COMMAND PACKAGE
need() { command -v "$1" >/dev/null || fail "there is no $1: apt-get install $2"; }

# run COMMAND...: or only says what it would run.
run() {
    if [ "$dry_run" = yes ]; then
        say "would run: $*"
    else
        "$@"
    fi
}

# write_file MODE PATH: the text on stdin takes its place as a whole. Says so when that changes anything.
write_file() {
    local mode=$1 path=$2 text
    text=$(cat)
    if [ -f "$path" ] && [ "$(cat "$path")" = "$text" ] && [ "$(stat -c %a "$path")" = "$mode" ]; then
        return
    fi
    if [ "$dry_run" = yes ]; then
        say "would write: $path"
        return
    fi
    install -d -m 755 "$(dirname "$path")"
    (umask 077 && printf '%s\n' "$text" >"$path.new")
    chmod "$mode" "$path.new"
    sync "$path.new"
    mv -T "$path.new" "$path"
    say "written: $path"
}

remove_file() {
    [ ! -e "$1" ] || run rm -f "$1"
}

# confirm TEXT: what is destroyed needs --force and a typed yes.
confirm() {
    local answer=''
    if [ "$dry_run" = yes ]; then
        say "would ask: $1"
        return
    fi
    [ "$force" = yes ] || fail "$1 This needs --force."
    printf '%s Type yes to go on: ' "$1" >&2
    read -r answer || true
    [ "$answer" = yes ] || fail "nothing was changed"
}

# system COMMAND...: systemctl, where systemd runs.
system() {
    if [ -d /run/systemd/system ]; then
        run systemctl "$@"
    else
        say "systemd does not run here: not done: systemctl $*"
    fi
}

# option SECTION KEY: as the program's configuration has it.
option() {
    local arguments=(config show)
    [ ! -e "$CONFIG" ] || arguments+=(--config "$CONFIG")
    if [ -z "${shown:-}" ]; then
        need voice-assistant voice-assistant
        shown=$(voice-assistant "${arguments[@]}") || fail "the configuration $CONFIG cannot be read"
    fi
    awk -v section="$1:" -v key="$2:" '/^[^ ]/ { on = $1 == section; next }
        on && $1 == key { sub(/^ *[^ ]+ */, ""); gsub(/^"|"$/, ""); print; exit }' <<<"$shown"
}

# yes_no CODE: for lines of a status.
yes_no() { if [ "$1" -eq 0 ]; then printf yes; else printf no; fi; }
