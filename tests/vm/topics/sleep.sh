# machine: sleep
# order: 50
# limit: 90
# The program's user lets the machine sleep over the API, and the real-time clock wakes it. The share is away meanwhile: it does not outlive a sleep.

seconds=8
within 60 "it answers" healthy
api GET /power
same "it can sleep" "$(field .can_sleep)" true
refuse "its user may not do that" runuser --user voice-assistant -- sh -c 'echo mem >/sys/power/state'
suspends() { cat /sys/power/suspend_stats/success; }
before=$(suspends)
begun=$(date +%s)
cursor=$(journalctl --lines 0 --show-cursor | sed -n 's/^-- cursor: //p')
sync
# The driver of the share does not outlive a sleep: it begins anew afterwards.
driver=/sys/bus/virtio/drivers/9pnet_virtio
device=$(basename "$driver"/virtio*)
expect "the share is put away" umount "$share"
echo "$device" >$driver/unbind
api POST /power/sleep --header 'Content-Type: application/json' --data "{\"seconds\":$seconds}"
same "the answer comes first" "$status $(field .seconds)" "200 $seconds"
slept() { [ "$(suspends)" -gt "$before" ]; }
within 60 "it has slept and is awake" slept
echo "$device" >$driver/bind
share_mount
figure "from the request until it is awake" "$(($(date +%s) - begun))" s
wakes() { journalctl --after-cursor "$cursor" --unit voice-assistant.service --output json | jq -e 'select(.VA_EVENT == "slept" or (.MESSAGE | tostring | test("slept")))'; }
within 20 "the program says for how long" wakes
matches "the kernel slept in memory" "$(journalctl --after-cursor "$cursor" --dmesg --output cat)" 'Preparing to enter system sleep state S3'
within 20 "it answers" healthy
