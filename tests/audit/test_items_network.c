/* Items of the audit that look at the network and at files, where they hold and where not. */
#include "audit/audit.h"
#define CHECKS va_audit_items
#include "cases.h"

/* ---- the network ---- */

#define CHAIN(family, name, policy)                                                                                                       \
    "{\"chain\":{\"family\":\"" family "\",\"table\":\"filter\",\"name\":\"" name "\",\"type\":\"filter\",\"hook\":\"input\",\"prio\":0," \
    "\"policy\":\"" policy "\"}}"
#define RULE(family, chain, match) \
    "{\"rule\":{\"family\":\"" family "\",\"table\":\"filter\",\"chain\":\"" chain "\",\"expr\":[" match "{\"accept\":null}]}}"
#define PORTS(right) "{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"tcp\",\"field\":\"dport\"}},\"right\":" right "}},"
#define FOR_SOME "{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"ip\",\"field\":\"saddr\"}},\"right\":\"@wyoming4\"}},"
#define MATCH(op, left, right) "{\"match\":{\"op\":\"" op "\",\"left\":{" left "},\"right\":" right "}},"
#define PAYLOAD(protocol, field) "\"payload\":{\"protocol\":\"" protocol "\",\"field\":\"" field "\"}"
#define META(key) "\"meta\":{\"key\":\"" key "\"}"
#define STATE "\"ct\":{\"key\":\"state\"}"
#define JUMP(how, chain, target, match)                                                                                                 \
    "{\"rule\":{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"" chain "\",\"expr\":[" match "{\"" how "\":{\"target\":\"" target \
    "\"}}]}}"
#define XT(name) "{\"xt\":{\"type\":\"match\",\"name\":\"" name "\"}},"
/* Rules of which one is for the input of all families, which is closed. */
#define INPUT(rule) RULESET(CHAIN("inet", "input", "drop") "," RULE("inet", "input", rule))
#define UFW_RULES(text) "*filter\n### RULES ###\n\n### tuple ### " text "\n-A ufw-user-input -j ACCEPT\n"
#define RULESET(text) "{\"nftables\":[{\"metainfo\":{}}," text "]}"

CHANGE(is_root, m->scene.is_root = number)

static void the_firewall_denies_but_for_the_open_ports(void **state)
{
    struct machine *m = *state;
    const char *good = RULESET(CHAIN("inet", "input", "drop") "," RULE("inet", "input", PORTS("{\"set\":[22,8000,8443]}")));
    const struct step steps[] = {
        {THEN(UNSEEN, "not installed")},
        {a_program, "nft -j", good, THEN(PASS, "22 8000 8443")},
        {a_program, NULL, RULESET(CHAIN("ip", "INPUT", "drop")), THEN(FAIL, "IPv6 is not denied")},
        {a_program, NULL,
         RULESET(CHAIN("ip", "INPUT", "drop") "," CHAIN("ip6", "INPUT", "drop") "," RULE("ip", "ufw-user-input", PORTS("22"))),
         THEN(PASS, "22")},
        {a_program, NULL, RULESET(CHAIN("inet", "input", "accept")), THEN(FAIL, "not denied")},
        {a_program, NULL, RULESET(CHAIN("inet", "input", "drop") "," RULE("inet", "input", "")), THEN(FAIL, "everything")},
        {a_program, NULL, RULESET(CHAIN("inet", "input", "drop") "," RULE("inet", "more", PORTS("{\"set\":[{\"range\":[8000,9000]}]}"))),
         THEN(FAIL, "9000")},
        {a_program, NULL, RULESET(CHAIN("inet", "input", "drop") "," RULE("inet", "input", PORTS("10300"))), THEN(FAIL, "10300")},
        {a_program, NULL, RULESET(CHAIN("inet", "input", "drop") "," RULE("inet", "input", FOR_SOME PORTS("10300"))),
         THEN(PASS, "nothing")},
        {a_program, NULL, RULESET(CHAIN("inet", "input", "drop") "," RULE("inet", "input", PORTS("2022"))), THEN(FAIL, "2022")},
        {a_file, "/etc/ssh/sshd_config", "# Port 2022\n", THEN(FAIL, "2022")},
        {a_file, "/etc/ssh/sshd_config", "# Port 9\nPort 22\nPort 2022\n", THEN(PASS, "2022")},
        {a_file, "/etc/ssh/sshd_config", "Port 22\n", THEN(FAIL, "2022")},
        {a_file, "/etc/ssh/sshd_config.d/port.conf", "Port 2022\n", THEN(PASS, "2022")},
        {a_program, NULL, "{\"nftables\":[]}", THEN(FAIL, "not denied")},
        {a_program, NULL, "Error", THEN(UNSEEN, "no rule set")},
        {a_program, "nft -j", "", THEN(UNSEEN, "nft"), .number = 1},
        {is_root, THEN(UNSEEN, "root"), .number = 0},
    };

    ASSERT_STEPS(m, "firewall", steps);
}

