#include "daemon/arguments.h"

#include <getopt.h>

#include "daemon/command.h"

#define FIRST_ROW 256 /* beyond the letters; each row has a number of its own, so that getopt_long tells their beginnings apart */

int va_arguments_read(int argc, char **argv, const struct va_argument *rows, size_t n, struct va_overrides *overrides,
                      void (*print_help)(FILE *out))
{
    struct option options[VA_ARGUMENTS_MAX + 4] = {0}, *next = options;
    int c;

    for (size_t i = 0; i < n && i < VA_ARGUMENTS_MAX; i++)
        *next++ = (struct option){rows[i].name, rows[i].text != NULL ? required_argument : no_argument, NULL, FIRST_ROW + (int)i};
    if (overrides != NULL) {
        *next++ = (struct option){"config", required_argument, NULL, 'c'};
        *next++ = (struct option){"set", required_argument, NULL, 's'};
    }
    *next = (struct option){"help", no_argument, NULL, 'h'};
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            overrides->config_path = optarg;
            break;
        case 's':
            if (va_overrides_add(overrides, NULL, optarg) == 0)
                break;
            fprintf(stderr, "voice-assistant %s: more than %d times --set\n", argv[0], VA_OVERRIDES_MAX);
            return VA_EXIT_USAGE;
        case 'h':
            print_help(stdout);
            return VA_EXIT_OK;
        case '?':
            return VA_EXIT_USAGE;
        default:
            if (rows[c - FIRST_ROW].text != NULL)
                *rows[c - FIRST_ROW].text = optarg;
            else
                *rows[c - FIRST_ROW].flag = 1;
        }
    }
    return -1;
}

int va_arguments_read_all(int argc, char **argv, const struct va_argument *rows, size_t n, struct va_overrides *overrides,
                          void (*print_help)(FILE *out))
{
    int exit_code = va_arguments_read(argc, argv, rows, n, overrides, print_help);

    if (exit_code >= 0 || optind == argc)
        return exit_code;
    fprintf(stderr, "voice-assistant %s: '%s' makes no sense; see 'voice-assistant %s --help'\n", argv[0], argv[optind], argv[0]);
    return VA_EXIT_USAGE;
}
