# machine: main
# order: 90
# limit: 240
# host: package.host
# The life of the Debian package under systemd: as installed, upgraded, taken back, removed, purged, and installed anew.

etc=/etc/voice-assistant data=/var/lib/voice-assistant logs=/var/log/voice-assistant
export DEBIAN_FRONTEND=noninteractive
# As apt does it for whoever keeps changed configuration files.
put() { dpkg --force-confdef --force-confold --install "$1"; }
version() { dpkg-query -W -f '${db:Status-Status} ${Version}' voice-assistant; }
active() { systemctl is-active voice-assistant.service; }
ask() { curl --silent --output /dev/null --write-out '%{http_code}' --max-time 30 --cacert <(voice-assistant tls ca) --header "Authorization: Bearer $token" \
    --resolve localhost:8443:127.0.0.1 https://localhost:8443/status; }
waits() { grep -q 'waiting for a model' <<<"$(systemctl show --property StatusText --value voice-assistant.service)"; }

within 30 "the installed service is healthy" healthy
old=$(version)
matches "the package is installed" "$old" '^installed [0-9]'
same "the service starts with the machine" "$(systemctl is-enabled voice-assistant.service)" enabled
same "its process is of its own user" "$(stat -c %U "/proc/$(main_pid)")" voice-assistant
expect "the program's own health command says so" voice-assistant health
# The machine is without documents.
same "the installed files are whole" "$(dpkg --verify voice-assistant | grep -vE " c $etc/| /usr/share/(doc|man)/")" ""

# What root makes in the data folder is the service's, and secrets are readable by it alone.
token=$(voice-assistant token add package --json | jq -r .token)
same "a token made by root lets in" "$(ask)" 200
same "the service can read all of its data" "$(find $data ! -user voice-assistant)" ""
same "nobody else can read its secrets" "$(find $data/access $data/tls -type f -perm /077 ! -name '*.pem')" ""

# Upgraded, with changed and removed configuration files, and data.
mkdir -p /root/kept
cp "$etc/voice-assistant.yaml" /root/kept/
rm "$etc/commands/volume.yaml"
echo kept >"$data/kept"
pid=$(main_pid)
expect "upgrade" put "$share/newer.deb"
same "the new version is there" "$(version)" "installed 99"
within 30 "the upgraded service is healthy" healthy
refuse "it is another process" test "$(main_pid)" = "$pid"
expect "the changed configuration stays" cmp /root/kept/voice-assistant.yaml "$etc/voice-assistant.yaml"
expect "the new default lies beside it" test -e "$etc/voice-assistant.yaml.dpkg-dist"
expect "an unchanged command file is the new one" grep -q 'a new default' "$etc/commands/clock.yaml"
refuse "a removed one stays away" test -e "$etc/commands/volume.yaml"
same "the data stays" "$(cat $data/kept)" kept
same "the token still lets in" "$(ask)" 200

# And back.
expect "the older version again" put "$share/voice-assistant.deb"
same "it is there" "$(version)" "$old"
within 30 "it is healthy" healthy
same "the token lets in there, too" "$(ask)" 200
refuse "the command file is the old one" grep -q 'a new default' "$etc/commands/clock.yaml"

# Removed: program and units go, configuration, data and log stay.
expect "remove" dpkg --remove voice-assistant
refuse "nothing answers" healthy
same "no process is left" "$(pgrep -u voice-assistant)" ""
same "no unit is left" "$(systemctl list-unit-files --no-legend 'voice-assistant*' | grep -v ' masked ')" ""
refuse "the program is gone" test -e /usr/bin/voice-assistant
expect "configuration, data and log stay" test -e "$etc/voice-assistant.yaml" -a -e $data/kept -a -e $logs/app.log
expect "install again" put "$share/voice-assistant.deb"
within 30 "it is as it was" healthy
same "with its token" "$(ask)" 200

# Purged: nothing is left but the user.
mv $data/models /root/kept/
expect "purge" dpkg --purge voice-assistant
same "no file is left" "$(find /etc /usr /var/lib /var/log /run -xdev -name '*voice-assistant*' -not -path '*/systemd/*')" ""
expect "the user stays" id voice-assistant

# New, without a model: it waits, and takes one up.
expect "install on a clean machine" put "$share/voice-assistant.deb"
same "the service runs" "$(active)" active
within 20 "it says that it waits for a model" waits
refuse "nothing answers before" healthy
cp /root/kept/voice-assistant.yaml "$etc/"
install -d -o voice-assistant -g voice-assistant $data/models
cp /root/kept/models/* $data/models/
chown voice-assistant: $data/models/*
within 60 "it takes the model up by itself" healthy
rm -rf /root/kept
systemctl reset-failed
