/* Items of the audit that look at the machine and at processes, where they hold and where not. */
#include "audit/audit.h"
#define CHECKS va_audit_items
#include "cases.h"

#include <sys/sysmacros.h>

#include "base/memory.h"

/* ---- confinement ---- */

static void apparmor_must_enforce(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(FAIL, "neither")},
        {a_file, "/sys/module/apparmor/parameters/enabled", "Y\n", AND},
        {a_file, "/proc/100/attr/current", "voice-assistant (enforce)\n", AND},
        {a_file, "/proc/101/attr/apparmor/current", "voice-assistant//launcher (enforce)\n", THEN(PASS, "voice-assistant (enforce)")},
        {a_file, "/proc/101/attr/apparmor/current", "voice-assistant (complain)\n", THEN(FAIL, "launcher")},
        {a_file, "/proc/100/attr/apparmor/current", "unconfined\n", THEN(FAIL, "unconfined")},
        {no_process, THEN(UNSEEN, "does not run")},
    };

    ASSERT_STEPS(m, "mandatory-access", steps);
}

static void selinux_must_enforce(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {a_file, "/sys/fs/selinux/enforce", "1", AND},
        {a_file, "/proc/100/attr/current", "system_u:system_r:voice_assistant_t:s0", AND},
        {a_file, "/proc/101/attr/current", "system_u:system_r:voice_assistant_t:s0", THEN(PASS, "SELinux")},
        {a_file, "/proc/100/attr/current", "system_u:system_r:unconfined_service_t:s0", THEN(FAIL, "unconfined_service_t")},
        {a_file, "/sys/fs/selinux/enforce", "0", THEN(FAIL, "permissive")},
    };

    ASSERT_STEPS(m, "mandatory-access", steps);
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
    put(m, "/etc/passwd", "voice-assistant:x:990:990::/:/usr/sbin/nologin\npi:x:1000:1000::/home/pi:/bin/bash\n");
    ASSERT_CHECK(m, "sandbox", PASS, "user 990");
    put(m, "/etc/passwd", "pi:x:990:990::/home/pi:/bin/bash\nvoice-assistant:x:7:7::/:/bin/false\n");
    ASSERT_CHECK(m, "sandbox", FAIL, "runs as pi");
    put_away(m, "/etc/passwd");
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
    const struct step steps[] = {
        {THEN(NONE, "no service")},
        {a_file, "/run/systemd/system/x", "", AND},
        {a_file, "/usr/lib/systemd/system/voice-assistant.service", "", THEN(UNSEEN, "not there")},
        {a_program, "systemd-analyze security", "...\n-> Overall exposure level for voice-assistant.service: 1.4 OK\n",
         THEN(PASS, "1.4 of 10")},
        {a_program, "systemd-analyze security", "...\n-> Overall exposure level for voice-assistant.service: 9.2 UNSAFE\n",
         THEN(FAIL, "9.2 of 10"), .number = 1},
        {a_program, "systemd-analyze security", "what?", THEN(UNSEEN, "nothing"), .number = 1},
    };

    ASSERT_STEPS(m, "exposure", steps);
}

/* ---- the machine ---- */

#define VARIABLE "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
CHANGE(the_variable, put_bytes(m, VARIABLE, text, (size_t)number, 0600))

static void secure_boot_is_the_firmwares_word(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(NONE, "UEFI")},
        {a_file, "/sys/firmware/efi/x", "", THEN(NONE, "does not know")},
        {the_variable, NULL, "\6\0\0\0\1", THEN(PASS, "on"), .number = 5},
        {the_variable, NULL, "\6\0\0\0\0", THEN(FAIL, "off"), .number = 5},
        {the_variable, NULL, "\1", THEN(UNSEEN, "1 bytes"), .number = 1},
    };

    ASSERT_STEPS(m, "secure-boot", steps);
}

/* The folder's own disk is the tree's; that of the copy is none. */
static void no_unencrypted_copy_lies_beside_the_volume(void **state)
{
    struct machine *m = *state;
    struct stat info;
    char path[128];

    put(m, "/var/lib/voice-assistant/x", "");
    assert_int_equal(stat(m->root, &info), 0);
    if (major(info.st_dev) == 0) {
        print_message("no disk below it ");
        skip();
    }
    ASSERT_CHECK(m, "encryption", FAIL, "not on an encrypted disk");
    snprintf(path, sizeof path, "/sys/dev/block/%u:%u/dm/uuid", major(info.st_dev), minor(info.st_dev));
    put(m, path, "CRYPT-LUKS2-0123-voice-assistant-data\n");
    ASSERT_CHECK(m, "encryption", PASS, "encrypted disk");
    put(m, "/var/lib/voice-assistant.plain/x", "");
    ASSERT_CHECK(m, "encryption", PASS, "encrypted disk");
    put_link(m, "/var/lib/voice-assistant.copy", "/proc");
    ASSERT_CHECK(m, "encryption", FAIL, "voice-assistant.copy holds an unencrypted copy");
    assert_non_null(strstr(m->result.mend, "rm -r /var/lib/voice-assistant.copy"));
}

