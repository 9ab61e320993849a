/* message.h - what the helper is asked and what it answers: a packet of text each, bounded, and read strictly. No heap. */
#ifndef VA_HELPER_MESSAGE_H
#define VA_HELPER_MESSAGE_H

#include "base/error.h"

#define VA_HELPER_REQUEST_BYTES 192
#define VA_HELPER_ANSWER_BYTES 256
#define VA_HELPER_WORD_BYTES 64

/* The whole list of what can be asked for. */
enum va_helper_verb {
    VA_HELPER_GOVERNOR,   /* governor NAME: of all processors */
    VA_HELPER_BRIGHTNESS, /* brightness N: of the panel, in its own steps */
    VA_HELPER_WIFI,       /* wifi on|off */
    VA_HELPER_SLEEP,      /* sleep SECONDS */
    VA_HELPER_RELEASE,    /* release BUS DEVICE: a camera from its driver */
    VA_HELPER_BIND        /* bind BUS DEVICE: a camera that was released, to the driver it had */
};

struct va_helper_request {
    enum va_helper_verb verb;
    int64_t number;                      /* of a verb that has one, else 0 */
    char words[2][VA_HELPER_WORD_BYTES]; /* "" where there is none. Names that can stand in a path: no slash, no dot in front, no blank */
};

/* A verb and its arguments with one blank between; numbers without sign and leading zeros. VA_EFORMAT: text [n] is anything else. */
VA_MUST_CHECK int va_helper_parse_request(const char *text, size_t n, struct va_helper_request *ret_request);

/* Returns the length. What was parsed gives the same bytes again. */
size_t va_helper_write_request(const struct va_helper_request *request, char ret_text[VA_HELPER_REQUEST_BYTES]);

/* "0", or a VA_E* and what went wrong: "-11 needs permission ...". Fills error. Returns the code; VA_EFORMAT: text [n] is no answer. */
int va_helper_parse_answer(const char *text, size_t n, va_error *error);

/* code 0, or that of error. Returns the length. */
size_t va_helper_write_answer(int code, const va_error *error, char ret_text[VA_HELPER_ANSWER_BYTES]);

#endif
