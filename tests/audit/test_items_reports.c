/* Items of the audit that read what others found out or measure, where they hold and where not. */
#include "audit/audit.h"
#define CHECKS va_audit_items
#include "cases.h"

#include <time.h>

/* ---- reports ---- */

CHANGE(writes_report, m->scene.writes_report = number)

static void audits_are_regular(void **state)
{
    static const char report[] = "/var/lib/voice-assistant/audit.json";
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(FAIL, "not enabled")},
        {a_file, "/usr/lib/systemd/system/voice-assistant-audit.timer", "", THEN(FAIL, "not enabled")},
        {a_link, "/etc/systemd/system/timers.target.wants/voice-assistant-audit.timer", "x", THEN(FAIL, "no report yet")},
        {writes_report, THEN(PASS, "is kept"), .number = 1},
        {writes_report, AND},
        {a_file, report, "{\"timestamp\":\"2027-01-14T08:00:00.000Z\"}", THEN(PASS, "2027-01-14")},
        {a_file, report, "{\"timestamp\":\"2027-01-01T08:00:00.000Z\"}", THEN(FAIL, "14 days ago")},
        {a_file, report, "{\"timestamp\":\"2028-01-01T08:00:00.000Z\"}", THEN(FAIL, "ago")},
        {a_file, report, "[]", THEN(FAIL, "no report")},
    };

    ASSERT_STEPS(m, "regular-audits", steps);
}

static void packages_are_compared_with_the_security_archive(void **state)
{
    static const char list[] = "/var/lib/apt/lists/deb.example.org_dists_stable-security_InRelease";
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(UNSEEN, "no list")},
        {a_file, "/var/lib/apt/lists/deb.example.org_dists_stable_InRelease", "Suite: stable\nDate: Thu, 14 Jan 2027 08:00:00 UTC\n",
         THEN(UNSEEN, "no list")},
        {a_file, list, "Suite: stable-security\nDate: Thu, 14 Jan 2027 08:00:00 UTC\nValid-Until: Thu, 21 Jan 2027 08:00:00 UTC\n",
         THEN(UNSEEN, "apt-get")},
        {a_program, "--ignore-hold dist-upgrade",
         "Reading package lists...\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n", THEN(PASS, "none")},
        {a_program, NULL, "Inst libc6 [1] (2 Debian:12.9/stable [amd64])\n1 upgraded, 0 newly installed\n", THEN(PASS, "others")},
        {a_program, NULL,
         "Inst libc6 [1] (2 Debian:12.9/stable [amd64])\n"
         "Inst libssl3 [3.0.11] (3.0.15 Debian-Security:12/stable-security [amd64])\n",
         THEN(FAIL, "libssl3 3.0.11 -> 3.0.15")},
        {a_program, NULL, "nothing of that kind", THEN(UNSEEN, "understood")},
        {a_program, "--ignore-hold dist-upgrade", "nothing of that kind", THEN(UNSEEN, "failed"), .number = 100},
        {a_file, list, "Suite: stable-security\nDate: Thu, 01 Jan 2026 08:00:00 UTC\n", THEN(UNSEEN, "2026-01-08")},
    };

    ASSERT_STEPS(m, "updates", steps);
}

static void dated(struct machine *m, const char *path, const char *text, int days_ago)
{
    const time_t then = (time_t)NOW_S - days_ago * (time_t)86400;

    put(m, path, text);
    assert_int_equal(utimensat(AT_FDCWD, machine_path(m, path), (const struct timespec[]){{.tv_sec = then}, {.tv_sec = then}}, 0), 0);
}

static void debsecans_report_is_read(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(UNSEEN, "debsecan")},
        {dated, "/tmp/debsecan", "", THEN(PASS, "nothing"), .number = 1},
        {dated, "/tmp/debsecan", "", THEN(UNSEEN, "30 days"), .number = 30},
        {dated, "/tmp/debsecan", "CVE-2024-1 libssl3 (fixed)\nCVE-2024-2 libc6 (fixed)\n",
         THEN(FAIL, "2 weaknesses have updates: CVE-2024-1")},
        {dated, "/tmp/debsecan", "<html>not found</html>\n", THEN(UNSEEN, "no line of debsecan")},
    };

    ASSERT_CHECK(m, "vulnerabilities", UNSEEN, "no report");
    /* A debsecan that fails leaves an empty report, which would say that all is well. */
    assert_non_null(strstr(m->result.mend, "FILE && voice-assistant audit"));
    m->scene.debsecan = "/tmp/debsecan";
    ASSERT_STEPS(m, "vulnerabilities", steps);
}

