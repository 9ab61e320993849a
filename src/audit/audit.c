#include "audit/audit.h"

#include "audit/items.h"

#define S VA_LIST_SUCCESS
#define P VA_LIST_TUNING
#define H VA_LIST_HARDENING

static const struct va_check items[] = {
    {"boot-time", "from the firmware to the end of the boot in less than 30 s", S, "see what takes long: systemd-analyze critical-chain",
     va_item_boot_time},
    {"memory-idle", "less than 600 MB resident, less than 120 MB of it the program's own", S,
     "lower model.workers, audio.pool_size or model.name; restart the assistant", va_item_memory_idle},
    {"cpu-active", "less than 40 % of the machine while a command of 3 s comes every 5 s", S,
     "choose a smaller model (model.name) or fewer threads", va_item_cpu_active},
    {"mandatory-access", "AppArmor or SELinux confines the assistant, enforcing", S | H,
     "sudo aa-enforce /etc/apparmor.d/usr.bin.voice-assistant, or load the SELinux module; then restart the assistant",
     va_item_mandatory_access},
    {"coverage", "tests reach at least 90 % of the lines of this version", S, "use a build whose record says so", va_item_coverage},
    {"log", "the log is written, as JSON lines, and none was lost", S,
     "check log.file, its folder's owner and the disk; restart the assistant", va_item_log},
    {"updates", "packages are the newest of the security archive", S, "sudo apt-get update && sudo apt-get upgrade", va_item_updates},
    {"vulnerabilities", "debsecan knows of no weakness that is mended already", S, "sudo apt-get update && sudo apt-get upgrade",
     va_item_vulnerabilities},
    {"lynis", "a lynis report of the last 31 days has a hardening index of at least 65", S,
     "see the suggestions in /var/log/lynis-report.dat", va_item_lynis},
    {"massif", "memory was profiled with massif for this version", P, "make massif", va_item_massif},
    {"container", "the container image is built in stages, and below 60 MB", P, "use a build whose record says so", va_item_container},
    {"buffer-pool", "the audio buffers of the configuration are there", P, "restart the assistant", va_item_buffer_pool},
    {"threads", "transcribing uses several processors", P, "set model.threads or model.workers to more than 1", va_item_threads},
    {"cpu-frequency", "all processors have the governor of a power mode, set at boot", P,
     "set power.mode; sudo systemctl enable cpu-governor.service; sudo systemctl restart cpu-governor.service", va_item_cpu_frequency},
    {"boot-analysed", "systemd-analyze shows the assistant's part of the boot: below 10 s, no waiting for the network", P,
     "see systemd-analyze critical-chain voice-assistant.service", va_item_boot_analysed},
    {"services", "bluetooth, avahi and ModemManager are off", P, "sudo systemctl mask --now NAME", va_item_services},
    {"kernel-parameters", "the kernel boots with quiet loglevel=1 logo.nologo rootwait fsck.repair=yes", P,
     "add them to the kernel command line of the boot loader", va_item_kernel_parameters},
    {"power-modes", "power modes can be set, by the helper", P, "sudo systemctl enable --now voice-assistant-helper.socket",
     va_item_power_modes},
    {"firewall", "incoming connections are denied but for the open ports", H, "sudo voice-assistant-setup firewall set", va_item_firewall},
    {"encryption", "the data folder lies on an encrypted volume", H, "sudo voice-assistant-setup encrypted-data create --help",
     va_item_encryption},
    {"tls", "all that leaves the machine is encrypted, by TLS 1.2 or 1.3 and a valid certificate", H, "voice-assistant tls renew",
     va_item_tls},
    {"secure-boot", "the firmware only boots what is signed", H,
     "switch Secure Boot on in the firmware; see sudo voice-assistant-setup secure-boot --help", va_item_secure_boot},
    {"vpn", "a VPN client can be set up; one that is set up works and keeps its keys", H, "sudo voice-assistant-setup vpn set FILE.ovpn",
     va_item_vpn},
    {"privacy", "privacy mode answers, and closes the microphone", H, "restart the assistant", va_item_privacy},
    {"regular-audits", "this audit runs every week", H, "sudo systemctl enable --now voice-assistant-audit.timer", va_item_regular_audits},
    {"sandbox", "the assistant has its own user, no privileges, and a filter of system calls", H,
     "see systemctl cat voice-assistant.service for what was changed; restart the assistant", va_item_sandbox},
    {"exposure", "systemd-analyze security gives the service at most 2.0", H,
     "see systemd-analyze security voice-assistant.service, and systemctl cat for what was changed", va_item_exposure},
    {"listeners", "nothing listens beyond the loopback that the configuration does not let", H,
     "correct the configuration; restart the assistant", va_item_listeners},
    {"access", "nobody comes in from outside without a token or a client certificate", H, "restart the assistant", va_item_access},
    {"files", "keys, tokens, data and configuration are nobody else's to read or change", H, "correct owner and mode of the file",
     va_item_files},
};

const struct va_check *va_audit_items(size_t *ret_n)
{
    *ret_n = sizeof items / sizeof items[0];
    return items;
}
