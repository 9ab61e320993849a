# An OpenVPN client that voice-assistant-setup has made, with a real server in a network of its own.
# machine: main
# order: 75
# limit: 90
folder=$(mktemp -d)
setup=(voice-assistant-setup vpn)

# ---- a server: its CA, its keys, its network ----

# certificate NAME USE
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null &&
        openssl x509 -req -days 30 -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -out "$1.crt" \
            -extfile <(printf 'extendedKeyUsage=%s\nkeyUsage=digitalSignature\n' "$2") 2>/dev/null && chmod 600 "$1.key"
}
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=$1" -keyout "$1.key" -out "$1.crt" 2>/dev/null
}
cd "$folder" || exit
expect "certificates are made" authority ca
expect "... the server's" certificate server serverAuth
expect "... the client's" certificate client clientAuth
expect "... a client's that plays server" certificate impostor clientAuth
expect "... another CA" authority other
openvpn --genkey tls-crypt tls-crypt.key
modprobe tun
ip netns add far
ip link add near0 type veth peer name far0 netns far
ip address add 198.51.100.1/30 dev near0
ip link set near0 up
ip -n far address add 198.51.100.2/30 dev far0
ip -n far link set far0 up
ip -n far link set lo up

# serve CERTIFICATE [ARGUMENT...]
serve() {
    local name=$1
    shift
    ip netns exec far openvpn --cd "$folder" --daemon vpn-server --log "$folder/server.log" --writepid "$folder/server.pid" --dev tun9 --dev-type tun \
        --proto udp --mode server --tls-server --dh none --topology subnet --ifconfig 10.8.0.1 255.255.255.0 --push 'topology subnet' \
        --ifconfig-pool 10.8.0.10 10.8.0.20 --keepalive 2 10 --ca ca.crt --cert "$name.crt" --key "$name.key" --tls-crypt tls-crypt.key --verb 3 "$@"
}
stop_server() {
    [ ! -s server.pid ] || kill "$(cat server.pid)"
    rm -f server.pid
    sleep 1
}

# ---- what is refused before anything is written ----

parts=(--remote 198.51.100.2:1194 --ca ca.crt --cert client.crt --key client.key --tls-crypt tls-crypt.key)
chmod 600 tls-crypt.key
chmod 644 client.key
refuse "a key that others may read" "${setup[@]}" set "${parts[@]}"
chmod 600 client.key
refuse "a key of another certificate" "${setup[@]}" set "${parts[@]}" --key server.key
refuse "a certificate of another CA" "${setup[@]}" set "${parts[@]}" --ca other.crt
refuse "a CA that is none" "${setup[@]}" set "${parts[@]}" --ca tls-crypt.key
printf 'client\nremote 198.51.100.2 1194 udp\nca ca.crt\ncert client.crt\nkey client.key\nscript-security 2\nup /bin/true\n' >evil.ovpn
refuse "a file that would run a program" "${setup[@]}" set evil.ovpn
expect "a dry run" "${setup[@]}" set "${parts[@]}" --dry-run
refuse "... writes nothing" test -e /etc/openvpn/client/voice-assistant.conf
refuse "without a client the status is bad" "${setup[@]}" status

# ---- with a server ----

expect "the server starts" serve server
expect "the client is set up" "${setup[@]}" set "${parts[@]}"
same "its key is root's alone" "$(stat -c '%a %U' /etc/openvpn/client/voice-assistant.key)" "600 root"
within 30 "the tunnel comes up" "${setup[@]}" status
within 10 "the far end answers through it" ping -c 1 -W 2 10.8.0.1
matches "the far end knows this client" "$(cat server.log)" 'Peer Connection Initiated'
matches "with TLS 1.2 or newer" "$(cat server.log)" 'Control Channel: TLSv1\.[23]'
same "the client's process is nobody" "$(ps -o user= -p "$(systemctl show -P MainPID openvpn-client@voice-assistant)")" nobody
expect "it starts with the machine" systemctl --quiet is-enabled openvpn-client@voice-assistant.service
expect "the same again changes nothing" "${setup[@]}" set "${parts[@]}"
within 30 "... and the tunnel comes up again" "${setup[@]}" status

# ---- with servers that are not to be trusted ----

stop_server
expect "a server with a client's certificate starts" serve impostor
systemctl restart openvpn-client@voice-assistant.service
refused() { grep -q 'VERIFY.* ERROR\|VERIFY KU ERROR\|VERIFY EKU ERROR' <<<"$(journalctl --no-pager --since "$since" --unit openvpn-client@voice-assistant.service)"; }
since=$(date '+%F %T')
within 40 "the client refuses it" refused
refuse "... and has no tunnel" "${setup[@]}" status
stop_server
expect "a server that speaks only TLS 1.1 starts" serve server --tls-version-max 1.1 --tls-cipher DEFAULT:@SECLEVEL=0
since=$(date '+%F %T')
systemctl restart openvpn-client@voice-assistant.service
too_old() { grep -q 'TLS_ERROR\|unsupported protocol\|TLS handshake failed' server.log; }
within 70 "they do not come to terms" too_old
refuse "... and there is no tunnel" "${setup[@]}" status
stop_server

# ---- from one file ----

{
    printf 'client\ndev tun\nremote 198.51.100.2 1194 udp\ncipher AES-256-CBC\ncomp-lzo\n'
    for name in ca:ca.crt cert:client.crt key:client.key tls-crypt:tls-crypt.key; do
        printf '<%s>\n%s\n</%s>\n' "${name%%:*}" "$(cat "${name#*:}")" "${name%%:*}"
    done
} >client.ovpn
refuse "a file with a key that others may read" "${setup[@]}" set client.ovpn
chmod 600 client.ovpn
expect "the server starts again" serve server
expect "a client from one file" "${setup[@]}" set client.ovpn
within 30 "its tunnel comes up" "${setup[@]}" status

expect "it is removed" "${setup[@]}" remove
refuse "... with its key" test -e /etc/openvpn/client/voice-assistant.key
refuse "... and its tunnel" "${setup[@]}" status
stop_server
ip link delete near0
ip netns delete far
cd / && rm -rf "$folder"
