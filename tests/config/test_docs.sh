#!/bin/bash
# test_docs.sh PROGRAM MAN-PAGE OPTIONS-PAGE COMPLETION: what --help lists is in the man page and in the completion.
program=$1 page=$2 options_page=$3 completion=$4
faults=0

fault()
{
    echo "$*"
    faults=$((faults + 1))
}

# Completes the line given and prints what is offered.
complete_line()
{
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _voice_assistant
    printf '%s\n' "${COMPREPLY[@]}"
}

# The section of the man page about a command, as a reader sees it.
section()
{
    sed -n "/^\.SS $1\$/,/^\.S[SH]/p" "$page" | sed 's/\\-/-/g'
}

check_options()
{
    local command=$1 verb=$2 option
    for option in $("$program" $command $verb --help 2>&1 | grep -oE -- '(^|[^-[:alnum:]])--[a-z][a-z-]*' | grep -oE -- '--.*' | sort -u); do
        [ "$option" = --help ] || grep -qE -- "$option([^a-z-]|\$)" <<<"$(section "$command")" || fault "man page: no $option in $command"
        grep -qx -- "$option" <<<"$(complete_line "$program" $command $verb "$option")" || fault "completion: no $option after $command $verb"
    done
    for option in $("$program" $command $verb --help 2>&1 | grep -oE -- '^  (-h, )?--[a-z-]+ [A-Z]+' | grep -oE -- '--[a-z-]+'); do
        _voice_assistant_values "$program" "$option" "$command" >/dev/null || fault "completion: $option of $command takes a value"
    done
}

# shellcheck disable=SC1090
. "$completion"

commands=$("$program" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ] || fault "no commands in --help"
for command in $commands; do
    [ "$(section "$command" | wc -l)" -gt 2 ] || fault "man page: no section about $command"
    grep -qx "$command" <<<"$(complete_line "$program" "$command")" || fault "completion: no $command"
    verbs=$(_voice_assistant_verbs "$command")
    if [ -z "$verbs" ]; then
        check_options "$command"
    fi
    for verb in $verbs; do
        grep -qE "^  $verb " <<<"$("$program" "$command" --help)" || fault "completion: $command $verb is not in --help"
        grep -qw "$verb" <<<"$(section "$command")" || fault "man page: no $command $verb"
        check_options "$command" "$verb"
    done
    for verb in $("$program" "$command" --help | sed -n '3,12s/^  \([a-z]\{3,\}\)  .*/\1/p'); do
        grep -q " $verb " <<<"$(echo " $verbs " | tr '\n' ' ')" || fault "completion: no $command $verb"
    done
done

grep -qx base <<<"$(complete_line "$program" transcribe --model "")" || fault "completion: no models after --model"
grep -qx alexa <<<"$(complete_line "$program" listen --wake "")" || fault "completion: no words after --wake"
grep -qx tiny.en <<<"$(complete_line "$program" model fetch "")" || fault "completion: no models after fetch"
grep -qx verify <<<"$(complete_line "$program" model "")" || fault "completion: no verbs after model"

offered=$(complete_line "$program" config show --set "")
for option in $("$program" config show | awk '/^[a-z_0-9]+:/ { sub(":.*", ""); section = $0; next } { sub(":.*", ""); print section "." $1 }'); do
    grep -qx "\.B $option" "$options_page" || fault "man page: no option $option"
    grep -qx "$option=" <<<"$offered" || fault "completion: no $option after --set"
done

if command -v groff >/dev/null; then
    for file in "$page" "$options_page"; do
        warnings=$(groff -man -Tutf8 -ww -z "$file" 2>&1)
        [ -z "$warnings" ] || fault "$warnings"
    done
fi
[ "$faults" -eq 0 ] && echo "everything is documented"
