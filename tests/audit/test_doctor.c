/* What the doctor says of installations that are well and of those that are not. Models, commands and sound are the e2e tests'. */
#include "audit/doctor.h"
#define CHECKS va_doctor_checks
#include "cases.h"

static void the_configuration_is_read(void **state)
{
    struct machine *m = *state;
    const va_config *config = m->scene.config;

    ASSERT_CHECK(m, "configuration", PASS, "test");
    m->scene.config = NULL;
    va_fail(&m->scene.config_error, VA_EFORMAT, "x.yaml:3: unknown option");
    ASSERT_CHECK(m, "configuration", FAIL, "x.yaml:3");
    ASSERT_CHECK(m, "model", UNSEEN, "configuration");
    m->scene.config = config;
}

static void folders_are_the_assistants(void **state)
{
    struct machine *m = *state;
    char own[64];
    const struct step steps[] = {
        {THEN(NOTE, "not there yet")},
        {a_file, "/var/lib/voice-assistant/x", "", AND},
        {a_file, "/var/log/voice-assistant/app.log", "", THEN(FAIL, "belongs to user")},
        {a_process, NULL, own, THEN(PASS, "/var/log/voice-assistant")},
        {a_mode, "/var/log/voice-assistant", THEN(FAIL, "may not write"), .number = 0500},
        {a_mode, "/var/log/voice-assistant", AND, .number = 0700},
        {no_file, "/var/lib/voice-assistant", AND},
        {a_file, "/var/lib/voice-assistant", "", THEN(FAIL, "no folder")},
    };

    snprintf(own, sizeof own, "Uid:\t%u\n", (unsigned)geteuid());
    ASSERT_STEPS(m, "folders", steps);
}

static void the_disk_has_space(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(UNSEEN, "")},
        {a_file, "/var/lib/voice-assistant/x", "", AND},
        {options, "health.disk=100", "health.disk_free=0", THEN(PASS, "GB free")},
        {options, "health.disk=1", THEN(FAIL, "GB free")},
    };

    ASSERT_STEPS(m, "disk", steps);
}

static void the_service_runs(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(PASS, "process 100")},
        {no_process, THEN(NOTE, "does not run")},
        {a_file, "/run/systemd/system/x", "", AND},
        {a_file, "/usr/lib/systemd/system/voice-assistant.service", "", THEN(UNSEEN, "systemctl")},
        {a_program, "systemctl show", "Result=success\nNRestarts=0\nActiveState=active\nUnitFileState=enabled\n", THEN(PASS, "active")},
        {a_program, NULL, "Result=success\nNRestarts=3\nActiveState=active\nUnitFileState=enabled\n", THEN(NOTE, "restarted 3 times")},
        {a_program, NULL, "Result=success\nNRestarts=0\nActiveState=active\nUnitFileState=disabled\n", THEN(NOTE, "next boot")},
        {a_program, NULL, "Result=exit-code\nNRestarts=5\nActiveState=failed\nUnitFileState=enabled\n", THEN(FAIL, "failed (exit-code)"),
         .mend = "journalctl"},
        {a_program, NULL, "Result=exit-code\nNRestarts=5\nActiveState=activating\nUnitFileState=enabled\n",
         THEN(FAIL, "activating (exit-code)"), .mend = "journalctl"},
        {a_program, NULL, "Result=success\nNRestarts=0\nActiveState=inactive\nUnitFileState=enabled\n", THEN(FAIL, "inactive"),
         .mend = "enable --now"},
        {a_program, NULL, "", THEN(UNSEEN, "nothing")},
    };

    ASSERT_STEPS(m, "service", steps);
}

static void health_says_why(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(FAIL, "nobody answers")},
        {a_page, "/health", "{\"status\":\"healthy\"}", THEN(PASS, "healthy")},
        {a_page, "/health", "{\"status\":\"unhealthy\",\"reasons\":[{\"code\":\"x\",\"message\":\"the disk is full\"}]}",
         THEN(FAIL, "the disk is full"), .number = 503},
        {a_page, "/health", "{}", THEN(UNSEEN, "token"), .number = 401},
        {no_process, THEN(NONE, "does not run")},
    };

    ASSERT_STEPS(m, "health", steps);
}

