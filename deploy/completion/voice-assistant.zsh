#compdef voice-assistant
# zsh completion for voice-assistant: what the bash completion says (voice-assistant.bash), asked from bash.
_voice_assistant_zsh()
{
    local -a found
    found=("${(@f)$(bash -c '. /usr/share/bash-completion/completions/voice-assistant && _voice_assistant_ask "$@"' bash "${(@)words[1,CURRENT]}")}")
    if [[ ${found[1]} == -[fd] ]]; then
        _files
    elif [[ ${found[1]} == *= ]]; then
        compadd -S '' -a found
    else
        compadd -a found
    fi
}
_voice_assistant_zsh "$@"
