#include "action/launch_message.h"

#include <string.h>

#define REQUEST_MAGIC 0x71726176 /* "varq" */
#define ANSWER_MAGIC 0x73616176  /* "vaas" */

/* Then the executable and the arguments, a NUL after each. */
struct request_head {
    uint32_t magic, n_arguments;
    double timeout_s;
    uint64_t max_bytes; /* 0: no files */
};

/* Then the text and its NUL. */
struct answer_head {
    uint32_t magic;
    int32_t code, status;
};

int va_launch_write_request(const struct va_launch *launch, struct va_buffer *out)
{
    struct request_head head = {REQUEST_MAGIC, (uint32_t)launch->n_arguments, launch->timeout_s,
                                launch->files != NULL ? launch->files->max_bytes : 0};
    int r = va_buffer_append(out, &head, sizeof head);

    if (launch->n_arguments > VA_LAUNCH_MAX_ARGUMENTS)
        return VA_ELIMIT;
    if (r == 0)
        r = va_buffer_append(out, launch->executable, strlen(launch->executable) + 1);
    for (size_t i = 0; r == 0 && i < launch->n_arguments; i++)
        r = va_buffer_append(out, launch->arguments[i], strlen(launch->arguments[i]) + 1);
    return r == 0 && out->size > VA_LAUNCH_MESSAGE_BYTES ? VA_ELIMIT : r;
}

int va_launch_write_answer(const struct va_launch_answer *answer, struct va_buffer *out)
{
    struct answer_head head = {ANSWER_MAGIC, answer->code, answer->status};
    int r = va_buffer_append(out, &head, sizeof head);

    if (r == 0)
        r = va_buffer_append(out, answer->text, strlen(answer->text) + 1);
    return r == 0 && out->size > VA_LAUNCH_MESSAGE_BYTES ? VA_ELIMIT : r;
}

/* The next text of bytes [n] from *at on, or NULL when it has no end. */
static const char *next_text(const char *bytes, size_t n, size_t *at)
{
    const char *text = bytes + *at, *end = memchr(text, '\0', n - *at);

    if (end == NULL)
        return NULL;
    *at += (size_t)(end - text) + 1;
    return text;
}

int va_launch_read_request(const char *bytes, size_t n, struct va_launch_request *ret_request)
{
    struct request_head head;
    const char *texts[VA_LAUNCH_MAX_ARGUMENTS + 1];
    size_t at = sizeof head;

    if (n < sizeof head || n > VA_LAUNCH_MESSAGE_BYTES)
        return VA_EFORMAT;
    memcpy(&head, bytes, sizeof head);
    if (head.magic != REQUEST_MAGIC || head.n_arguments > VA_LAUNCH_MAX_ARGUMENTS ||
        !(head.timeout_s > 0 && head.timeout_s <= VA_LAUNCH_MAX_TIMEOUT_S))
        return VA_EFORMAT;
    for (size_t i = 0; i <= head.n_arguments; i++)
        if ((texts[i] = next_text(bytes, n, &at)) == NULL)
            return VA_EFORMAT;
    if (at != n || texts[0][0] != '/' || strlen(texts[0]) >= VA_LAUNCH_PATH_BYTES)
        return VA_EFORMAT;
    ret_request->files = (struct va_launch_files){-1, -1, head.max_bytes};
    ret_request->launch = (struct va_launch){texts[0], ret_request->arguments, head.n_arguments, head.timeout_s,
                                             head.max_bytes > 0 ? &ret_request->files : NULL};
    for (size_t i = 0; i < head.n_arguments; i++)
        ret_request->arguments[i] = texts[i + 1];
    return 0;
}

int va_launch_read_answer(const char *bytes, size_t n, struct va_launch_answer *ret_answer)
{
    struct answer_head head;
    size_t at = sizeof head;

    if (n < sizeof head || n > VA_LAUNCH_MESSAGE_BYTES)
        return VA_EFORMAT;
    memcpy(&head, bytes, sizeof head);
    const char *text = next_text(bytes, n, &at);
    if (head.magic != ANSWER_MAGIC || head.code > 0 || text == NULL || at != n)
        return VA_EFORMAT;
    *ret_answer = (struct va_launch_answer){head.code, head.status, text};
    return 0;
}
