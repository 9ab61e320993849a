# What another machine reaches of this one, without a firewall, with nftables and with ufw. The other machine is a network namespace.
# machine: main
# order: 72
# limit: 200
setup=(voice-assistant-setup firewall)
config=/etc/voice-assistant/voice-assistant.yaml
cp -p "$config" /run/config.before

ip netns add other
ip link add here0 type veth peer name there0 netns other
ip address add 192.0.2.1/24 dev here0
ip link set here0 up
ip -n other address add 192.0.2.2/24 dev there0
ip -n other address add 192.0.2.3/24 dev there0
ip -n other link set there0 up
ip -n other link set lo up

# The real program, beyond the loopback, and others that listen beside it: ssh's ports, and one that nobody knows of. The metrics stay where
# they are; what a mistake would open is tried by a listener on the same port of the other address.
cat >>"$config" <<END
server:
  listen: 0.0.0.0
  tls_listen: 0.0.0.0
wyoming:
  listen: 0.0.0.0
  allow: "192.0.2.2"
END
systemctl restart voice-assistant.service
within 60 "the program listens beyond the loopback" healthy
listen() {
    local port
    for port in 22 2222 8001 9999; do
        python3 -m http.server --bind 192.0.2.1 --directory /run "$port" >/dev/null 2>&1 &
        listeners+=($!)
    done
}
listeners=()
listen

outside() { ip netns exec other "$@"; }
# reaches PORT: a connection comes about.
reaches() { outside timeout 20 bash -c "exec 3<>/dev/tcp/192.0.2.1/$1"; }
# is_dropped PORT ADDRESS: nobody answers, not even with a refusal; 28 is the time that ran out.
is_dropped() {
    local code=0
    outside curl --silent --max-time 4 --connect-timeout 3 --interface "$2" --output /dev/null "http://192.0.2.1:$1/" || code=$?
    [ "$code" -eq 28 ]
}
# wyoming_answers ADDRESS
wyoming_answers() {
    outside python3 - "$1" <<'END'
import socket, sys
with socket.create_connection(("192.0.2.1", 10300), timeout=10, source_address=(sys.argv[1], 0)) as s:
    s.settimeout(20)
    s.sendall(b'{"type":"describe"}\n')
    sys.exit(0 if b'"info"' in s.recv(4096) else 1)
END
}
plain() { outside curl --silent --max-time 20 --output /dev/null http://192.0.2.1:8000/status; }
encrypted() { outside curl --silent --insecure --max-time 40 --output /dev/null https://192.0.2.1:8443/; }

check_open() {
    within 20 "$1: the API is reached" plain
    within 20 "$1: the API over TLS is reached" encrypted
    within 20 "$1: ssh is reached" reaches 22
    within 20 "$1: Wyoming is reached by who may" wyoming_answers 192.0.2.2
    expect "$1: the other machine is reached from here" ping -c 1 -W 5 192.0.2.2
}

# ---- without ----

within 20 "the listeners are there" reaches 9999
check_open "without a firewall"
expect "without a firewall: 8001 is reached" reaches 8001
expect "without a firewall: any port is" reaches 9999
refuse "without a firewall: Wyoming's port is not dropped" is_dropped 10300 192.0.2.3
refuse "without a firewall the check fails" "${setup[@]}" check

# ---- with ----

for kind in nftables ufw; do
    expect "$kind: it is set" "${setup[@]}" set --with "$kind"
    expect "$kind: the check is content" "${setup[@]}" check --with "$kind"
    expect "$kind: so is the audit" voice-assistant audit --only firewall --strict
    check_open "$kind"
    expect "$kind: 8001 is dropped" is_dropped 8001 192.0.2.2
    expect "$kind: any other port is dropped" is_dropped 9999 192.0.2.2
    expect "$kind: Wyoming is dropped for others" is_dropped 10300 192.0.2.3
    expect "$kind: this machine reaches itself" healthy
    expect "$kind: ssh on another port would be locked out" is_dropped 2222 192.0.2.2
    expect "$kind: set from such a session" env SSH_CONNECTION="192.0.2.2 50000 192.0.2.1 2222" "${setup[@]}" set --with "$kind"
    expect "$kind: it is not" reaches 2222
    expect "$kind: set again" "${setup[@]}" set --with "$kind"

    # What is changed by hand or by an option is seen.
    if [ "$kind" = nftables ]; then
        nft add rule inet voice_assistant input tcp dport 9999 accept
    else
        ufw allow 8001,9999/tcp >/dev/null
    fi
    refuse "$kind: the check sees what somebody opened" "${setup[@]}" check --with "$kind"
    refuse "$kind: the audit sees it, too" voice-assistant audit --only firewall
    [ "$kind" = nftables ] || ufw delete allow 8001,9999/tcp >/dev/null
    expect "$kind: it is set again" "${setup[@]}" set --with "$kind"
    sed -i 's/allow: "192.0.2.2"/allow: "192.0.2.3"/' "$config"
    refuse "$kind: the check sees that wyoming.allow has changed" "${setup[@]}" check --with "$kind"
    expect "$kind: it follows" "${setup[@]}" set --with "$kind"
    expect "$kind: ... and drops who may no longer" is_dropped 10300 192.0.2.2
    sed -i 's/allow: "192.0.2.3"/allow: "192.0.2.2"/' "$config"
    expect "$kind: it follows back" "${setup[@]}" set --with "$kind"
    if [ "$kind" = nftables ]; then
        nft delete table inet voice_assistant
        expect "$kind: without its table all is open" reaches 9999
        expect "$kind: the next start of the machine loads it" systemctl restart voice-assistant-firewall.service
        expect "$kind: ... and closes it" is_dropped 9999 192.0.2.2
        for verb in restart reload; do
            expect "$kind: the service that empties all tables, $verb" systemctl "$verb" nftables.service
            within 20 "$kind: ... is followed by the table" is_dropped 9999 192.0.2.2
            expect "$kind: ... which is as it was" "${setup[@]}" check --with "$kind"
        done
        systemctl stop nftables.service
        expect "$kind: set once more" "${setup[@]}" set --with "$kind"
        expect "$kind: it does so before there is a network" grep -q 'network-pre.target' <(systemctl show -P Before voice-assistant-firewall.service)
    fi
    expect "$kind: it is taken away" "${setup[@]}" remove
    within 10 "$kind: all is open again" reaches 9999
done

kill "${listeners[@]}"
ip link delete here0
ip netns delete other
cp -p /run/config.before "$config"
systemctl restart voice-assistant.service
within 60 "the program runs as before" healthy
