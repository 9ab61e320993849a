/* settings.yaml: what is kept there, what is left out, and what becomes of a change. */
#include "config/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/memory.h"
#include "config/options.h"
#include "temporary.h"

static char folder[256], data_folder[300];

static int start(void **state)
{
    if (temporary_make(folder) < 0)
        return -1;
    snprintf(data_folder, sizeof data_folder, "data.folder=%s", folder);
    return setenv("CONFIGURATION_DIRECTORY", folder, 1);
}

static int stop(void **state)
{
    unsetenv("CONFIGURATION_DIRECTORY");
    return temporary_remove(folder);
}

static const char *path(void)
{
    return temporary_path(folder, VA_SETTINGS_FILE);
}

static va_config *load(const char *override)
{
    const char *const overrides[] = {data_folder, override};
    va_config *config = NULL;
    va_error error;

    if (va_config_load(NULL, overrides, override != NULL ? 2 : 1, &config, &error) < 0)
        fail_msg("%s", error.text);
    return config;
}

static int change(const struct va_setting *settings, size_t n, va_error *error)
{
    struct va_buffer out;

    va_buffer_init(&out, 1 << 20);
    int r = va_settings_change(folder, settings, n, &out, error);
    if (r == 0)
        assert_int_equal(va_file_write(path(), out.data, out.size, 0600, NULL), 0);
    va_buffer_free(&out);
    return r;
}

static void stands_between_file_and_command_line(void **state)
{
    const struct va_setting settings[] = {{.name = "model.language", .text = "no", .quoted = 1},
                                          {.name = "audio.max_recording", .text = "2.5"},
                                          {.name = "model.beam", .text = "3"},
                                          {.name = "speech.api", .text = "true"}};
    const struct va_setting back[] = {{.name = "model.language"}, {.name = "speech.rate", .text = "100"}};

    assert_int_equal(temporary_write(temporary_path(folder, "voice-assistant.yaml"), "model: {language: de, beam: 2}\nlog: {keep: 7}\n"),
                     0);
    assert_int_equal(change(settings, 4, NULL), 0);
    va_config *config = load("model.beam=4");
    assert_string_equal(config->model_language, "no");
    assert_true(config->audio_max_recording == 2.5);
    assert_int_equal(config->model_beam, 4);
    assert_int_equal(config->speech_api, 1);
    assert_int_equal(config->log_keep, 7);
    assert_string_equal(va_config_notice(config), "");
    va_config_free(config);

    assert_int_equal(change(back, 2, NULL), 0);
    config = load(NULL);
    assert_string_equal(config->model_language, "de");
    assert_int_equal(config->model_beam, 3);
    assert_int_equal(config->speech_rate, 100);
    va_config_free(config);
}

