# machine: main
# order: 40
# limit: 120
# The sound card goes while the program listens to it, and comes back: taken from its driver and given to it again.

driver=/sys/bus/platform/drivers/snd_aloop
state_is() { api GET /status && [ "$(field .microphone.state)" = "$1" ]; }
unhealthy_for() { api GET /health && [ "$status" = 503 ] && [ "$(field '.reasons[0].code')" = "$1" ]; }

configure 'listen:
  mode: always
health:
  microphone: 2'
within 30 "it listens" state_is open
pid=$(main_pid)

timeout 60 bash -c 'echo snd_aloop.0 >"$1/unbind"' bash "$driver"
refuse "the card is gone" test -e /proc/asound/card0
within 20 "the program says so" state_is lost
matches "and why" "$(field .microphone.error)" '.'
within 20 "it calls itself unhealthy then" unhealthy_for microphone_lost
same "it stays" "$(main_pid)" "$pid"
api POST /command/execute --data '{"text":"what time is it"}'
same "everything else goes on" "$status" 200

echo snd_aloop.0 >"$driver/bind"
within 30 "it takes the card up again" state_is open
within 20 "and is healthy" healthy
same "in the same process" "$(main_pid)" "$pid"
api GET /status
same "it has counted that" "$(field '.microphone.lost, .microphone.recovered' | paste -s -d ' ')" "1 1"
within 10 "the kernel says so, too" microphone_is RUNNING
configure
