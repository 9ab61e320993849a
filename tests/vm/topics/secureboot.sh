# Secure Boot with own keys: what they signed boots, what they did not sign is refused.
# machine: secureboot
# order: 10
# limit: 60
# host: secureboot.host
# refused: unsigned.img, stranger.img

# What was found when the keys were enrolled, in the boot before this one.
while IFS=$'\t' read -r _ state what detail; do
    case $state in
    ok) pass "enrolling: $what" ;;
    'NOT OK') fault "enrolling: $what" "$detail" ;;
    esac
done </mnt/host/enrol.results
matches "the boot that enrolled came to its end" "$(cut -f 2 /mnt/host/enrol.results | tr '\n' ' ')" 'reached'

code=0
text=$(voice-assistant-setup secure-boot check) || code=$?
same "Secure Boot is on" "$code" 0
matches "... and the check says so" "$text" 'Secure Boot: on'
matches "the audit says that it holds" "$(finding secure-boot)" '^pass '
matches "the firmware has left setup mode" "$text" 'setup mode:  no'
matches "the kernel is locked down" "$text" 'lockdown:    integrity'
matches "what was booted counts as signed" "$text" 'signed:      yes'
expect "the kernel knows it" grep -q 'Secure boot enabled' <(dmesg)
refuse "keys cannot be enrolled any more" bash -c 'echo yes | voice-assistant-setup secure-boot enrol --folder /mnt/host/keys --force'

module=$(modinfo --filename dummy)
expect "a module of the distribution is loaded" modprobe dummy
rmmod dummy
head --bytes=-64 "$module" >/run/unsigned.ko
refuse "one without a signature is not" insmod /run/unsigned.ko
refuse "nor are ports written behind the kernel's back" dd if=/dev/port of=/dev/null bs=1 count=1 skip=128 status=none
within 60 "the program works under lockdown" healthy
rm -f /run/unsigned.ko
