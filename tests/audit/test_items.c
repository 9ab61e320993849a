/* Each item of the audit, on a machine where it holds and on one where it does not. */
#include "machine.h"

#include <time.h>

#include "audit/audit.h"

static enum va_check_state run_check(struct machine *machine, const char *name)
{
    size_t n;
    const struct va_check *items = va_audit_items(&n);

    return check(machine, items, n, name);
}

#define PASS VA_CHECK_PASS
#define FAIL VA_CHECK_FAIL
#define NONE VA_CHECK_NOT_APPLICABLE
#define UNSEEN VA_CHECK_NOT_CHECKED

static int setup(void **state)
{
    static struct machine machine;

    machine_open(&machine);
    *state = &machine;
    return 0;
}

static int teardown(void **state)
{
    machine_close(*state);
    return 0;
}

/* ---- confinement ---- */

static void apparmor_must_enforce(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "mandatory-access", FAIL, "neither");
    put(m, "/sys/module/apparmor/parameters/enabled", "Y\n");
    put(m, "/proc/100/attr/current", "voice-assistant (enforce)\n");
    put(m, "/proc/101/attr/apparmor/current", "voice-assistant//launcher (enforce)\n");
    ASSERT_CHECK(m, "mandatory-access", PASS, "voice-assistant (enforce)");
    put(m, "/proc/101/attr/apparmor/current", "voice-assistant (complain)\n");
    ASSERT_CHECK(m, "mandatory-access", FAIL, "launcher");
    put(m, "/proc/100/attr/apparmor/current", "unconfined\n");
    ASSERT_CHECK(m, "mandatory-access", FAIL, "unconfined");
    put_away(m, "/proc/100");
    put_away(m, "/proc/101");
    ASSERT_CHECK(m, "mandatory-access", UNSEEN, "does not run");
}

static void selinux_must_enforce(void **state)
{
    struct machine *m = *state;

    put(m, "/sys/fs/selinux/enforce", "1");
    put(m, "/proc/100/attr/current", "system_u:system_r:voice_assistant_t:s0");
    put(m, "/proc/101/attr/current", "system_u:system_r:voice_assistant_t:s0");
    ASSERT_CHECK(m, "mandatory-access", PASS, "SELinux");
    put(m, "/proc/100/attr/current", "system_u:system_r:unconfined_service_t:s0");
    ASSERT_CHECK(m, "mandatory-access", FAIL, "unconfined_service_t");
    put(m, "/sys/fs/selinux/enforce", "0");
    ASSERT_CHECK(m, "mandatory-access", FAIL, "permissive");
}

static void the_sandbox_holds_for_both_processes(void **state)
{
    static const struct {
        const char *from, *to, *words;
    } holes[] = {
        {"Seccomp:\t2", "Seccomp:\t0", "system calls"},
        {"NoNewPrivs:\t1", "NoNewPrivs:\t0", "gain"},
        {"CapEff:\t0000000000000000", "CapEff:\t0000000000003000", "capabilities"},
        {"CapPrm:\t0000000000000000", "CapPrm:\t0000000000003000", "capabilities"},
        {"Uid:\t990", "Uid:\t0", "root"},
    };
    struct machine *m = *state;

    ASSERT_CHECK(m, "sandbox", PASS, "user 990");
    for (size_t i = 0; i < 2 * sizeof holes / sizeof holes[0]; i++) {
        char text[1024] = CONFINED_STATUS, *at = strstr(text, holes[i / 2].from);
        memcpy(at, holes[i / 2].to, strlen(holes[i / 2].to));
        if (strcmp(holes[i / 2].to, "Uid:\t0") == 0)
            memmove(at + 6, at + 8, strlen(at + 8) + 1);
        put_process(m, DAEMON, 1, i % 2 == 0 ? text : CONFINED_STATUS);
        put_process(m, LAUNCHER, DAEMON, i % 2 == 1 ? text : CONFINED_STATUS);
        ASSERT_CHECK(m, "sandbox", FAIL, holes[i / 2].words);
        assert_non_null(strstr(m->result.evidence, i % 2 == 0 ? "assistant" : "launcher"));
    }
    put_away(m, "/proc/100/status");
    ASSERT_CHECK(m, "sandbox", FAIL, ""); /* the launcher is taken for it, and has what was left of the last hole */
}

static void exposure_is_what_systemd_says(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "exposure", NONE, "no service");
    put(m, "/run/systemd/system/x", "");
    put(m, "/usr/lib/systemd/system/voice-assistant.service", "");
    ASSERT_CHECK(m, "exposure", UNSEEN, "not there");
    m->programs[0] = (struct answer){"systemd-analyze security", "...\n-> Overall exposure level for voice-assistant.service: 1.4 OK\n", 0};
    ASSERT_CHECK(m, "exposure", PASS, "1.4 of 10");
    m->programs[0] =
        (struct answer){"systemd-analyze security", "...\n-> Overall exposure level for voice-assistant.service: 9.2 UNSAFE\n", 1};
    ASSERT_CHECK(m, "exposure", FAIL, "9.2 of 10");
    m->programs[0] = (struct answer){"systemd-analyze security", "what?", 1};
    ASSERT_CHECK(m, "exposure", UNSEEN, "nothing");
}

