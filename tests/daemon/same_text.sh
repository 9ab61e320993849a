#!/bin/bash
# same_text.sh PROGRAM MODEL KERNELS: PROGRAM, which an emulator runs, writes the text that VA_NATIVE_PROGRAM writes, as sure of it within
# 0.02.
set -eu -o pipefail
model=${VA_TEST_MODELS:-/var/lib/voice-assistant/models}/$2.vam
recordings=/usr/share/pocketsphinx/test/data
read -ra emulator <<<"${MESON_EXE_WRAPPER:-}"
for file in "${VA_NATIVE_PROGRAM:-}" "$model" "$recordings/goforward.raw"; do
    [ -e "$file" ] || { echo "no ${file:-VA_NATIVE_PROGRAM}"; exit 77; }
done

# transcribe KERNELS PROGRAM...: text and confidence, parted by a tab
transcribe() {
    "${@:2}" transcribe --model "$model" --kernels "$1" --language en --threads 1 --format json --raw "$recordings/goforward.raw" |
        python3 -c 'import json, sys; line = json.load(sys.stdin); print(line["text"], line["confidence"], sep="\t")'
}

IFS=$'\t' read -r text confidence < <(transcribe c "$VA_NATIVE_PROGRAM")
IFS=$'\t' read -r emulated emulated_confidence < <(transcribe "$3" "${emulator[@]}" "$1")
echo "$text ($confidence) / $emulated ($emulated_confidence)"
[ -n "$text" ] && [ "$text" = "$emulated" ]
awk -v a="$confidence" -v b="$emulated_confidence" 'BEGIN { exit !(a - b < 0.02 && b - a < 0.02) }'
# What the processor lacks is refused.
if [ "$3" = neon ]; then
    ! "${emulator[@]}" "$1" transcribe --model "$model" --kernels dotprod --raw "$recordings/goforward.raw" 2>/dev/null
fi
