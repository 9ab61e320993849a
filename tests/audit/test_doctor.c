/* What the doctor says of installations that are well and of those that are not. Models, commands and sound are the e2e tests'. */
#include "machine.h"

#include "audit/doctor.h"

static enum va_check_state run_check(struct machine *machine, const char *name)
{
    size_t n;
    const struct va_check *checks = va_doctor_checks(&n);

    return check(machine, checks, n, name);
}

#define PASS VA_CHECK_PASS
#define FAIL VA_CHECK_FAIL
#define NONE VA_CHECK_NOT_APPLICABLE
#define UNSEEN VA_CHECK_NOT_CHECKED
#define NOTE VA_CHECK_NOTE

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
    char text[64];

    ASSERT_CHECK(m, "folders", NOTE, "not there yet");
    put(m, "/var/lib/voice-assistant/x", "");
    put(m, "/var/log/voice-assistant/app.log", "");
    ASSERT_CHECK(m, "folders", FAIL, "belongs to user");
    snprintf(text, sizeof text, "Uid:\t%u\n", (unsigned)geteuid());
    put_process(m, DAEMON, 1, text);
    ASSERT_CHECK(m, "folders", PASS, "/var/log/voice-assistant");
    set_mode(m, "/var/log/voice-assistant", 0500);
    ASSERT_CHECK(m, "folders", FAIL, "may not write");
    set_mode(m, "/var/log/voice-assistant", 0700);
    put_away(m, "/var/lib/voice-assistant");
    put(m, "/var/lib/voice-assistant", "");
    ASSERT_CHECK(m, "folders", FAIL, "no folder");
}

static void the_disk_has_space(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "disk", UNSEEN, "");
    put(m, "/var/lib/voice-assistant/x", "");
    configure(m, "health.disk=100", "health.disk_free=0", NULL);
    ASSERT_CHECK(m, "disk", PASS, "GB free");
    configure(m, "health.disk=1", NULL);
    ASSERT_CHECK(m, "disk", FAIL, "GB free");
}

static void the_service_runs(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "service", PASS, "process 100");
    put_away(m, "/proc/100");
    put_away(m, "/proc/101");
    ASSERT_CHECK(m, "service", NOTE, "does not run");
    put(m, "/run/systemd/system/x", "");
    put(m, "/usr/lib/systemd/system/voice-assistant.service", "");
    ASSERT_CHECK(m, "service", UNSEEN, "systemctl");
    m->programs[0] = (struct answer){"systemctl show", "Result=success\nNRestarts=0\nActiveState=active\nUnitFileState=enabled\n", 0};
    ASSERT_CHECK(m, "service", PASS, "active");
    m->programs[0].text = "Result=success\nNRestarts=3\nActiveState=active\nUnitFileState=enabled\n";
    ASSERT_CHECK(m, "service", NOTE, "restarted 3 times");
    m->programs[0].text = "Result=success\nNRestarts=0\nActiveState=active\nUnitFileState=disabled\n";
    ASSERT_CHECK(m, "service", NOTE, "next boot");
    m->programs[0].text = "Result=exit-code\nNRestarts=5\nActiveState=failed\nUnitFileState=enabled\n";
    ASSERT_CHECK(m, "service", FAIL, "failed (exit-code)");
    assert_non_null(strstr(m->result.mend, "journalctl"));
    m->programs[0].text = "Result=success\nNRestarts=0\nActiveState=inactive\nUnitFileState=enabled\n";
    ASSERT_CHECK(m, "service", FAIL, "inactive");
    m->programs[0].text = "";
    ASSERT_CHECK(m, "service", UNSEEN, "nothing");
}

static void health_says_why(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "health", FAIL, "nobody answers");
    m->pages[0] = (struct answer){"/health", "{\"status\":\"healthy\"}", 200};
    ASSERT_CHECK(m, "health", PASS, "healthy");
    m->pages[0] =
        (struct answer){"/health", "{\"status\":\"unhealthy\",\"reasons\":[{\"code\":\"x\",\"message\":\"the disk is full\"}]}", 503};
    ASSERT_CHECK(m, "health", FAIL, "the disk is full");
    m->pages[0] = (struct answer){"/health", "{}", 401};
    ASSERT_CHECK(m, "health", UNSEEN, "token");
    put_away(m, "/proc/100");
    put_away(m, "/proc/101");
    ASSERT_CHECK(m, "health", NONE, "does not run");
}

