# machine: selinux
# order: 40
# limit: 500
# devices: cpufreq-acpi
# host: selinux.host
#
# The SELinux module: it is enforced, nothing that works without it is missing, and what it forbids fails because of it. The machine starts
# permissive and is made enforcing here, with the module that the package brings.
module=/usr/share/selinux/packages/voice_assistant.pp
probe=/usr/local/libexec/voice-assistant-probe
user=unconfined_u:unconfined_r
denied='avc:  denied .*scontext=[a-z_:]*:voice_assistant'
. /mnt/host/topics/confined.part

# ---- it is enforced ----

expect 'the package has the module' test -s "$module"
expect 'the policy takes it' semodule --install "$module" --install /mnt/host/voice_assistant_probe.pp
install -D /mnt/host/tools/probe "$probe"
labelled=(/usr/bin/voice-assistant /usr/bin/espeak-ng /usr/libexec/voice-assistant "$probe" /etc/voice-assistant /var/lib/voice-assistant
    /var/log/voice-assistant /run/voice-assistant)
expect 'the files are labelled' restorecon -RF "${labelled[@]}"
systemctl daemon-reload
expect 'the policy is enforced' setenforce 1
same 'by the kernel' "$(getenforce)" Enforcing
mark
# The socket has the label of the program that it starts.
expect 'the service starts' systemctl restart voice-assistant-helper.socket voice-assistant.service
within 60 'it is healthy' healthy
same 'the daemon runs in its domain' "$(label "$(main_pid)")" system_u:system_r:voice_assistant_t:s0
same 'so does all of its service' "$(service_labels)" system_u:system_r:voice_assistant_t:s0

everything_works
same 'the helper ran in its domain' "$(label "$(pidof voice-assistant-helper)")" system_u:system_r:voice_assistant_helper_t:s0

expect 'a unit may start the program without these rules' systemd-run --quiet --wait --property=SELinuxContext=system_u:system_r:unconfined_t:s0 \
    --property=NoNewPrivileges=yes /usr/bin/voice-assistant --version

# ---- what must fail ----

# in_domain TYPE COMMAND...
in_domain() {
    local type=$1
    shift
    runcon "$user:$type:s0" "$@" >/run/vm-probe 2>&1
}
# forbid WHAT VERB [ARGUMENT]: root may do it, and neither the daemon's domain nor that of programs lets even root do it.
forbid() {
    local what=$1 code
    shift
    expect "outside: $what" "$probe" "$@"
    in_domain voice_assistant_t "$probe" "$@"
    same "the daemon may not: $what" "$?" 1
    in_domain voice_assistant_action_t "$probe" "$@"
    same "a program may not: $what" "$?" 1
}
in_domain voice_assistant_t "$probe" tcp
same 'the probe works in the domain: a socket of TCP' "$?" 0
in_domain voice_assistant_t "$probe" read /etc/voice-assistant/voice-assistant.yaml
same 'the probe works in the domain: the configuration is read' "$?" 0
in_domain voice_assistant_action_t "$probe" read /etc/voice-assistant/voice-assistant.yaml
same 'a program may not: read the configuration' "$?" 1

mkdir -p /srv/probe
echo data >/srv/probe/file
cp "$probe" /srv/probe/program
install -m 755 /mnt/host/tools/probe /var/lib/voice-assistant/program
restorecon -RF /srv/probe /var/lib/voice-assistant
mark
forbid 'read the passwords' read /etc/shadow
forbid 'list the home of root' list /root
forbid 'read elsewhere' read /srv/probe/file
forbid 'write to its own configuration' write /etc/voice-assistant/probe.yaml
forbid 'write into /etc' write /etc/probe
forbid 'write into /usr/bin' write /usr/bin/probe
forbid 'write into /tmp' write /tmp/probe
forbid 'write elsewhere' write /srv/probe/new
forbid 'write to /sys' write /sys/module/printk/parameters/time
forbid 'execute elsewhere' exec /srv/probe/program
forbid 'execute what lies among the data' exec /var/lib/voice-assistant/program
forbid 'open a raw socket' raw
forbid 'open a packet socket' packet
forbid 'mount' mount /srv/probe
forbid 'trace another process' trace 1
forbid 'send a signal to another process' signal 1
forbid 'make a device' mknod /srv/probe/device
forbid 'use a capability' hostname
matches 'the log names what was denied' "$(denials)" 'tcontext=[a-z_:]*shadow_t'
rm -f /etc/probe /usr/bin/probe /tmp/probe /etc/voice-assistant/probe.yaml /var/lib/voice-assistant/program

# ---- the same from inside: a program that a command starts ----

# A daemon of root's without any other sandbox, so that what fails does so because of the policy.
start_probed_daemon
for what in "${probed[@]}"; do
    same "its program may not: $what" "$(ask "$what")" false
done
setenforce 0
for what in "${probed[@]}"; do
    same "where the policy is not enforced it may: $what" "$(ask "$what")" true
done
in_domain voice_assistant_t "$probe" read /etc/shadow
same 'and so may the daemon: read the passwords' "$?" 0

stop_probed_daemon
rm -f "$probe"
expect 'the service starts again' systemctl restart voice-assistant.service
within 60 'it is healthy again' healthy
