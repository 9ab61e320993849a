# machine: main
# order: 20
# limit: 180
# host: speech.host
# The HTTP API and systemd's side of the service.

within 20 "it answers" healthy
api GET /status
same "GET /status" "$status $(field .state) $(field .model)" "200 idle tiny.en"
api GET /metrics
matches "GET /metrics has numbers" "$status $(field '.cpu.count, .memory.total, .disk.total' | paste -s)" '^200 [0-9]+[[:space:]][0-9]+[[:space:]][0-9]+$'
expect "Prometheus' numbers on their own port" grep -q '^transcriptions_total' <(curl --silent --fail http://127.0.0.1:8001/metrics)
api GET /nothing
same "what is not there" "$status $(field .error.code)" "404 not_found"
api POST /command/execute --data '{"text":"what time is it"}'
same "a sentence is carried out" "$status $(field '.success, .intent' | paste -s -d ' ')" "200 true get_time"
api POST /command/execute --data '{"text":"colourless green ideas sleep furiously"}'
same "another is not" "$status $(field .success)" "422 false"
api POST /transcribe --form "audio=@/mnt/host/forward.wav"
matches "a recording is transcribed" "$status $(field .text)" '^200 .*[Ff]orward'

# The brief's flow: start, three seconds, stop, latest, execute that text.
api POST /audio/stop
same "nothing to stop" "$status $(field .error.code)" "409 not_recording"
api POST /audio/start
same "recording starts" "$status $(field '.success, .recording' | paste -s -d ' ')" "200 true true"
api POST /audio/start
same "once only" "$status $(field .error.code)" "409 already_recording"
play_to_microphone /mnt/host/time.wav
api POST /audio/stop
same "recording stops" "$status $(field '.success, .recording' | paste -s -d ' ')" "200 true false"
below "it had the length of what was played" 1.5 "$(field .duration)"
wait_for 120 latest
matches "its text" "$status $(field .text)" '^200 .*time'
api POST /command/execute --data "$(jq -n -c --arg text "$(field .text)" '{text: $text}')"
matches "and that text as a command" "$status $(field '.success, .response' | paste -s -d ' ')" '^200 true It is [0-9]'

# Restarts.
restarted() { [ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ] && healthy; }
count() { systemctl show --property NRestarts --value voice-assistant.service; }
before=$(count) pid=$(main_pid)
kill -KILL "$pid"
within 30 "it comes back after it was killed" restarted "$pid"
same "as a restart by systemd" "$(count)" $((before + 1))
pid=$(main_pid)
kill -STOP "$pid"
within 90 "it comes back after it has hung" restarted "$pid"
matches "because the watchdog missed it" "$(journalctl --boot --unit voice-assistant.service --no-pager --grep watchdog)" '[Ww]atchdog'
systemctl restart voice-assistant.service
expect "it answers as soon as systemd calls it started" healthy
pid=$(main_pid)
expect "reload" systemctl reload-or-restart voice-assistant.service
systemctl stop voice-assistant.service
same "a stop is a success" "$(systemctl show --property Result --value voice-assistant.service)" success
refuse "nothing answers then" healthy
expect "start" systemctl start voice-assistant.service

# The log.
log=/var/log/voice-assistant/app.log
expect "every line of app.log is JSON with its members" jq --exit-status --slurp 'all(has("timestamp") and has("level") and has("module") and has("message"))' "$log"
expect "a transcription is an event there" grep -q '"event":"transcription"' "$log"
refuse "and what was said is not" grep -q -i 'forward' "$log"
matches "others may not read it" "$(stat --format %U:%a "$log")" '^voice-assistant:6[04]0$'