/* ---- the machine ---- */

static void secure_boot_is_the_firmwares_word(void **state)
{
    static const char variable[] = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    struct machine *m = *state;

    ASSERT_CHECK(m, "secure-boot", NONE, "UEFI");
    put(m, "/sys/firmware/efi/x", "");
    ASSERT_CHECK(m, "secure-boot", NONE, "does not know");
    put_bytes(m, variable, "\6\0\0\0\1", 5, 0600);
    ASSERT_CHECK(m, "secure-boot", PASS, "on");
    put_bytes(m, variable, "\6\0\0\0\0", 5, 0600);
    ASSERT_CHECK(m, "secure-boot", FAIL, "off");
    put_bytes(m, variable, "\1", 1, 0600);
    ASSERT_CHECK(m, "secure-boot", UNSEEN, "1 bytes");
}

static void every_kernel_parameter_is_wanted(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "kernel-parameters", UNSEEN, "");
    put(m, "/proc/cmdline", "root=/dev/vda quiet loglevel=1 logo.nologo rootwait fsck.repair=yes\n");
    ASSERT_CHECK(m, "kernel-parameters", PASS, "");
    put(m, "/proc/cmdline", "root=/dev/vda quiet loglevel=10 logo.nologo rootwait\n");
    ASSERT_CHECK(m, "kernel-parameters", FAIL, "loglevel=1 fsck.repair=yes");
    put(m, "/run/systemd/container", "docker");
    ASSERT_CHECK(m, "kernel-parameters", NONE, "container");
}

static void unneeded_services_must_be_off(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "services", PASS, "");
    put(m, "/usr/lib/systemd/system/bluetooth.service", "[Unit]\n");
    ASSERT_CHECK(m, "services", PASS, "");
    put_link(m, "/etc/systemd/system/bluetooth.target.wants/bluetooth.service", "/lib/systemd/system/bluetooth.service");
    ASSERT_CHECK(m, "services", FAIL, "bluetooth.service starts at boot");
    put_link(m, "/etc/systemd/system/bluetooth.service", "/dev/null");
    ASSERT_CHECK(m, "services", PASS, "");
    put(m, "/proc/77/comm", "ModemManager\n");
    ASSERT_CHECK(m, "services", FAIL, "ModemManager.service runs");
    assert_non_null(strstr(m->result.mend, "mask --now ModemManager.service"));
}

static void put_governors(struct machine *m, const char *first, const char *second)
{
    put(m, "/sys/devices/system/cpu/cpufreq/policy0/scaling_governor", first);
    put(m, "/sys/devices/system/cpu/cpufreq/policy1/scaling_governor", second);
    put(m, "/sys/devices/system/cpu/cpufreq/policy0/scaling_available_governors", "ondemand powersave performance userspace\n");
    put(m, "/sys/devices/system/cpu/cpufreq/policy1/scaling_available_governors", "ondemand powersave performance userspace\n");
}

static void the_governor_is_a_modes_on_all_processors(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "cpu-frequency", NONE, "");
    put_governors(m, "ondemand\n", "ondemand\n");
    ASSERT_CHECK(m, "cpu-frequency", FAIL, "does not set it at boot");
    put(m, "/usr/lib/systemd/system/cpu-governor.service", "");
    put_link(m, "/etc/systemd/system/multi-user.target.wants/cpu-governor.service", "x");
    ASSERT_CHECK(m, "cpu-frequency", PASS, "ondemand (balanced)");
    put_governors(m, "ondemand\n", "performance\n");
    ASSERT_CHECK(m, "cpu-frequency", FAIL, "different");
    put_governors(m, "userspace\n", "userspace\n");
    ASSERT_CHECK(m, "cpu-frequency", FAIL, "no power mode");
}

static void power_modes_need_the_helper(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "power-modes", NONE, "");
    put_governors(m, "ondemand\n", "ondemand\n");
    ASSERT_CHECK(m, "power-modes", PASS, "balanced");
    m->knock_code = VA_ENOTFOUND;
    ASSERT_CHECK(m, "power-modes", FAIL, "helper");
    m->knock_code = VA_EDENIED;
    ASSERT_CHECK(m, "power-modes", UNSEEN, "");
}

/* ---- the network ---- */

#define CHAIN(family, name, policy)                                                                                                       \
    "{\"chain\":{\"family\":\"" family "\",\"table\":\"filter\",\"name\":\"" name "\",\"type\":\"filter\",\"hook\":\"input\",\"prio\":0," \
    "\"policy\":\"" policy "\"}}"
#define RULE(family, chain, match) \
    "{\"rule\":{\"family\":\"" family "\",\"table\":\"filter\",\"chain\":\"" chain "\",\"expr\":[" match "{\"accept\":null}]}}"
#define PORTS(right) "{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"tcp\",\"field\":\"dport\"}},\"right\":" right "}},"
#define RULESET(text) "{\"nftables\":[{\"metainfo\":{}}," text "]}"

