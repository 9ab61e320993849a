# machine: image
# order: 95
# limit: 240
# host: image.host
# What lynis says of the appliance as it has booted. It is not part of the image: it is installed for this, and taken away again.

if [ ! -e "$share/lynis.deb" ]; then
    skip "lynis" "its package could not be downloaded"
    return
fi
report=/var/log/lynis-report.dat
expect "lynis is installed" dpkg --install "$share/lynis.deb"
expect "it audits the machine" lynis audit system --quick --quiet --no-colors
matches "... to its end" "$(cat "$report")" $'\nreport_datetime_end='
index=$(sed -n 's/^hardening_index=//p' "$report")
matches "the program's own audit has its index" "$(voice-assistant audit --only lynis)" "hardening index $index,"
figure "lynis' hardening index" "$index" ""
figure "its suggestions" "$(grep -c '^suggestion\[\]=' "$report")" ""
while IFS='|' read -r test text _; do
    figure "its warning ${test#*=}" "$text" ""
done < <(grep '^warning\[\]=' "$report")
expect "lynis is taken away" dpkg --purge lynis
rm -f /var/log/lynis*
