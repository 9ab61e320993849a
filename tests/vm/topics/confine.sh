# machine: main
# order: 25
# limit: 200
# What the service took from itself and what systemd took from it, on a kernel that is not the newest; and that all still works.
commands=/etc/voice-assistant/commands/vm-confine.yaml

state() { awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"; }
all_threads() { for task in /proc/"$1"/task/*; do awk -v name="$2:" '$1 == name { print $2 }' "$task/status"; done | sort -u; }
log_since_start() { journalctl --no-pager --output cat "_SYSTEMD_INVOCATION_ID=$(systemctl show --property InvocationID --value voice-assistant.service)"; }
log_has() { [[ $(log_since_start) = *"$1"* ]]; }
capture_thread() { ps -L -o cls=,rtprio= -p "$(main_pid)" | tr -s ' ' | grep -F 'FF 10'; }
inside() { nsenter --target "$(main_pid)" --mount "$@"; }

cat >"$commands" <<'END'
language: en
commands:
  vm_data: {sentences: [write the vm data], response: Done., action: {type: process, executable: touch, arguments: [/var/lib/voice-assistant/vm-data]}}
  vm_look: {sentences: [name the vm kernel], response: "{output}", action: {type: process, executable: uname, arguments: [-s]}}
END
systemctl restart voice-assistant.service
within 30 "it answers" healthy
pid=$(main_pid)

same "every thread has the filter of system calls" "$(all_threads "$pid" Seccomp)" 2
same "and no new privileges" "$(all_threads "$pid" NoNewPrivs)" 1
same "and no capabilities" "$(all_threads "$pid" CapPrm) $(all_threads "$pid" CapEff) $(all_threads "$pid" CapBnd)" \
    "0000000000000000 0000000000000000 0000000000000000"
launcher=$(pgrep --parent "$pid")
same "so has the launcher" "$(state "$launcher" Seccomp) $(state "$launcher" NoNewPrivs) $(state "$launcher" CapEff)" "2 1 0000000000000000"
api GET /status
same "it says so" "$(field '.confined | join(" ")')" "privileges system_calls files"
matches "the log, too" "$(log_since_start)" 'confined: no privileges, the system calls it needs \(seccomp\), the files it needs \(Landlock [1-9]'
expect "systemd finds it closed (exposure below 2.0)" systemd-analyze security --threshold=19 --no-pager voice-assistant.service
same "the account" "$(ps -o user= -p "$pid")" voice-assistant

# What still works.
api POST /audio/start
same "a recording starts" "$status" 200
within 10 "the thread of the microphone runs in real time" capture_thread
sleep 1
api POST /audio/stop
same "and ends" "$status" 200
api POST /v1/audio/speech --header 'Content-Type: application/json' --data '{"model":"tts-1","input":"hello","voice":"alloy","response_format":"wav"}'
same "a text is spoken by a program" "$status $(head -c 4 /run/vm-body)" "200 RIFF"
api POST /command/execute --data '{"text":"name the vm kernel"}'
same "a command runs its program" "$status $(field '.success, .response' | paste -s -d ' ')" "200 true Linux"

# The chip of a button may come after the start. This one is a device without lines, and the program says so: it could open it.
configure 'controls: {button: "gpio:gpiochip9:0"}'
within 30 "it starts without the chip of its button" log_has "the button: the GPIO chip 'gpiochip9': No such file"
within 30 "and answers" healthy
mknod --mode 666 /dev/gpiochip9 c 1 3
within 10 "it comes to the chip when that is there" log_has "the button: the GPIO chip 'gpiochip9': Inappropriate ioctl"
rm /dev/gpiochip9
configure
within 30 "it answers without a button" healthy

# What does not.
api POST /command/execute --data '{"text":"write the vm data"}'
same "it may not write among the data" "$(field .success)" false
refuse "nothing of it is there" test -e /var/lib/voice-assistant/vm-data
refuse "in its view /usr cannot be written, not even by root" inside touch /usr/vm-test
refuse "nor /etc" inside touch /etc/vm-test
refuse "nor the kernel's switches" inside sh -c 'echo 1 >/proc/sys/kernel/sysrq'
refuse "the homes are not there" inside test -e /root/.profile

rm -f "$commands"
systemctl restart voice-assistant.service
within 30 "it answers as before" healthy
