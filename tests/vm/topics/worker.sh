# machine: main
# order: 27
# limit: 120
# The worker for other machines: the package leaves it off; it runs in its sandbox, by the configuration, before there is a NATS server.
unit=voice-assistant-worker.service
options=/etc/voice-assistant/voice-assistant.yaml

worker() { systemctl show --property "$1" --value "$unit"; }
all_threads() { for task in /proc/"$(worker MainPID)"/task/*; do awk -v name="$1:" '$1 == name { print $2 }' "$task/status"; done | sort -u; }
log_since_start() { journalctl --no-pager --output cat "_SYSTEMD_INVOCATION_ID=$(worker InvocationID)"; }

same "it does not start with the machine" "$(systemctl is-enabled "$unit")" disabled
same "and does not run" "$(systemctl is-active "$unit")" inactive
cp "$options" /run/worker-options
printf '%s\n' 'remote:' '  url: nats://127.0.0.1:4222' >>"$options"
expect "it starts, and says that it is ready" systemctl start "$unit"
matches "whom it works for" "$(log_since_start)" 'working for nats://127\.0\.0\.1:4222'
matches "it is confined" "$(log_since_start)" 'confined: no privileges, the system calls it needs \(seccomp\), the files it needs \(Landlock [1-9]'
same "every thread has the filter of system calls" "$(all_threads Seccomp)" 2
same "and no new privileges" "$(all_threads NoNewPrivs)" 1
same "and no capabilities" "$(all_threads CapEff) $(all_threads CapBnd)" "0000000000000000 0000000000000000"
same "the account" "$(ps -o user= -p "$(worker MainPID)")" voice-assistant
expect "systemd finds it closed (exposure below 2.0)" systemd-analyze security --threshold=19 --no-pager "$unit"
expect "it is enabled" systemctl --quiet enable "$unit"
systemctl stop "$unit"
same "a stop is a success" "$(worker Result)" success
systemctl --quiet disable "$unit"
cp /run/worker-options "$options"
