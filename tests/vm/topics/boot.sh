# machine: main
# order: 10
# limit: 60
# What the boot took, and how the machine stands when it is over.

expect "the boot is over" systemctl is-system-running --wait
same "no unit has failed" "$(systemctl --failed --no-legend --plain)" ""
same "the service is up" "$(systemctl is-active voice-assistant.service)" active
within 20 "it answers" healthy
systemd-analyze time
systemd-analyze blame --no-pager | head -n 15
systemd-analyze critical-chain --no-pager voice-assistant.service
