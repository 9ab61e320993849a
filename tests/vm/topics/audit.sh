# machine: hardened
# order: 60
# limit: 420
# devices: luks-disk, cpufreq-acpi
# host: speech.host
# The audit: everything that a machine can be hardened with, and each item holds; then each is undone by itself, and the audit turns red for it.
# What an emulated machine cannot have for real is shown to the audit by a file that is mounted over the kernel's: those say "as if". What needs a boot
# of its own is seen red elsewhere: kernel-parameters in the topic boot, secure-boot in secureboot.

work=/run/audit
mkdir -p "$work"
unit=/etc/systemd/system/voice-assistant.service.d/audit-topic.conf
data=/var/lib/voice-assistant

# is STATE ITEM WHAT
is() {
    local found
    found=$(finding "$2" --debsecan "$work/debsecan")
    matches "$2: $3" "$found" "^$1 "
}
# control ITEM WHAT UNDO RESTORE: two functions. It held before, fails when it is undone, and holds again.
control() {
    is pass "$1" "holds"
    "$3" >"$work/undo" 2>&1
    is fail "$1" "turns red: $2"
    "$4" >"$work/restore" 2>&1
    is pass "$1" "holds again"
}
# over FILE PATH: FILE seems to be at PATH; uncover PATH
over() { mount --bind "$1" "$2"; }
uncover() { umount "$1"; }
restart() { systemctl reset-failed voice-assistant.service; systemctl restart voice-assistant.service && wait_for 60 healthy; }
drop_in() { install -D -m 644 /dev/stdin "$unit"; systemctl daemon-reload; }
undrop() { rm -f "$unit"; systemctl daemon-reload; }

# ---- the machine is hardened ----

before=$(cat /mnt/host/voice-assistant.yaml)
printf 'power:\n  mode: performance\n' >>/mnt/host/voice-assistant.yaml
configure
within 60 "the program works" healthy
: >"$work/debsecan"
expect "encrypted data" voice-assistant-setup encrypted-data create --partition "$LUKS_DISK" --unlock key-file
rm -rf "$data.plain"
expect "a firewall" voice-assistant-setup firewall set --with nftables
expect "the governor at boot" systemctl enable cpu-governor.service
expect "... and now" systemctl restart cpu-governor.service
expect "audits" systemctl enable --now voice-assistant-audit.timer
systemctl start voice-assistant-helper.socket
within 60 "the program works again" healthy
refuse "with all of it no unit would wait for itself at the next boot" circles

# A security archive of its own, without updates.
repository=/srv/repository
mkdir -p "$repository" "$work/lists"
mv /etc/apt/sources.list /etc/apt/sources.list.d "$work/lists" 2>/dev/null
mkdir -p /etc/apt/sources.list.d
echo "deb [trusted=yes] file:$repository ./" >/etc/apt/sources.list
publish() { # publish TEXT: as the archive's list of packages
    printf '%s' "$1" >"$repository/Packages"
    {
        printf 'Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nCodename: bookworm-security\nDate: %s\nSHA256:\n' "$(date --utc --rfc-email | sed 's/+0000/UTC/')"
        printf ' %s %s Packages\n' "$(sha256sum <"$repository/Packages" | cut -d ' ' -f 1)" "$(stat -c %s "$repository/Packages")"
    } >"$repository/Release"
    apt-get -q update
}
expect "a security archive" publish ''

# What a release says of itself, and what lynis said.
record=/usr/share/voice-assistant/build.json
[ ! -e "$record" ] || cp "$record" "$work/record.before"
version=$(voice-assistant --version | cut -d ' ' -f 2)
today=$(date +%F)
jq -n --arg version "$version" --arg date "$today" '{version: $version, coverage: {percent: 91, date: $date},
    massif: {peak_bytes: 12000000, date: $date}, container: {stages: 2, bytes: 40000000, date: $date}}' >"$record"
