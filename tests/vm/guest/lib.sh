# What topics check with. Each check prints one line and adds a row to /mnt/host/results: topic, ok|NOT OK|skip|figure, what, detail.
# The patience of `within` grows with SLACK, as the host sets it: emulation on a busy machine is slow, not wrong.

share=/mnt/host
held=/run/vm-results
output=/run/vm-output

# record STATE WHAT DETAIL: kept aside while the share is away.
record() {
    local detail=${3//[$'\t\n']/ | }
    printf '%-6s %s%s\n' "$1" "$2" "${detail:+: $detail}"
    printf '%s\t%s\t%s\t%s\n' "$TOPIC" "$1" "$2" "${detail:0:400}" >>"$held"
    if mountpoint --quiet "$share"; then
        cat "$held" >>"$share/results"
        : >"$held"
    fi
}
pass() { record ok "$1" ''; }
fault() { record 'NOT OK' "$1" "${2:-}"; }
skip() { record skip "$1" "$2"; }
# figure NAME VALUE UNIT
figure() { record figure "$1" "$2 $3"; }

# expect WHAT COMMAND...: it succeeds. It runs in this shell, so what it sets stays.
expect() {
    local what=$1 code=0
    shift
    "$@" >"$output" 2>&1 || code=$?
    if [ "$code" -eq 0 ]; then pass "$what"; else fault "$what" "exit code $code: $(tail -n 5 "$output")"; fi
}

# refuse WHAT COMMAND...: it fails, and not because there is no such command.
refuse() {
    local what=$1 code=0
    shift
    "$@" >"$output" 2>&1 || code=$?
    case $code in
    0) fault "$what" "it succeeded: $(tail -n 5 "$output")" ;;
    127) fault "$what" "there is no $1" ;;
    *) pass "$what" ;;
    esac
}

# same WHAT GOT WANT
same() { if [ "$2" = "$3" ]; then pass "$1"; else fault "$1" "got '$2', want '$3'"; fi; }

# matches WHAT TEXT REGEX
matches() { if [[ $2 =~ $3 ]]; then pass "$1"; else fault "$1" "'$2' does not match $3"; fi; }

# below WHAT VALUE LIMIT: decimal numbers
below() {
    if awk -v value="$2" -v limit="$3" 'BEGIN { exit !(value != "" && value + 0 < limit + 0) }'; then pass "$1"; else fault "$1" "$2 is not below $3"; fi
}

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
    local end=$((SECONDS + $1 * ${SLACK:-1}))
    shift
    until "$@" >"$output" 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.5
    done
}

# within SECONDS WHAT COMMAND...: it succeeds at last
within() {
    local seconds=$1 what=$2
    shift 2
    if wait_for "$seconds" "$@"; then pass "$what"; else fault "$what" "not within $((seconds * ${SLACK:-1})) s: $(tail -n 5 "$output")"; fi
}

share_mount() { mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 host "$share"; }

# ---- the program ----

API=http://127.0.0.1:8000

# api METHOD PATH [CURL ARGUMENT...]: sets $status and $body.
api() {
    local method=$1 path=$2
    shift 2
    status=$(curl --silent --max-time $((60 * ${SLACK:-1})) --output /run/vm-body --write-out '%{http_code}' --request "$method" "$@" "$API$path")
    body=$(cat /run/vm-body 2>/dev/null)
}
# What was said last has its text, which may take longer in emulation than the API lets a client wait.
latest() { api GET /transcription/latest && [ "$status" = 200 ]; }
healthy() { curl --silent --fail --max-time 10 "$API/health"; }
# field JQ-FILTER: of $body
field() { jq -r "$1" <<<"$body" 2>/dev/null; }
# finding ITEM [OPTION...]: what the audit says of it, as "STATE (EVIDENCE)"
finding() { voice-assistant audit --json --only "$@" | jq -r '.items[0] | .state + " (" + .evidence + ")"'; }
# Units that would wait for each other in a circle at a boot: systemd would leave one of them off.
circles() { systemd-analyze verify --man=no default.target 2>&1 | grep 'ordering cycle'; }
# ... and those of this boot.
circles_of_boot() { journalctl --boot --quiet --no-pager --grep 'ordering cycle' --output cat | head -n 3; }
main_pid() { systemctl show --property MainPID --value voice-assistant.service; }

# configure TEXT: restarts the program with the machine's configuration and TEXT behind it; without TEXT, as it was.
configure() {
    cat "$share/voice-assistant.yaml" - <<<"${1:-}" >/etc/voice-assistant/voice-assistant.yaml
    systemctl restart voice-assistant.service
}
# What the sound card's other side plays is what the program's microphone hears, and the other way round.
play_to_microphone() { aplay --quiet --device plughw:Loopback,0,0 "$1"; }
# record_speaker FILE: until stop_speaker
record_speaker() {
    arecord --quiet --device plughw:Loopback,0,1 --format S16_LE --rate 16000 "$1" &
    speaker=$!
}
stop_speaker() {
    kill "$speaker"
    wait "$speaker" 2>/dev/null
    return 0
}
# loudest FILE: the largest sample of a WAV file
loudest() { od -A n -t d2 -v -j 44 "$1" | tr -s ' ' '\n' | awk '$1 > max { max = $1 } END { print max + 0 }'; }
# microphone: the state of the program's end of the card, as the kernel knows it: closed, or the words of its status
microphone() { sed -n 's/^state: //p;s/^closed$/closed/p' /proc/asound/Loopback/pcm1c/sub0/status; }
microphone_is() { [ "$(microphone)" = "$1" ]; }

# ---- devices ----

# The empty disk of `# devices: luks-disk`, 256 MB.
LUKS_DISK=/dev/disk/by-id/virtio-luks

# set_battery PERCENT mains|cell: what the battery of `# devices: battery-acpi` says of itself.
set_battery() {
    local value=$1
    [ "$2" = cell ] || value=$((value + 128))
    printf '%b' "$(printf '\\x%02x' "$value")" | dd of=/dev/port bs=1 seek=$((0x3ef)) conv=notrunc status=none
}
