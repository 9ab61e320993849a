#!/bin/sh
# check_symbols.sh LIBRARY SOURCE: the library exports exactly the functions that the public header declares, under its soname.
set -eu
declared=$(sed -n 's/^VA_API .*[ *]\(va_[a-z_]*\)(.*/\1/p' "$2/include/voice_assistant.h" | sort)
exported=$(nm -D --defined-only "$1" | sed -n 's/.* T \([^@]*\).*/\1/p' | sort)
if [ "$declared" != "$exported" ]; then
    printf 'declared:\n%s\nexported:\n%s\n' "$declared" "$exported"
    exit 1
fi
objdump -p "$1" | grep 'SONAME *libvoice_assistant\.so\.0$' >/dev/null
