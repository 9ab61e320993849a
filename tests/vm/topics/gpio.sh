# machine: main
# order: 65
# limit: 10
# host: gpio.host
# What a board with a GPIO chip said (gpio.host), of the line that tells whether the battery is charged.

expect "the board came to its end" grep --quiet --line-regexp end "$share/gpio.log"
while read -r line; do
    case $line in
    'ok '*) pass "${line#ok }" ;;
    'NOT OK '*) fault "${line#NOT OK }" "$(grep '^#' "$share/gpio.log" | tail -n 3)" ;;
    esac
done <"$share/gpio.log"