static void lynis_index_is_read(void **state)
{
    static const char path[] = "/var/log/lynis-report.dat";
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(UNSEEN, "no report")},
        {a_file, path, "report_version_major=1\nhardening_index=71\nreport_datetime_end=2027-01-10 08:00:00\n", THEN(PASS, "71")},
        {a_file, path, "hardening_index=51\nreport_datetime_end=2027-01-10 08:00:00\n", THEN(FAIL, "51")},
        {a_file, path, "hardening_index=71\nreport_datetime_end=2026-01-10 08:00:00\n", THEN(UNSEEN, "2026-01-10")},
        {a_file, path, "hardening_index=71\n", THEN(UNSEEN, "not finished")},
    };

    ASSERT_STEPS(m, "lynis", steps);
}

/* version NULL: this one. */
static void a_record(struct machine *m, const char *version, const char *more, int number)
{
    char text[512];

    snprintf(text, sizeof text, "{\"version\":\"%s\"%s}", version != NULL ? version : va_version(), more);
    put(m, "/usr/share/voice-assistant/build.json", text);
}

static void the_record_of_the_build_is_read(void **state)
{
    struct machine *m = *state;
    const struct step every[] = {
        {no_file, "/usr/share/voice-assistant/build.json", THEN(UNSEEN, "no record")},
        {a_record, "0.0.0", "", THEN(UNSEEN, "0.0.0")},
        {a_record, NULL, "", THEN(UNSEEN, "record")},
    };
    const struct step coverage[] = {
        {a_record, NULL, ",\"coverage\":{\"percent\":93.2,\"date\":\"2027-01-01\"}", THEN(PASS, "93.2")},
        {a_record, NULL, ",\"coverage\":{\"percent\":89.9,\"date\":\"2027-01-01\"}", THEN(FAIL, "89.9")},
    };
    const struct step massif[] = {
        {a_record, NULL, ",\"massif\":{\"peak_bytes\":12000000}", THEN(PASS, "12.0 MB")},
        {a_record, NULL, ",\"massif\":{\"peak_bytes\":0}", THEN(FAIL, "")},
    };
    const struct step container[] = {
        {a_record, NULL, ",\"container\":{\"stages\":3,\"bytes\":41000000}", THEN(PASS, "3 stages, 41.0 MB")},
        {a_record, NULL, ",\"container\":{\"stages\":1,\"bytes\":41000000}", THEN(FAIL, "1 stages")},
        {a_record, NULL, ",\"container\":{\"stages\":2,\"bytes\":61000000}", THEN(FAIL, "61.0 MB")},
    };

    ASSERT_STEPS(m, "coverage", every);
    ASSERT_STEPS(m, "massif", every);
    ASSERT_STEPS(m, "container", every);
    ASSERT_STEPS(m, "coverage", coverage);
    ASSERT_STEPS(m, "massif", massif);
    ASSERT_STEPS(m, "container", container);
}

/* ---- figures ---- */

#define EMULATED "processor\t: 0\nmodel name\t: QEMU TCG CPU version 2.5+\nprocessor\t: 1\n"

static void the_boot_is_short(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(NONE, "systemd")},
        {a_file, "/run/systemd/system/x", "", THEN(UNSEEN, "systemctl")},
        {a_program, "systemctl show", "FirmwareTimestampMonotonic=4000000\nFinishTimestampMonotonic=21500000\n", THEN(PASS, "25.5 s")},
        {a_program, NULL, "FirmwareTimestampMonotonic=9000000\nFinishTimestampMonotonic=21500000\n", THEN(FAIL, "30.5 s")},
        {a_file, "/proc/cpuinfo", EMULATED, THEN(NONE, "emulated")},
        {a_program, NULL, "FirmwareTimestampMonotonic=0\nFinishTimestampMonotonic=0\n", THEN(UNSEEN, "not ended")},
    };

    ASSERT_STEPS(m, "boot-time", steps);
}

