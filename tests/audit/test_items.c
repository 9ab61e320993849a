/* Items of the audit that look at the machine and at processes, where they hold and where not. */
#include "items.h"

#include "base/memory.h"

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
    configure(m, "power.mode=performance", NULL);
    ASSERT_CHECK(m, "cpu-frequency", FAIL, "not that of power.mode performance");
    configure(m, "power.mode=performance", "power.automatic=yes", NULL);
    ASSERT_CHECK(m, "cpu-frequency", PASS, "ondemand");
    configure(m, "power.mode=balanced", NULL);
    ASSERT_CHECK(m, "cpu-frequency", PASS, "ondemand");
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

/* ---- which assistant ---- */

static void of_several_the_one_on_the_port_counts(void **state)
{
    struct machine *m = *state;

    put_process(m, 200, 1, "Uid:\t0\t0\t0\t0\n");
    ASSERT_CHECK(m, "sandbox", UNSEEN, "not on the configured port");
    put_listeners(m, HEAD LINE("0", "0100007F", "1F40", "500"));
    ASSERT_CHECK(m, "sandbox", PASS, "user 990");
    put_away(m, "/proc/200");
    configure(m, "server.port=9000", NULL);
    ASSERT_CHECK(m, "sandbox", UNSEEN, "not on the configured port");
    configure(m, NULL);
    put_bytes(m, "/proc/300/cmdline", "voice-assistant\0say", 20, 0600);
    ASSERT_CHECK(m, "sandbox", PASS, "");
}

/* Whatever allocation fails: every item says something, and nothing is lost. */
static void memory_that_runs_out_is_no_pass(void **state)
{
    struct machine *m = *state;
    struct va_report report;
    size_t n;
    const struct va_check *items = va_audit_items(&n);
    va_error error;

    m->pages[0] = (struct answer){"/privacy", "{\"privacy_mode\":false}", 200};
    put_listeners(m, HEAD);
    for (size_t failing = 2; failing < 40; failing++) {
        va_scene_close(&m->scene);
        va_memory_fail_after(failing);
        int r = va_report_make(items, n, NULL, &m->scene, &report, &error);
        va_memory_fail_after(0);
        assert_int_equal(r, 0);
        for (size_t i = 0; i < n; i++)
            if (report.results[i].evidence[0] == '\0')
                fail_msg("%s with the %zu. allocation: %s", items[i].name, failing, va_check_state_text(report.results[i].state));
        va_report_free(&report);
    }
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
        TEST(of_several_the_one_on_the_port_counts),
        TEST(memory_that_runs_out_is_no_pass),
        TEST(the_table_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