printf 'report_datetime_end=%s\nhardening_index=70\n' "$(date '+%F %T')" >/var/log/lynis-report.dat
# A client that is set up; the topic vpn connects one.
install -d /etc/openvpn/client
install -m 600 /dev/stdin /etc/openvpn/client/topic.conf <<<$'client\nremote-cert-tls server'
ln -sf /usr/lib/systemd/system/openvpn-client@.service /etc/systemd/system/multi-user.target.wants/openvpn-client@topic.service
ip tuntap add dev tun9 mode tun
# Something to measure.
api POST /transcribe --form "audio=@/mnt/host/forward.wav"
api POST /transcribe --form "audio=@/mnt/host/forward.wav"

# ---- all of it holds ----

voice-assistant audit --debsecan "$work/debsecan"
report=$(voice-assistant audit --json --debsecan "$work/debsecan" --output "$data/audit.json")
same "nothing fails" "$(jq -c '[.items[] | select(.state == "fail") | {name, evidence}]' <<<"$report")" "[]"
same "nothing is left unseen" "$(jq -c '[.items[] | select(.state == "not_checked") | {name, evidence}]' <<<"$report")" "[]"
expect "its exit code says so" voice-assistant audit --strict --debsecan "$work/debsecan"
figure "items that hold" "$(jq .summary.pass <<<"$report")" ""
figure "not applicable here" "$(jq -r '[.items[] | select(.state == "not_applicable") | .name] | join(" ")' <<<"$report")" ""

# By the timer's service, from inside its own sandbox: what it sees is what root sees.
rm -f "$data/audit.json"
expect "the service of the timer" systemctl start voice-assistant-audit.service
same "it leaves its report" "$(stat -c %a "$data/audit.json")" 644
api GET /api/v1/audit
same "the program serves it" "$status" 200
for item in $(jq -r '.items[] | select(.name != "vulnerabilities" and .name != "cpu-active") | .name' <<<"$report"); do
    same "the service sees the same of $item" "$(field ".items[] | select(.name == \"$item\") | .state")" \
        "$(jq -r --arg item "$item" '.items[] | select(.name == $item) | .state' <<<"$report")"