static void a_rule_is_for_all_unless_it_says_otherwise(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {a_program, "nft -j", INPUT(MATCH("in", STATE, "[\"established\",\"related\"]")), THEN(PASS, "nothing")},
        {a_program, NULL, INPUT(MATCH("in", STATE, "[\"new\",\"established\"]")), THEN(FAIL, "everything")},
        {a_program, NULL, INPUT(MATCH("!=", STATE, "\"invalid\"")), THEN(FAIL, "everything")},
        {a_program, NULL, INPUT(MATCH("==", META("iifname"), "\"lo\"")), THEN(PASS, "nothing")},
        {a_program, NULL, INPUT(MATCH("==", META("nfproto"), "\"ipv4\"")), THEN(FAIL, "everything")},
        {a_program, NULL, INPUT(MATCH("==", META("l4proto"), "\"icmp\"")), THEN(PASS, "nothing")},
        {a_program, NULL, INPUT(MATCH("==", META("l4proto"), "{\"set\":[\"icmp\",\"tcp\"]}")), THEN(FAIL, "everything")},
        {a_program, NULL, INPUT(MATCH("==", PAYLOAD("ip", "protocol"), "\"tcp\"")), THEN(FAIL, "everything")},
        {a_program, NULL, INPUT(MATCH("==", PAYLOAD("tcp", "sport"), "53")), THEN(FAIL, "everything")},
        {a_program, NULL, INPUT(MATCH("==", PAYLOAD("udp", "dport"), "53")), THEN(PASS, "nothing")},
        {a_program, NULL, INPUT(MATCH("==", PAYLOAD("th", "dport"), "53")), THEN(FAIL, "port 53")},
        {a_program, NULL, INPUT(MATCH("!=", PAYLOAD("tcp", "dport"), "23")), THEN(FAIL, "everything")},
        {a_program, NULL, INPUT(MATCH(">", PAYLOAD("tcp", "dport"), "22")), THEN(FAIL, "everything")},
        {a_program, NULL, INPUT("{\"limit\":{\"rate\":9,\"per\":\"second\"}},"), THEN(FAIL, "everything")},
        {a_program, NULL, INPUT(PORTS("{\"range\":[22,8443]}")), THEN(FAIL, "port 23")},
        {a_program, NULL, INPUT(PORTS("\"@more\"")), THEN(UNSEEN, "named set")},
        {a_program, NULL, INPUT(FOR_SOME PORTS("\"@more\"")), THEN(PASS, "nothing")},
        {a_program, NULL, INPUT("{\"vmap\":{\"key\":{" PAYLOAD("tcp", "dport") "},\"data\":\"@more\"}},"), THEN(FAIL, "everything")},
        {a_program, NULL,
         INPUT(MATCH("==", META("iifname"), "\"lo\"") "{\"vmap\":{\"key\":{" PAYLOAD("tcp", "dport") "},\"data\":\"@more\"}},"),
         THEN(UNSEEN, "a map")},
        {a_program, NULL, INPUT(XT("multiport")), THEN(UNSEEN, "multiport")},
        {a_program, NULL, INPUT(XT("conntrack")), THEN(PASS, "nothing")},
    };

    ASSERT_STEPS(m, "firewall", steps);
}

