# machine: main
# order: 50
# limit: 120
# Privacy mode: the kernel itself says that nobody has the microphone, and no camera is there to open.

modprobe vivid n_devs=1
within 10 "there is a camera" test -c /dev/video0
camera=$(basename "$(readlink -f /sys/class/video4linux/video0/device)")
bound() { test -e "/sys/bus/platform/drivers/vivid/$camera"; }

configure 'listen:
  mode: always
privacy:
  cameras: /dev/video0'
within 30 "it listens" microphone_is RUNNING
expect "the camera has its driver" bound
api POST /privacy/enable
same "privacy mode is on" "$status $(field '.success, .message' | paste -s -d ' ')" "200 true Privacy mode enabled"
same "the device is closed" "$(microphone)" closed
same "nobody has it open" "$(find /proc/[0-9]*/fd -lname /dev/snd/pcmC0D1c 2>/dev/null)" ""
refuse "the camera's driver is taken from it" bound
refuse "there is no camera to open" test -e /dev/video0
api POST /audio/start
same "no recording" "$status $(field .error.code)" "403 privacy_mode"
api GET /transcription/latest
same "nothing is left of what was said" "$status" 404
expect "the switch is a file of its own, for its owner alone" test "$(stat --format %a:%U /var/lib/voice-assistant/privacy)" = 600:voice-assistant

systemctl restart voice-assistant.service
within 20 "it answers after a restart" healthy
api GET /privacy
same "and is private still" "$(field .privacy_mode)" true
sleep 2
same "with the device closed" "$(microphone)" closed
pid=$(main_pid)
kill -KILL "$pid"
restarted() { [ "$(main_pid)" != "$pid" ] && healthy; }
within 30 "it comes back after it was killed" restarted
same "as private as before" "$(microphone)" closed

api POST /privacy/disable
same "privacy mode is off" "$status $(field .success)" "200 true"
within 30 "it listens again" microphone_is RUNNING
within 10 "and the camera is back" test -c /dev/video0

# As a person would, on the command line.
expect "voice-assistant privacy on" voice-assistant privacy on
same "closes it, too" "$(microphone)" closed
expect "voice-assistant privacy off" voice-assistant privacy off
configure
same "nobody listens without being asked" "$(microphone)" closed
modprobe --remove vivid
