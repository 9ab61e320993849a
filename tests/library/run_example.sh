#!/bin/sh
# run_example.sh EXAMPLE: it explains itself, reports errors, and transcribes recorded speech where a model and the recording are there.
set -eu
example=$1
models=${VA_TEST_MODELS:-/var/lib/voice-assistant/models}
[ -e "$models/base.vam" ] || models=${XDG_DATA_HOME:-$HOME/.local/share}/voice-assistant/models
recording=/usr/share/pocketsphinx/test/data/goforward.raw

code=0
"$example" 2>/dev/null || code=$?
[ "$code" -eq 2 ] || { echo "without arguments: exit code $code"; exit 1; }
# Only a stream needs the second model.
vad=
case $example in *example_stream*) vad=vad.vam ;; esac
code=0
message=$("$example" /nonexistent.vam ${vad:+"$models/$vad"} /dev/null 2>&1) || code=$?
[ "$code" -eq 1 ] && [ -n "$message" ] || { echo "without a model: exit code $code, $message"; exit 1; }
[ -e "$models/base.vam" ] && [ -e "$models/$vad" ] && [ -e "$recording" ] || { echo "no base.vam $vad in $models, or no $recording"; exit 77; }
"$example" "$models/base.vam" ${vad:+"$models/$vad"} "$recording" | tee /dev/stderr | grep -iE 'go forward (10|ten) meters' >/dev/null