static void the_firewall_denies_but_for_the_open_ports(void **state)
{
    struct machine *m = *state;
    const char *good = RULESET(CHAIN("inet", "input", "drop") "," RULE("inet", "input", PORTS("{\"set\":[22,8000,8443]}")));

    ASSERT_CHECK(m, "firewall", UNSEEN, "not installed");
    m->programs[0] = (struct answer){"nft -j", good, 0};
    ASSERT_CHECK(m, "firewall", PASS, "22 8000 8443");
    m->programs[0].text = RULESET(CHAIN("ip", "INPUT", "drop"));
    ASSERT_CHECK(m, "firewall", FAIL, "IPv6 is not denied");
    m->programs[0].text =
        RULESET(CHAIN("ip", "INPUT", "drop") "," CHAIN("ip6", "INPUT", "drop") "," RULE("ip", "ufw-user-input", PORTS("22")));
    ASSERT_CHECK(m, "firewall", PASS, "22");
    m->programs[0].text = RULESET(CHAIN("inet", "input", "accept"));
    ASSERT_CHECK(m, "firewall", FAIL, "not denied");
    m->programs[0].text = RULESET(CHAIN("inet", "input", "drop") "," RULE("inet", "input", ""));
    ASSERT_CHECK(m, "firewall", FAIL, "everything");
    m->programs[0].text = RULESET(CHAIN("inet", "input", "drop") "," RULE("inet", "more", PORTS("{\"set\":[{\"range\":[8000,9000]}]}")));
    ASSERT_CHECK(m, "firewall", FAIL, "9000");
    m->programs[0].text = RULESET(CHAIN("inet", "input", "drop") "," RULE("inet", "input", PORTS("10300")));
    ASSERT_CHECK(m, "firewall", FAIL, "10300");
    configure(m, "wyoming.allow=192.168.1.5", NULL);
    ASSERT_CHECK(m, "firewall", PASS, "10300");
    m->programs[0].text = "{\"nftables\":[]}";
    ASSERT_CHECK(m, "firewall", FAIL, "not denied");
    m->programs[0].text = "Error";
    ASSERT_CHECK(m, "firewall", UNSEEN, "no rule set");
    m->programs[0] = (struct answer){"nft -j", "", 1};
    ASSERT_CHECK(m, "firewall", UNSEEN, "nft");
    m->scene.is_root = 0;
    ASSERT_CHECK(m, "firewall", UNSEEN, "root");
}

#define LINE(n, address, port, inode)                                                                                                    \
    "   " n ": " address ":" port " 00000000:0000 0A 00000000:00000000 00:00000000 00000000   990        0 " inode " 1 0000 100 0 0 10 " \
    "0\n"
#define HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

static void put_listeners(struct machine *m, const char *text)
{
    put(m, "/proc/net/tcp", text);
    put_link(m, "/proc/100/fd/5", "socket:[500]");
    put_link(m, "/proc/100/fd/6", "socket:[501]");
    put_link(m, "/proc/100/fd/7", "/dev/null");
}

static void nothing_listens_that_is_not_configured(void **state)
{
    struct machine *m = *state;
    const char *everywhere = HEAD LINE("0", "0100007F", "1F40", "500") LINE("1", "00000000", "20FB", "501");

    ASSERT_CHECK(m, "listeners", UNSEEN, "");
    put_listeners(m, HEAD LINE("0", "0100007F", "1F40", "500") LINE("1", "00000000", "0016", "9"));
    ASSERT_CHECK(m, "listeners", PASS, "1 ports, 0");
    put_listeners(m, everywhere);
    ASSERT_CHECK(m, "listeners", FAIL, "0.0.0.0:8443");
    configure(m, "server.tls_listen=0.0.0.0", NULL);
    ASSERT_CHECK(m, "listeners", PASS, "2 ports, 1");
    put_listeners(m, HEAD LINE("0", "00000000", "1F40", "500"));
    ASSERT_CHECK(m, "listeners", FAIL, "0.0.0.0:8000");
    configure(m, "server.listen=0.0.0.0", NULL);
    ASSERT_CHECK(m, "listeners", PASS, "");
    configure(m, "server.listen=0.0.0.0", "server.tls=no", NULL);
    ASSERT_CHECK(m, "listeners", FAIL, "without TLS");
    put_listeners(m, HEAD LINE("0", "00000000", "283C", "500"));
    ASSERT_CHECK(m, "listeners", FAIL, "10300");
    configure(m, "wyoming.listen=0.0.0.0", "wyoming.allow=10.0.0.0/8", NULL);
    ASSERT_CHECK(m, "listeners", PASS, "Wyoming has neither");
    put_listeners(m, HEAD LINE("0", "00000000", "1F41", "501"));
    ASSERT_CHECK(m, "listeners", FAIL, "8001");
    put_listeners(m, HEAD LINE("0", "00000000", "7A69", "501"));
    ASSERT_CHECK(m, "listeners", FAIL, "31337");
    put_listeners(m, HEAD LINE("0", "0100007F", "1F40", "77"));
    ASSERT_CHECK(m, "listeners", UNSEEN, "root");
    put_listeners(m, HEAD);
    put(m, "/proc/net/tcp6", HEAD LINE("0", "00000000000000000000000000000000", "1F40", "500"));
    ASSERT_CHECK(m, "listeners", FAIL, "[::]:8000");
    put(m, "/proc/net/tcp6", HEAD LINE("0", "00000000000000000000000001000000", "1F40", "500"));
    ASSERT_CHECK(m, "listeners", PASS, "");
}

