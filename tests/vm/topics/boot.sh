# machine: main
# order: 10
# limit: 60
# How the machine and the service stand when the boot is over, and what the boot took. Seconds of emulation are no seconds of a product: those
# are figures; make bench-boot compares them with another system's.

seconds_of() { sed -E 's/([0-9.]+)ms/0.\1/; s/([0-9]+)min ([0-9.]+)s/\1*60+\2/; s/s$//' <<<"$1" | bc -l 2>/dev/null; }

expect "the boot is over" systemctl is-system-running --wait
same "no unit has failed" "$(systemctl --failed --no-legend --plain)" ""
same "no unit waited for itself in a circle" "$(circles_of_boot)" ""
same "the service is up" "$(systemctl is-active voice-assistant.service)" active
same "it starts at the next boot, too" "$(systemctl is-enabled voice-assistant.service)" enabled
within 20 "it answers" healthy

# This machine boots without what the topic audit finds on a hardened one.
matches "the audit turns red for the kernel's parameters" "$(finding kernel-parameters)" '^fail \(missing: loglevel=1 logo.nologo rootwait fsck.repair=yes\)'

# Ready means ready: systemd saw READY=1 before multi-user.target was reached, and nothing waited for a network.
usec() { systemctl show --property "$2" --value "$1"; }
ready=$(usec voice-assistant.service ActiveEnterTimestampMonotonic)
begun=$(usec voice-assistant.service ExecMainStartTimestampMonotonic)
userspace=$(systemctl show --property UserspaceTimestampMonotonic --value)
expect "it was ready before multi-user.target" test "$ready" -le "$(usec multi-user.target ActiveEnterTimestampMonotonic)"
refuse "it does not wait for the network" grep -q network <<<"$(systemctl show --property After --value voice-assistant.service | tr ' ' '\n' | grep -x network-online.target)"
figure "kernel to ready" "$(awk "BEGIN { printf \"%.1f\", $ready / 1e6 }")" s
figure "userspace to ready" "$(awk "BEGIN { printf \"%.1f\", ($ready - $userspace) / 1e6 }")" s
figure "the service's own start" "$(awk "BEGIN { printf \"%.2f\", ($ready - $begun) / 1e6 }")" s
figure "load average at the end of the boot" "$(cut -d ' ' -f 1 /proc/loadavg)" ""
systemd-analyze time
systemd-analyze blame --no-pager | head -n 20
systemd-analyze critical-chain --no-pager
systemd-analyze critical-chain --no-pager voice-assistant.service
expect "systemd finds nothing wrong with the unit" systemd-analyze verify --man=no voice-assistant.service

# Memory, with the model loaded and mapped: what the processes of the service have for themselves, and all of the machine.
kilobytes() { awk -v name="$1:" '$1 == name { print $2 }' "$2" 2>/dev/null; }
own=0
for pid in $(cat "/sys/fs/cgroup/$(systemctl show --property ControlGroup --value voice-assistant.service)/cgroup.procs"); do
    own=$((own + $(kilobytes RssAnon "/proc/$pid/status") + $(kilobytes RssShmem "/proc/$pid/status")))
done
below "the service's own memory, in kB" "$own" 25600
figure "memory of the service" "$((own / 1024))" MB
sync
echo 3 >/proc/sys/vm/drop_caches
used=$(($(kilobytes MemTotal /proc/meminfo) - $(kilobytes MemAvailable /proc/meminfo)))
below "memory of the whole machine, in kB" "$used" 204800
figure "memory of the whole machine" "$((used / 1024))" MB
