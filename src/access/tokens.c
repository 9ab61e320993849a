#include "access/tokens.h"

#include <stdio.h>
#include <string.h>

#include "access/folder.h"
#include "access/secret_text.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/utf8.h"

#define SUB "access"
#define FILE_NAME "tokens"
#define USED_NAME "used"
#define MAX_LINE_BYTES 256
#define MAX_FILE_BYTES ((size_t)VA_TOKENS_MAX * MAX_LINE_BYTES)
#define DAY_S 86400
#define HEADER "# kind id scopes created expires sha256 name; changed by 'voice-assistant token'\n"

int va_token_is_name(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n < VA_ACCESS_NAME_BYTES && name[0] != ' ' && name[n - 1] != ' ' && va_utf8_is_line(name, n);
}

/* ---- reading ---- */

/* The next word of a line, at most capacity - 1 bytes; NULL when there is none. */
static const char *take_word(const char *p, char *ret_word, size_t capacity)
{
    size_t n = strcspn(p, " ");

    if (n == 0 || n >= capacity || p[n] != ' ')
        return NULL;
    memcpy(ret_word, p, n);
    ret_word[n] = '\0';
    return p + n + 1;
}

static int read_time(const char *text, int64_t *ret_time)
{
    int64_t time = 0;

    if (text[0] == '\0' || strlen(text) > 12 || strspn(text, "0123456789") != strlen(text))
        return 0;
    for (const char *p = text; *p != '\0'; p++)
        time = time * 10 + (*p - '0');
    *ret_time = time;
    return time <= VA_CLOCK_LAST_UNIX_S;
}

static int is_id(const char *text)
{
    uint8_t bytes[4];

    return va_hex_read(text, sizeof bytes, bytes) == 0;
}

static int parse_line(const char *line, struct va_token *ret_token)
{
    struct va_token token = {0};
    char kind[12], scopes[VA_SCOPES_TEXT_BYTES], created[16], expires[16], digest[VA_DIGEST_TEXT_BYTES];
    const char *p = take_word(line, kind, sizeof kind);

    if (p == NULL || (p = take_word(p, token.id, sizeof token.id)) == NULL || (p = take_word(p, scopes, sizeof scopes)) == NULL ||
        (p = take_word(p, created, sizeof created)) == NULL || (p = take_word(p, expires, sizeof expires)) == NULL ||
        (p = take_word(p, digest, sizeof digest)) == NULL)
        return VA_EFORMAT;
    token.kind = strcmp(kind, "token") == 0 ? VA_TOKEN_BEARER : VA_TOKEN_CERTIFICATE;
    if ((token.kind == VA_TOKEN_CERTIFICATE && strcmp(kind, "certificate") != 0) || !is_id(token.id) ||
        va_scopes_parse(scopes, &token.scopes, NULL) < 0 || !read_time(created, &token.created_unix_s) ||
        !read_time(expires, &token.expires_unix_s) || va_hex_read(digest, sizeof token.digest, token.digest) < 0 || !va_token_is_name(p))
        return VA_EFORMAT;
    snprintf(token.name, sizeof token.name, "%s", p);
    *ret_token = token;
    return 0;
}

static struct va_token *find(struct va_tokens *tokens, const char *which)
{
    for (size_t i = 0; i < tokens->n; i++)
        if (strcmp(tokens->token[i].id, which) == 0 || strcmp(tokens->token[i].name, which) == 0)
            return &tokens->token[i];
    return NULL;
}

/* The line at *at without its end, and moves on. 0: it is too long, or holds a NUL. */
static int take_line(const char *text, size_t size, size_t *at, char ret_line[MAX_LINE_BYTES])
{
    const char *start = text + *at, *end = memchr(start, '\n', size - *at);
    size_t n = end == NULL ? size - *at : (size_t)(end - start);

    *at += n + 1;
    if (n >= MAX_LINE_BYTES || memchr(start, '\0', n) != NULL)
        return 0;
    memcpy(ret_line, start, n);
    ret_line[n] = '\0';
    return 1;
}

int va_tokens_parse(const char *text, size_t size, struct va_tokens *ret_tokens, va_error *error)
{
    char line[MAX_LINE_BYTES];
    struct va_token token;
    int number = 0;

    ret_tokens->n = 0;
    for (size_t at = 0; at < size;) {
        number++;
        int is_line = take_line(text, size, &at, line);
        if (is_line && (line[0] == '\0' || line[0] == '#'))
            continue;
        if (!is_line || parse_line(line, &token) < 0 || find(ret_tokens, token.id) != NULL || find(ret_tokens, token.name) != NULL)
            return va_fail(error, VA_EFORMAT, "line %d is damaged, or names what another line names", number);
        if (ret_tokens->n == VA_TOKENS_MAX)
            return va_fail(error, VA_ELIMIT, "more than %d tokens", VA_TOKENS_MAX);
        ret_tokens->token[ret_tokens->n++] = token;
    }
    return 0;
}

