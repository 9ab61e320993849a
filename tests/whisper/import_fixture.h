/* import_fixture.h - a folder for foreign models and what is made of them, for the tests of the importers. */
#ifndef VA_TESTS_IMPORT_FIXTURE_H
#define VA_TESTS_IMPORT_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "synthetic.h"
#include "whisper/import.h"

/* A CTranslate2 folder and its config.json, a ggml file, and the prepared file, alone in its folder. */
extern char ct2[320], config[384], ggml[320], out[320];

int import_set_up(void **state);
int import_tear_down(void **state);

void write_file(const char *path, const void *data, size_t size);
void write_ct2(const struct synthetic *s);
void write_ggml(const struct synthetic *s);
int import_to_out(const char *from, enum va_precision precision, va_error *error);

/* The folder of the prepared file holds nothing, not even a temporary file. */
void assert_nothing_left(void);
/* Importing fails with this code and these words, and leaves nothing. */
void assert_refused(const char *from, int code, const char *words);

#endif
