#include "daemon/arguments.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#include "daemon/command.h"

#define FIRST_ROW 256 /* beyond the letters; each row has a number of its own, so that getopt_long tells their beginnings apart */

static int takes_value(const struct va_argument *row)
{
    return row->text != NULL || row->option != NULL;
}

static int take(const struct va_argument *row, const char *value, struct va_overrides *overrides)
{
    int r = 0;

    if (row->flag != NULL)
        *row->flag = 1;
    if (row->text != NULL)
        *row->text = value;
    if (row->set != NULL)
        r = va_overrides_add(overrides, NULL, row->set);
    if (r == 0 && row->option != NULL)
        r = va_overrides_add(overrides, row->option, value);
    return r;
}

int va_arguments_read(int argc, char **argv, const struct va_argument *rows, size_t n, struct va_overrides *overrides,
                      void (*print_help)(FILE *out))
{
    struct option options[VA_ARGUMENTS_MAX + 4] = {0}, *next = options;
    int c, r = 0;

    for (size_t i = 0; i < n && i < VA_ARGUMENTS_MAX; i++)
        *next++ = (struct option){rows[i].name, takes_value(&rows[i]) ? required_argument : no_argument, NULL, FIRST_ROW + (int)i};
    if (overrides != NULL) {
        *next++ = (struct option){"config", required_argument, NULL, 'c'};
        *next++ = (struct option){"set", required_argument, NULL, 's'};
    }
    *next = (struct option){"help", no_argument, NULL, 'h'};
    while (r == 0 && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            overrides->config_path = optarg;
            break;
        case 's':
            r = va_overrides_add(overrides, NULL, optarg);
            break;
        case 'h':
            print_help(stdout);
            return VA_EXIT_OK;
        case '?': /* which option, getopt has said */
            fprintf(stderr, "see 'voice-assistant %s --help'\n", argv[0]);
            return VA_EXIT_USAGE;
        default:
            r = take(&rows[c - FIRST_ROW], optarg, overrides);
        }
    }
    if (r == 0)
        return -1;
    if (r != VA_ELIMIT) {
        fprintf(stderr, "voice-assistant %s: %s\n", argv[0], va_status_text(r));
        return VA_EXIT_FAILED;
    }
    fprintf(stderr, "voice-assistant %s: more than %d times --set\n", argv[0], VA_OVERRIDES_MAX);
    return VA_EXIT_USAGE;
}

int va_arguments_wrong(const char *command, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "voice-assistant %s: ", command);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "; see 'voice-assistant %s --help'\n", command);
    return VA_EXIT_USAGE;
}

int va_arguments_read_all(int argc, char **argv, const struct va_argument *rows, size_t n, struct va_overrides *overrides,
                          void (*print_help)(FILE *out))
{
    int exit_code = va_arguments_read(argc, argv, rows, n, overrides, print_help);

    return exit_code >= 0 || optind == argc ? exit_code : va_arguments_wrong(argv[0], "'%s' makes no sense", argv[optind]);
}

/* "check, show or sample" */
static void list_verbs(const struct va_verb *verbs, size_t n, char *ret_list, size_t capacity)
{
    ret_list[0] = '\0';
    for (size_t i = 0; i < n; i++)
        snprintf(ret_list + strlen(ret_list), capacity - strlen(ret_list), "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ", verbs[i].name);
}

int va_arguments_verb(int argc, char **argv, const struct va_verb *verbs, size_t n)
{
    char **words = argv + optind, list[256];
    int n_words = argc - optind;
    size_t i = 0;

    while (n_words > 0 && i < n && strcmp(words[0], verbs[i].name) != 0)
        i++;
    list_verbs(verbs, n, list, sizeof list);
    int n_wanted = i < n && verbs[i].word != NULL ? 2 : 1;
    if (n_words == 0)
        va_arguments_wrong(argv[0], "say %s", list);
    else if (i == n)
        va_arguments_wrong(argv[0], "there is no '%s': say %s", words[0], list);
    else if (n_words < n_wanted)
        va_arguments_wrong(argv[0], "%s needs %s", words[0], verbs[i].word);
    else if (n_words > n_wanted && !verbs[i].more)
        va_arguments_wrong(argv[0], "'%s' makes no sense behind %s", words[n_wanted], words[n_wanted - 1]);
    else
        return (int)i;
    return -1;
}

const char *va_arguments_word(int argc, char **argv, const char *name, const char *hint)
{
    if (argc - optind == 1)
        return argv[optind];
    if (argc == optind)
        va_arguments_wrong(argv[0], "%s is missing", name);
    else
        va_arguments_wrong(argv[0], "'%s' makes no sense%s", argv[optind + 1], hint);
    return NULL;
}
