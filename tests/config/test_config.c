#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/memory.h"
#include "config/options.h"
#include "temporary.h"

static char folder[256];

static int set_up(void **state)
{
    return temporary_make(folder) < 0 ? -1 : setenv("CONFIGURATION_DIRECTORY", folder, 1);
}

static int tear_down(void **state)
{
    unsetenv("CONFIGURATION_DIRECTORY");
    return temporary_remove(folder);
}

static int parse(const char *text, va_config **ret_config, va_error *error)
{
    return va_config_parse("f.yaml", text, strlen(text), NULL, 0, ret_config, error);
}

static va_config *parse_good(const char *text)
{
    va_config *config = NULL;
    va_error error;
    if (parse(text, &config, &error) < 0)
        fail_msg("%s", error.text);
    return config;
}

static void reads_options(void **state)
{
    va_config *config = parse_good("model:\n"
                                   "  name: tiny.en\n"
                                   "  language: no\n" /* Norwegian, not false */
                                   "  threads: 3\n"
                                   "audio: {microphone: \"file:a b.wav\", max_recording: 2.5}\n"
                                   "commands:\n" /* all commented out */
                                   "privacy:\n"
                                   "  log_text: yes\n");
    assert_string_equal(config->model_name, "tiny.en");
    assert_string_equal(config->model_language, "no");
    assert_int_equal(config->model_threads, 3);
    assert_string_equal(config->audio_microphone, "file:a b.wav");
    assert_true(config->audio_max_recording == 2.5);
    assert_int_equal(config->privacy_log_text, 1);
    assert_int_equal(config->server_port, 8000); /* a default */
    assert_string_equal(config->log_level, "info");
    assert_string_equal(va_config_path(config), "f.yaml");
    va_config_free(config);
    va_config_free(NULL);
}

