# machine: main
# order: 40
# limit: 300
# devices: cpufreq-acpi
#
# The AppArmor profile: it is enforced, nothing that works without it is missing, and what it forbids fails because of it.
profile=/etc/apparmor.d/usr.bin.voice-assistant
probe=/mnt/host/tools/probe
denied='apparmor="DENIED".*profile="voice-assistant'
. /mnt/host/topics/confined.part

# ---- it is enforced ----

loaded=$(cat /sys/kernel/security/apparmor/profiles)
for name in voice-assistant voice-assistant//action voice-assistant//speech voice-assistant-helper; do
    matches "the profile $name is loaded and enforced" "$loaded" "$name \(enforce\)"
done
mark
expect 'the service starts' systemctl restart voice-assistant.service
within 60 'it is healthy' healthy
main=$(main_pid)
same 'the daemon runs in the profile' "$(label "$main")" 'voice-assistant (enforce)'
same 'so does all of its service' "$(service_labels)" 'voice-assistant (enforce)'

everything_works
same 'the helper ran in its profile' "$(label "$(pidof voice-assistant-helper)")" 'voice-assistant-helper (enforce)'

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
as_user() { setpriv --reuid voice-assistant --regid voice-assistant --init-groups "$@"; }
as_user aa-exec -p voice-assistant -- "$probe" write /var/lib/voice-assistant/probe >/run/vm-probe 2>&1
same 'the probe works in the profile: a file among the data' "$?" 0
as_user aa-exec -p 'voice-assistant//&voice-assistant//action' -- "$probe" read /var/lib/voice-assistant/probe >/run/vm-probe 2>&1
same 'a program may not: read the data' "$?" 1

# A single user's daemon has its folders in the home, and nothing else of it.
home=/home/va-probe
install -d -o voice-assistant -g voice-assistant "$home" "$home/.voice-assistant" "$home/.local" "$home/.local/share" "$home/.local/share/voice-assistant"
in_home() { as_user aa-exec -p voice-assistant -- "$probe" write "$home/$1"; }
expect 'the daemon may write to ~/.voice-assistant' in_home .voice-assistant/probe
expect 'the daemon may write to the folder of XDG' in_home .local/share/voice-assistant/probe
refuse 'the daemon may not write to its configuration there' in_home .voice-assistant/voice-assistant.yaml
refuse 'the daemon may not write beside them' in_home probe
expect 'without the profile its user may' as_user "$probe" write "$home/probe"
rm -rf "$home"

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
start_probed_daemon --property=AppArmorProfile=voice-assistant
ask 'wait a while' >/dev/null &
within 20 'a program runs' pgrep --full '^/usr/bin/sleep 20'
sleeper=$(pgrep --full '^/usr/bin/sleep 20')
same 'it has the profile of programs upon the daemon' "$(label "$sleeper")" 'voice-assistant//&voice-assistant//action (enforce)'
pkill --full '^/usr/bin/sleep 20'
for what in "${probed[@]}"; do
    same "its program may not: $what" "$(ask "$what")" false
done
expect 'the profile is unloaded' apparmor_parser --remove "$profile"
for what in "${probed[@]}"; do
    same "without the profile it may: $what" "$(ask "$what")" true
done
refuse 'nothing runs in a profile that is not there' aa-exec -p voice-assistant -- "$probe" tcp

# ---- what an administrator adds ----

action_may() { aa-exec -p 'voice-assistant//&voice-assistant//action' -- "$probe" "$@"; }
local=/etc/apparmor.d/local/voice-assistant-programs
echo '/srv/probe/** rw,' >"$local"
expect 'the profile is loaded with a local file' apparmor_parser --replace "$profile"
expect 'what it names is permitted to programs' action_may write /srv/probe/new
refuse 'and nothing beside it' action_may write /srv/new
rm -f "$local" /srv/new

stop_probed_daemon
expect 'the profile is loaded again' apparmor_parser --replace "$profile"
expect 'and the service in it' systemctl restart voice-assistant.service
within 60 'it is healthy again' healthy
same 'and confined again' "$(label "$(main_pid)")" 'voice-assistant (enforce)'
