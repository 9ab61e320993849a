#!/bin/bash
# test_command.sh PROGRAM: 'voice-assistant config' from outside.
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CONFIGURATION_DIRECTORY=$folder
faults=0

# expect CODE TEXT ARGUMENT...: runs 'config ARGUMENT...'; the exit code and a text in what it printed must be right.
expect()
{
    local code=$1 text=$2 output result
    shift 2
    output=$("$program" config "$@" 2>&1)
    result=$?
    if [ $result -ne "$code" ] || ! grep -qF -- "$text" <<<"$output"; then
        echo "config $*: exit code $result, expected $code with '$text':"
        echo "$output"
        faults=$((faults + 1))
    fi
}

[ -e /etc/voice-assistant/voice-assistant.yaml ] || expect 0 "there is no configuration file" check
expect 0 "port: 8000" show
"$program" config sample >"$folder/voice-assistant.yaml"
expect 0 "voice-assistant.yaml: correct" check
expect 0 '{"success": true, "path": "'"$folder"'/voice-assistant.yaml"}' check --json
expect 0 '"port": 1234' show --json --set server.port=1 --set server.port=1234

printf 'audio:\n  microfone: x\n' >"$folder/wrong.yaml"
expect 1 "$folder/wrong.yaml:2: unknown option 'audio.microfone', did you mean 'audio.microphone'?" check --config "$folder/wrong.yaml"
expect 1 '{"success": false, "message": "'"$folder/wrong.yaml:2: " check --json --config "$folder/wrong.yaml"
expect 1 "$folder/wrong.yaml:2" show --config "$folder/wrong.yaml"
expect 1 "No such file" check --config "$folder/missing.yaml"
printf 'server:\n  port: 8000\n\xff' >"$folder/bytes.yaml"
expect 1 "bytes.yaml:3: not UTF-8 text" check --config "$folder/bytes.yaml"

expect 2 "'server.port' must be a whole number from 0 to 65535, not 'x'" check --set server.port=x
expect 2 "must have the form section.key=value" show --set nothing
expect 2 "'too' makes no sense behind check; see 'voice-assistant config --help'" check too much
expect 2 "say check, show or sample; see"
expect 2 "there is no 'chekc'" chekc
expect 2 "--help" check --unknown
expect 2 "--help" check --set
expect 0 "Usage: voice-assistant config check|show|sample" --help
expect 0 "Usage: voice-assistant config check|show|sample" check -h
overrides=()
for i in $(seq 257); do
    overrides+=(--set "server.port=$i")
done
expect 2 "more than 256 times --set" check "${overrides[@]}"
expect 0 "port: 256" show "${overrides[@]:0:512}"

"$program" config sample 2>"$folder/message" >/dev/full && { echo "a full disk went unnoticed"; faults=$((faults + 1)); }
grep -q "cannot write" "$folder/message" || { echo "no message about a full disk"; faults=$((faults + 1)); }
[ "$faults" -eq 0 ] && echo "all as expected"
