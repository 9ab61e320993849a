# bash completion for voice-assistant-setup: verbs, actions, options, and the values that are known.

_voice_assistant_setup()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]-} found=''
    COMPREPLY=()
    case $before in
    --unlock) found='passphrase key-file tpm2' ;;
    --with) found='ufw nftables' ;;
    --partition | --file | --key-file | --config | --ca | --cert | --key | --tls-crypt | --folder | --output | --kernel | --initrd | --stub)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --size | --tpm2-pcrs | --remote | --command-line) return ;;
    esac
    if [ -n "$found" ]; then
        :
    elif [ "$COMP_CWORD" -eq 1 ]; then
        found='encrypted-data firewall vpn secure-boot --help'
    else
        case $verb:$COMP_CWORD in
        encrypted-data:2) found='create status remove --help' ;;
        encrypted-data:*) found='--partition --file --size --unlock --key-file --tpm2-pcrs --force --copy-back --dry-run --help' ;;
        firewall:2) found='set status check remove --help' ;;
        firewall:*) found='--with --config --dry-run --help' ;;
        vpn:2) found='set status remove --help' ;;
        vpn:*)
            [[ $word = -* ]] || mapfile -t COMPREPLY < <(compgen -f -X '!*.ovpn' -- "$word")
            found='--remote --ca --cert --key --tls-crypt --tcp --no-start --dry-run --help'
            ;;
        secure-boot:2) found='check keys sign enrol --help' ;;
        secure-boot:*) found='--folder --output --kernel --initrd --command-line --stub --force --dry-run --help' ;;
        esac
    fi
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$found" -- "$word")
}
complete -F _voice_assistant_setup voice-assistant-setup