/* A tunnel has its own guards. */
static void a_card_of_the_network_is_for_all(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {a_file, "/sys/class/net/eth0/device", "", AND},
        {a_file, "/sys/class/net/wg0/uevent", "", AND},
        {a_program, "nft -j", INPUT(MATCH("==", META("iifname"), "\"eth0\"")), THEN(FAIL, "card eth0")},
        {a_program, NULL, INPUT(MATCH("==", META("iif"), "\"eth0\"")), THEN(FAIL, "card eth0")},
        {a_program, NULL, INPUT(MATCH("==", META("iifname"), "{\"set\":[\"lo\",\"e*\"]}")), THEN(FAIL, "card eth0")},
        {a_program, NULL, INPUT(MATCH("==", META("iifname"), "\"wg0\"")), THEN(PASS, "nothing")},
        {a_program, NULL, INPUT(MATCH("!=", META("iifname"), "\"wlan0\"")), THEN(FAIL, "everything")},
        {a_program, NULL, INPUT(MATCH("==", META("iifname"), "\"eth0\"") FOR_SOME), THEN(PASS, "nothing")},
        {a_program, NULL, INPUT(MATCH("==", META("iifname"), "\"eth0\"") PORTS("22")), THEN(PASS, "22")},
        {a_program, NULL, INPUT(MATCH("==", META("iifname"), "\"eth0\"") PORTS("5900")), THEN(FAIL, "5900")},
    };

    ASSERT_STEPS(m, "firewall", steps);
}

static void a_chain_that_is_always_jumped_to_is_the_inputs(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {a_program, "nft -j", RULESET(CHAIN("inet", "input", "drop") "," RULE("inet", "more", "")), THEN(PASS, "nothing")},
        {a_program, NULL, RULESET(CHAIN("inet", "input", "drop") "," JUMP("jump", "input", "more", "") "," RULE("inet", "more", "")),
         THEN(FAIL, "everything")},
        {a_program, NULL,
         RULESET(CHAIN("inet", "input", "drop") "," RULE("inet", "last", "") "," JUMP("goto", "more", "last", "") "," JUMP(
             "jump", "input", "more", "{\"counter\":{}},")),
         THEN(FAIL, "everything")},
        {a_program, NULL, RULESET(CHAIN("inet", "input", "drop") "," JUMP("jump", "input", "more", FOR_SOME) "," RULE("inet", "more", "")),
         THEN(PASS, "nothing")},
    };

    ASSERT_STEPS(m, "firewall", steps);
}

