# The encrypted volume: made, unlocked in three ways, used by the program, taken away again; and the program that does not work without it.
# machine: main
# order: 70
# limit: 200
# devices: luks-disk, tpm
setup=(voice-assistant-setup encrypted-data)
config=/etc/voice-assistant/voice-assistant.yaml
key=/etc/voice-assistant/data.key
unlock='systemd-cryptsetup@voice\x2dassistant\x2ddata.service'
marker=marker-$(tr -d - </proc/sys/kernel/random/uuid)
cp -p "$config" /run/config.before

# answer TEXT COMMAND...: with that on its input
answer() {
    local text=$1
    shift
    printf '%s\n' "$text" | "$@"
}
restart() { systemctl reset-failed voice-assistant.service; systemctl restart voice-assistant.service; wait_for 60 answers; }
answers() { curl --silent --max-time 10 --output /dev/null "$API/status"; }
lock() {
    systemctl stop voice-assistant.service 'var-lib-voice\x2dassistant.mount' mnt-encrypted_data.mount "$unlock"
    [ ! -e /dev/mapper/voice-assistant-data ]
}
unhealthy() { grep -q data_unencrypted <<<"$(curl --silent --max-time 10 "$API/health")"; }
encrypted() { [ "$(curl --silent --max-time 10 "$API/status" | jq .data_encrypted)" = true ]; }

# ---- on a plain disk ----

refuse "without a volume the status is bad" "${setup[@]}" status
printf 'privacy:\n  require_encryption: true\n' >>"$config"
expect "the program runs on a plain disk" restart
api POST /audio/start
same "... but does not record" "$status $(field .error.code)" "403 unencrypted"
expect "... and says that it is not healthy" unhealthy
refuse "... nor encrypted" encrypted

# ---- what is not destroyed ----

refuse "the disk in use is not taken" answer yes "${setup[@]}" create --partition /dev/vda --unlock key-file --force
mkfs.ext4 -q -L precious "$LUKS_DISK"
refuse "a disk with something on it is not taken" answer yes "${setup[@]}" create --partition "$LUKS_DISK" --unlock key-file
refuse "... nor without a yes" answer no "${setup[@]}" create --partition "$LUKS_DISK" --unlock key-file --force
same "... it is still there" "$(blkid -p -o value -s LABEL "$LUKS_DISK")" precious
refuse "a passphrase that is short is not taken" answer secret "${setup[@]}" create --file /var/tmp/short.luks --size 100
refuse "... and leaves nothing" test -e /var/tmp/short.luks
expect "a dry run" "${setup[@]}" create --file /var/tmp/dry.luks --size 100 --dry-run
refuse "... makes nothing" test -e /var/tmp/dry.luks

# ---- a partition and a key file ----

wipefs --quiet --all "$LUKS_DISK"
dd if=/dev/zero of="$LUKS_DISK" bs=1M count=8 status=none
install -m 644 /dev/stdin "$key" <<<'a key that everybody may read, which is none'
refuse "a key file that others may read is not taken" "${setup[@]}" create --partition "$LUKS_DISK" --unlock key-file
rm -f "$key"
touch /etc/crypttab && chmod 600 /etc/crypttab
expect "a volume on a partition, with a key file" "${setup[@]}" create --partition "$LUKS_DISK" --unlock key-file
expect "its status is good" "${setup[@]}" status
same "the key file is root's alone" "$(stat -c '%a %U' "$key")" "600 root"
same "a table of volumes that was closed stays so" "$(stat -c %a /etc/crypttab)" 600
within 60 "the program works with it" healthy
expect "... and knows it" encrypted
api POST /audio/start
same "... and records" "$status" 200
api POST /audio/stop
echo "$marker" >/var/lib/voice-assistant/marker
sync
expect "what it keeps can be read through the volume" grep -qa "$marker" /dev/mapper/voice-assistant-data
refuse "... and not on the disk" grep -qa "$marker" "$LUKS_DISK"
chmod 644 "$key"
refuse "the status tells of a key file that others may read" "${setup[@]}" status
chmod 600 "$key"
expect "the same again changes nothing" "${setup[@]}" create --partition "$LUKS_DISK" --unlock key-file
expect "the volume is locked" lock
refuse "... and the data is away" test -e /var/lib/voice-assistant/marker
refuse "... and the status is bad" "${setup[@]}" status
mv "$key" "$key.away"
refuse "without the key file the service does not start" systemctl start voice-assistant.service
mv "$key.away" "$key"
expect "with it the service unlocks the volume" restart
expect "... and the data is there" grep -q "$marker" /var/lib/voice-assistant/marker
expect "the volume is taken away, its data copied back" "${setup[@]}" remove --copy-back
expect "... it is there" grep -q "$marker" /var/lib/voice-assistant/marker
refuse "... and not from the volume" mountpoint --quiet /var/lib/voice-assistant
within 60 "the program works without the volume" answers
refuse "... which is not encrypted then" encrypted
rm -rf /var/lib/voice-assistant.plain

