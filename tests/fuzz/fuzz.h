/* fuzz.h - what a fuzzer defines, under libFuzzer and under replay.c. */
#ifndef VA_TESTS_FUZZ_H
#define VA_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input; unlike assert it is never compiled out. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : abort())

#endif