static void the_rules_of_ufw_are_those_of_its_files(void **state)
{
    struct machine *m = *state;
    static const char nft[] =
        RULESET(CHAIN("ip", "INPUT", "drop") "," CHAIN("ip6", "INPUT", "drop") "," RULE("ip", "ufw-user-input", XT("multiport")));
    static const char rules[] = "/etc/ufw/user.rules";
    const struct step steps[] = {
        {a_program, "nft -j", nft, THEN(PASS, "nothing")},
        {a_file, "/etc/ufw/ufw.conf", "# x\nENABLED=yes\nLOGLEVEL=low\n", THEN(UNSEEN, "user.rules")},
        {a_file, rules, UFW_RULES("allow tcp 8000,8443 0.0.0.0/0 any 0.0.0.0/0 Voice%20Assistant - in comment=766f"),
         THEN(UNSEEN, "user6.rules")},
        {a_file, "/etc/ufw/user6.rules", UFW_RULES("allow tcp 22 ::/0 any ::/0 in"), THEN(PASS, "8000 8443 22")},
        {a_file, rules, UFW_RULES("allow tcp 5900,5901 0.0.0.0/0 any 0.0.0.0/0 in"), THEN(FAIL, "5900")},
        {a_file, rules, UFW_RULES("allow_log any 8000:8443 0.0.0.0/0 any 0.0.0.0/0 in"), THEN(FAIL, "8001")},
        {a_file, rules, UFW_RULES("limit tcp 7000 0.0.0.0/0 any 0.0.0.0/0 in"), THEN(FAIL, "7000")},
        {a_file, rules, UFW_RULES("allow any any 0.0.0.0/0 any 0.0.0.0/0 in"), THEN(FAIL, "everything")},
        {a_file, rules, UFW_RULES("allow tcp any 0.0.0.0/0 53 0.0.0.0/0 in"), THEN(FAIL, "everything")},
        {a_file, rules, UFW_RULES("allow any any 0.0.0.0/0 any 192.0.2.0/24 in"), THEN(PASS, "22")},
        {a_file, rules, UFW_RULES("allow any any 0.0.0.0/0 any 0.0.0.0/0 in_wg0"), THEN(PASS, "22")},
        {a_file, "/sys/class/net/eth0/device", "", THEN(PASS, "22")},
        {a_file, rules, UFW_RULES("allow any any 0.0.0.0/0 any 0.0.0.0/0 in_eth0"), THEN(FAIL, "card eth0")},
        {a_file, rules, UFW_RULES("allow udp 53 0.0.0.0/0 any 0.0.0.0/0 in"), THEN(PASS, "22")},
        {a_file, rules, UFW_RULES("allow tcp 25 0.0.0.0/0 any 0.0.0.0/0 out"), THEN(PASS, "22")},
        {a_file, rules, UFW_RULES("route:allow tcp 25 0.0.0.0/0 any 0.0.0.0/0 in"), THEN(PASS, "22")},
        {a_file, rules, UFW_RULES("deny tcp 25 0.0.0.0/0 any 0.0.0.0/0 in"), THEN(PASS, "22")},
        {a_file, rules, UFW_RULES("allow tcp 25"), THEN(PASS, "22")},
        {a_file, "/etc/ufw/user6.rules", UFW_RULES("allow tcp 23 ::/0 any ::/0 in"), THEN(FAIL, "23")},
    };

    ASSERT_STEPS(m, "firewall", steps);
}

static void nothing_listens_that_is_not_configured(void **state)
{
    struct machine *m = *state;
    const char *everywhere = HEAD LINE("0", "0100007F", "1F40", "500") LINE("1", "00000000", "20FB", "501");
    const struct step steps[] = {
        {THEN(UNSEEN, "")},
        {listeners, NULL, HEAD LINE("0", "0100007F", "1F40", "500") LINE("1", "00000000", "0016", "9"), THEN(PASS, "2 ports, 0")},
        {listeners, NULL, everywhere, THEN(FAIL, "0.0.0.0:8443")},
        {options, "server.tls_listen=0.0.0.0", THEN(PASS, "3 ports, 1")},
        {listeners, NULL, HEAD LINE("0", "00000000", "1F40", "500"), THEN(FAIL, "0.0.0.0:8000")},
        {options, "server.listen=0.0.0.0", THEN(PASS, "")},
        {options, "server.listen=0.0.0.0", "server.tls=no", THEN(FAIL, "without TLS")},
        {listeners, NULL, HEAD LINE("0", "00000000", "283C", "500"), THEN(FAIL, "10300")},
        {options, "wyoming.listen=0.0.0.0", "wyoming.allow=10.0.0.0/8", THEN(PASS, "Wyoming has neither")},
        {listeners, NULL, HEAD LINE("0", "00000000", "1F41", "501"), THEN(FAIL, "8001")},
        {listeners, NULL, HEAD LINE("0", "00000000", "7A69", "501"), THEN(FAIL, "31337")},
        {listeners, NULL, HEAD, AND},
        {a_file, "/proc/net/tcp6", HEAD LINE("0", "00000000000000000000000000000000", "1F40", "500"), THEN(FAIL, "[::]:8000")},
        {a_file, "/proc/net/tcp6", HEAD LINE("0", "00000000000000000000000001000000", "1F40", "500"), THEN(PASS, "")},
        {no_file, "/proc/100/fd", THEN(UNSEEN, "root")},
    };

    ASSERT_STEPS(m, "listeners", steps);
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
    const struct step steps[] = {
        {THEN(UNSEEN, "8443")},
        {options, "server.tls=no", THEN(FAIL, "server.tls is off")},
        {options, "mqtt.enabled=yes", "mqtt.host=broker.local", THEN(FAIL, "mqtt.tls")},
        {options, "home_assistant.url=http://home.local:8123", THEN(FAIL, "home_assistant.url")},
        {options, "remote.url=nats://10.1.1.1:4222", THEN(FAIL, "remote.url")},
    };

    ASSERT_STEPS(m, "tls", steps);
    configure(m, "home_assistant.url=http://[::1]:8123", "mqtt.enabled=yes", "remote.url=nats://127.0.0.1:4222", NULL);
    ASSERT_CHECK(m, "tls", UNSEEN, "");
}