static void a_wrong_change_is_refused(void **state)
{
    static const struct {
        struct va_setting setting;
        int code;
        const char *text;
    } rows[] = {
        {{.name = "model.beem", .text = "1"}, VA_EINVAL, "settings: unknown option 'model.beem', did you mean 'model.beam'?"},
        {{.name = "beam", .text = "1"}, VA_EINVAL, "settings: unknown option 'beam'; 'voice-assistant config sample' lists all"},
        {{.name = "model.beam", .text = "9"}, VA_EINVAL, "'model.beam' must be a whole number from 1 to 8, not '9'"},
        {{.name = "model.beam", .text = "1", .quoted = 1},
         VA_EINVAL,
         "'model.beam' must be a whole number from 1 to 8, written without quotes"},
        {{.name = "log.level", .text = "loud", .quoted = 1}, VA_EINVAL, "'log.level' must be debug, info, warning or error, not 'loud'"},
        {{.name = "speech.command", .text = "sh", .quoted = 1}, VA_EDENIED, "'speech.command' can be set only in the configuration file"},
        {{.name = "speech.command"}, VA_EDENIED, "'speech.command' can be set only in the configuration file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct va_setting both[] = {{.name = "speech.rate", .text = "100"}, rows[i].setting};
        va_error error;
        assert_int_equal(va_settings_check(both, 2, &error), rows[i].code);
        assert_string_equal(error.text, rows[i].text);
        assert_int_equal(change(both, 2, NULL), rows[i].code);
        assert_false(va_file_exists(path()));
    }
}

/* What decides about programs, secrets, addresses and who comes in. */
static void what_guards_is_locked(void **state)
{
    static const char *const parts[] = {"access.",     ".token_file",    ".password_file", ".ca_file",   "wyoming.listen", "wyoming.allow",
                                        ".folder",     "server.listen",  "server.tls",     "server.key", "server.cert",    "system.",
                                        "executables", "speech.command", "speech.output",  "log.file",   ".url",           ".port"};
    for (size_t i = 0; i < VA_N_OPTIONS; i++)
        for (size_t j = 0; j < sizeof parts / sizeof parts[0]; j++)
            if (strstr(va_options[i].name, parts[j]) != NULL && (va_options[i].flags & VA_OPTION_LOCKED) == 0)
                fail_msg("%s is not locked", va_options[i].name);
}

static void what_is_wrong_is_left_out(void **state)
{
    static const struct {
        const char *text, *notice;
        int beam;
    } rows[] = {
        {"model: {beam: 3}\n", "", 3},
        {"", "", 1},
        {"model:\n  beam: 3\n  beem: 1\n",
         "settings.yaml:3: unknown option 'model.beem', did you mean 'model.beam'?; this setting is left out", 3},
        {"model: {beam: 3}\nlog: {level: loud}\n",
         "settings.yaml:2: 'log.level' must be debug, info, warning or error, not 'loud'; this setting is left out", 3},
        {"speech: {command: sh}\nmodel: {beam: 3}\n",
         "settings.yaml:1: 'speech.command' can be set only in the configuration file; this setting is left out", 3},
        {"model: [1]\n", "settings.yaml:1: a section with options is expected; this setting is left out", 1},
        {"model: {beam: [3]}\n", "settings.yaml:1: 'model.beam' must be a single value; this setting is left out", 1},
        {"model: {beam: 3\n", "; all settings are left out", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(temporary_write(path(), rows[i].text), 0);
        va_config *config = load(NULL);
        assert_int_equal(config->model_beam, rows[i].beam);
        assert_string_equal(config->log_level, "info");
        assert_string_equal(config->speech_command, "espeak-ng --stdin --stdout -s {rate} -v {voice}");
        if (rows[i].notice[0] == '\0')
            assert_string_equal(va_config_notice(config), "");
        else if (strstr(va_config_notice(config), rows[i].notice) == NULL)
            fail_msg("%s", va_config_notice(config));
        va_config_free(config);
    }
    assert_int_equal(temporary_write(path(), rows[0].text), 0);
    assert_int_equal(chmod(path(), 0622), 0);
    va_config *config = load(NULL);
    assert_int_equal(config->model_beam, 1);
    assert_non_null(strstr(va_config_notice(config), "others may change it; all settings are left out"));
    va_config_free(config);
}

static void tells_what_became_of_it(void **state)
{
    struct va_setting settings[] = {{.name = "model.language", .text = "de", .quoted = 1},
                                    {.name = "speech.rate", .text = "100"},
                                    {.name = "model.beam", .text = "2"},
                                    {.name = "speech.timeout", .text = "20"}};
    va_config *running = load("model.beam=4");

    assert_int_equal(change(settings, 4, NULL), 0);
    va_config *config = load("model.beam=4");
    va_settings_effects(settings, 4, running, config);
    assert_int_equal(settings[0].effect, VA_SETTING_IN_EFFECT);
    assert_int_equal(settings[1].effect, VA_SETTING_AT_RESTART);
    assert_int_equal(settings[2].effect, VA_SETTING_OVERRIDDEN);
    assert_int_equal(settings[3].effect, VA_SETTING_IN_EFFECT); /* it was so before */

    struct va_buffer out;
    va_buffer_init(&out, 1 << 20);
    assert_int_equal(va_config_describe(config, running, &out), 0);
    json_t *json = json_loads(out.data, JSON_REJECT_DUPLICATES, NULL), *all = json_object_get(json, "settings");
    assert_int_equal(json_array_size(all), VA_N_OPTIONS);
    assert_int_equal(json_array_size(json_object_get(json, "sections")), VA_N_SECTIONS);
    for (size_t i = 0; i < VA_N_OPTIONS; i++) {
        json_t *option = json_array_get(all, i);
        const char *name = json_string_value(json_object_get(option, "name")),
                   *source = json_string_value(json_object_get(option, "source"));
        assert_string_equal(name, va_options[i].name);
        assert_int_equal(json_is_true(json_object_get(option, "restart_pending")), strcmp(name, "speech.rate") == 0);
        assert_int_equal(json_is_true(json_object_get(option, "changeable")), (va_options[i].flags & VA_OPTION_LOCKED) == 0);
        if (strcmp(name, "speech.rate") == 0)
            assert_string_equal(source, "settings");
        else if (strcmp(name, "model.beam") == 0)
            assert_string_equal(source, "command line");
        else if (strcmp(name, "log.level") == 0)
            assert_int_equal(json_array_size(json_object_get(option, "choices")), 4);
    }
    json_decref(json);
    va_buffer_free(&out);
    va_config_free(config);
    va_config_free(running);
}

static void survives_no_memory(void **state)
{
    const struct va_setting settings[] = {{.name = "model.language", .text = "de", .quoted = 1}};
    int r = VA_ENOMEM;

    assert_int_equal(temporary_write(path(), "model: {language: fr, beem: 1}\n"), 0);
    for (size_t n = 1; r == VA_ENOMEM; n++) {
        struct va_buffer out;
        va_buffer_init(&out, 1 << 20);
        va_memory_fail_after(n);
        r = va_settings_change(folder, settings, 1, &out, NULL);
        va_memory_fail_after(0);
        va_buffer_free(&out);
    }
    assert_int_equal(r, 0);
    r = VA_ENOMEM;
    for (size_t n = 1; r == VA_ENOMEM; n++) {
        const char *const overrides[] = {data_folder};
        va_config *config = NULL;
        va_memory_fail_after(n);
        r = va_config_load(NULL, overrides, 1, &config, NULL);
        va_memory_fail_after(0);
        if (r == 0)
            assert_string_equal(config->model_language, "fr");
        va_config_free(config);
    }
    assert_int_equal(r, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stands_between_file_and_command_line, start, stop),
        cmocka_unit_test_setup_teardown(a_wrong_change_is_refused, start, stop),
        cmocka_unit_test(what_guards_is_locked),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_left_out, start, stop),
        cmocka_unit_test_setup_teardown(tells_what_became_of_it, start, stop),
        cmocka_unit_test_setup_teardown(survives_no_memory, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
