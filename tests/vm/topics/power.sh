# machine: main
# order: 60
# limit: 240
# devices: cpufreq-acpi, display, battery-acpi
# Governor, backlight, Wi-Fi and batteries of the kernel's own drivers, through the API of the program, whose user may not write them: the helper does.

policy=/sys/devices/system/cpu/cpufreq/policy0
panel=/sys/class/backlight/acpi_video0
battery=/sys/bus/acpi/drivers/battery
options=/etc/voice-assistant/voice-assistant.yaml
ask=$share/tools/ask_helper
json=(--header 'Content-Type: application/json')

set_mode() { api POST /power/mode "${json[@]}" --data "{\"mode\":\"$1\"}"; }
# says COMMAND WORD: for within, which asks again and again
says() { [ "$($1)" = "$2" ]; }
helper_pid() { systemctl show --property MainPID --value voice-assistant-helper.service; }
brightness() { cat "$panel/brightness"; }
governor() { cat "$policy/scaling_governor"; }
# as_program COMMAND...: with the rights of the program's user
as_program() { runuser --user voice-assistant -- "$@"; }
# restart OPTION...: the program with more lines of options
restart() {
    { cat /run/power-options; [ $# -eq 0 ] || printf '%s\n' "$@"; } >"$options"
    systemctl restart voice-assistant.service
    within 60 "it answers with ${*:-its own options}" healthy
}
battery_is() { api GET /battery && [ "$(field "$1")" = "$2" ]; }

cp "$options" /run/power-options
modprobe -a acpi-cpufreq cpufreq_powersave video battery ac i2c-dev
expect "acpi-cpufreq has the processor" test "$(cat "$policy/scaling_driver")" = acpi-cpufreq
within 10 "there is a panel" test -e "$panel/brightness"
governor_before=$(governor) brightness_before=$(brightness)

# ---- who may what ----
same "the program is not root" "$(stat --format %U "/proc/$(main_pid)")" voice-assistant
refuse "its user may not write the governor" as_program sh -c "echo powersave >$policy/scaling_governor"
refuse "its user may not write the backlight" as_program sh -c "echo 3 >$panel/brightness"
same "the helper's socket is there" "$(systemctl is-active voice-assistant-helper.socket)" active
same "its folder is root's, who alone can put something else there" "$(stat --format '%U %a' /run/voice-assistant)" "root 755"
matches "and is for root and one group" "$(stat --format '%U %G %a' /run/voice-assistant/helper.sock)" '^root voice-assistant 660$'

# ---- modes ----
set_mode low-power
same "low-power is set over the API" "$status $(field .mode)" "200 low-power"
same "its governor" "$(governor)" powersave
same "its backlight: 50 of 255, in steps of this panel" "$(brightness)" 2
below "the processor is slower" "$(cat "$policy/scaling_cur_freq")" 700000
set_mode performance
same "performance is set over the API" "$status $(field .mode)" "200 performance"
same "its governor" "$(governor)" performance
same "its backlight: all of it" "$(brightness)" 10
same "all processors have it" "$(sort --unique /sys/devices/system/cpu/cpufreq/policy*/scaling_governor)" performance
set_mode balanced
same "balanced is set over the API" "$status $(field .mode)" "200 balanced"
same "its backlight: 150 of 255" "$(brightness)" 6
matches "the journal says what the helper did" "$(journalctl --unit voice-assistant-helper --output cat)" 'governor powersave by user [1-9]'

# ---- the helper ----
"$ask" 'brightness 6' >/dev/null
helper=$(helper_pid)
same "it has no capability, and cannot gain any" "$(awk '/^(CapEff|CapPrm|CapBnd|CapAmb|NoNewPrivs|Seccomp):/ { printf "%s ", $2 }' "/proc/$helper/status")" \
    "0000000000000000 0000000000000000 0000000000000000 0000000000000000 1 2 "
same "it knows root" "$("$ask" 'brightness 6')" 0
same "it knows the program's user" "$(as_program "$ask" 'brightness 6')" 0
refuse "it does not know others" runuser --user nobody -- "$ask" 'brightness 6'
chmod 666 /run/voice-assistant/helper.sock
matches "not even those who reach the socket" "$(runuser --user nobody -- "$ask" 'brightness 5')" '^-11 '
chmod 660 /run/voice-assistant/helper.sock
same "the backlight is as it was" "$(brightness)" 6
for request in reboot 'governor ../../../../../tmp/x' 'brightness -1' 'sleep 1' 'release pci 0000:00:03.0 x'; do
    matches "it does not know '$request'" "$("$ask" "$request")" '^-4 '
done
network=$(basename "$(readlink -f /sys/bus/pci/devices/*/virtio*/../ | head -n 1)")
matches "it takes nothing from its driver but cameras" "$("$ask" "release pci $network")" '^-11 .* is no camera$'
matches "it binds nothing that it has not released" "$("$ask" "bind pci $network")" '^-11 '
matches "a governor that the kernel does not have is none" "$("$ask" 'governor warp')" '^-1 '
within 40 "it ends when nobody asks" says helper_pid 0
systemctl stop voice-assistant-helper.socket
before=$(governor)
set_mode performance
same "without it, nothing is set" "$status $(governor)" "403 $before"
matches "and the answer says what is missing" "$body" 'needs permission to write .*voice-assistant-helper.socket'
systemctl start voice-assistant-helper.socket

# ---- at boot ----
# It may have run at the boot already, with other options.
restart 'power:' '  mode: low-power'
expect "cpu-governor.service runs" systemctl restart cpu-governor.service
same "it sets the mode of the options" "$(governor) $(brightness)" "powersave 2"
systemctl stop cpu-governor.service

# ---- Wi-Fi ----
wifi() { rfkill --noheadings --output SOFT list wlan | head -n 1; }
if modprobe mac80211_hwsim radios=1 2>/dev/null; then
    restart 'power:' '  wifi_off: yes'
    within 10 "there is a radio" says wifi unblocked
    set_mode low-power
    same "low-power switches Wi-Fi off where the option says so" "$status $(wifi) $(field .wifi)" "200 blocked false"
    set_mode performance
    same "the other modes switch it on again" "$status $(wifi) $(field .wifi)" "200 unblocked true"
    modprobe -r mac80211_hwsim
else
    skip "Wi-Fi" "the kernel has no mac80211_hwsim"
fi

# ---- the kernel's battery ----
restart
set_battery 37 cell
within 10 "the battery of the kernel is shown" battery_is '"\(.source) \(.percent) \(.charging)"' 'power_supply 37 false'
set_battery 80 mains
within 10 "and that it is charged" battery_is '"\(.source) \(.percent) \(.charging)"' 'power_supply 80 true'
expect "the metrics have it" grep -q '^voice_assistant_power_mode{mode="performance"} 1' <(curl --silent http://127.0.0.1:8001/metrics)

# ---- by itself ----
set_mode balanced
set_battery 10 cell
restart 'power:' '  automatic: yes' '  low_battery: 20'
within 20 "a low battery makes it save" says governor powersave
within 5 "the panel as well" says brightness 2
set_battery 90 mains
saves_no_more() { ! says governor powersave; }
within 60 "a charged one ends that" saves_no_more
usual=$(governor)
arecord --quiet --device null --duration 2 --format S16_LE --rate 16000 /run/power.wav
curl --silent --max-time 300 --form audio=@/run/power.wav "$API/transcribe" >/dev/null &
within 30 "while it transcribes it is fast" says governor performance
wait $!
within 40 "and afterwards as before" says governor "$usual"

# ---- the ADS1115 ----
restart
echo PNP0C0A:00 >$battery/unbind
modprobe i2c-i801
api GET /battery
same "without a battery there is none" "$status $(field .present)" "200 false"
matches "and the answer says so" "$(field .reason)" 'not present'
modprobe i2c-stub chip_addr=0x48
expect "the stub is bus 1" grep -q SMBus /sys/class/i2c-dev/i2c-1/name
udevadm settle
# Devices are let into the program's confinement as it starts.
restart
# put VALUE: into the register of the measurement, as the chip has it; the bus has the low byte first.
put() { i2cset -y -f 1 0x48 0x00 "0x${1:2:2}${1:0:2}" w; }
put 4f2b
api GET /battery
same "an ADS1115 on SMBus words: 20267 steps of 0.1875 mV" "$(field '"\(.source) \(.voltage) \(.percent) \(.charging)"')" 'ads1115 3.8 66.7 null'
put 0000
api GET /battery
same "0 V are no battery" "$status $(field .present)" "200 false"
put 7fff
api GET /battery
same "neither are 6.1 V" "$status $(field .present)" "200 false"
put 4f2b
modprobe ti-ads1015
echo ads1115 0x48 >/sys/bus/i2c/devices/i2c-1/new_device
within 10 "the kernel's driver has it" test -e /sys/bus/i2c/devices/1-0048/iio:device0/in_voltage0_raw
echo 0.1875 >/sys/bus/i2c/devices/1-0048/iio:device0/in_voltage0_scale
api GET /battery
same "the same through the kernel's driver" "$(field '"\(.source) \(.voltage) \(.percent)"')" 'ads1115 3.8 66.7'
put 7fff
echo 0.0625 >/sys/bus/i2c/devices/1-0048/iio:device0/in_voltage0_scale
api GET /battery
matches "a range that is too small is told" "$(field .reason)" 'write 0.1875 to '
echo 0x48 >/sys/bus/i2c/devices/i2c-1/delete_device
modprobe -r ti-ads1015 i2c-stub i2c-i801
echo PNP0C0A:00 >$battery/bind

# ---- sleep, as far as this machine goes ----
api GET /power
same "it could sleep" "$(field .can_sleep)" true
api POST /power/sleep "${json[@]}" --data '{"seconds":1}'
same "not for a second" "$status" 400

cp /run/power-options "$options"
systemctl restart voice-assistant.service
echo "$governor_before" | tee /sys/devices/system/cpu/cpufreq/policy*/scaling_governor >/dev/null
echo "$brightness_before" >"$panel/brightness"
rm -f /run/power-options /run/power.wav
within 60 "it answers as before" healthy
