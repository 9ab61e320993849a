/* arguments.h - the options of a command line that say no more than a text, a yes or an option of the configuration: one row each, and
 * --config, --set, --help. */
#ifndef VA_DAEMON_ARGUMENTS_H
#define VA_DAEMON_ARGUMENTS_H

#include <stdio.h>

#include "daemon/overrides.h"

#define VA_ARGUMENTS_MAX 16

#define VA_ARGUMENTS_HELP                                                                                            \
    "  --config FILE            the configuration (default: voice-assistant.yaml of the user, else of the system)\n" \
    "  --set SECTION.KEY=VALUE  set an option, after the file; may be given again\n"                                 \
    "  -h, --help               print this help\n"

/* Takes a value where text or option is there to receive it. */
struct va_argument {
    const char *name;
    int *flag;          /* or NULL: is 1 when it is given */
    const char **text;  /* or NULL: becomes its value */
    const char *option; /* or NULL: "section.key" of the configuration, which has its value */
    const char *set;    /* or NULL: "section.key=value" that holds when it is given */
};

/* rows [n], VA_ARGUMENTS_MAX at most; overrides NULL: without --config, --set and rows for the
 * configuration. What else was said begins at optind. Returns -1 to go
 * on, or an exit code: what was wrong was told. */
int va_arguments_read(int argc, char **argv, const struct va_argument *rows, size_t n, struct va_overrides *overrides,
                      void (*print_help)(FILE *out));

/* The same where nothing else may be said. */
int va_arguments_read_all(int argc, char **argv, const struct va_argument *rows, size_t n, struct va_overrides *overrides,
                          void (*print_help)(FILE *out));

struct va_verb {
    const char *name;
    const char *word; /* what must follow, for a person: "NAME"; or NULL */
    int more;         /* and more may */
};

/* Which of verbs [n] begins at optind; the words behind it are as its row says. Negative: what is wrong was told. */
int va_arguments_verb(int argc, char **argv, const struct va_verb *verbs, size_t n);

/* The one word at optind; NULL: it is missing, or there are more, which was told. name: for a person, "FILE"; hint: to who says more. */
const char *va_arguments_word(int argc, char **argv, const char *name, const char *hint);

/* Tells what is wrong, and where help is. VA_EXIT_USAGE. */
int va_arguments_wrong(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
