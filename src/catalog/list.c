#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "catalog/catalog.h"
#include "catalog/table.h"
#include "nn/container.h"
#include "nn/sha256.h"
#include "wake/layout.h"
#include "whisper/import.h"
#include "whisper/layout.h"

enum { MAX_MODELS = 256 };

/* What a prepared file says about itself. */
struct description {
    enum va_container_kind kind;
    uint64_t bytes;
    int32_t hparams[VA_WHISPER_HPARAMS];                      /* of a Whisper model */
    char word[VA_WAKE_MAX_TEXT], languages[VA_WAKE_MAX_TEXT]; /* of a wake word */
    char hash[VA_SHA256_TEXT_SIZE], source_hash[VA_SHA256_TEXT_SIZE];
};

static const char *precision_text(const struct description *d)
{
    if (d->kind == VA_CONTAINER_WAKE)
        return "int8";
    return d->kind != VA_CONTAINER_WHISPER || d->hparams[VA_HPARAM_PRECISION] == VA_PRECISION_F32 ? "float32" : "int8";
}

static const char *languages_text(const struct description *d)
{
    if (d->kind == VA_CONTAINER_WAKE)
        return d->languages[0] != '\0' ? d->languages : "not said";
    return d->kind != VA_CONTAINER_WHISPER || d->hparams[VA_HPARAM_VOCAB] >= 51865 ? "all" : "en";
}

static const char *kind_text(const struct description *d)
{
    return d->kind == VA_CONTAINER_WHISPER ? "transcription" : d->kind == VA_CONTAINER_WAKE ? "wake word" : "speech detection";
}

static int read_text(const va_container *container, const char *name, char ret_text[VA_WAKE_MAX_TEXT], va_error *error)
{
    static const uint64_t any = 0;
    const struct va_tensor *tensor;
    int r = va_container_get(container, name, VA_TENSOR_U8, 1, &any, &tensor, error);

    if (r < 0)
        return r;
    snprintf(ret_text, VA_WAKE_MAX_TEXT, "%.*s", (int)(tensor->bytes < VA_WAKE_MAX_TEXT ? tensor->bytes : VA_WAKE_MAX_TEXT),
             (const char *)tensor->data);
    return va_utf8_is_line(ret_text, strlen(ret_text))
               ? 0
               : va_fail(error, VA_EFORMAT, "the model file has a %s that is not a line of text", name);
}

static int describe(const char *path, struct description *ret, va_error *error)
{
    static const uint64_t dims[] = {VA_WHISPER_HPARAMS};
    const struct va_tensor *hparams;
    va_container *container;
    int r = va_container_open(path, VA_CONTAINER_ANY, &container, error);

    if (r < 0)
        return r;
    ret->kind = va_container_kind(container);
    if (ret->kind == VA_CONTAINER_WHISPER) {
        if ((r = va_container_get(container, "hparams", VA_TENSOR_S32, 1, dims, &hparams, error)) == 0)
            memcpy(ret->hparams, hparams->data, sizeof ret->hparams);
    } else if (ret->kind == VA_CONTAINER_WAKE) {
        if ((r = read_text(container, "word", ret->word, error)) == 0)
            r = read_text(container, "languages", ret->languages, error);
    } else if (ret->kind != VA_CONTAINER_VAD) {
        r = va_fail(error, VA_EUNSUPPORTED, "%s: holds a kind of model that this program does not know", path);
    }
    if (r == 0) {
        ret->bytes = va_container_file_size(container);
        va_sha256_text(va_container_hash(container), ret->hash);
        va_sha256_text(va_container_source_hash(container), ret->source_hash);
    }
    va_container_free(container);
    return r;
}

static int to_buffer(const char *text, size_t size, void *user)
{
    return va_buffer_append(user, text, size);
}

/* Takes json over. */
static int print_json(json_t *json, struct va_buffer *out, va_error *error)
{
    int r = json == NULL || json_dump_callback(json, to_buffer, out, JSON_INDENT(2)) < 0 || va_buffer_append(out, "\n", 1) < 0;
    json_decref(json);
    return r ? va_fail_memory(error) : 0;
}