static void what_runs_is_what_is_installed(void **state)
{
    struct machine *m = *state;
    char own[64];
    const struct step steps[] = {
        {THEN(UNSEEN, "nobody")},
        {a_page, "/status", own, THEN(PASS, va_version())},
        {a_link, "/proc/100/exe", "/usr/bin/voice-assistant (deleted)", THEN(FAIL, "replaced")},
        {a_page, "/status", "{\"version\":\"0.0.9\"}", THEN(FAIL, "0.0.9")},
        {a_page, "/status", "", AND, .number = VA_EFAILED},
        {no_process, THEN(NONE, "")},
    };

    snprintf(own, sizeof own, "{\"version\":\"%s\"}", va_version());
    ASSERT_STEPS(m, "version", steps);
}

static void the_helper_and_the_sandbox(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "helper", NONE, "not installed");
    ASSERT_CHECK(m, "sandbox", NONE, "no service");
    put(m, "/usr/lib/systemd/system/voice-assistant-helper.socket", "");
    put(m, "/usr/lib/systemd/system/voice-assistant.service", "");
    ASSERT_CHECK(m, "helper", PASS, "answers");
    ASSERT_CHECK(m, "sandbox", PASS, "990");
    m->knock_code = VA_ENOTFOUND;
    ASSERT_CHECK(m, "helper", FAIL, "helper.sock");
    m->knock_code = VA_EDENIED;
    ASSERT_CHECK(m, "helper", UNSEEN, "");
    put_process(m, DAEMON, 1, "Uid:\t0\n");
    ASSERT_CHECK(m, "sandbox", FAIL, "root");
}

static void errors_of_late_count(void **state)
{
    static const char log[] = "/var/log/voice-assistant/app.log";
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(NOTE, "not there yet")},
        {a_file, log,
         "{\"timestamp\":\"2027-01-01T07:00:00Z\",\"level\":\"error\",\"message\":\"long ago\"}\n{\"a\n"
         "{\"timestamp\":\"2027-01-15T07:00:00Z\",\"level\":\"info\",\"message\":\"all is well\"}\n",
         THEN(PASS, "no errors")},
        {a_file, log,
         "{\"timestamp\":\"2027-01-15T06:00:00Z\",\"level\":\"error\",\"message\":\"first\"}\n"
         "{\"timestamp\":\"2027-01-15T07:00:00Z\",\"level\":\"ERROR\",\"message\":\"second\"}\n",
         THEN(FAIL, "2 errors in the last 24 hours: second")},
        {a_log_file, NULL, "", THEN(NONE, "")},
    };

    ASSERT_STEPS(m, "log", steps);
}

static void the_clock_and_its_zone(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "clock", PASS, "2027-01-15T08:00:00");
    put(m, "/proc/self/exe", "");
    m->scene.now_unix_s = 5;
    ASSERT_CHECK(m, "clock", FAIL, "1970-01-01");
    ASSERT_CHECK(m, "time-zone", NOTE, "UTC");
    put_link(m, "/etc/localtime", "/usr/share/zoneinfo/Europe/Berlin");
    ASSERT_CHECK(m, "time-zone", PASS, "Europe/Berlin");
}

static void ports_are_free_or_ours(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {a_file, "/proc/net/tcp", HEAD, THEN(PASS, "free")},
        {a_file, "/proc/net/tcp", HEAD LINE("0", "0100007F", "1F40", "500") LINE("0", "0100007F", "1F90", "7"),
         THEN(UNSEEN, "cannot be seen")},
        {a_link, "/proc/100/fd/5", "socket:[500]", THEN(PASS, "the assistant's")},
        {a_file, "/proc/net/tcp", HEAD LINE("0", "0100007F", "1F40", "500") LINE("0", "0100007F", "20FB", "8"),
         THEN(FAIL, "server.tls_port")},
        {no_process, THEN(FAIL, "")},
    };

    ASSERT_STEPS(m, "ports", steps);
}

