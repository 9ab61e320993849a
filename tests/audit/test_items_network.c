/* Items of the audit that look at the network and at files, where they hold and where not. */
#include "items.h"

/* ---- the network ---- */

#define CHAIN(family, name, policy)                                                                                                       \
    "{\"chain\":{\"family\":\"" family "\",\"table\":\"filter\",\"name\":\"" name "\",\"type\":\"filter\",\"hook\":\"input\",\"prio\":0," \
    "\"policy\":\"" policy "\"}}"
#define RULE(family, chain, match) \
    "{\"rule\":{\"family\":\"" family "\",\"table\":\"filter\",\"chain\":\"" chain "\",\"expr\":[" match "{\"accept\":null}]}}"
#define PORTS(right) "{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"tcp\",\"field\":\"dport\"}},\"right\":" right "}},"
#define FOR_SOME "{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"ip\",\"field\":\"saddr\"}},\"right\":\"@wyoming4\"}},"
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
    m->programs[0].text = RULESET(CHAIN("inet", "input", "drop") "," RULE("inet", "input", FOR_SOME PORTS("10300")));
    ASSERT_CHECK(m, "firewall", PASS, "nothing");
    m->programs[0].text = RULESET(CHAIN("inet", "input", "drop") "," RULE("inet", "input", PORTS("2022")));
    ASSERT_CHECK(m, "firewall", FAIL, "2022");
    put(m, "/etc/ssh/sshd_config", "# Port 9\nPort 2022\n");
    ASSERT_CHECK(m, "firewall", PASS, "2022");
    m->programs[0].text = "{\"nftables\":[]}";
    ASSERT_CHECK(m, "firewall", FAIL, "not denied");
    m->programs[0].text = "Error";
    ASSERT_CHECK(m, "firewall", UNSEEN, "no rule set");
    m->programs[0] = (struct answer){"nft -j", "", 1};
    ASSERT_CHECK(m, "firewall", UNSEEN, "nft");
    m->scene.is_root = 0;
    ASSERT_CHECK(m, "firewall", UNSEEN, "root");
}

static void nothing_listens_that_is_not_configured(void **state)
{
    struct machine *m = *state;
    const char *everywhere = HEAD LINE("0", "0100007F", "1F40", "500") LINE("1", "00000000", "20FB", "501");

    ASSERT_CHECK(m, "listeners", UNSEEN, "");
    put_listeners(m, HEAD LINE("0", "0100007F", "1F40", "500") LINE("1", "00000000", "0016", "9"));
    ASSERT_CHECK(m, "listeners", PASS, "2 ports, 0");
    put_listeners(m, everywhere);
    ASSERT_CHECK(m, "listeners", FAIL, "0.0.0.0:8443");
    configure(m, "server.tls_listen=0.0.0.0", NULL);
    ASSERT_CHECK(m, "listeners", PASS, "3 ports, 1");
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
    put_listeners(m, HEAD);
    put(m, "/proc/net/tcp6", HEAD LINE("0", "00000000000000000000000000000000", "1F40", "500"));
    ASSERT_CHECK(m, "listeners", FAIL, "[::]:8000");
    put(m, "/proc/net/tcp6", HEAD LINE("0", "00000000000000000000000001000000", "1F40", "500"));
    ASSERT_CHECK(m, "listeners", PASS, "");
    put_away(m, "/proc/100/fd");
    ASSERT_CHECK(m, "listeners", UNSEEN, "root");
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
    put(m, "/sys/class/net/tun0/tun_flags", "");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_firewall_denies_but_for_the_open_ports),
        TEST(nothing_listens_that_is_not_configured),
        TEST(tls_is_new_and_its_certificate_good),
        TEST(who_has_no_token_stays_outside),
        TEST(a_vpn_client_works_and_keeps_its_keys),
        TEST(files_have_the_modes_they_must_have),
        TEST(the_log_is_written_as_json),
        TEST(privacy_mode_means_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