static void tls_is_new_and_its_certificate_good(void **state)
{
    struct machine *m = *state;

    m->tls = (struct va_tls_facts){"TLSv1.3", 0, (int64_t)NOW_S + 100 * 86400, (int64_t)NOW_S - 1};
    ASSERT_CHECK(m, "tls", PASS, "100 days");
    m->tls.ends_unix_s = (int64_t)NOW_S + 5 * 86400;
    ASSERT_CHECK(m, "tls", FAIL, "less than 14 days");
    m->tls.ends_unix_s = (int64_t)NOW_S - 5;
    ASSERT_CHECK(m, "tls", FAIL, "past");
    m->tls.ends_unix_s = (int64_t)NOW_S + 100 * 86400;
    m->tls.begins_unix_s = (int64_t)NOW_S + 100;
    ASSERT_CHECK(m, "tls", FAIL, "not valid yet");
    m->tls.begins_unix_s = 0;
    m->tls.takes_old = 1;
    ASSERT_CHECK(m, "tls", FAIL, "1.1");
    m->tls = (struct va_tls_facts){"TLSv1", 0, (int64_t)NOW_S + 100 * 86400, 0};
    ASSERT_CHECK(m, "tls", FAIL, "TLSv1");
    m->tls_code = VA_EFAILED;
    ASSERT_CHECK(m, "tls", UNSEEN, "8443");
    configure(m, "server.tls=no", NULL);
    ASSERT_CHECK(m, "tls", FAIL, "server.tls is off");
    configure(m, "mqtt.enabled=yes", "mqtt.host=broker.local", NULL);
    ASSERT_CHECK(m, "tls", FAIL, "mqtt.tls");
    configure(m, "home_assistant.url=http://home.local:8123", NULL);
    ASSERT_CHECK(m, "tls", FAIL, "home_assistant.url");
    configure(m, "remote.url=nats://10.1.1.1:4222", NULL);
    ASSERT_CHECK(m, "tls", FAIL, "remote.url");
    configure(m, "home_assistant.url=http://[::1]:8123", "mqtt.enabled=yes", "remote.url=nats://127.0.0.1:4222", NULL);
    ASSERT_CHECK(m, "tls", UNSEEN, "");
}

static void who_has_no_token_stays_outside(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "access", UNSEEN, "nobody answers");
    m->pages[0] = (struct answer){"https://127.0.0.1:8443/status", "{}", 401};
    ASSERT_CHECK(m, "access", PASS, "401");
    m->pages[0].code = 200;
    ASSERT_CHECK(m, "access", FAIL, "200");
    configure(m, "server.tls=no", NULL);
    ASSERT_CHECK(m, "access", UNSEEN, "no port");
}

static void a_vpn_client_works_and_keeps_its_keys(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "vpn", NONE, "no VPN client");
    put(m, "/usr/lib/systemd/system/voice-assistant.service", "");
    ASSERT_CHECK(m, "vpn", FAIL, "voice-assistant-setup");
    put(m, "/usr/sbin/voice-assistant-setup", "");
    ASSERT_CHECK(m, "vpn", NONE, "");
    put(m, "/usr/sbin/openvpn", "");
    put(m, "/etc/openvpn/client/home.conf", "client\nremote-cert-tls server\n");
    put_link(m, "/etc/systemd/system/multi-user.target.wants/openvpn-client@home.service", "x");
    put(m, "/sys/class/net/tun0/x", "");
    ASSERT_CHECK(m, "vpn", PASS, "home");
    put_away(m, "/sys/class/net/tun0");
    ASSERT_CHECK(m, "vpn", FAIL, "not connected");
    put_away(m, "/etc/systemd/system/multi-user.target.wants/openvpn-client@home.service");
    ASSERT_CHECK(m, "vpn", FAIL, "boot");
    put_away(m, "/usr/sbin/openvpn");
    ASSERT_CHECK(m, "vpn", FAIL, "not installed");
    put(m, "/etc/openvpn/client/home.conf", "client\n");
    ASSERT_CHECK(m, "vpn", FAIL, "remote-cert-tls");
    set_mode(m, "/etc/openvpn/client/home.conf", 0644);
    ASSERT_CHECK(m, "vpn", FAIL, "may read");
}

/* ---- files ---- */

