# machine: main
# order: 30
# limit: 150
# host: speech.host
# A spoken command through a real sound card: in at the microphone, heard, understood, carried out, answered aloud.

events=/run/speech-events
# listen_to_events: what happens from now on, in $events, until the topic ends
listen_to_events() {
    curl --silent --no-buffer --max-time 600 "$API/api/v1/events" >"$events" &
    listener=$!
    wait_for 10 grep -q snapshot "$events"
}
data_of() { tr -d '\r' <"$events" | sed -n "/^event: $1\$/{n;s/^data: //p}"; } # of all events of that name
has_event() { [ -n "$(data_of "$1" | jq --compact-output "select($2)")" ]; }

# A command of the user's own that runs a program, whose output it then says.
cat >/etc/voice-assistant/commands/robot.yaml <<'END'
language: en
commands:
  move:
    sentences: ["go (forward|backward) {n} meters"]
    response: "Going {n} meters, up since {output}"
    action: {type: process, executable: uptime, arguments: ["-s"], timeout: 20}
lists:
  n:
    range: {from: 1, to: 20}
END
configure 'listen:
  mode: always'
within 30 "it listens" microphone_is RUNNING
listen_to_events

record_speaker /run/reply.wav
play_to_microphone /mnt/host/forward.wav
within 60 "a person's command is heard" has_event heard '.intent == "move"'
within 30 "and carried out" has_event result '.command == "move" and .success'
same "by the program that it names" "$(data_of result | jq -r .response | tail -n 1)" "Going 10 meters, up since $(uptime -s)"
within 30 "the reply is said" has_event speaking '.on == false'
stop_speaker
expect "and comes out of the card" test "$(loudest /run/reply.wav)" -gt 1000

play_to_microphone /mnt/host/uptime.wav
within 60 "a command that came with the program" has_event result '.command == "uptime" and .success'
matches "has its answer" "$(data_of result | jq -r 'select(.command == "uptime").response' | tail -n 1)" '^The computer is up [0-9]'
kill "$listener"

api GET /status
same "nothing was lost on the way" "$(field '.microphone.lost, .failures' | paste -s -d ' ')" "0 0"
cat "$events"
rm -f /etc/voice-assistant/commands/robot.yaml /run/reply.wav
configure
