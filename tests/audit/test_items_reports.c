/* Items of the audit that read what others found out or measure, where they hold and where not. */
#include "items.h"

#include <time.h>

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
    put_emulated(m);
    ASSERT_CHECK(m, "boot-analysed", NONE, "emulated");
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