static void files_have_the_modes_they_must_have(void **state)
{
    static const struct {
        const char *path;
        unsigned good, bad;
    } rows[] = {
        {"/var/lib/voice-assistant/access/tokens", 0600, 0644},
        {"/var/lib/voice-assistant/access", 0700, 0755},
        {"/var/lib/voice-assistant/tls/server.key", 0600, 0640},
        {"/var/lib/voice-assistant/history.db", 0640, 0644},
        {"/var/lib/voice-assistant/privacy", 0600, 0666},
        {"/var/log/voice-assistant/app.log", 0640, 0644},
        {"/etc/voice-assistant/voice-assistant.yaml", 0644, 0666},
        {"/etc/voice-assistant/commands/more.yaml", 0644, 0664},
        {"/usr/bin/voice-assistant", 0755, 0777},
        {"/etc/secrets/token", 0600, 0604},
    };
    struct machine *m = *state;

    ASSERT_CHECK(m, "files", UNSEEN, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (i != 1)
            put(m, rows[i].path, "x");
        set_mode(m, rows[i].path, rows[i].good);
    }
    set_mode(m, "/var/lib/voice-assistant", 0750);
    set_mode(m, "/var/lib/voice-assistant/tls", 0700);
    configure(m, "mqtt.password_file=/etc/secrets/token", NULL);
    ASSERT_CHECK(m, "files", PASS, "files");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        set_mode(m, rows[i].path, rows[i].bad);
        ASSERT_CHECK(m, "files", FAIL, rows[i].path);
        set_mode(m, rows[i].path, rows[i].good);
    }
    ASSERT_CHECK(m, "files", PASS, "files");
}

static void the_log_is_written_as_json(void **state)
{
    static const char good[] = "{\"timestamp\":\"2027-01-15T08:00:00Z\",\"level\":\"info\",\"module\":\"daemon\",\"message\":\"x\"}\n";
    static const char log[] = "/var/log/voice-assistant/app.log";
    struct machine *m = *state;

    ASSERT_CHECK(m, "log", FAIL, "app.log");
    put(m, log, good);
    ASSERT_CHECK(m, "log", UNSEEN, "root");
    put_link(m, "/proc/100/fd/3", log);
    ASSERT_CHECK(m, "log", PASS, "JSON lines");
    m->pages[0] = (struct answer){":8001/metrics", "voice_assistant_log_lines_lost_total 4\n", 200};
    ASSERT_CHECK(m, "log", FAIL, "lost");
    m->pages[0].text = "voice_assistant_log_lines_lost_total 0\n";
    ASSERT_CHECK(m, "log", PASS, "");
    put(m, log, "{\"timestamp\":\"2027-01-15T08:00:00Z\",\"level\":\"info\",\"message\":\"x\"}\n");
    ASSERT_CHECK(m, "log", FAIL, "lacks");
    put(m, log, "hello\n");
    ASSERT_CHECK(m, "log", FAIL, "no JSON");
    put(m, log, "");
    ASSERT_CHECK(m, "log", FAIL, "empty");
    put(m, log, good);
    put_link(m, "/proc/100/fd/3", "/var/log/voice-assistant/app.log (deleted)");
    ASSERT_CHECK(m, "log", FAIL, "does not write");
    m->scene.log_file = "";
    ASSERT_CHECK(m, "log", FAIL, "none");
}

static void privacy_mode_means_what_it_says(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "privacy", UNSEEN, "nobody answers");
    m->pages[0] = (struct answer){"/privacy", "{\"privacy_mode\":false}", 200};
    ASSERT_CHECK(m, "privacy", PASS, "off");
    put(m, "/var/lib/voice-assistant/privacy", "on\n");
    ASSERT_CHECK(m, "privacy", FAIL, "switch");
    m->pages[0].text = "{\"privacy_mode\":true}";
    ASSERT_CHECK(m, "privacy", PASS, "on, and no microphone");
    put_link(m, "/proc/100/fd/9", "/dev/snd/pcmC0D0p");
    ASSERT_CHECK(m, "privacy", PASS, "");
    put_link(m, "/proc/100/fd/8", "/dev/snd/pcmC0D0c");
    ASSERT_CHECK(m, "privacy", FAIL, "microphone is open");
    m->pages[0].text = "{}";
    ASSERT_CHECK(m, "privacy", FAIL, "does not say");
    m->pages[0].code = 401;
    ASSERT_CHECK(m, "privacy", UNSEEN, "token");
}

/* ---- reports ---- */

static void audits_are_regular(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "regular-audits", FAIL, "not enabled");
    put(m, "/usr/lib/systemd/system/voice-assistant-audit.timer", "");
    ASSERT_CHECK(m, "regular-audits", FAIL, "not enabled");
    put_link(m, "/etc/systemd/system/timers.target.wants/voice-assistant-audit.timer", "x");
    ASSERT_CHECK(m, "regular-audits", FAIL, "no report yet");
    m->scene.writes_report = 1;
    ASSERT_CHECK(m, "regular-audits", PASS, "is kept");
    m->scene.writes_report = 0;
    put(m, "/var/lib/voice-assistant/audit.json", "{\"timestamp\":\"2027-01-14T08:00:00.000Z\"}");
    ASSERT_CHECK(m, "regular-audits", PASS, "2027-01-14");
    put(m, "/var/lib/voice-assistant/audit.json", "{\"timestamp\":\"2027-01-01T08:00:00.000Z\"}");
    ASSERT_CHECK(m, "regular-audits", FAIL, "14 days ago");
    put(m, "/var/lib/voice-assistant/audit.json", "{\"timestamp\":\"2028-01-01T08:00:00.000Z\"}");
    ASSERT_CHECK(m, "regular-audits", FAIL, "ago");
    put(m, "/var/lib/voice-assistant/audit.json", "[]");
    ASSERT_CHECK(m, "regular-audits", FAIL, "no report");
}