static void privacy_mode_is_worth_knowing(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {THEN(PASS, "off")},
        {a_file, "/var/lib/voice-assistant/privacy", "on\n", THEN(NOTE, "on")},
        {a_file, "/var/lib/voice-assistant/privacy", "perhaps\n", THEN(FAIL, "")},
    };

    ASSERT_STEPS(m, "privacy", steps);
}

static void what_is_not_wanted_is_not_looked_for(void **state)
{
    struct machine *m = *state;

    configure(m, "audio.microphone=none", "speech.enabled=no", NULL);
    ASSERT_CHECK(m, "microphone", NONE, "none");
    ASSERT_CHECK(m, "loudspeaker", NONE, "off");
    ASSERT_CHECK(m, "voice", NONE, "off");
    ASSERT_CHECK(m, "words", NONE, "off");
    configure(m, "audio.microphone=file:/nowhere.wav", "speech.output=wav:/tmp/x.wav", "speech.command=no-such-program -x", NULL);
    ASSERT_CHECK(m, "microphone", FAIL, "/nowhere.wav");
    ASSERT_CHECK(m, "loudspeaker", PASS, "wav:");
    ASSERT_CHECK(m, "voice", FAIL, "no-such-program");
    assert_non_null(strstr(m->result.mend, "speech.command"));
    configure(m, "model.name=/nowhere.vam", "listen.mode=wake", "listen.vad=/nowhere.vam", "commands.folder=/nowhere",
              "speech.command=\"/bin/sh\" x", NULL);
    ASSERT_CHECK(m, "model", FAIL, "/nowhere.vam");
    ASSERT_CHECK(m, "words", FAIL, "listen.vad");
    ASSERT_CHECK(m, "commands", FAIL, "/nowhere");
    ASSERT_CHECK(m, "voice", PASS, "/bin/sh");
}

static void the_microphone_is_what_the_assistant_says(void **state)
{
    struct machine *m = *state;
    const struct step steps[] = {
        {a_page, "/status", "{\"microphone\":{\"state\":\"open\"}}", THEN(PASS, "has it open")},
        {a_page, NULL, "{\"microphone\":{\"state\":\"lost\",\"error\":\"unplugged\"}}", THEN(FAIL, "unplugged")},
        {a_page, NULL, "{\"privacy_mode\":true,\"microphone\":{\"state\":\"closed\"}}", THEN(UNSEEN, "privacy")},
    };

    ASSERT_STEPS(m, "microphone", steps);
}

static void command_files_are_read(void **state)
{
    struct machine *m = *state;
    char option[300];

    put(m, "/commands/a.yaml", "language: en\ncommands:\n  hello:\n    sentences: [hello there]\n    response: hi\n");
    snprintf(option, sizeof option, "commands.folder=%s/commands", m->root);
    configure(m, option, NULL);
    ASSERT_CHECK(m, "commands", PASS, "1 in");
    put(m, "/commands/b.yaml", "language: en\ncommands:\n  bad:\n    sentence: [hello there]\n");
    ASSERT_CHECK(m, "commands", FAIL, "b.yaml:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_configuration_is_read),
        TEST(folders_are_the_assistants),
        TEST(the_disk_has_space),
        TEST(the_service_runs),
        TEST(health_says_why),
        TEST(what_runs_is_what_is_installed),
        TEST(the_helper_and_the_sandbox),
        TEST(errors_of_late_count),
        TEST(the_clock_and_its_zone),
        TEST(ports_are_free_or_ours),
        TEST(privacy_mode_is_worth_knowing),
        TEST(what_is_not_wanted_is_not_looked_for),
        TEST(the_microphone_is_what_the_assistant_says),
        TEST(command_files_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
