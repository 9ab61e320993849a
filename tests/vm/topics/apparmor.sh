# machine: main
# order: 40
# limit: 300
#
# The AppArmor profile: it is enforced, nothing that works without it is missing, and what it forbids fails because of it.
profile=/etc/apparmor.d/usr.bin.voice-assistant
probe=/mnt/host/tools/probe
label() { tr -d '\0' </proc/"$1"/attr/current; }

# ---- what is denied is in the audit log ----

mark() {
    journalctl --sync
    cursor=$(journalctl --boot --lines 0 --show-cursor --quiet | sed -n 's/^-- cursor: //p')
}
# Denials of the profile and its children since mark.
denials() {
    journalctl --sync
    journalctl --boot --quiet --after-cursor "$cursor" --output cat | grep 'apparmor="DENIED"' | grep 'profile="voice-assistant'
}
no_denials() { same "$1: nothing was denied" "$(denials | sort -u | head -n 5)" ''; }

# ---- it is enforced ----

matches 'the profile is loaded and enforced' "$(cat /sys/kernel/security/apparmor/profiles)" 'voice-assistant \(enforce\)'
mark
expect 'the service starts' systemctl restart voice-assistant.service
within 60 'it is healthy' healthy
main=$(main_pid)
same 'the daemon runs in the profile' "$(label "$main")" 'voice-assistant (enforce)'
same 'so does all of its service' "$(for pid in $(systemctl show --property ControlGroup --value voice-assistant.service | xargs -I{} cat /sys/fs/cgroup{}/cgroup.procs); do label "$pid"; echo; done | sort -u)" \
    'voice-assistant (enforce)'

# ---- everything works ----

json='Content-Type: application/json'
api POST /v1/audio/speech -H "$json" -d '{"model":"tts-1","voice":"alloy","input":"turn on the kitchen light","response_format":"wav"}'
same 'the synthesiser speaks' "$status" 200
cp /run/vm-body /root/spoken.wav
no_denials 'speech'

api POST /transcribe -F audio=@/root/spoken.wav
same 'an upload is transcribed' "$status" 200
matches 'with its text' "$(field .text)" '[Ll]ight'

api POST /audio/start
same 'a recording begins' "$status" 200
aplay --quiet --device plughw:Loopback,0,0 /root/spoken.wav
api POST /audio/stop
same 'and ends' "$status" 200
latest() { api GET /transcription/latest && [ "$status" = 200 ]; }
within 120 'what the microphone heard is transcribed' latest
matches 'with its text' "$(field .text)" '[Ll]ight'
no_denials 'transcription'

api POST /command/execute -H "$json" -d '{"text":"how much disk space is left"}'
same 'a command starts a program' "$(field .success)" true
matches 'and has its output' "$(field .output)" '[0-9]'
api POST /command/execute -H "$json" -d '{"text":"what is your uptime","speak":true}'
same 'a reply is spoken' "$(field .success)" true
no_denials 'commands'

api PATCH /api/v1/settings -H "$json" -d '{"history.enabled":true}'
same 'a setting is changed' "$status" 200
api POST /command/execute -H "$json" -d '{"text":"what is your uptime"}'
kept() { api GET /api/v1/history && [ "$(field '.entries | length')" -gt 0 ]; }
within 20 'the history is written' kept
api DELETE /api/v1/history
same 'and deleted' "$status" 200
api PATCH /api/v1/settings -H "$json" -d '{"history.enabled":null}'

same 'TLS is served' "$(curl --silent --insecure --max-time 30 --output /dev/null --write-out '%{http_code}' https://127.0.0.1:8443/status)" 401
matches 'figures for Prometheus are served' "$(curl --silent --max-time 30 http://127.0.0.1:8001/metrics)" transcriptions_total

api POST /privacy/enable
same 'privacy mode begins' "$(field .success)" true
api POST /audio/start
same 'and holds' "$status" 403
api POST /privacy/disable
same 'and ends' "$(field .success)" true

for path in /power /battery /metrics /status; do
    api GET "$path"
    same "GET $path" "$status" 200
done

log=/var/log/voice-assistant/app.log
truncate --size 11M "$log"
expect 'the configuration is read again' systemctl kill --kill-whom main --signal HUP voice-assistant.service
sleep 2
api POST /command/execute -H "$json" -d '{"text":"what is your uptime"}'
within 20 'the log is rotated' test -e "$log.1"
rm -f "$log.1"
expect 'it is still healthy' healthy
no_denials 'everything together'

# ---- what must fail ----

# forbid WHAT VERB [ARGUMENT]: root may do it, and neither the daemon's profile nor that of programs lets even root do it.
forbid() {
    local what=$1
    shift
    expect "without the profile: $what" "$probe" "$@"
    aa-exec -p voice-assistant -- "$probe" "$@" >/run/vm-probe 2>&1
    same "the daemon may not: $what" "$?" 1
    aa-exec -p 'voice-assistant//&voice-assistant//action' -- "$probe" "$@" >/run/vm-probe 2>&1
    same "a program may not: $what" "$?" 1
}
aa-exec -p voice-assistant -- "$probe" tcp >/run/vm-probe 2>&1
same 'the probe works in the profile: a socket of TCP' "$?" 0
aa-exec -p voice-assistant -- "$probe" write /var/lib/voice-assistant/probe >/run/vm-probe 2>&1
same 'the probe works in the profile: a file among the data' "$?" 0
aa-exec -p 'voice-assistant//&voice-assistant//action' -- "$probe" read /var/lib/voice-assistant/probe >/run/vm-probe 2>&1
same 'a program may not: read the data' "$?" 1

