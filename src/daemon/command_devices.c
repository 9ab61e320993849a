/* voice-assistant devices */
#include "daemon/command.h"

#include <stdio.h>
#include <string.h>

#include "audio/devices.h"
#include "base/json.h"
#include "daemon/arguments.h"

#define MAX_OUTPUT_BYTES ((size_t)1 << 20)

struct devices {
    struct va_device *list; /* [n] */
    size_t n;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant devices [OPTION]...\n\n"
          "Lists the microphones and loudspeakers, by the names that the options audio.microphone and speech.device take.\n\n"
          "Options:\n"
          "  --json      one JSON object\n"
          "  -h, --help  print this help\n\n"
          "Exit code: 0, 1 when there is none, 2 when the command line is wrong.\n",
          out);
}

static const char *note(const struct va_device *device)
{
    switch (device->status) {
    case 0:
        return "";
    case VA_EBUSY:
        return " (in use by another program)";
    case VA_EDENIED:
        return " (not permitted: is the user in the group 'audio'?)";
    default:
        return " (does not work)";
    }
}

static void print_text(const char *title, const struct devices *devices)
{
    printf("%s\n", title);
    for (size_t i = 0; i < devices->n; i++)
        printf("  %-32s %s%s\n", devices->list[i].name, devices->list[i].description, note(&devices->list[i]));
    if (devices->n == 0)
        printf("  none\n");
}

static void append_json(struct va_json *json, const char *key, const struct devices *devices)
{
    va_json_open(json, key, '[');
    for (size_t i = 0; i < devices->n; i++) {
        const struct va_device *device = &devices->list[i];
        va_json_open(json, NULL, '{');
        va_json_text(json, "name", device->name);
        va_json_text(json, "description", device->description);
        va_json_bool(json, "hardware", device->is_hardware);
        va_json_text(json, "problem", device->status == 0 ? NULL : va_status_text(device->status));
        va_json_close(json, '}');
    }
    va_json_close(json, ']');
}

static int print_json(const struct devices *microphones, const struct devices *loudspeakers, va_error *error)
{
    struct va_buffer out;
    struct va_json json = {.out = &out};

    va_buffer_init(&out, MAX_OUTPUT_BYTES);
    va_json_open(&json, NULL, '{');
    append_json(&json, "microphones", microphones);
    append_json(&json, "loudspeakers", loudspeakers);
    va_json_close(&json, '}');
    int r = json.error < 0 ? va_fail(error, json.error, "the list: %s", va_status_text(json.error)) : 0;
    if (r == 0)
        puts(out.data);
    va_buffer_free(&out);
    return r;
}

static void advise(const struct devices *microphones, const struct devices *loudspeakers)
{
    if (microphones->n == 0)
        fputs("There is no microphone. Plug one in; in a container, pass /dev/snd. A recording can take its place: "
              "--set audio.microphone=file:PATH\n",
              stderr);
    if (loudspeakers->n == 0)
        fputs("There is no loudspeaker. Replies can be written to files: --set speech.output=wav:PATH\n", stderr);
}

static int run(int as_json)
{
    struct devices microphones = {0}, loudspeakers = {0};
    va_error error;
    int r = va_devices_list(VA_DEVICE_MICROPHONE, &microphones.list, &microphones.n, &error);

    if (r == 0)
        r = va_devices_list(VA_DEVICE_LOUDSPEAKER, &loudspeakers.list, &loudspeakers.n, &error);
    if (r == 0 && as_json) {
        r = print_json(&microphones, &loudspeakers, &error);
    } else if (r == 0) {
        print_text("microphones (audio.microphone)", &microphones);
        print_text("loudspeakers (speech.device)", &loudspeakers);
    }
    if (r < 0)
        fprintf(stderr, "voice-assistant devices: %s\n", error.text);
    else if (!as_json)
        advise(&microphones, &loudspeakers);
    int is_none = microphones.n + loudspeakers.n == 0;
    va_devices_free(microphones.list, microphones.n);
    va_devices_free(loudspeakers.list, loudspeakers.n);
    return r < 0 || is_none ? VA_EXIT_FAILED : VA_EXIT_OK;
}

int va_command_devices(int argc, char **argv)
{
    int as_json = 0;
    const struct va_argument json = {"json", .flag = &as_json};
    int exit_code = va_arguments_read_all(argc, argv, &json, 1, NULL, print_help);

    if (exit_code >= 0)
        return exit_code;
    return run(as_json);
}
