#include "helper/message.h"

#include <stdio.h>
#include <string.h>

#define MAX_DIGITS 9

static const struct shape {
    const char *name;
    int n_words;
    int64_t min, max; /* of its number; max 0: it has none */
} shapes[] = {
    [VA_HELPER_GOVERNOR] = {"governor", 1, 0, 0}, [VA_HELPER_BRIGHTNESS] = {"brightness", 0, 0, 999999},
    [VA_HELPER_WIFI] = {"wifi", 1, 0, 0},         [VA_HELPER_SLEEP] = {"sleep", 0, 2, 604800},
    [VA_HELPER_RELEASE] = {"release", 2, 0, 0},   [VA_HELPER_BIND] = {"bind", 2, 0, 0},
};
#define N_SHAPES (sizeof shapes / sizeof shapes[0])

/* What is left of a text. */
struct rest {
    const char *at;
    size_t n;
};

/* The bytes up to the next blank or the end. 0: there are none, or too many. */
static int take_word(struct rest *rest, char ret_word[VA_HELPER_WORD_BYTES])
{
    size_t n = 0;

    while (n < rest->n && rest->at[n] != ' ')
        n++;
    if (n == 0 || n >= VA_HELPER_WORD_BYTES)
        return 0;
    memcpy(ret_word, rest->at, n);
    ret_word[n] = '\0';
    rest->at += n;
    rest->n -= n;
    return 1;
}

static int take_blank(struct rest *rest)
{
    if (rest->n == 0 || rest->at[0] != ' ')
        return 0;
    rest->at++;
    rest->n--;
    return 1;
}

static int is_name(const char *word)
{
    for (const char *p = word; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~' || *p == '/')
            return 0;
    return word[0] != '.' && word[0] != '\0';
}

static int read_number(const char *word, int64_t *ret_number)
{
    size_t n = strlen(word);
    int64_t number = 0;

    if (n > MAX_DIGITS || (n > 1 && word[0] == '0'))
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (word[i] < '0' || word[i] > '9')
            return 0;
        number = number * 10 + (word[i] - '0');
    }
    *ret_number = number;
    return 1;
}

int va_helper_parse_request(const char *text, size_t n, struct va_helper_request *ret_request)
{
    struct va_helper_request request = {0};
    struct rest rest = {text, n};
    char word[VA_HELPER_WORD_BYTES];
    size_t verb = 0;

    /* Whoever is too long is not read at all. */
    if (n >= VA_HELPER_REQUEST_BYTES || memchr(text, '\0', n) != NULL || !take_word(&rest, word))
        return VA_EFORMAT;
    while (verb < N_SHAPES && strcmp(shapes[verb].name, word) != 0)
        verb++;
    if (verb == N_SHAPES)
        return VA_EFORMAT;
    const struct shape *shape = &shapes[verb];
    request.verb = (enum va_helper_verb)verb;
    for (int i = 0; i < shape->n_words; i++)
        if (!take_blank(&rest) || !take_word(&rest, request.words[i]) || !is_name(request.words[i]))
            return VA_EFORMAT;
    if (shape->max > 0 && (!take_blank(&rest) || !take_word(&rest, word) || !read_number(word, &request.number) ||
                           request.number < shape->min || request.number > shape->max))
        return VA_EFORMAT;
    if (verb == VA_HELPER_WIFI && strcmp(request.words[0], "on") != 0 && strcmp(request.words[0], "off") != 0)
        return VA_EFORMAT;
    if (rest.n > 0)
        return VA_EFORMAT;
    *ret_request = request;
    return 0;
}

size_t va_helper_write_request(const struct va_helper_request *request, char ret_text[VA_HELPER_REQUEST_BYTES])
{
    const struct shape *shape = &shapes[request->verb];
    int n = snprintf(ret_text, VA_HELPER_REQUEST_BYTES, "%s", shape->name);

    for (int i = 0; i < shape->n_words; i++)
        n += snprintf(ret_text + n, VA_HELPER_REQUEST_BYTES - (size_t)n, " %s", request->words[i]);
    if (shape->max > 0)
        n += snprintf(ret_text + n, VA_HELPER_REQUEST_BYTES - (size_t)n, " %lld", (long long)request->number);
    return (size_t)n;
}

int va_helper_parse_answer(const char *text, size_t n, va_error *error)
{
    struct rest rest = {text, n};
    char word[VA_HELPER_WORD_BYTES];
    int64_t code = 0;

    if (n == 1 && text[0] == '0')
        return 0;
    if (n >= VA_HELPER_ANSWER_BYTES || memchr(text, '\0', n) != NULL || !take_word(&rest, word) || word[0] != '-' ||
        !read_number(word + 1, &code) || code < 1 || code > -VA_EFAILED || !take_blank(&rest) || rest.n == 0)
        return va_fail(error, VA_EFORMAT, "the helper's answer cannot be understood");
    return va_fail(error, -(int)code, "%.*s", (int)rest.n, rest.at);
}

size_t va_helper_write_answer(int code, const va_error *error, char ret_text[VA_HELPER_ANSWER_BYTES])
{
    int n = code == 0 ? snprintf(ret_text, VA_HELPER_ANSWER_BYTES, "0")
                      : snprintf(ret_text, VA_HELPER_ANSWER_BYTES, "%d %s", code, error->text[0] != '\0' ? error->text : "failed");

    return n < VA_HELPER_ANSWER_BYTES ? (size_t)n : VA_HELPER_ANSWER_BYTES - 1;
}