static void says_what_is_wrong_and_where(void **state)
{
    static const struct {
        const char *text, *error;
        int code;
    } rows[] = {
        {"audio:\n  microfone: x\n", "f.yaml:2: unknown option 'audio.microfone', did you mean 'audio.microphone'?", VA_EFORMAT},
        {"audio:\n  a: 1\n", "f.yaml:2: unknown option 'audio.a'; 'voice-assistant config sample' lists all", VA_EFORMAT},
        {"model:\n  name: x\n\nserver:\n  port: 99999\n", "f.yaml:5: 'server.port' must be a whole number from 0 to 65535, not '99999'",
         VA_ELIMIT},
        {"server:\n  port: abc\n", "f.yaml:2: 'server.port' must be a whole number from 0 to 65535, not 'abc'", VA_EFORMAT},
        {"server:\n  port:\n", "f.yaml:2: 'server.port' must be a whole number from 0 to 65535, but has no value", VA_EFORMAT},
        {"server:\n  port: [1]\n", "f.yaml:2: 'server.port' must be a single value", VA_EFORMAT},
        {"\nmodle:\n  name: x\n", "f.yaml:2: unknown section 'modle', did you mean 'model'?", VA_EFORMAT},
        {"something: 1\n", "f.yaml:1: unknown section 'something'; 'voice-assistant config sample' lists all", VA_EFORMAT},
        {"server.port: 1\n", "f.yaml:1: write 'server.port' as an option inside its section", VA_EFORMAT},
        {"model: base\n", "f.yaml:1: section 'model' must hold options, one 'name: value' a line", VA_EFORMAT},
        {"model: [name]\n", "f.yaml:1: section 'model' must hold options, one 'name: value' a line", VA_EFORMAT},
        {"- model\n", "f.yaml:1: sections such as 'model:' are expected", VA_EFORMAT},
        {"log:\n  level: info\n  level: debug\n", "f.yaml:3: 'level' is given twice, first in line 2", VA_EFORMAT},
        {"log:\n  level: \"a\\nb\"\n", "f.yaml:2: 'log.level' must be debug, info, warning or error, not 'a?b'", VA_EFORMAT},
        {"\"lo\\x1b[31mg\": {}\n", "f.yaml:1: unknown section 'lo?[31mg'; 'voice-assistant config sample' lists all", VA_EFORMAT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        va_config *config = NULL;
        va_error error;
        assert_int_equal(parse(rows[i].text, &config, &error), rows[i].code);
        assert_int_equal(error.code, rows[i].code);
        assert_string_equal(error.text, rows[i].error);
        assert_null(config);
        assert_int_equal(parse(rows[i].text, &config, NULL), rows[i].code);
    }
}

static void long_names_leave_room(void **state)
{
    char path[500], text[3000];
    va_config *config = NULL;
    va_error error;
    memset(path, 'p', sizeof path);
    strcpy(path + 480, "end.yaml");
    memset(text, 'k', sizeof text);
    memcpy(text, "model: {", 8);
    strcpy(text + 900, ": 1}");
    assert_int_equal(va_config_parse(path, text, strlen(text), NULL, 0, &config, &error), VA_EFORMAT);
    assert_non_null(strstr(error.text, "end.yaml:1: unknown option 'model.kkk"));
}

static void overrides_come_last(void **state)
{
    const char *const overrides[] = {"server.port=1", "model.name=a=b", "server.port=9000", "audio.microphone=", "privacy.log_text=on"};
    va_config *config = NULL;
    assert_int_equal(va_config_parse("f", "server: {port: 5}", 17, overrides, 5, &config, NULL), 0);
    assert_int_equal(config->server_port, 9000);
    assert_string_equal(config->model_name, "a=b");
    assert_string_equal(config->audio_microphone, "");
    assert_int_equal(config->privacy_log_text, 1);
    va_config_free(config);

    static const char *const wrong[][2] = {
        {"server.prot=1", "command line: unknown option 'server.prot', did you mean 'server.port'?"},
        {"server.port", "command line: 'server.port' must have the form section.key=value"},
        {"port=1", "command line: unknown option 'port'; 'voice-assistant config sample' lists all"},
        {"server.port=x", "command line: 'server.port' must be a whole number from 0 to 65535, not 'x'"},
        {"=", "command line: unknown option ''; 'voice-assistant config sample' lists all"},
        {"", "command line: '' must have the form section.key=value"},
        {"audio.microphone=\xff", "command line: 'audio.microphone' is not UTF-8 text"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        va_error error;
        config = NULL;
        assert_int_equal(va_config_parse("f", "", 0, &wrong[i][0], 1, &config, &error), VA_EINVAL);
        assert_string_equal(error.text, wrong[i][1]);
        assert_null(config);
    }
}

static void loads_files(void **state)
{
    va_config *config = NULL;
    va_error error;
    const char *path = temporary_path(folder, "voice-assistant.yaml");

    assert_int_equal(va_config_load(path, NULL, 0, &config, &error), VA_ENOTFOUND); /* asked for, so it must be there */
    if (access("/etc/voice-assistant/voice-assistant.yaml", F_OK) < 0) {
        assert_int_equal(va_config_load(NULL, NULL, 0, &config, &error), 0);
        assert_string_equal(va_config_path(config), "");
        assert_int_equal(config->server_port, 8000);
        va_config_free(config);
    }
    assert_int_equal(temporary_write(path, "server:\n  port: 1234\n"), 0);
    for (int given = 0; given < 2; given++) {
        assert_int_equal(va_config_load(given ? path : NULL, NULL, 0, &config, &error), 0);
        assert_int_equal(config->server_port, 1234);
        assert_string_equal(va_config_path(config), path);
        va_config_free(config);
    }
    config = NULL;
    assert_int_equal(temporary_write(path, "server:\n  port: x\n"), 0);
    assert_int_equal(va_config_load(NULL, NULL, 0, &config, &error), VA_EFORMAT);
    assert_non_null(strstr(error.text, "voice-assistant.yaml:2: "));
    assert_true(va_config_load(folder, NULL, 0, &config, &error) < 0);
    assert_null(config);
    assert_int_equal(truncate(path, (1 << 20) + 1), 0);
    assert_int_equal(va_config_load(path, NULL, 0, &config, &error), VA_ELIMIT);
}

static void assert_defaults(const va_config *config)
{
    va_config *defaults = parse_good("");
    assert_int_equal(va_config_changes(defaults, config, NULL, NULL), 0);
    for (size_t i = 0; i < VA_N_OPTIONS; i++) {
        const struct va_option *option = &va_options[i];
        va_config *c = (va_config *)config;
        if (option->type == VA_OPTION_TYPE_NUMBER)
            assert_true(*va_option_number(option, c) == option->number);
        else if (option->type == VA_OPTION_TYPE_INT || option->type == VA_OPTION_TYPE_BOOL)
            assert_true(*va_option_integer(option, c) == option->integer);
        else
            assert_string_equal(*va_option_string(option, c), option->string);
    }
    va_config_free(defaults);
}

static void the_sample_is_the_defaults(void **state)
{
    struct va_buffer sample;
    va_buffer_init(&sample, 1 << 20);
    assert_int_equal(va_config_sample(&sample), 0);
    va_config *config = parse_good(sample.data);
    assert_defaults(config);
    va_config_free(config);

    /* and with every option uncommented: each is there and can be read */
    int options = 0;
    for (char *line = sample.data; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        size_t width = strcspn(line, "\n");
        assert_true(width <= 140);
        if (strncmp(line, "  #", 3) == 0 && line[3] != ' ') {
            line[2] = ' ';
            options++;
        }
    }
    assert_int_equal(options, VA_N_OPTIONS);
    for (char *c = sample.data; (c = strstr(c, "\n   ")) != NULL; c += 4)
        if (c[4] != ' ')
            memmove(c + 3, c + 4, strlen(c + 4) + 1);
    config = parse_good(sample.data);
    assert_defaults(config);
    va_config_free(config);
    va_buffer_free(&sample);
}

static void shows_what_can_be_read_again(void **state)
{
    va_config *config =
        parse_good("model: {name: \"a \\\"b\\\" \\\\ #: {gr\xc3\xbc\xc3\x9f}\", threads: 5}\naudio: {max_recording: 2.25}\n");
    struct va_buffer out;
    json_error_t json_error;
    size_t n_options = 0;

    va_buffer_init(&out, 1 << 20);
    assert_int_equal(va_config_show(config, 0, &out), 0);
    va_config *again = parse_good(out.data);
    assert_int_equal(va_config_changes(config, again, NULL, NULL), 0);
    assert_string_equal(again->model_name, "a \"b\" \\ #: {gr\xc3\xbc\xc3\x9f}");
    assert_true(again->audio_max_recording == 2.25);
    va_config_free(again);

    va_buffer_clear(&out);
    assert_int_equal(va_config_show(config, 1, &out), 0);
    json_t *json = json_loads(out.data, JSON_REJECT_DUPLICATES, &json_error);
    assert_non_null(json);
    const char *section;
    json_t *options;
    json_object_foreach(json, section, options) n_options += json_object_size(options);
    assert_int_equal(n_options, VA_N_OPTIONS);
    assert_int_equal(json_object_size(json), VA_N_SECTIONS);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "model"), "threads")), 5);
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "model"), "name")), config->model_name);
    assert_true(json_is_false(json_object_get(json_object_get(json, "privacy"), "log_text")));
    json_decref(json);
    va_buffer_free(&out);
    va_config_free(config);
}

