/* voice-assistant power, voice-assistant battery: the same as the routes, without the running program. */
#include "daemon/command.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "config/config.h"
#include "daemon/arguments.h"
#include "power/power_json.h"

#define MAX_JSON_BYTES 65536

struct request {
    struct va_overrides overrides;
    int json;
};

static void print_power_help(FILE *out)
{
    fputs("Usage: voice-assistant power [OPTION]...\n"
          "       voice-assistant power low-power|balanced|performance [OPTION]...\n"
          "       voice-assistant power apply [OPTION]...\n"
          "       voice-assistant power sleep SECONDS [OPTION]...\n\n"
          "Shows the power mode, the processor's governor and temperature and the backlight, or changes them:\n\n"
          "  low-power    the slowest governor, a dim screen\n"
          "  balanced     a governor that follows the load\n"
          "  performance  the fastest governor, a bright screen\n"
          "  apply        the mode of the option power.mode; at the start of the machine\n"
          "  sleep        until the machine's clock wakes it\n\n"
          "Changes need permission to write the kernel's files, or the helper (voice-assistant-helper.socket).\n\n"
          "Options:\n"
          "  --json                   print JSON\n" VA_ARGUMENTS_HELP
          "\nExit code: 0 when it was done, 1 when not, 2 when the command line is wrong.\n",
          out);
}

static void print_battery_help(FILE *out)
{
    fputs("Usage: voice-assistant battery [OPTION]...\n\n"
          "Shows how full the battery is: one that the kernel reports, or an ADS1115 at address 0x48 of I2C bus 1.\n\n"
          "Options:\n"
          "  --json                   print JSON\n" VA_ARGUMENTS_HELP
          "\nExit code: 0 when there is one, 1 when there is none, 2 when the command line is wrong.\n",
          out);
}

static int print_json(void (*write)(struct va_json *json, const void *user), const void *user)
{
    struct va_buffer text;

    va_buffer_init(&text, MAX_JSON_BYTES);
    struct va_json json = {.out = &text};
    va_json_open(&json, NULL, '{');
    write(&json, user);
    va_json_close(&json, '}');
    if (json.error == 0)
        puts(text.data);
    va_buffer_free(&text);
    return json.error == 0 ? VA_EXIT_OK : VA_EXIT_FAILED;
}

/* ---- power ---- */

static void write_power(struct va_json *json, const void *user)
{
    va_power_json(json, user);
}

static int show_power(const char *root, int as_json)
{
    struct va_power_state state;

    va_power_read(root, &state);
    if (as_json)
        return print_json(write_power, &state);
    printf("mode: %s\n", state.mode != NULL ? state.mode : state.governor[0] != '\0' ? "none of its own" : "not present");
    if (state.governor[0] != '\0')
        printf("governor: %s (of %s)\n", state.governor, state.governors);
    else
        puts("governor: not present");
    if (state.backlight >= 0)
        printf("backlight: %lld of %lld\n", (long long)state.backlight, (long long)state.max_backlight);
    else
        puts("backlight: not present");
    printf("Wi-Fi: %s\n", state.wifi < 0 ? "not present" : state.wifi ? "on" : "off");
    if (isnan(state.cpu_celsius))
        puts("processor: no temperature sensor");
    else
        printf("processor: %.1f degrees Celsius%s\n", state.cpu_celsius, state.throttled > 0 ? ", throttled" : "");
    printf("sleep: %s\n", state.can_sleep ? "possible" : "not present");
    return VA_EXIT_OK;
}

static int sleep_for(const char *root, const char *word, va_error *error)
{
    char *end;
    double slept_s;
    long long seconds = strtoll(word, &end, 10);

    if (end == word || *end != '\0')
        return va_fail(error, VA_EINVAL, "'%.40s' is no number of seconds", word);
    int r = va_power_sleep(root, seconds, &slept_s, error);
    if (r == 0)
        fprintf(stderr, "slept for %.0f s%s\n", slept_s, slept_s < (double)seconds - 1 ? ": something else woke the machine" : "");
    return r;
}