static void packages_are_compared_with_the_security_archive(void **state)
{
    static const char list[] = "/var/lib/apt/lists/deb.example.org_dists_stable-security_InRelease";
    struct machine *m = *state;

    ASSERT_CHECK(m, "updates", UNSEEN, "no list");
    put(m, "/var/lib/apt/lists/deb.example.org_dists_stable_InRelease", "Suite: stable\nDate: Thu, 14 Jan 2027 08:00:00 UTC\n");
    ASSERT_CHECK(m, "updates", UNSEEN, "no list");
    put(m, list, "Suite: stable-security\nDate: Thu, 14 Jan 2027 08:00:00 UTC\nValid-Until: Thu, 21 Jan 2027 08:00:00 UTC\n");
    ASSERT_CHECK(m, "updates", UNSEEN, "apt-get");
    m->programs[0] =
        (struct answer){"apt-get -s", "Reading package lists...\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n", 0};
    ASSERT_CHECK(m, "updates", PASS, "none");
    m->programs[0].text = "Inst libc6 [1] (2 Debian:12.9/stable [amd64])\n1 upgraded, 0 newly installed\n";
    ASSERT_CHECK(m, "updates", PASS, "others");
    m->programs[0].text = "Inst libc6 [1] (2 Debian:12.9/stable [amd64])\n"
                          "Inst libssl3 [3.0.11] (3.0.15 Debian-Security:12/stable-security [amd64])\n";
    ASSERT_CHECK(m, "updates", FAIL, "libssl3 3.0.11 -> 3.0.15");
    m->programs[0].text = "nothing of that kind";
    ASSERT_CHECK(m, "updates", UNSEEN, "understood");
    m->programs[0].code = 100;
    ASSERT_CHECK(m, "updates", UNSEEN, "failed");
    put(m, list, "Suite: stable-security\nDate: Thu, 01 Jan 2026 08:00:00 UTC\n");
    ASSERT_CHECK(m, "updates", UNSEEN, "2026-01-08");
}

static void put_dated(struct machine *m, const char *path, const char *text, double unix_s)
{
    struct timespec times[2] = {{.tv_sec = (time_t)unix_s}, {.tv_sec = (time_t)unix_s}};

    put(m, path, text);
    assert_int_equal(utimensat(AT_FDCWD, machine_path(m, path), times, 0), 0);
}

static void debsecans_report_is_read(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "vulnerabilities", UNSEEN, "no report");
    m->scene.debsecan = "/tmp/debsecan";
    ASSERT_CHECK(m, "vulnerabilities", UNSEEN, "debsecan");
    put_dated(m, "/tmp/debsecan", "", NOW_S - 86400);
    ASSERT_CHECK(m, "vulnerabilities", PASS, "nothing");
    put_dated(m, "/tmp/debsecan", "", NOW_S - 30 * 86400);
    ASSERT_CHECK(m, "vulnerabilities", UNSEEN, "30 days");
    put_dated(m, "/tmp/debsecan", "CVE-2024-1 libssl3 (fixed)\nCVE-2024-2 libc6 (fixed)\n", NOW_S);
    ASSERT_CHECK(m, "vulnerabilities", FAIL, "2 weaknesses have updates: CVE-2024-1");
    put_dated(m, "/tmp/debsecan", "<html>not found</html>\n", NOW_S);
    ASSERT_CHECK(m, "vulnerabilities", UNSEEN, "no line of debsecan");
}

static void lynis_index_is_read(void **state)
{
    static const char path[] = "/var/log/lynis-report.dat";
    struct machine *m = *state;

    ASSERT_CHECK(m, "lynis", UNSEEN, "no report");
    put(m, path, "report_version_major=1\nhardening_index=71\nreport_datetime_end=2027-01-10 08:00:00\n");
    ASSERT_CHECK(m, "lynis", PASS, "71");
    put(m, path, "hardening_index=51\nreport_datetime_end=2027-01-10 08:00:00\n");
    ASSERT_CHECK(m, "lynis", FAIL, "51");
    put(m, path, "hardening_index=71\nreport_datetime_end=2026-01-10 08:00:00\n");
    ASSERT_CHECK(m, "lynis", UNSEEN, "2026-01-10");
    put(m, path, "hardening_index=71\n");
    ASSERT_CHECK(m, "lynis", UNSEEN, "not finished");
}

static void put_record(struct machine *m, const char *version, const char *more)
{
    char text[512];

    snprintf(text, sizeof text, "{\"version\":\"%s\"%s}", version, more);
    put(m, "/usr/share/voice-assistant/build.json", text);
}