static void the_boot_is_analysed(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(NONE, "")},
        {a_file, "/run/systemd/system/x", "", AND},
        {a_file, "/usr/lib/systemd/system/voice-assistant.service", "", THEN(UNSEEN, "")},
        {a_program, "blame", "2.1s dev-vda.device\n312ms voice-assistant.service\n", AND},
        {a_program, "critical-chain", "voice-assistant.service +312ms\n", THEN(UNSEEN, "systemctl is not there")},
        {a_program, "show --property=After", "After=sysinit.target\n", THEN(PASS, "0.3 s")},
        {a_program, "show --property=After", "After=sysinit.target network-online.target\n", THEN(FAIL, "network")},
        {a_program, "show --property=After", "After=sysinit.target\n", AND},
        {a_program, "blame", "1min 2.5s voice-assistant.service\n2.1s dev-vda.device\n", THEN(FAIL, "62.5 s")},
        {a_file, "/proc/cpuinfo", EMULATED, THEN(NONE, "emulated")},
        {a_program, "blame", "2.1s dev-vda.device\n", THEN(FAIL, "no start")},
        {a_program, "blame", "312ms voice-assistant.service\n", AND},
        {a_program, "critical-chain", "voice-assistant.service +312ms\n  network-online.target @9s\n", THEN(FAIL, "network")},
        {a_program, "blame", "312ms voice-assistant.service\n", THEN(UNSEEN, "not ended"), .number = 1},
    };

    ASSERT_STEPS(m, "boot-analysed", steps);
}

static void memory_has_its_bounds(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(PASS, "117.2 MB resident")},
        {a_process, NULL, "RssAnon:\t130000 kB\nRssFile:\t0 kB\nRssShmem:\t0 kB\n", THEN(FAIL, "")},
        {a_process, NULL, "RssAnon:\t1000 kB\nRssFile:\t620000 kB\nRssShmem:\t0 kB\n", THEN(FAIL, "")},
        {a_process, NULL, "", THEN(UNSEEN, "")},
    };

    ASSERT_STEPS(m, "memory-idle", steps);
}

static void transcribing_leaves_most_of_the_machine(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(UNSEEN, "8001")},
        {a_page, ":8001/metrics", "transcription_duration_seconds_sum 2\nvoice_assistant_transcribed_audio_seconds_total 30\n",
         THEN(PASS, "2.0 %")},
        /* That was one thread of two processors for each of two workers. */
        {options, "model.threads=8", THEN(PASS, "4.0 %")},
        {a_page, NULL, "transcription_duration_seconds_sum 40\nvoice_assistant_transcribed_audio_seconds_total 30\n", THEN(FAIL, "80.0 %")},
        {a_file, "/proc/cpuinfo", EMULATED, THEN(NONE, "emulated")},
        {a_page, NULL, "transcription_duration_seconds_sum 0\nvoice_assistant_transcribed_audio_seconds_total 0\n",
         THEN(UNSEEN, "only 0.0 s")},
        {a_page, NULL, "something_else 1\n", THEN(UNSEEN, "say nothing")},
    };

    ASSERT_STEPS(m, "cpu-active", steps);
}

static void buffers_are_as_configured(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {a_page, ":8001/metrics", "voice_assistant_audio_buffers{state=\"free\"} 9\nvoice_assistant_audio_buffers{state=\"used\"} 1\n",
         THEN(PASS, "10 buffers")},
        {options, "audio.pool_size=3", THEN(FAIL, "3 are configured")},
        {options, "metrics.enabled=no", THEN(UNSEEN, "metrics.enabled")},
        {options, AND},
        {a_page, ":8001/metrics", "", THEN(UNSEEN, "404"), .number = 404},
    };

    ASSERT_STEPS(m, "buffer-pool", steps);
}

static void several_processors_are_used(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(UNSEEN, "nobody")},
        {a_page, "/status", "{\"workers\":2}", THEN(PASS, "2 workers with 1 threads")},
        {options, "model.workers=1", "model.threads=1", AND},
        {a_page, NULL, "{\"workers\":1}", THEN(FAIL, "1 workers")},
        {a_file, "/proc/cpuinfo", "processor\t: 0\n", THEN(NONE, "one processor")},
        {a_page, NULL, "<html>", AND},
        {a_file, "/proc/cpuinfo", "processor\t: 0\nprocessor\t: 1\n", THEN(UNSEEN, "another program")},
    };

    ASSERT_STEPS(m, "threads", steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