static void who_has_no_token_stays_outside(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(UNSEEN, "nobody answers")},
        {a_page, "https://127.0.0.1:8443/status", "{}", THEN(PASS, "401"), .number = 401},
        {a_page, "https://127.0.0.1:8443/status", "{}", THEN(FAIL, "200")},
        {options, "server.tls=no", THEN(UNSEEN, "no port")},
    };

    ASSERT_STEPS(m, "access", steps);
}

static void a_vpn_client_works_and_keeps_its_keys(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(NONE, "no VPN client")},
        {a_file, "/usr/lib/systemd/system/voice-assistant.service", "", THEN(FAIL, "voice-assistant-setup")},
        {a_file, "/usr/sbin/voice-assistant-setup", "", THEN(NONE, "")},
        {a_file, "/usr/sbin/openvpn", "", AND},
        {a_file, "/etc/openvpn/client/home.conf", "client\nremote-cert-tls server\n", AND},
        {a_link, "/etc/systemd/system/multi-user.target.wants/openvpn-client@home.service", "x", AND},
        {a_file, "/sys/class/net/tun0/tun_flags", "", THEN(PASS, "home")},
        {a_file, "/etc/openvpn/client/home.conf", "client\nremote-cert-tls server\ndev va-vpn\n", THEN(FAIL, "not connected")},
        {a_file, "/sys/class/net/va-vpn/tun_flags", "", THEN(PASS, "home")},
        {a_file, "/etc/openvpn/client/home.conf", "remote-cert-tls server\ndev tun\nkey home.key\ntls-auth /etc/home/ta.key 1\n", AND},
        {a_file, "/etc/home/ta.key", "", AND},
        {a_file, "/etc/openvpn/client/home.key", "", THEN(PASS, "home")},
        {a_mode, "/etc/openvpn/client/home.key", THEN(FAIL, "read its keys"), .number = 0644},
        {a_mode, "/etc/openvpn/client/home.key", THEN(PASS, "home"), .number = 0600},
        {a_mode, "/etc/home/ta.key", THEN(FAIL, "read its keys"), .number = 0640},
        {a_mode, "/etc/home/ta.key", AND, .number = 0600},
        {no_file, "/sys/class/net/va-vpn", AND},
        {no_file, "/sys/class/net/tun0", THEN(FAIL, "not connected")},
        {no_file, "/etc/systemd/system/multi-user.target.wants/openvpn-client@home.service", THEN(FAIL, "boot")},
        {no_file, "/usr/sbin/openvpn", THEN(FAIL, "not installed")},
        {a_file, "/etc/openvpn/client/home.conf", "client\n", THEN(FAIL, "remote-cert-tls")},
        {a_mode, "/etc/openvpn/client/home.conf", THEN(FAIL, "may read"), .number = 0644},
    };

    ASSERT_STEPS(m, "vpn", steps);
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
        {"/etc/voice-assistant/data.key", 0600, 0644},
        {"/etc/voice-assistant/secure-boot", 0700, 0755},
    };
    struct machine *m = *state;
    char status[64];

    snprintf(status, sizeof status, "Uid:\t%u\n", (unsigned)geteuid());
    put_process(m, DAEMON, 1, status);
    ASSERT_CHECK(m, "files", UNSEEN, "");
    put(m, "/etc/voice-assistant/secure-boot/db.key", "x");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].good != 0700)
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