static void the_record_of_the_build_is_read(void **state)
{
    static const char *const items[] = {"coverage", "massif", "container"};
    struct machine *m = *state;

    for (size_t i = 0; i < 3; i++) {
        put_away(m, "/usr/share/voice-assistant/build.json");
        ASSERT_CHECK(m, items[i], UNSEEN, "no record");
        put_record(m, "0.0.0", "");
        ASSERT_CHECK(m, items[i], UNSEEN, "0.0.0");
        put_record(m, va_version(), "");
        ASSERT_CHECK(m, items[i], UNSEEN, "record");
    }
    put_record(m, va_version(), ",\"coverage\":{\"percent\":93.2,\"date\":\"2027-01-01\"}");
    ASSERT_CHECK(m, "coverage", PASS, "93.2");
    put_record(m, va_version(), ",\"coverage\":{\"percent\":89.9,\"date\":\"2027-01-01\"}");
    ASSERT_CHECK(m, "coverage", FAIL, "89.9");
    put_record(m, va_version(), ",\"massif\":{\"peak_bytes\":12000000}");
    ASSERT_CHECK(m, "massif", PASS, "12.0 MB");
    put_record(m, va_version(), ",\"massif\":{\"peak_bytes\":0}");
    ASSERT_CHECK(m, "massif", FAIL, "");
    put_record(m, va_version(), ",\"container\":{\"stages\":3,\"bytes\":41000000}");
    ASSERT_CHECK(m, "container", PASS, "3 stages, 41.0 MB");
    put_record(m, va_version(), ",\"container\":{\"stages\":1,\"bytes\":41000000}");
    ASSERT_CHECK(m, "container", FAIL, "1 stages");
    put_record(m, va_version(), ",\"container\":{\"stages\":2,\"bytes\":61000000}");
    ASSERT_CHECK(m, "container", FAIL, "61.0 MB");
}

/* ---- figures ---- */

static void put_emulated(struct machine *m)
{
    put(m, "/proc/cpuinfo", "processor\t: 0\nmodel name\t: QEMU TCG CPU version 2.5+\nprocessor\t: 1\n");
}

static void the_boot_is_short(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "boot-time", NONE, "systemd");
    put(m, "/run/systemd/system/x", "");
    ASSERT_CHECK(m, "boot-time", UNSEEN, "systemctl");
    m->programs[0] = (struct answer){"systemctl show", "FirmwareTimestampMonotonic=4000000\nFinishTimestampMonotonic=21500000\n", 0};
    ASSERT_CHECK(m, "boot-time", PASS, "25.5 s");
    m->programs[0].text = "FirmwareTimestampMonotonic=9000000\nFinishTimestampMonotonic=21500000\n";
    ASSERT_CHECK(m, "boot-time", FAIL, "30.5 s");
    put_emulated(m);
    ASSERT_CHECK(m, "boot-time", NONE, "emulated");
    m->programs[0].text = "FirmwareTimestampMonotonic=0\nFinishTimestampMonotonic=0\n";
    ASSERT_CHECK(m, "boot-time", UNSEEN, "not ended");
}

static void the_boot_is_analysed(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "boot-analysed", NONE, "");
    put(m, "/run/systemd/system/x", "");
    put(m, "/usr/lib/systemd/system/voice-assistant.service", "");
    ASSERT_CHECK(m, "boot-analysed", UNSEEN, "");
    m->programs[0] = (struct answer){"blame", "2.1s dev-vda.device\n312ms voice-assistant.service\n", 0};
    m->programs[1] = (struct answer){"critical-chain", "voice-assistant.service +312ms\n", 0};
    ASSERT_CHECK(m, "boot-analysed", PASS, "0.3 s");
    m->programs[0].text = "1min 2.5s voice-assistant.service\n2.1s dev-vda.device\n";
    ASSERT_CHECK(m, "boot-analysed", FAIL, "62.5 s");
    m->programs[0].text = "2.1s dev-vda.device\n";
    ASSERT_CHECK(m, "boot-analysed", FAIL, "no start");
    m->programs[0].text = "312ms voice-assistant.service\n";
    m->programs[1].text = "voice-assistant.service +312ms\n  network-online.target @9s\n";
    ASSERT_CHECK(m, "boot-analysed", FAIL, "network");
    m->programs[0].code = 1;
    ASSERT_CHECK(m, "boot-analysed", UNSEEN, "not ended");
}

static void memory_has_its_bounds(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "memory-idle", PASS, "117.2 MB resident");
    put_process(m, DAEMON, 1, "RssAnon:\t130000 kB\nRssFile:\t0 kB\nRssShmem:\t0 kB\n");
    ASSERT_CHECK(m, "memory-idle", FAIL, "");
    put_process(m, DAEMON, 1, "RssAnon:\t1000 kB\nRssFile:\t620000 kB\nRssShmem:\t0 kB\n");
    ASSERT_CHECK(m, "memory-idle", FAIL, "");
    put_process(m, DAEMON, 1, "");
    ASSERT_CHECK(m, "memory-idle", UNSEEN, "");
}

