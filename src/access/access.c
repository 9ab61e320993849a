#include "access/access.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>

#include "access/limiter.h"
#include "access/secret_text.h"
#include "access/tokens.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#define ACTIVE_MAX 1024
#define ACTIVE_S 60.0
#define USED_STEP_S 3600 /* so it is written at most so often for each token */
#define MAX_TOKEN_BYTES 256

/* What tells one state of the file from another. */
struct stamp {
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct va_access {
    char *folder, *path;
    int local_open;
    pthread_mutex_t lock; /* of all below */
    struct stamp stamp;
    struct va_tokens *tokens; /* NULL: the file cannot be used */
    struct va_limiter limiter;
    struct {
        uint64_t key;
        double seen_s;
    } active[ACTIVE_MAX]; /* [n_active] */
    size_t n_active;
};

static double now_s(void)
{
    return va_clock_ms() / 1000.0;
}

/* ---- the file ---- */

static struct stamp look(const char *path)
{
    struct stamp stamp;
    struct stat info;

    memset(&stamp, 0, sizeof stamp); /* it is compared as bytes */
    if (lstat(path, &info) == 0) {
        stamp.inode = info.st_ino;
        stamp.size = info.st_size;
        stamp.modified = info.st_mtim;
        stamp.changed = info.st_ctim;
    }
    return stamp;
}

/* Loses no time of use: what this program knows is newer than what is written. */
static void keep_used(const struct va_tokens *before, struct va_tokens *tokens)
{
    for (size_t i = 0; before != NULL && i < before->n; i++)
        for (size_t j = 0; j < tokens->n; j++)
            if (strcmp(before->token[i].id, tokens->token[j].id) == 0 && before->token[i].used_unix_s > tokens->token[j].used_unix_s)
                tokens->token[j].used_unix_s = before->token[i].used_unix_s;
}

static int read_tokens(va_access *access, va_error *error)
{
    struct stamp stamp = look(access->path);
    struct va_tokens *tokens = NULL;
    int r = va_tokens_load(access->folder, &tokens, error);

    if (r == 0)
        keep_used(access->tokens, tokens);
    va_free(access->tokens);
    access->tokens = tokens;
    access->stamp = stamp; /* from before it was read: a change meanwhile is seen the next time */
    return r;
}

static void read_again_when_changed(va_access *access)
{
    struct stamp stamp = look(access->path);
    va_error error;

    if (memcmp(&stamp, &access->stamp, sizeof stamp) != 0 && read_tokens(access, &error) < 0)
        va_log(VA_LOG_WARNING, "access", "no token is valid until this is mended: %s", error.text);
}

/* ---- open, free ---- */

int va_access_open(const struct va_access_options *options, va_access **ret_access, va_error *error)
{
    va_access *access = va_calloc(1, sizeof *access);
    int r;

    if (access == NULL)
        return va_fail_memory(error);
    pthread_mutex_init(&access->lock, NULL);
    access->local_open = options->local_open;
    access->folder = va_strdup(options->folder);
    access->path = va_asprintf("%s/access/tokens", options->folder);
    r = access->folder == NULL || access->path == NULL ? va_fail_memory(error) : read_tokens(access, error);
    if (r < 0) {
        va_access_free(access);
        return r;
    }
    *ret_access = access;
    return 0;
}

void va_access_free(va_access *access)
{
    if (access == NULL)
        return;
    pthread_mutex_destroy(&access->lock);
    va_free(access->tokens);
    va_free(access->folder);
    va_free(access->path);
    va_free(access);
}

/* ---- who is here ---- */

static uint64_t hash(char kind, const void *data, size_t n)
{
    uint64_t h = 14695981039346656037u ^ (unsigned char)kind;

    for (size_t i = 0; i < n; i++)
        h = (h * 1099511628211u) ^ ((const unsigned char *)data)[i];
    return h;
}

static void drop_inactive(va_access *access, double now)
{
    for (size_t i = 0; i < access->n_active;) {
        if (now - access->active[i].seen_s > ACTIVE_S)
            access->active[i] = access->active[--access->n_active];
        else
            i++;
    }
}

static void note_active(va_access *access, uint64_t key, double now)
{
    size_t i = 0;

    while (i < access->n_active && access->active[i].key != key)
        i++;
    if (i == ACTIVE_MAX) {
        drop_inactive(access, now);
        i = access->n_active;
    }
    if (i == ACTIVE_MAX)
        return;
    if (i == access->n_active)
        access->n_active++;
    access->active[i].key = key;
    access->active[i].seen_s = now;
}

int va_access_active(va_access *access)
{
    pthread_mutex_lock(&access->lock);
    drop_inactive(access, now_s());
    int n = (int)access->n_active;
    pthread_mutex_unlock(&access->lock);
    return n;
}

/* ---- the check ---- */

static int is_current(const struct va_token *token, int64_t now_unix_s)
{
    return (token->expires_unix_s == 0) | (token->expires_unix_s > now_unix_s);
}

/* Compares with every entry in the same time, whichever it is. */
static struct va_token *find(va_access *access, enum va_token_kind kind, const uint8_t digest[VA_DIGEST_BYTES], int64_t now_unix_s)
{
    size_t found = VA_TOKENS_MAX, n = access->tokens != NULL ? access->tokens->n : 0;