done
expect "and Prometheus is told" grep -q '^voice_assistant_audit_failed_items 0$' <(curl --silent http://127.0.0.1:8001/metrics)
expect "the doctor finds nothing wrong" voice-assistant doctor
voice-assistant doctor

# ---- and each item turns red when it is undone ----

confine_off() { drop_in <<<$'[Service]\nAppArmorProfile='; restart; }
confine_on() { undrop; restart; }
control mandatory-access "without its profile" confine_off confine_on

expose() { drop_in <<<$'[Service]\nCapabilityBoundingSet=~\nProtectSystem=no\nPrivateTmp=no\nProtectKernelTunables=no\nSystemCallFilter='; }
control exposure "with an open unit" expose undrop

# Another start than the unit's: no sandbox, and open to the network.
loose() {
    systemctl stop voice-assistant.service
    systemd-run --quiet --unit loose --uid voice-assistant --gid voice-assistant --property Type=notify --property NotifyAccess=all \
        --property StateDirectory=voice-assistant --property LogsDirectory=voice-assistant --property ConfigurationDirectory=voice-assistant \
        /usr/bin/voice-assistant serve --set confine.mode=off --set server.tls_listen=0.0.0.0
    wait_for 60 healthy
}
tight() { systemctl stop loose.service; restart; }
is pass sandbox "holds"
is pass listeners "holds"
loose
is fail sandbox "turns red: started without the unit"
is fail listeners "turns red: open to the network without the configuration's leave"
tight
is pass sandbox "holds again"
is pass listeners "holds again"

# Somebody else in its place, who lets everybody in.
let_in() {
    systemctl stop voice-assistant.service
    systemd-run --quiet --unit anybody openssl s_server -accept 127.0.0.1:8443 -www -cert "$data/tls/server.pem" -key "$data/tls/server.key"
    wait_for 20 curl --silent --insecure https://127.0.0.1:8443/
}
keep_out() { systemctl stop anybody.service; restart; }
control access "a server that asks for no token" let_in keep_out

flush() { nft flush ruleset; }
refill() { voice-assistant-setup firewall set --with nftables; }
control firewall "without rules" flush refill
open_port() { nft insert rule inet voice_assistant input tcp dport 5900 accept; }
control firewall "with a port more" open_port refill

plain() { mkdir -p /srv/plain; over /srv/plain "$data"; }
not_plain() { uncover "$data"; }
control encryption "on a plain disk" plain not_plain

unencrypted() { printf 'mqtt:\n  enabled: yes\n  host: broker.example\n' >>/etc/voice-assistant/voice-assistant.yaml; }
as_before() { cp /mnt/host/voice-assistant.yaml /etc/voice-assistant/voice-assistant.yaml; }
control tls "a broker without TLS" unencrypted as_before

unplug_tunnel() { ip link delete tun9; }
plug_tunnel() { ip tuntap add dev tun9 mode tun; }
control vpn "a client that is not connected" unplug_tunnel plug_tunnel
show_keys() { chmod 644 /etc/openvpn/client/topic.conf; }
hide_keys() { chmod 600 /etc/openvpn/client/topic.conf; }
control vpn "keys that all may read" show_keys hide_keys

api POST /privacy/enable
api POST /privacy/disable
# Another start than the unit's, which keeps to a switch of its own.
stray() {
    systemctl stop voice-assistant.service
    echo on >"$data/privacy"
    install -d -o voice-assistant -g voice-assistant -m 750 /srv/stray
    systemd-run --quiet --unit stray --uid voice-assistant --gid voice-assistant --property Type=notify --property NotifyAccess=all \
        --property StateDirectory=voice-assistant --property LogsDirectory=voice-assistant --property ConfigurationDirectory=voice-assistant \
        /usr/bin/voice-assistant serve --set data.folder=/srv/stray
    wait_for 60 healthy
}
not_stray() {
    systemctl stop stray.service
    rm -rf /srv/stray
    echo off >"$data/privacy"
    restart
}
control privacy "a switch that the program does not obey" stray not_stray

unaudited() { systemctl disable --now voice-assistant-audit.timer; }
audited() { systemctl enable --now voice-assistant-audit.timer; }
control regular-audits "without its timer" unaudited audited

show_key() { chmod 644 "$data/tls/server.key"; }
hide_key() { chmod 600 "$data/tls/server.key"; }
control files "a key that all may read" show_key hide_key

lose_log() { mv /var/log/voice-assistant/app.log "$work/app.log"; }
find_log() { mv "$work/app.log" /var/log/voice-assistant/app.log; restart; }
control log "moved away" lose_log find_log

publish_update() { publish $'Package: netbase\nVersion: 99\nArchitecture: all\nMaintainer: x <x@example.org>\nFilename: ./netbase.deb\nSize: 1\nSHA256: 0\nDescription: x\n'; }
publish_none() { publish ''; }
control updates "an update in the security archive" publish_update publish_none

weak() { echo 'CVE-2024-0001 netbase (fixed, remotely exploitable)' >"$work/debsecan"; }
strong() { : >"$work/debsecan"; }
control vulnerabilities "debsecan knows one" weak strong
soft() { sed -i 's/hardening_index=70/hardening_index=40/' /var/log/lynis-report.dat; }
hard() { sed -i 's/hardening_index=40/hardening_index=70/' /var/log/lynis-report.dat; }
control lynis "a low index" soft hard

edit_record() { jq "$1" "$record" >"$work/record" && cp "$work/record" "$record"; }
less_coverage() { edit_record '.coverage.percent = 79'; }
more_coverage() { edit_record '.coverage.percent = 91'; }
control coverage "a build with less" less_coverage more_coverage
no_massif() { edit_record '.massif.peak_bytes = 0'; }
massif() { edit_record '.massif.peak_bytes = 12000000'; }
control massif "a build without a profile" no_massif massif
one_stage() { edit_record '.container.stages = 1'; }
two_stages() { edit_record '.container.stages = 2'; }
control container "an image of one stage" one_stage two_stages

fewer_buffers() { sed -i '/^audio:/a\  pool_size: 3' /etc/voice-assistant/voice-assistant.yaml; }
control buffer-pool "another number than is configured" fewer_buffers as_before

one_thread() { sed -i '/^model:/a\  threads: 1\n  workers: 1' /etc/voice-assistant/voice-assistant.yaml; restart; }
more_threads() { as_before; restart; }
control threads "one thread for all" one_thread more_threads

slow_down() { echo powersave >/sys/devices/system/cpu/cpufreq/policy0/scaling_governor; }
speed_up() { systemctl restart cpu-governor.service; }
control cpu-frequency "another governor on one processor" slow_down speed_up
no_governor() { systemctl disable cpu-governor.service; }
governor() { systemctl enable cpu-governor.service; }
control cpu-frequency "none set at boot" no_governor governor

no_helper() { systemctl stop voice-assistant-helper.socket voice-assistant-helper.service; }
helper() { systemctl start voice-assistant-helper.socket; }
control power-modes "without the helper" no_helper helper

bluetooth=/etc/systemd/system/bluetooth.service
serve_bluetooth() { install -m 644 /dev/stdin "$bluetooth" <<<$'[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target'; systemctl enable bluetooth.service; }
mask_bluetooth() { systemctl disable bluetooth.service; rm -f "$bluetooth"; systemctl mask bluetooth.service; }
control services "bluetooth at boot" serve_bluetooth mask_bluetooth
systemctl unmask bluetooth.service

fat() { sed -E 's/^(RssAnon:[[:space:]]*)[0-9]+/\1700000/' "/proc/$(main_pid)/status" >"$work/status"; over "$work/status" "/proc/$(main_pid)/status"; }
thin() { uncover "/proc/$(main_pid)/status"; }
control memory-idle "with 700 MB, as if" fat thin

# Times say nothing in emulation: what they would say of a real processor.
sed 's/QEMU TCG/Real/' /proc/cpuinfo >"$work/cpuinfo"
install -m 755 /dev/stdin "$work/systemctl" <<<$'#!/bin/sh\nprintf "FirmwareTimestampMonotonic=0\\nFinishTimestampMonotonic=31000000\\n"'
over "$work/cpuinfo" /proc/cpuinfo
mount -o remount,exec /run
over "$work/systemctl" /usr/bin/systemctl
is fail boot-time "turns red: 31 s, as if"
uncover /usr/bin/systemctl
install -m 755 /dev/stdin "$work/systemctl" <<<$'#!/bin/sh\nprintf "FirmwareTimestampMonotonic=0\\nFinishTimestampMonotonic=29000000\\n"'
over "$work/systemctl" /usr/bin/systemctl
is pass boot-time "holds: 29 s, as if"
uncover /usr/bin/systemctl
mount -o remount,noexec /run
api POST /transcribe --form "audio=@/mnt/host/forward.wav"
api POST /transcribe --form "audio=@/mnt/host/forward.wav"
is fail cpu-active "turns red: by what it takes in emulation, as if"
drop_in <<<$'[Service]\nExecStartPre=+/bin/sleep 11'
restart
is fail boot-analysed "turns red: a start of eleven seconds"
undrop
restart
uncover /proc/cpuinfo
is '(pass|not_applicable)' boot-analysed "holds again, as far as emulation lets it"

# ---- the machine as it was ----

ip link delete tun9
rm -f /etc/openvpn/client/topic.conf /etc/systemd/system/multi-user.target.wants/openvpn-client@topic.service /var/log/lynis-report.dat
expect "the data is taken off the volume" voice-assistant-setup encrypted-data remove --copy-back
printf '%s\n' "$before" >/mnt/host/voice-assistant.yaml
configure
within 60 "the program works as before" healthy
