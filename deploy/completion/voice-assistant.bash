# bash completion for voice-assistant: commands, verbs, options, and the values that are known.

# The models prepared in the usual folders, and those that can be fetched.
_voice_assistant_models()
{
    local folder file
    {
        printf '%s\n' base tiny.en
        for folder in /var/lib/voice-assistant "${XDG_DATA_HOME:-$HOME/.local/share}/voice-assistant" "$HOME/.voice-assistant"; do
            for file in "$folder"/models/*.vam; do
                [ ! -e "$file" ] || basename "$file" .vam
            done
        done
    } | sort -u
}

# Every option of the configuration as "section.key=".
_voice_assistant_settings()
{
    "$1" config show 2>/dev/null | awk '/^[a-z_0-9]+:/ { sub(":.*", ""); section = $0; next } { sub(":.*", ""); print section "." $1 "=" }'
}

# Prints the verbs of a command.
_voice_assistant_verbs()
{
    case $1 in
    model) echo fetch import list info verify remove ;;
    commands) echo check list ;;
    home) echo fetch ;;
    history) echo list search export delete ;;
    power) echo low-power balanced performance apply sleep ;;
    privacy) echo on off status ;;
    token) echo add list revoke ;;
    tls) echo show renew ca client ;;
    wake) echo enrol list remove test ;;
    config) echo check show sample ;;
    esac
}

# Prints the options of a command and verb.
_voice_assistant_options()
{
    case $1 in
    transcribe)
        echo --model --language --translate --threads --beam --timestamps --prompt --condition --no-fallback --format --raw --stream \
            --pace --step --vad --kernels --quiet --help
        ;;
    worker) echo --url --token-file --ca-file --model --threads --workers --config --set --help ;;
    match) echo --commands --language --area --batch --execute --dry-run --config --help ;;
    eval) echo --commands --language --model --threshold --prompt --unsteered --threads --kernels --details --json --config --help ;;
    bench) echo --model --threads --rounds --json --config --set --help ;;
    say) echo --output --language --voice --device --config --set --help ;;
    battery | health | power | privacy | pair) echo --json --config --set --help ;;
    token) echo --scopes --expires --json --config --set --help ;;
    tls) echo --ca --output --pem --scopes --json --config --set --help ;;
    wake) echo --model --vad --language --microphone --sensitivity --folder --threads --config --help ;;
    audit) echo --json --only --list --strict --output --debsecan --token-file --config --set --help ;;
    doctor) echo --json --only --token-file --config --set --help ;;
    devices) echo --json --help ;;
    history) echo --kind --since --until --limit --before-id --format --before --all --json --config --set --help ;;
    home) echo --url --token-file --output --config --help ;;
    commands) echo --commands --language --json --verbose --config --help ;;
    serve) echo --config --set --model --microphone --listen --port --commands --threads --workers --help ;;
    listen) echo --wake --button --microphone --model --commands --dry-run --quiet --json --config --set --help ;;
    demo) echo --model --models-folder --threads --help ;;
    config) echo --config --set --json --help ;;
    model)
        case $2 in
        fetch) echo --from --folder --help ;;
        import) echo --from --name --to --precision --folder --help ;;
        list | info) echo --json --folder --help ;;
        verify | remove) echo --folder --help ;;
        *) echo --help ;;
        esac
        ;;
    *) echo --help --version ;;
    esac
}

# What may follow an option; fails for an option without a value. "-f" and "-d" stand for files and folders.
_voice_assistant_values()
{
    case $2 in
    --model | --name) _voice_assistant_models ;;
    --language) echo auto en de es fr it nl pl pt ;;
    --timestamps) echo none segment word ;;
    --pace) echo 0 1 2 4 ;;
    --step) echo 0 300 1000 ;;
    --vad) echo vad ;;
    --format) [ "$3" = history ] && echo jsonl csv || echo text json srt vtt verbose_json ;;
    --kind) echo transcription command ;;
    --since | --until | --before | --before-id | --limit) ;;
    --kernels) echo c avx2 avxvnni avx512vnni neon dotprod ;;
    --precision) echo int8 float32 ;;
    --beam) echo 1 2 3 4 5 6 7 8 ;;
    --set) _voice_assistant_settings "$1" ;;
    --config | --ca-file | --from | --to | --commands | --token-file | --output | --debsecan) echo -f ;;
    --only) "$1" "$3" --json 2>/dev/null | grep -o '"name":"[a-z-]*"' | cut -d '"' -f 4 ;;
    --scopes) echo all status transcribe control history admin status,transcribe,control,history ;;
    --microphone) echo default none file: ;;
    --wake) echo okay_nabu alexa hey_jarvis hey_mycroft "$("$1" wake list 2>/dev/null)" ;;
    --listen) echo 127.0.0.1 ::1 ;;
    --folder | --models-folder) echo -d ;;
    --device) echo default ;;
    --threads | --rounds | --workers | --port | --sensitivity | --threshold | --prompt | --voice | --url | --expires | --area) ;;
    *) return 1 ;;
    esac
}

# Files or folders; another shell that asks finds them itself.
_voice_assistant_files()
{
    if [ -n "${_voice_assistant_asked:-}" ]; then
        COMPREPLY=("$1")
    else
        mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
        compopt -o filenames 2>/dev/null
    fi
}

_voice_assistant()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} verb=${COMP_WORDS[2]} words

    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="transcribe serve worker listen match eval bench commands say wake home privacy health power battery token tls pair history devices model doctor audit config demo help --help --version"
    elif words=$(_voice_assistant_values "${COMP_WORDS[0]}" "$before" "$command"); then
        case $words in
        -f | -d)
            _voice_assistant_files "$words" "$word"
            return
            ;;
        *=) compopt -o nospace 2>/dev/null ;;
        esac
    elif [[ $word == -* ]]; then
        words=$(_voice_assistant_options "$command" "$verb")
    elif [ "$COMP_CWORD" -eq 2 ] && [ -n "$(_voice_assistant_verbs "$command")" ]; then
        words=$(_voice_assistant_verbs "$command")
    elif [ "$command" = model ] && [[ $verb == @(fetch|info|verify|remove) ]]; then
        words="$(_voice_assistant_models) vad wake wake-alexa wake-hey_jarvis wake-hey_mycroft wake-okay_nabu"
    elif [[ $command == @(transcribe|wake|match|eval|bench|demo) ]]; then
        _voice_assistant_files -f "$word"
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _voice_assistant voice-assistant

# For other shells: prints what may follow the words, one a line, or -f or -d.
_voice_assistant_ask()
{
    local _voice_assistant_asked=yes COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY
    _voice_assistant
    [ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
}
