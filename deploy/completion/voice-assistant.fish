# fish completion for voice-assistant: what the bash completion says (voice-assistant.bash), asked from bash.
function __voice_assistant_ask
    bash -c '. /usr/share/bash-completion/completions/voice-assistant && _voice_assistant_ask "$@"' bash (commandline -opc) "$(commandline -ct)"
end
# Without a rule that holds, fish offers files.
complete -c voice-assistant -n 'not string match -q -r -- "^-[fd]\$" (__voice_assistant_ask)[1]' -f -a '(__voice_assistant_ask)'