static void the_man_section_has_every_option(void **state)
{
    struct va_buffer out;
    va_buffer_init(&out, 1 << 20);
    assert_int_equal(va_config_man(&out), 0);
    for (size_t i = 0; i < VA_N_OPTIONS; i++) {
        char entry[VA_OPTION_NAME_BYTES + 16];
        snprintf(entry, sizeof entry, "\n.B %s\n", va_options[i].name);
        assert_non_null(strstr(out.data, entry));
    }
    va_buffer_free(&out);
}

static char changed_names[4][VA_OPTION_NAME_BYTES];
static int changed_restart[4];

static void note_change(void *user, const char *option, int needs_restart)
{
    int *n = user;
    assert_true(*n < 4);
    snprintf(changed_names[*n], sizeof changed_names[*n], "%s", option);
    changed_restart[(*n)++] = needs_restart;
}

static void tells_what_changed(void **state)
{
    va_config *before = parse_good("model: {language: en}\n");
    va_config *after = parse_good("server: {port: 81, timeout: 31}\nmodel: {language: de, name: base}\n");
    int n = 0;
    assert_int_equal(va_config_changes(before, after, note_change, &n), 1);
    assert_int_equal(n, 3);
    assert_string_equal(changed_names[0], "model.language");
    assert_int_equal(changed_restart[0], 0);
    assert_string_equal(changed_names[1], "server.port");
    assert_int_equal(changed_restart[1], 1);
    assert_string_equal(changed_names[2], "server.timeout");
    assert_int_equal(changed_restart[2], 0);
    assert_int_equal(va_config_changes(before, before, note_change, &n), 0);
    assert_int_equal(n, 3);
    va_config_free(before);
    va_config_free(after);
}

static void survives_no_memory(void **state)
{
    const char *const overrides[] = {"model.name=x", "model.name=y"};
    const char *text = "model: {name: a, language: de}\nlog: {level: error}\n";
    int r = VA_ENOMEM;
    for (size_t n = 1; r == VA_ENOMEM; n++) {
        va_config *config = NULL;
        va_memory_fail_after(n);
        r = va_config_parse("f.yaml", text, strlen(text), overrides, 2, &config, NULL);
        va_memory_fail_after(0);
        assert_true((r == 0) == (config != NULL));
        va_config_free(config);
    }
    assert_int_equal(r, 0);
    r = VA_ENOMEM;
    for (size_t n = 1; r == VA_ENOMEM; n++) {
        va_config *config = NULL;
        va_memory_fail_after(n);
        r = va_config_load(NULL, overrides, 2, &config, NULL);
        va_memory_fail_after(0);
        va_config_free(config);
    }
    assert_int_equal(r, 0);
    va_config *config = parse_good(text);
    for (int which = 0; which < 4; which++) {
        struct va_buffer out;
        va_buffer_init(&out, 1 << 20);
        for (size_t n = 1; n < 8; n++) {
            va_memory_fail_after(n);
            r = which == 0 ? va_config_sample(&out) : which == 1 ? va_config_man(&out) : va_config_show(config, which == 2, &out);
            va_memory_fail_after(0);
            assert_true(r == 0 || r == VA_ENOMEM);
            va_buffer_free(&out);
        }
        va_buffer_init(&out, 200);
        r = which == 0 ? va_config_sample(&out) : which == 1 ? va_config_man(&out) : va_config_show(config, which == 2, &out);
        assert_int_equal(r, VA_ELIMIT);
        va_buffer_free(&out);
    }
    va_config_free(config);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_options),
        cmocka_unit_test(says_what_is_wrong_and_where),
        cmocka_unit_test(long_names_leave_room),
        cmocka_unit_test(overrides_come_last),
        CASE(loads_files),
        cmocka_unit_test(the_sample_is_the_defaults),
        cmocka_unit_test(shows_what_can_be_read_again),
        cmocka_unit_test(the_man_section_has_every_option),
        cmocka_unit_test(tells_what_changed),
        CASE(survives_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