mkdir -p /srv/probe
echo data >/srv/probe/file
cp "$probe" /srv/probe/program
cp "$probe" /var/lib/voice-assistant/program
mark
forbid 'read the passwords' read /etc/shadow
forbid 'list the home of root' list /root
forbid 'read elsewhere' read /srv/probe/file
forbid 'write to its own configuration' write /etc/voice-assistant/voice-assistant.yaml.probe
forbid 'write into /etc' write /etc/probe
forbid 'write into /usr/bin' write /usr/bin/probe
forbid 'write into /tmp' write /tmp/probe
forbid 'write elsewhere' write /srv/probe/new
forbid 'write to /sys' write /sys/module/printk/parameters/time
forbid 'write to /proc' write /proc/self/coredump_filter
forbid 'execute elsewhere' exec /srv/probe/program
forbid 'execute what lies among the data' exec /var/lib/voice-assistant/program
forbid 'map code from the data' map-exec /var/lib/voice-assistant/program
forbid 'open a raw socket' raw
forbid 'open a packet socket' packet
forbid 'mount' mount /srv/probe
forbid 'trace another process' trace 1
forbid 'send a signal to another process' signal 1
forbid 'make a device' mknod /srv/probe/device
forbid 'use a capability' hostname
matches 'the log names what was denied' "$(denials)" 'name="/etc/shadow"'
rm -f /etc/probe /usr/bin/probe /tmp/probe /etc/voice-assistant/voice-assistant.yaml.probe /var/lib/voice-assistant/{probe,program}

# ---- the same from inside: a program that a command starts ----

# A daemon of root's without any other sandbox, so that what fails does so because of the profile.
folder=/mnt/encrypted_data/probe
mkdir -p "$folder" /etc/voice-assistant/probe
cp "$probe" /usr/local/bin/va-probe
cat >/etc/voice-assistant/probe/probe.yaml <<'YAML'
language: en
commands:
  probe_read:
    sentences: ["read the passwords"]
    action: {type: process, executable: va-probe, arguments: ["read", "/etc/shadow"]}
  probe_write:
    sentences: ["write a file"]
    action: {type: process, executable: va-probe, arguments: ["write", "/srv/probe/by-command"]}
  probe_execute:
    sentences: ["run a program"]
    action: {type: process, executable: va-probe, arguments: ["exec", "/srv/probe/program"]}
  probe_data:
    sentences: ["read the settings"]
    action: {type: process, executable: va-probe, arguments: ["list", "/var/lib/voice-assistant"]}
  probe_nothing:
    sentences: ["open a socket"]
    action: {type: process, executable: va-probe, arguments: ["tcp"]}
  wait:
    sentences: ["wait a while"]
    action: {type: process, executable: sleep, arguments: ["20"]}
YAML
expect 'a daemon without a sandbox starts' systemd-run --quiet --unit=voice-assistant-probe --property=AppArmorProfile=voice-assistant \
    --property=NoNewPrivileges=yes /usr/bin/voice-assistant serve --port 8100 --set metrics.enabled=false --set wyoming.enabled=false \
    --set server.tls=false --microphone none --set "data.folder=$folder" --set model.folder=/var/lib/voice-assistant/models \
    --set log.file=none --commands /etc/voice-assistant/probe
ask() { curl --silent --max-time 60 -H "$json" -d "{\"text\":\"$1\"}" http://127.0.0.1:8100/command/execute | jq -r .success; }
within 60 'it is healthy' curl --silent --fail --max-time 10 http://127.0.0.1:8100/status
same 'its program may: open a socket' "$(ask 'open a socket')" true
ask 'wait a while' >/dev/null &
sleeper() { pgrep --exact sleep --parent "$(pgrep --full --oldest 'serve --port 8100')" >/dev/null || pgrep --exact --full 'sleep 20|/usr/bin/sleep 20'; }
within 20 'a program runs' sleeper
same 'it has the profile of programs upon the daemon' "$(label "$(pgrep --full '^/usr/bin/sleep 20')")" 'voice-assistant//&voice-assistant//action (enforce)'
pkill --full '^/usr/bin/sleep 20'
for what in 'read the passwords' 'write a file' 'run a program' 'read the settings'; do
    same "its program may not: $what" "$(ask "$what")" false
done
expect 'the profile is unloaded' apparmor_parser --remove "$profile"
for what in 'read the passwords' 'write a file' 'run a program' 'read the settings'; do
    same "without the profile it may: $what" "$(ask "$what")" true
done
refuse 'nothing runs in a profile that is not there' aa-exec -p voice-assistant -- "$probe" tcp

systemctl stop voice-assistant-probe.service
rm -rf "$folder" /etc/voice-assistant/probe /usr/local/bin/va-probe /srv/probe
expect 'the profile is loaded again' apparmor_parser --replace "$profile"
expect 'and the service in it' systemctl restart voice-assistant.service
within 60 'it is healthy again' healthy
same 'and confined again' "$(label "$(main_pid)")" 'voice-assistant (enforce)'