/* Lines "id time". What cannot be read was not used: nothing depends on it. */
static void load_used(const char *folder, struct va_tokens *tokens)
{
    char line[MAX_LINE_BYTES], id[VA_TOKEN_ID_BYTES], *text = NULL;
    size_t size = 0;

    if (va_folder_read(folder, SUB, USED_NAME, MAX_FILE_BYTES, &text, &size, NULL) < 0)
        return;
    for (size_t at = 0; at < size;) {
        if (!take_line(text, size, &at, line))
            continue;
        const char *time = take_word(line, id, sizeof id);
        struct va_token *token = time != NULL ? find(tokens, id) : NULL;
        if (token != NULL)
            (void)read_time(time, &token->used_unix_s);
    }
    va_free(text);
}

int va_tokens_load(const char *folder, struct va_tokens **ret_tokens, va_error *error)
{
    struct va_tokens *tokens = va_calloc(1, sizeof *tokens);
    va_error inner;
    char *text = NULL;
    size_t size = 0;

    if (tokens == NULL)
        return va_fail_memory(error);
    int r = va_folder_read(folder, SUB, FILE_NAME, MAX_FILE_BYTES, &text, &size, error);
    if (r == 0 && (r = va_tokens_parse(text, size, tokens, &inner)) < 0)
        (void)va_fail(error, r, "%.120s/" SUB "/" FILE_NAME ": %s", folder, inner.text);
    va_free(text);
    if (r < 0 && r != VA_ENOTFOUND) {
        va_free(tokens);
        return r;
    }
    load_used(folder, tokens);
    *ret_tokens = tokens;
    return 0;
}

/* ---- changing ---- */

static int save(const char *folder, const struct va_tokens *tokens, va_error *error)
{
    char scopes[VA_SCOPES_TEXT_BYTES], digest[VA_DIGEST_TEXT_BYTES];
    struct va_buffer text;

    va_buffer_init(&text, MAX_FILE_BYTES);
    int r = va_buffer_append_string(&text, HEADER);
    for (size_t i = 0; r == 0 && i < tokens->n; i++) {
        const struct va_token *token = &tokens->token[i];
        va_scopes_text(token->scopes, scopes);
        va_hex_write(token->digest, sizeof token->digest, digest);
        r = va_buffer_printf(&text, "%s %s %s %lld %lld %s %s\n", token->kind == VA_TOKEN_BEARER ? "token" : "certificate", token->id,
                             scopes, (long long)token->created_unix_s, (long long)token->expires_unix_s, digest, token->name);
    }
    r = r < 0 ? va_fail(error, r, "tokens: %s", va_status_text(r)) : va_folder_write(folder, SUB, FILE_NAME, text.data, text.size, error);
    va_buffer_free(&text);
    return r;
}

/* Tokens that have expired make room, the oldest first. */
static void drop_expired(struct va_tokens *tokens, int64_t now_unix_s)
{
    for (size_t i = 0; tokens->n == VA_TOKENS_MAX && i < tokens->n; i++)
        if (tokens->token[i].expires_unix_s != 0 && tokens->token[i].expires_unix_s <= now_unix_s)
            memmove(&tokens->token[i], &tokens->token[i + 1], (--tokens->n - i) * sizeof tokens->token[0]);
}

static int make_id(struct va_tokens *tokens, char ret_id[VA_TOKEN_ID_BYTES], va_error *error)
{
    uint8_t bytes[4];
    int r;

    do {
        if ((r = va_random_bytes(bytes, sizeof bytes, error)) < 0)
            return r;
        va_hex_write(bytes, sizeof bytes, ret_id);
    } while (find(tokens, ret_id) != NULL);
    return 0;
}