/* What this machine does not have is no failure of its start. */
static int apply(const struct va_power_options *options, const char *mode, va_error *error)
{
    if (strcmp(mode, "keep") == 0) {
        fputs("power.mode is keep: nothing is changed\n", stderr);
        return 0;
    }
    int r = va_power_set_mode(options, mode, VA_POWER_ALL, error);
    if (r != VA_ENOTFOUND)
        return r;
    fprintf(stderr, "voice-assistant power: %s\n", error->text);
    return 0;
}

/* The words behind the options: none, a mode, apply, or sleep and seconds. */
static int run_power(const va_config *config, char **words, int n, int as_json)
{
    const struct va_power_options options = {config->system_root, config->power_charge_gpio, config->power_wifi_off};
    va_error error = {0};
    int r = 0;

    if (n > 0 && strcmp(words[0], "sleep") == 0)
        r = sleep_for(options.root, words[1], &error);
    else if (n > 0 && strcmp(words[0], "apply") == 0)
        r = apply(&options, config->power_mode, &error);
    else if (n > 0)
        r = va_power_set_mode(&options, words[0], VA_POWER_ALL, &error);
    if (r == 0)
        return show_power(options.root, as_json);
    fprintf(stderr, "voice-assistant power: %s\n", error.text);
    return r == VA_EINVAL ? VA_EXIT_USAGE : VA_EXIT_FAILED;
}

int va_command_power(int argc, char **argv)
{
    static const struct va_verb verbs[] = {
        {.name = "low-power"}, {.name = "balanced"}, {.name = "performance"}, {.name = "apply"}, {"sleep", "SECONDS", 0}};
    struct request request = {0};
    va_config *config = NULL;
    va_error error;
    const struct va_argument json = {"json", .flag = &request.json};
    int exit_code = va_arguments_read(argc, argv, &json, 1, &request.overrides, print_power_help), n = argc - optind;

    if (exit_code >= 0)
        return exit_code;
    if (n > 0 && va_arguments_verb(argc, argv, verbs, sizeof verbs / sizeof verbs[0]) < 0)
        return VA_EXIT_USAGE;
    if (va_overrides_load(&request.overrides, &config, &error) < 0) {
        fprintf(stderr, "voice-assistant power: %s\n", error.text);
        return va_overrides_exit_code(&error);
    }
    exit_code = run_power(config, argv + optind, n, request.json);
    va_config_free(config);
    return exit_code;
}

/* ---- battery ---- */

struct found {
    int is_there;
    struct va_battery battery;
    va_error error;
};

static void write_battery(struct va_json *json, const void *user)
{
    const struct found *found = user;

    va_battery_json(json, found->is_there ? &found->battery : NULL, found->error.text);
}

static void print_battery(const struct va_battery *battery)
{
    printf("%.0f %%", battery->percent);
    if (!isnan(battery->volts))
        printf(", %.2f V", battery->volts);
    if (battery->charging >= 0)
        printf(", %s", battery->charging ? "charging" : "not charging");
    printf(" (%s)\n", battery->source);
}

int va_command_battery(int argc, char **argv)
{
    struct request request = {0};
    struct found found = {0};
    va_config *config = NULL;
    const struct va_argument json = {"json", .flag = &request.json};
    int exit_code = va_arguments_read_all(argc, argv, &json, 1, &request.overrides, print_battery_help);

    if (exit_code >= 0)
        return exit_code;
    if (va_overrides_load(&request.overrides, &config, &found.error) == 0) {
        const struct va_power_options options = {config->system_root, config->power_charge_gpio, config->power_wifi_off};
        found.is_there = va_battery_read(&options, &found.battery, &found.error) == 0;
    }
    if (request.json && config != NULL)
        (void)print_json(write_battery, &found);
    else if (found.is_there)
        print_battery(&found.battery);
    else
        fprintf(stderr, "voice-assistant battery: %s\n", found.error.text);
    exit_code = found.is_there ? VA_EXIT_OK : config == NULL ? va_overrides_exit_code(&found.error) : VA_EXIT_FAILED;
    va_config_free(config);
    return exit_code;
}