static void every_kernel_parameter_is_wanted(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(UNSEEN, "")},
        {a_file, "/proc/cmdline", "root=/dev/vda quiet loglevel=1 logo.nologo rootwait fsck.repair=yes\n", THEN(PASS, "")},
        {a_file, "/proc/cmdline", "root=/dev/vda quiet loglevel=10 logo.nologo rootwait\n", THEN(FAIL, "loglevel=1 fsck.repair=yes")},
        {a_file, "/run/systemd/container", "docker", THEN(NONE, "container")},
    };

    ASSERT_STEPS(m, "kernel-parameters", steps);
}

static void unneeded_services_must_be_off(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(PASS, "")},
        {a_file, "/usr/lib/systemd/system/bluetooth.service", "[Unit]\n", THEN(PASS, "")},
        {a_link, "/etc/systemd/system/bluetooth.target.wants/bluetooth.service", "/lib/systemd/system/bluetooth.service",
         THEN(FAIL, "bluetooth.service starts at boot")},
        {a_link, "/etc/systemd/system/bluetooth.service", "/dev/null", THEN(PASS, "")},
        {a_file, "/proc/77/comm", "ModemManager\n", THEN(FAIL, "ModemManager.service runs"), .mend = "mask --now ModemManager.service"},
    };

    ASSERT_STEPS(m, "services", steps);
}

static void governors(struct machine *m, const char *first, const char *second, int number)
{
    put(m, "/sys/devices/system/cpu/cpufreq/policy0/scaling_governor", first);
    put(m, "/sys/devices/system/cpu/cpufreq/policy1/scaling_governor", second);
    put(m, "/sys/devices/system/cpu/cpufreq/policy0/scaling_available_governors", "ondemand powersave performance userspace\n");
    put(m, "/sys/devices/system/cpu/cpufreq/policy1/scaling_available_governors", "ondemand powersave performance userspace\n");
}

static void the_governor_is_a_modes_on_all_processors(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(NONE, "")},
        {governors, "ondemand\n", "ondemand\n", THEN(FAIL, "does not set it at boot")},
        {a_file, "/usr/lib/systemd/system/cpu-governor.service", "", AND},
        {a_link, "/etc/systemd/system/multi-user.target.wants/cpu-governor.service", "x", THEN(PASS, "ondemand (balanced)")},
        {options, "power.mode=performance", THEN(FAIL, "not that of power.mode performance")},
        {options, "power.mode=performance", "power.automatic=yes", THEN(PASS, "ondemand")},
        {options, "power.mode=balanced", THEN(PASS, "ondemand")},
        {governors, "ondemand\n", "performance\n", THEN(FAIL, "different")},
        {governors, "userspace\n", "userspace\n", THEN(FAIL, "no power mode")},
    };

    ASSERT_STEPS(m, "cpu-frequency", steps);
}

static void power_modes_need_the_helper(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(NONE, "")},
        {governors, "ondemand\n", "ondemand\n", THEN(PASS, "balanced")},
        {a_knock, THEN(FAIL, "helper"), .number = VA_ENOTFOUND},
        {a_knock, THEN(UNSEEN, ""), .number = VA_EDENIED},
    };

    ASSERT_STEPS(m, "power-modes", steps);
}

/* ---- which assistant ---- */

static void of_several_the_one_on_the_port_counts(void **state)
{
    struct machine *m = *state;

    put_process(m, 200, 1, "Uid:\t0\t0\t0\t0\n");
    const struct step steps[] = {
        {THEN(UNSEEN, "not on the configured port")},
        {listeners, NULL, HEAD LINE("0", "0100007F", "1F40", "500"), THEN(PASS, "user 990")},
        {no_file, "/proc/200", AND},
        {options, "server.port=9000", THEN(UNSEEN, "not on the configured port")},
        {options, AND},
    };

    ASSERT_STEPS(m, "sandbox", steps);
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
        TEST(no_unencrypted_copy_lies_beside_the_volume),
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