static void files_belong_to_root_or_the_assistant(void **state)
{
    static const char config[] = "/etc/voice-assistant/voice-assistant.yaml";
    struct machine *m = *state;
    char status[64];

    put(m, config, "");
    snprintf(status, sizeof status, "Uid:\t%u\n", (unsigned)geteuid());
    put_process(m, DAEMON, 1, status);
    ASSERT_CHECK(m, "files", PASS, "files");
    no_process(m, NULL, NULL, 0);
    ASSERT_CHECK(m, "files", PASS, "files");
    /* A user's that is neither: another than this one, unless this is root, who may give it away. */
    put_process(m, DAEMON, 1, "Uid:\t990\n");
    if (geteuid() == 0)
        assert_int_equal(chown(machine_path(m, config), 1234, (gid_t)-1), 0);
    ASSERT_CHECK(m, "files", FAIL, "belongs to user");
}

static void the_log_is_written_as_json(void **state)
{
    static const char good[] = "{\"timestamp\":\"2027-01-15T08:00:00Z\",\"level\":\"info\",\"module\":\"daemon\",\"message\":\"x\"}\n";
    static const char log[] = "/var/log/voice-assistant/app.log";
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(FAIL, "app.log")},
        {a_file, log, good, THEN(UNSEEN, "root")},
        {a_link, "/proc/100/fd/3", log, THEN(PASS, "JSON lines")},
        {a_page, ":8001/metrics", "voice_assistant_log_lines_lost_total 4\n", THEN(FAIL, "lost")},
        {a_page, NULL, "voice_assistant_log_lines_lost_total 0\n", THEN(PASS, "")},
        {a_file, log, "{\"timestamp\":\"2027-01-15T08:00:00Z\",\"level\":\"info\",\"message\":\"x\"}\n", THEN(FAIL, "lacks")},
        {a_file, log, "hello\n", THEN(FAIL, "no JSON")},
        {a_file, log, "", THEN(FAIL, "empty")},
        {a_file, log, good, AND},
        {a_link, "/proc/100/fd/3", "/var/log/voice-assistant/app.log (deleted)", THEN(FAIL, "does not write")},
        {a_log_file, NULL, "", THEN(FAIL, "none")},
    };

    ASSERT_STEPS(m, "log", steps);
}

static void privacy_mode_means_what_it_says(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(UNSEEN, "nobody answers")},
        {a_page, "/privacy", "{\"privacy_mode\":false}", THEN(PASS, "off")},
        {a_file, "/var/lib/voice-assistant/privacy", "on\n", THEN(FAIL, "switch")},
        {a_page, NULL, "{\"privacy_mode\":true}", THEN(UNSEEN, "as root")},
        {a_link, "/proc/100/fd/0", "/dev/null", THEN(PASS, "on, and no microphone")},
        {a_link, "/proc/100/fd/9", "/dev/snd/pcmC0D0p", THEN(PASS, "")},
        {a_link, "/proc/100/fd/8", "/dev/snd/pcmC0D0c", THEN(FAIL, "microphone is open")},
        {a_page, NULL, "{}", THEN(FAIL, "does not say")},
        {a_page, "/privacy", "{}", THEN(UNSEEN, "token"), .number = 401},
    };

    ASSERT_STEPS(m, "privacy", steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_firewall_denies_but_for_the_open_ports),
        TEST(a_rule_is_for_all_unless_it_says_otherwise),
        TEST(a_card_of_the_network_is_for_all),
        TEST(a_chain_that_is_always_jumped_to_is_the_inputs),
        TEST(the_rules_of_ufw_are_those_of_its_files),
        TEST(nothing_listens_that_is_not_configured),
        TEST(tls_is_new_and_its_certificate_good),
        TEST(who_has_no_token_stays_outside),
        TEST(a_vpn_client_works_and_keeps_its_keys),
        TEST(files_have_the_modes_they_must_have),
        TEST(files_belong_to_root_or_the_assistant),
        TEST(the_log_is_written_as_json),
        TEST(privacy_mode_means_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