/* A path need not be UTF-8, and a message may be cut within a character. NULL when out of memory. */
static json_t *mended(const char *text)
{
    char *copy = va_strdup(text);
    if (copy == NULL)
        return NULL;
    va_utf8_mend(copy, strlen(copy));
    json_t *json = json_string(copy);
    va_free(copy);
    return json;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of prepared files that no row of the table has, sorted. [n], each va_free. A file whose name is no model's is reached by its path
 * only. */
static int scan(const char *folder, char **names, size_t *ret_n, va_error *error)
{
    struct dirent *entry;
    DIR *list = opendir(folder);
    size_t n = 0;
    int r = 0;

    if (list == NULL) {
        *ret_n = 0;
        return errno == ENOENT ? 0 : va_fail_errno(error, "%s", folder);
    }
    while (r == 0 && n < MAX_MODELS && (entry = readdir(list)) != NULL) {
        size_t size = strlen(entry->d_name);
        if (size <= 4 || strcmp(entry->d_name + size - 4, ".vam") != 0)
            continue;
        char *name = va_strndup(entry->d_name, size - 4);
        if (name == NULL)
            r = va_fail_memory(error);
        else if (!va_catalog_is_name(name) || va_catalog_model_get(name) != NULL)
            va_free(name);
        else
            names[n++] = name;
    }
    closedir(list);
    qsort(names, n, sizeof *names, by_text);
    *ret_n = n;
    return r;
}

struct listing {
    const char *folder;
    json_t *models; /* NULL: text lines */
    struct va_buffer *out;
};

static int add_json(const struct listing *listing, const char *name, const struct va_catalog_model *model, const char *state,
                    const char *path, const struct description *d, const char *problem)
{
    json_t *item = json_pack("{s:s, s:s}", "name", name, "state", state);
    int r = item == NULL;

    if (model != NULL)
        r |= json_object_set_new(item, "summary", json_string(model->summary)) |
             json_object_set_new(item, "download_bytes", json_integer((json_int_t)model->sources[0].wheel_bytes));
    if (strcmp(state, "available") != 0)
        r |= json_object_set_new(item, "path", mended(path));
    if (problem != NULL)
        r |= json_object_set_new(item, "problem", mended(problem));
    if (d != NULL)
        r |= json_object_set_new(item, "kind", json_string(kind_text(d))) |
             json_object_set_new(item, "bytes", json_integer((json_int_t)d->bytes)) |
             json_object_set_new(item, "precision", json_string(precision_text(d))) |
             json_object_set_new(item, "languages", json_string(languages_text(d)));
    return r | json_array_append_new(listing->models, item) ? VA_ENOMEM : 0;
}

static int add_line(const struct listing *listing, const char *name, const struct va_catalog_model *model, const char *state,
                    const struct description *d, const char *problem)
{
    uint64_t bytes = d != NULL ? d->bytes : model != NULL ? model->sources[0].wheel_bytes : 0;
    int is_small = bytes < 999500, r = va_buffer_printf(listing->out, "%-16s %-10s", name, state);
    if (r == 0 && problem != NULL)
        return va_buffer_printf(listing->out, " %s\n", problem);
    if (r == 0)
        r = va_buffer_printf(listing->out, " %4llu %s%s",
                             (unsigned long long)(is_small ? (bytes + 500) / 1000 : (bytes + 500000) / 1000000), is_small ? "kB" : "MB",
                             d != NULL ? "" : " to download");
    if (r == 0 && d != NULL)
        r = va_buffer_printf(listing->out, "  %s, languages: %s", precision_text(d), languages_text(d));
    if (r == 0 && model != NULL)
        r = va_buffer_printf(listing->out, "  (%s)", model->summary);
    return r == 0 ? va_buffer_append(listing->out, "\n", 1) : r;
}

/* What is wrong, without the path before it; with it where that leaves no room for more. */
static const char *reason_of(const va_error *problem, const char *path)
{
    size_t n = strlen(path);

    return strncmp(problem->text, path, n) == 0 && strncmp(problem->text + n, ": ", 2) == 0 && problem->text[n + 2] != '\0'
               ? problem->text + n + 2
               : problem->text;
}

static int add_model(const struct listing *listing, const char *name, const struct va_catalog_model *model, va_error *error)
{
    struct description description;
    const struct description *d = NULL;
    const char *state = "prepared";
    va_error problem = {0};
    char text[sizeof problem.text + 64];
    char *path = va_asprintf("%s/%s.vam", listing->folder, name);

    if (path == NULL)
        return va_fail_memory(error);
    int r = describe(path, &description, &problem);
    if (r == 0) {
        d = &description;
    } else if (r == VA_ENOMEM) {
        va_free(path);
        return va_fail_memory(error);
    } else if (r == VA_ENOTFOUND && model != NULL) {
        state = "available";
    } else {
        state = "unusable";
        const char *reason = reason_of(&problem, path);
        if (model != NULL)
            snprintf(text, sizeof text, "%.*s: run 'voice-assistant model fetch %s'", (int)strcspn(reason, ":;"), reason, name);
        else
            snprintf(text, sizeof text, "%s", reason);
    }
    const char *why = strcmp(state, "unusable") == 0 ? text : NULL;
    r = listing->models != NULL ? add_json(listing, name, model, state, path, d, why) : add_line(listing, name, model, state, d, why);
    va_free(path);
    return r < 0 ? va_fail(error, r, "%s", va_status_text(r)) : 0;
}

int va_catalog_list(const char *folder, int json, struct va_buffer *out, va_error *error)
{
    struct listing listing = {.folder = folder, .out = out};
    char **names = va_calloc(MAX_MODELS, sizeof *names);
    size_t n = 0;
    int r;

    if (names == NULL)
        return va_fail_memory(error);
    if (json && (listing.models = json_array()) == NULL) {
        r = va_fail_memory(error);
        goto fail;
    }
    r = scan(folder, names, &n, error);
    for (size_t i = 0; r == 0 && va_catalog_model_at(i) != NULL; i++)
        r = add_model(&listing, va_catalog_model_at(i)->name, va_catalog_model_at(i), error);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = add_model(&listing, names[i], NULL, error);
    if (r == 0 && json) {
        r = print_json(json_pack("{s:o, s:O}", "folder", mended(folder), "models", listing.models), out, error);
    }
fail:
    json_decref(listing.models);
    for (size_t i = 0; i < n; i++)
        va_free(names[i]);
    va_free(names);
    return r;
}

static json_t *info_json(const char *name, const char *path, const struct description *d)
{
    const int32_t *h = d->hparams;
    json_t *info = json_pack("{s:o, s:o, s:s, s:I, s:i, s:s, s:s, s:s, s:s}", "name", mended(name), "path", mended(path), "kind",
                             kind_text(d), "bytes", (json_int_t)d->bytes, "format", VA_CONTAINER_VERSION, "precision", precision_text(d),
                             "languages", languages_text(d), "sha256", d->hash, "source_sha256", d->source_hash);

    if (info != NULL && d->kind == VA_CONTAINER_WAKE && json_object_set_new(info, "word", json_string(d->word)) < 0) {
        json_decref(info);
        return NULL;
    }
    if (info == NULL || d->kind != VA_CONTAINER_WHISPER)
        return info;
    json_t *sizes = json_pack("{s:i, s:i, s:i, s:i, s:i}", "width", h[VA_HPARAM_WIDTH], "heads", h[VA_HPARAM_HEADS], "encoder_layers",
                              h[VA_HPARAM_ENC_LAYERS], "decoder_layers", h[VA_HPARAM_DEC_LAYERS], "vocabulary", h[VA_HPARAM_VOCAB]);
    if (sizes == NULL || json_object_update(info, sizes) < 0) {
        json_decref(info);
        info = NULL;
    }
    json_decref(sizes);
    return info;
}

static int info_text(const char *name, const char *path, const struct description *d, struct va_buffer *out, va_error *error)
{
    const int32_t *h = d->hparams;
    int r = va_buffer_printf(out,
                             "model          %s\nkind           %s\nfile           %s\nsize           %llu bytes (format %u)\n"
                             "precision      %s\nlanguages      %s\n",
                             name, kind_text(d), path, (unsigned long long)d->bytes, VA_CONTAINER_VERSION, precision_text(d),
                             languages_text(d));
    if (r == 0 && d->kind == VA_CONTAINER_WAKE)
        r = va_buffer_printf(out, "word           %s\n", d->word);
    if (r == 0 && d->kind == VA_CONTAINER_WHISPER)
        r = va_buffer_printf(out, "width          %d (%d heads)\nlayers         %d encoder, %d decoder\nvocabulary     %d tokens\n",
                             h[VA_HPARAM_WIDTH], h[VA_HPARAM_HEADS], h[VA_HPARAM_ENC_LAYERS], h[VA_HPARAM_DEC_LAYERS], h[VA_HPARAM_VOCAB]);
    if (r == 0)
        r = va_buffer_printf(out, "SHA-256        %s\nsource SHA-256 %s\n", d->hash, d->source_hash);
    return r < 0 ? va_fail(error, r, "%s", va_status_text(r)) : 0;
}

int va_catalog_info(const char *folder, const char *name, int json, struct va_buffer *out, va_error *error)
{
    struct description d;
    char *path;
    int r = va_catalog_find(folder, name, &path, error);

    if (r < 0)
        return r;
    if ((r = describe(path, &d, error)) == 0)
        r = json ? print_json(info_json(name, path, &d), out, error) : info_text(name, path, &d, out, error);
    va_free(path);
    return r;
}
