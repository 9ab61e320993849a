/* options.h - options.def as a table, for the files of this folder. */
#ifndef VA_CONFIG_OPTIONS_H
#define VA_CONFIG_OPTIONS_H

#include "config/config.h"

enum va_option_type { VA_OPTION_TYPE_STRING, VA_OPTION_TYPE_CHOICE, VA_OPTION_TYPE_INT, VA_OPTION_TYPE_NUMBER, VA_OPTION_TYPE_BOOL };
enum va_option_flag { VA_OPTION_RELOAD = 1, VA_OPTION_SECRET = 2, VA_OPTION_LOCKED = 4 };

struct va_option {
    const char *section, *key, *name; /* name: "section.key" */
    enum va_option_type type;
    unsigned flags;
    size_t offset;       /* of the field in va_config */
    const char *string;  /* default of a string or choice */
    int64_t integer;     /* default of an int or bool */
    double number;       /* default of a number */
    double min, max;     /* int and number; exact up to 2^53 */
    const char *choices; /* "this|that" */
    const char *doc;
};

struct va_section {
    const char *name, *doc;
};

#define VA_SECTION(...) +1
enum {
    VA_N_SECTIONS = 0
#include "config/options.def"
};
#define VA_OPTION_STRING(...) +1
#define VA_OPTION_CHOICE(...) +1
#define VA_OPTION_INT(...) +1
#define VA_OPTION_NUMBER(...) +1
#define VA_OPTION_BOOL(...) +1
enum {
    VA_N_OPTIONS = 0
#include "config/options.def"
};

#define VA_OPTION_NAME_BYTES 64     /* no name is longer */
#define VA_OPTION_STRING_BYTES 4096 /* no value is longer */
#define VA_OPTION_MASK "********"

extern const struct va_option va_options[VA_N_OPTIONS]; /* those of a section stand together */
extern const struct va_section va_sections[VA_N_SECTIONS];

/* By name, which need not end with a NUL. NULL when there is none. */
const struct va_option *va_option_find(const char *section, size_t section_length, const char *key, size_t key_length);
const struct va_section *va_section_find(const char *name);

/* What was probably meant: an option's or section's name, or NULL when nothing is near. */
const char *va_option_nearest(const char *name);
const char *va_section_nearest(const char *name);

/* The fields of an option in a config. */
const char **va_option_string(const struct va_option *option, va_config *config);
int64_t *va_option_integer(const struct va_option *option, va_config *config);
double *va_option_number(const struct va_option *option, va_config *config);

/* Reads text into the field of an int, number or bool; checks a string or choice. On failure fills error with
 * "'section.key' must be ..., not 'text'". 0, VA_EFORMAT or VA_ELIMIT. quoted: it was written in quotes. */
VA_MUST_CHECK int va_option_parse(const struct va_option *option, const char *text, int quoted, va_config *config, va_error *error);

/* As it stands in a file; text in quotes (JSON's escapes mean the same in YAML). masked: of a secret nothing is shown. */
VA_MUST_CHECK int va_option_print(const struct va_option *option, const va_config *config, int masked, struct va_buffer *out);

/* "a whole number from 0 to 65535" */
#define VA_OPTION_KIND_BYTES 160
void va_option_kind(const struct va_option *option, char ret_text[VA_OPTION_KIND_BYTES]);

#endif
