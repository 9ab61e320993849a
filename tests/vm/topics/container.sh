# machine: own
# order: 80
# limit: 300
# host: container.host
# The container's image, run by podman in the ways of docs/packages.md.
tls=https://127.0.0.1:8443
data=/run/container-data

# assistant [OPTION...] -- [ARGUMENT...]: the container, with a volume that outlives it
assistant() {
    local options=()
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    podman run --detach --replace --name assistant --read-only --cap-drop=all --security-opt=no-new-privileges -v voice:/var/lib/voice-assistant \
        -v /var/lib/voice-assistant/models:/var/lib/voice-assistant/models:ro "${options[@]}" "$image" "$@"
}
inside() { podman exec assistant /usr/bin/voice-assistant "$@"; }
main_process() { podman inspect --format '{{.State.Pid}}' assistant; }
state() { awk -v name="$1:" '$1 == name { print $2 }' "/proc/$(main_process)/status"; }
over_tls() { curl --silent --output /run/vm-body --write-out '%{http_code}' --cacert "$data/tls/ca.pem" "$@"; }

systemctl stop voice-assistant.service
expect "podman takes the image" podman load --quiet --input "$share/container.tar"
image=$(podman images --noheading --format '{{.Repository}}:{{.Tag}}' | head -n 1)

expect "it runs, read-only, without capabilities, in the machine's network" assistant --network host -- serve --model tiny.en
within 90 "it answers" healthy
same "its user" "$(state Uid) $(podman inspect --format '{{.Config.User}}' assistant)" "10300 10300:10300"
same "its capabilities and privileges" "$(state CapEff) $(state CapBnd) $(state NoNewPrivs)" "0000000000000000 0000000000000000 1"
api GET /status
same "confined from within, too" "$(field '.confined | join(" ")')" "privileges system_calls files"
refuse "its root cannot be written" touch "/proc/$(main_process)/root/vm-test"
api POST /transcribe --form audio=@/mnt/host/forward.wav
matches "it transcribes" "$status $(field .text)" '^200 Go forward (10|ten) meters'
api POST /command/execute --data '{"text":"what time is it"}'
same "a command is carried out" "$status $(field .success)" "200 true"
api POST /v1/audio/speech --header 'Content-Type: application/json' --data '{"model":"tts-1","input":"hello","voice":"alloy","response_format":"wav"}'
same "a text is spoken by a program" "$status $(head -c 4 /run/vm-body)" "200 RIFF"
expect "its health check is good" podman healthcheck run assistant
refuse "nothing but the loopback lets in" curl --silent --max-time 5 "http://$(hostname -I | cut -d ' ' -f 1):8000/status"
begun=$SECONDS
expect "it stops" podman stop --time 30 assistant
below "... when it is told" $((SECONDS - begun)) $((15 * SLACK))
same "... in order" "$(podman inspect --format '{{.State.ExitCode}}' assistant)" 0

expect "it runs in a network of its own, with its port for TLS" assistant -p 8443:8443 -- serve --model tiny.en --set server.tls_listen=::
ln -sfn "$(podman volume inspect --format '{{.Mountpoint}}' voice)" "$data"
within 90 "it answers from there, but nobody without a token" eval '[ "$(over_tls "$tls/status")" = 401 ]'
token=$(inside token add phone)
within 20 "with a token it does" eval '[ "$(over_tls --header "Authorization: Bearer $token" "$tls/status")" = 200 ]'
expect "anew, with the same volume" assistant -p 8443:8443 -- serve --model tiny.en --set server.tls_listen=::
within 90 "the token is still good" eval '[ "$(over_tls --header "Authorization: Bearer $token" "$tls/status")" = 200 ]'

podman rm --force assistant >/dev/null
podman volume rm voice >/dev/null
systemctl start voice-assistant.service