/* token: without its id. */
static int add(const char *folder, struct va_token *token, va_error *error)
{
    struct va_tokens *tokens = NULL;
    int lock;

    if (!va_token_is_name(token->name))
        return va_fail(error, VA_EINVAL, "a name has 1 to %d bytes, none of them a control character", VA_ACCESS_NAME_BYTES - 1);
    if (token->scopes == 0 || (token->scopes & ~VA_SCOPE_ALL) != 0)
        return va_fail(error, VA_EINVAL, "a token needs scopes");
    int r = va_folder_lock(folder, SUB, &lock, error);
    if (r < 0)
        return r;
    if ((r = va_tokens_load(folder, &tokens, error)) < 0)
        goto end;
    drop_expired(tokens, token->created_unix_s);
    if (find(tokens, token->name) != NULL)
        r = va_fail(error, VA_ESTATE, "there is a token '%s' already", token->name);
    else if (tokens->n == VA_TOKENS_MAX)
        r = va_fail(error, VA_ELIMIT, "there are %d tokens already: revoke some", VA_TOKENS_MAX);
    if (r == 0)
        r = make_id(tokens, token->id, error);
    if (r == 0) {
        tokens->token[tokens->n++] = *token;
        r = save(folder, tokens, error);
    }

end:
    va_free(tokens);
    va_folder_unlock(lock);
    return r;
}

int va_tokens_add(const char *folder, const char *name, unsigned scopes, int days, struct va_token *ret_token,
                  char ret_text[VA_TOKEN_TEXT_BYTES], va_error *error)
{
    struct va_token token = {.kind = VA_TOKEN_BEARER, .scopes = scopes, .created_unix_s = (int64_t)va_clock_unix_s()};
    char text[VA_TOKEN_TEXT_BYTES] = "va_";
    uint8_t secret[32];

    if (days < 0 || days > VA_TOKEN_MAX_DAYS)
        return va_fail(error, VA_EINVAL, "a token is valid for 1 to %d days", VA_TOKEN_MAX_DAYS);
    token.expires_unix_s = days > 0 ? token.created_unix_s + (int64_t)days * DAY_S : 0;
    if (snprintf(token.name, sizeof token.name, "%s", name) >= (int)sizeof token.name)
        token.name[0] = '\0';
    int r = va_random_bytes(secret, sizeof secret, error);
    if (r == 0) {
        va_hex_write(secret, sizeof secret, text + 3);
        r = va_digest(text, strlen(text), token.digest, error);
    }
    if (r == 0)
        r = add(folder, &token, error);
    if (r == 0) {
        memcpy(ret_text, text, sizeof text);
        *ret_token = token;
    }
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(text, sizeof text);
    return r;
}

int va_tokens_add_certificate(const char *folder, const char *name, unsigned scopes, int64_t expires_unix_s, const uint8_t digest[32],
                              struct va_token *ret_token, va_error *error)
{
    struct va_token token = {
        .kind = VA_TOKEN_CERTIFICATE, .scopes = scopes, .created_unix_s = (int64_t)va_clock_unix_s(), .expires_unix_s = expires_unix_s};

    memcpy(token.digest, digest, sizeof token.digest);
    if (snprintf(token.name, sizeof token.name, "%s", name) >= (int)sizeof token.name)
        token.name[0] = '\0';
    int r = add(folder, &token, error);
    if (r == 0)
        *ret_token = token;
    return r;
}

int va_tokens_revoke(const char *folder, const char *which, struct va_token *ret_token, va_error *error)
{
    struct va_tokens *tokens = NULL;
    int lock, r = va_folder_lock(folder, SUB, &lock, error);

    if (r < 0)
        return r;
    if ((r = va_tokens_load(folder, &tokens, error)) < 0)
        goto end;
    struct va_token *token = find(tokens, which);
    if (token == NULL) {
        r = va_fail(error, VA_ENOTFOUND, "there is no token '%.60s'", which);
        goto end;
    }
    struct va_token revoked = *token;
    size_t i = (size_t)(token - tokens->token);
    memmove(token, token + 1, (--tokens->n - i) * sizeof *token);
    if ((r = save(folder, tokens, error)) == 0)
        *ret_token = revoked;

end:
    va_free(tokens);
    va_folder_unlock(lock);
    return r;
}

int va_tokens_write_used(const char *folder, const struct va_tokens *tokens, va_error *error)
{
    struct va_buffer text;
    int r = 0;

    va_buffer_init(&text, MAX_FILE_BYTES);
    for (size_t i = 0; r == 0 && i < tokens->n; i++)
        if (tokens->token[i].used_unix_s > 0)
            r = va_buffer_printf(&text, "%s %lld\n", tokens->token[i].id, (long long)tokens->token[i].used_unix_s);
    r = r < 0 ? va_fail(error, r, "tokens: %s", va_status_text(r)) : va_folder_write(folder, SUB, USED_NAME, text.data, text.size, error);
    va_buffer_free(&text);
    return r;
}