static void what_runs_is_what_is_installed(void **state)
{
    struct machine *m = *state;
    char text[64];

    ASSERT_CHECK(m, "version", UNSEEN, "nobody");
    snprintf(text, sizeof text, "{\"version\":\"%s\"}", va_version());
    m->pages[0] = (struct answer){"/status", text, 200};
    ASSERT_CHECK(m, "version", PASS, va_version());
    put_link(m, "/proc/100/exe", "/usr/bin/voice-assistant (deleted)");
    ASSERT_CHECK(m, "version", FAIL, "replaced");
    m->pages[0].text = "{\"version\":\"0.0.9\"}";
    ASSERT_CHECK(m, "version", FAIL, "0.0.9");
    m->pages[0] = (struct answer){0};
    put_away(m, "/proc/100");
    put_away(m, "/proc/101");
    ASSERT_CHECK(m, "version", NONE, "");
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

    ASSERT_CHECK(m, "log", NOTE, "not there yet");
    put(m, log,
        "{\"timestamp\":\"2027-01-01T07:00:00Z\",\"level\":\"error\",\"message\":\"long ago\"}\n{\"a\n"
        "{\"timestamp\":\"2027-01-15T07:00:00Z\",\"level\":\"info\",\"message\":\"all is well\"}\n");
    ASSERT_CHECK(m, "log", PASS, "no errors");
    put(m, log,
        "{\"timestamp\":\"2027-01-15T06:00:00Z\",\"level\":\"error\",\"message\":\"first\"}\n"
        "{\"timestamp\":\"2027-01-15T07:00:00Z\",\"level\":\"ERROR\",\"message\":\"second\"}\n");
    ASSERT_CHECK(m, "log", FAIL, "2 errors in the last 24 hours: second");
    m->scene.log_file = "";
    ASSERT_CHECK(m, "log", NONE, "");
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

#define HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define LINE(port, inode) "0: 0100007F:" port " 00000000:0000 0A 00000000:00000000 00:00000000 00000000 990 0 " inode " 1 0000\n"

static void ports_are_free_or_ours(void **state)
{
    struct machine *m = *state;

    put(m, "/proc/net/tcp", HEAD);
    ASSERT_CHECK(m, "ports", PASS, "free");
    put(m, "/proc/net/tcp", HEAD LINE("1F40", "500") LINE("1F90", "7"));
    ASSERT_CHECK(m, "ports", UNSEEN, "cannot be seen");
    put_link(m, "/proc/100/fd/5", "socket:[500]");
    ASSERT_CHECK(m, "ports", PASS, "the assistant's");
    put(m, "/proc/net/tcp", HEAD LINE("1F40", "500") LINE("20FB", "8"));
    ASSERT_CHECK(m, "ports", FAIL, "server.tls_port");
    put_away(m, "/proc/100");
    put_away(m, "/proc/101");
    ASSERT_CHECK(m, "ports", FAIL, "");
}

static void privacy_mode_is_worth_knowing(void **state)
{
    struct machine *m = *state;

    ASSERT_CHECK(m, "privacy", PASS, "off");
    put(m, "/var/lib/voice-assistant/privacy", "on\n");
    ASSERT_CHECK(m, "privacy", NOTE, "on");
    put(m, "/var/lib/voice-assistant/privacy", "perhaps\n");
    ASSERT_CHECK(m, "privacy", FAIL, "");
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

    m->pages[0] = (struct answer){"/status", "{\"microphone\":{\"state\":\"open\"}}", 200};
    ASSERT_CHECK(m, "microphone", PASS, "has it open");
    m->pages[0].text = "{\"microphone\":{\"state\":\"lost\",\"error\":\"unplugged\"}}";
    ASSERT_CHECK(m, "microphone", FAIL, "unplugged");
    m->pages[0].text = "{\"privacy_mode\":true,\"microphone\":{\"state\":\"closed\"}}";
    ASSERT_CHECK(m, "microphone", UNSEEN, "privacy");
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