static void transcribing_leaves_most_of_the_machine(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "cpu-active", UNSEEN, "8001");
    m->pages[0] =
        (struct answer){":8001/metrics", "transcription_duration_seconds_sum 2\nvoice_assistant_transcribed_audio_seconds_total 30\n", 200};
    ASSERT_CHECK(m, "cpu-active", PASS, "2.0 %"); /* one thread of two processors for each of two workers */
    configure(m, "model.threads=8", NULL);
    ASSERT_CHECK(m, "cpu-active", PASS, "4.0 %");
    m->pages[0].text = "transcription_duration_seconds_sum 40\nvoice_assistant_transcribed_audio_seconds_total 30\n";
    ASSERT_CHECK(m, "cpu-active", FAIL, "80.0 %");
    put_emulated(m);
    ASSERT_CHECK(m, "cpu-active", NONE, "emulated");
    m->pages[0].text = "transcription_duration_seconds_sum 0\nvoice_assistant_transcribed_audio_seconds_total 0\n";
    ASSERT_CHECK(m, "cpu-active", UNSEEN, "only 0.0 s");
    m->pages[0].text = "something_else 1\n";
    ASSERT_CHECK(m, "cpu-active", UNSEEN, "say nothing");
}

static void buffers_are_as_configured(void **state)
{
    struct machine *m = *state;

    m->pages[0] = (struct answer){
        ":8001/metrics", "voice_assistant_audio_buffers{state=\"free\"} 9\nvoice_assistant_audio_buffers{state=\"used\"} 1\n", 200};
    ASSERT_CHECK(m, "buffer-pool", PASS, "10 buffers");
    configure(m, "audio.pool_size=3", NULL);
    ASSERT_CHECK(m, "buffer-pool", FAIL, "3 are configured");
    configure(m, "metrics.enabled=no", NULL);
    ASSERT_CHECK(m, "buffer-pool", UNSEEN, "metrics.enabled");
    configure(m, NULL);
    m->pages[0].code = 404;
    ASSERT_CHECK(m, "buffer-pool", UNSEEN, "404");
}

static void several_processors_are_used(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "threads", UNSEEN, "nobody");
    m->pages[0] = (struct answer){"/status", "{\"workers\":2}", 200};
    ASSERT_CHECK(m, "threads", PASS, "2 workers with 1 threads");
    configure(m, "model.workers=1", "model.threads=1", NULL);
    m->pages[0].text = "{\"workers\":1}";
    ASSERT_CHECK(m, "threads", FAIL, "1 workers");
    put(m, "/proc/cpuinfo", "processor\t: 0\n");
    ASSERT_CHECK(m, "threads", NONE, "one processor");
    m->pages[0].text = "<html>";
    put(m, "/proc/cpuinfo", "processor\t: 0\nprocessor\t: 1\n");
    ASSERT_CHECK(m, "threads", UNSEEN, "another program");
}

/* ---- which assistant ---- */

static void of_several_the_one_on_the_port_counts(void **state)
{
    struct machine *m = *state;

    put_process(m, 200, 1, "Uid:\t0\t0\t0\t0\n");
    ASSERT_CHECK(m, "sandbox", UNSEEN, "none on the configured port");
    put_listeners(m, HEAD LINE("0", "0100007F", "1F40", "500"));
    ASSERT_CHECK(m, "sandbox", PASS, "user 990");
    put_bytes(m, "/proc/300/cmdline", "voice-assistant\0say", 20, 0600);
    ASSERT_CHECK(m, "sandbox", PASS, "");
}

/* Every list of the requirements has its items, and each item says how it is mended. */
static void the_table_is_whole(void **state)
{
    size_t n, n_listed[3] = {0};
    const struct va_check *items = va_audit_items(&n);

    for (size_t i = 0; i < n; i++) {
        assert_true(items[i].lists > 0 && items[i].lists < 8);
        assert_true(items[i].mend[0] != '\0' && items[i].about[0] != '\0');
        for (int list = 0; list < 3; list++)
            n_listed[list] += (items[i].lists >> list) & 1;
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(items[i].name, items[j].name);
    }
    assert_true(n_listed[0] >= 7 && n_listed[1] >= 9 && n_listed[2] >= 8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(apparmor_must_enforce),
        TEST(selinux_must_enforce),
        TEST(the_sandbox_holds_for_both_processes),
        TEST(exposure_is_what_systemd_says),
        TEST(secure_boot_is_the_firmwares_word),
        TEST(every_kernel_parameter_is_wanted),
        TEST(unneeded_services_must_be_off),
        TEST(the_governor_is_a_modes_on_all_processors),
        TEST(power_modes_need_the_helper),
        TEST(the_firewall_denies_but_for_the_open_ports),
        TEST(nothing_listens_that_is_not_configured),
        TEST(tls_is_new_and_its_certificate_good),
        TEST(who_has_no_token_stays_outside),
        TEST(a_vpn_client_works_and_keeps_its_keys),
        TEST(files_have_the_modes_they_must_have),
        TEST(the_log_is_written_as_json),
        TEST(privacy_mode_means_what_it_says),
        TEST(audits_are_regular),
        TEST(packages_are_compared_with_the_security_archive),
        TEST(debsecans_report_is_read),
        TEST(lynis_index_is_read),
        TEST(the_record_of_the_build_is_read),
        TEST(the_boot_is_short),
        TEST(the_boot_is_analysed),
        TEST(memory_has_its_bounds),
        TEST(transcribing_leaves_most_of_the_machine),
        TEST(buffers_are_as_configured),
        TEST(several_processors_are_used),
        TEST(of_several_the_one_on_the_port_counts),
        TEST(the_table_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