    for (size_t i = 0; i < n; i++) {
        const struct va_token *token = &access->tokens->token[i];
        int is_it = CRYPTO_memcmp(token->digest, digest, VA_DIGEST_BYTES) == 0;
        int is_valid = (token->kind == kind) & is_current(token, now_unix_s);
        size_t mask = (size_t)0 - (size_t)(is_it & is_valid);
        found = (found & ~mask) | (i & mask);
    }
    return found < n ? &access->tokens->token[found] : NULL;
}

static struct va_token *find_token(va_access *access, const char *token, int64_t now_unix_s)
{
    uint8_t digest[VA_DIGEST_BYTES];
    size_t n = strlen(token);

    if (n > MAX_TOKEN_BYTES || va_digest(token, n, digest, NULL) < 0)
        return NULL;
    return find(access, VA_TOKEN_BEARER, digest, now_unix_s);
}

static struct va_token *find_certificate(va_access *access, const char *sha256, int64_t now_unix_s)
{
    uint8_t digest[VA_DIGEST_BYTES];

    return va_hex_read(sha256, sizeof digest, digest) < 0 ? NULL : find(access, VA_TOKEN_CERTIFICATE, digest, now_unix_s);
}

static void note_used(va_access *access, struct va_token *token, int64_t now_unix_s)
{
    int64_t hour = now_unix_s - now_unix_s % USED_STEP_S;
    va_error error;

    if (token->used_unix_s >= hour)
        return;
    token->used_unix_s = hour;
    if (va_tokens_write_used(access->folder, access->tokens, &error) < 0)
        va_log(VA_LOG_DEBUG, "access", "%s", error.text);
}

static int count_try(va_access *access, const struct va_peer *peer, double now, int *ret_retry_after_s)
{
    struct va_limiter_key key;

    va_limiter_key(peer->address, &key);
    int wait_s = va_limiter_wait_s(&access->limiter, &key, peer->is_loopback, now);
    if (wait_s > 0) {
        *ret_retry_after_s = wait_s;
        return VA_EBUSY;
    }
    va_limiter_count(&access->limiter, &key, peer->is_loopback, now);
    return 0;
}

static int check(va_access *access, const struct va_peer *peer, const char *token, struct va_identity *ret_identity, int *ret_retry_after_s)
{
    int64_t now_unix_s = (int64_t)va_clock_unix_s();
    int is_open = access->local_open && peer->is_loopback && !peer->is_tls;
    double now = now_s();
    struct va_token *known = NULL;
    struct va_identity identity = {.scopes = VA_SCOPE_ALL, .name = "local"};

    read_again_when_changed(access);
    if (token != NULL)
        known = find_token(access, token, now_unix_s);
    else if (peer->certificate_sha256 != NULL)
        known = find_certificate(access, peer->certificate_sha256, now_unix_s);
    if (known == NULL && !is_open)
        return token != NULL && count_try(access, peer, now, ret_retry_after_s) == VA_EBUSY ? VA_EBUSY : VA_EDENIED;
    if (known != NULL) {
        snprintf(identity.name, sizeof identity.name, "%s", known->name);
        if (!is_open) {
            identity.scopes = known->scopes;
            memcpy(identity.id, known->id, sizeof identity.id);
        }
        note_used(access, known, now_unix_s);
        note_active(access, hash('t', known->id, strlen(known->id)), now);
    } else {
        note_active(access, hash('a', peer->address, strlen(peer->address)), now);
    }
    *ret_identity = identity;
    return 0;
}

int va_access_check(va_access *access, const struct va_peer *peer, const char *token, struct va_identity *ret_identity,
                    int *ret_retry_after_s)
{
    pthread_mutex_lock(&access->lock);
    int r = check(access, peer, token, ret_identity, ret_retry_after_s);
    pthread_mutex_unlock(&access->lock);
    return r;
}

int va_access_holds(va_access *access, const struct va_identity *identity)
{
    int64_t now_unix_s = (int64_t)va_clock_unix_s();
    int holds = identity->id[0] == '\0';

    pthread_mutex_lock(&access->lock);
    read_again_when_changed(access);
    for (size_t i = 0; !holds && access->tokens != NULL && i < access->tokens->n; i++) {
        const struct va_token *token = &access->tokens->token[i];
        holds = strcmp(token->id, identity->id) == 0 && is_current(token, now_unix_s);
    }
    pthread_mutex_unlock(&access->lock);
    return holds;
}

int va_access_try(va_access *access, const struct va_peer *peer, int *ret_retry_after_s)
{
    pthread_mutex_lock(&access->lock);
    int r = count_try(access, peer, now_s(), ret_retry_after_s);
    pthread_mutex_unlock(&access->lock);
    return r;
}