# ---- a file and a passphrase ----

passphrase='a passphrase for the test'
expect "a volume in a file, with a passphrase" answer "$passphrase" "${setup[@]}" create --file /var/tmp/data.luks --size 192
expect "its status is good" "${setup[@]}" status
within 60 "the program works with it" healthy
expect "the volume is locked" lock
reply() {
    local asks=(/run/systemd/ask-password/ask.*)
    [ -e "${asks[0]}" ] && printf '%s' "$1" | /lib/systemd/systemd-reply-password 1 "$(sed -n 's/^Socket=//p' "${asks[0]}")"
}
systemctl reset-failed voice-assistant.service
# Nobody is there in time: the start ends without the volume, and the program starts when the passphrase comes.
device='dev-mapper-voice\x2dassistant\x2ddata.device'
install -D -m 644 /dev/stdin "/run/systemd/system/$device.d/topic.conf" <<<$'[Unit]\nJobTimeoutSec=3s'
systemctl daemon-reload
refuse "the service does not start without a passphrase" systemctl start voice-assistant.service
within 20 "it is still asked for" reply 'not the passphrase'
sleep 3
refuse "a wrong one does not unlock it" test -e /dev/mapper/voice-assistant-data
within 20 "it asks again" reply "$passphrase"
within 90 "the right one, late as it is, starts the program" healthy
expect "... from the volume" "${setup[@]}" status
rm -r "/run/systemd/system/$device.d"
systemctl daemon-reload
expect "the volume is locked once more" lock
expect "the program is started" systemctl start voice-assistant.service # systemd remembers a passphrase for minutes
within 90 "... and works" healthy
expect "it is taken away" "${setup[@]}" remove --copy-back
refuse "... and nothing of it starts the program any more" test -e "/etc/systemd/system/$device.wants"
rm -rf /var/tmp/data.luks /var/lib/voice-assistant.plain

# ---- the TPM ----

modprobe --quiet tpm_tis
export TPM2TOOLS_TCTI=device:/dev/tpmrm0
refuse "a volume is not overwritten without --force" "${setup[@]}" create --partition "$LUKS_DISK" --unlock tpm2
expect "a volume that the TPM unlocks" answer yes "${setup[@]}" create --partition "$LUKS_DISK" --unlock tpm2 --force
recovery=$(grep -xoE '([a-z]{8}-){7}[a-z]{8}' "$output")
refuse "with --force and a yes the unencrypted copy goes" test -e /var/lib/voice-assistant.plain
expect "the recovery key that was printed opens it" answer "$recovery" cryptsetup open --test-passphrase "$LUKS_DISK"
expect "the volume is locked" lock
expect "the service unlocks it by the TPM" restart
expect "... and its status is good" "${setup[@]}" status
expect "it is taken away" "${setup[@]}" remove --copy-back
attach() { timeout 60 /lib/systemd/systemd-cryptsetup attach tried "$LUKS_DISK" - tpm2-device=auto,headless=true; }
expect "the TPM gives its key to this machine" attach
/lib/systemd/systemd-cryptsetup detach tried
expect "another start of the machine is measured" tpm2_pcrextend 7:sha256=0000000000000000000000000000000000000000000000000000000000000001
refuse "the TPM does not give its key then" attach

cp -p /run/config.before "$config"
rm -rf /var/lib/voice-assistant/marker /var/lib/voice-assistant.plain "$key"
wipefs --quiet --all "$LUKS_DISK"
expect "the program runs as before" restart
