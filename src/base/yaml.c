#include "base/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/memory.h"

#define MAX_BYTES (4u << 20)
#define MAX_DEPTH 64
#define MAX_NODES 200000
#define MAX_ANCHORS 256 /* they are looked up one by one */
#define CHUNK_BYTES 16384

/* Nodes, arrays and texts live in chunks, which are freed together. */
struct chunk {
    struct chunk *next;
    size_t used, size;
    _Alignas(max_align_t) char data[];
};

struct va_yaml {
    struct chunk *chunks; /* newest first */
    const va_yaml_node *root;
};

/* A node that was just made, and what it weighs when all aliases in it are followed. */
struct item {
    const va_yaml_node *node;
    int height; /* 1 for a scalar */
};

struct anchor {
    const char *name;
    const va_yaml_node *node; /* NULL while it is still being read */
    size_t nodes;
    int height;
};

/* A sequence or mapping that is not complete yet: its items are builder.items[first ..]. */
struct level {
    enum va_yaml_type type;
    int line;
    int anchor; /* index or -1 */
    size_t first;
    size_t nodes_before;
};

struct builder {
    va_yaml *yaml;
    const char *path;
    yaml_parser_t parser;
    va_error *error;

    struct item *items;
    size_t n_items, items_capacity;
    struct level levels[MAX_DEPTH];
    int depth;
    struct anchor anchors[MAX_ANCHORS];
    int n_anchors;
    size_t nodes; /* with aliases followed */
};

static void *arena_alloc(va_yaml *yaml, size_t n, size_t size)
{
    size_t bytes = (n * size + 15) & ~(size_t)15; /* n is bounded by MAX_BYTES */
    struct chunk *chunk = yaml->chunks;
    if (chunk == NULL || chunk->size - chunk->used < bytes) {
        size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        chunk = va_alloc(sizeof *chunk + room, 1);
        if (chunk == NULL)
            return NULL;
        *chunk = (struct chunk){.next = yaml->chunks, .size = room};
        yaml->chunks = chunk;
    }
    void *p = chunk->data + chunk->used;
    chunk->used += bytes;
    return p;
}

static const char *arena_text(va_yaml *yaml, const void *text, size_t n)
{
    char *copy = arena_alloc(yaml, n + 1, 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

__attribute__((format(printf, 4, 5))) static int fail_at(struct builder *b, int code, int line, const char *format, ...)
{
    /* The end of a long path says more than its start, and leaves room for what is wrong. */
    const char *path = b->path;
    size_t length = strlen(path);
    char what[192];
    va_list args;

    if (length > 120)
        path += length - 120;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return va_fail(b->error, code, "%s:%d: %s", path, line, what);
}

static int count_node(struct builder *b, size_t n, int line)
{
    if (n > MAX_NODES - b->nodes)
        return fail_at(b, VA_ELIMIT, line, "more than %d values", MAX_NODES);
    b->nodes += n;
    return 0;
}

static int push(struct builder *b, struct item item)
{
    if (b->n_items == b->items_capacity) {
        size_t capacity = b->items_capacity == 0 ? 64 : b->items_capacity * 2;
        struct item *items = va_realloc(b->items, capacity, sizeof *items);
        if (items == NULL)
            return va_fail_memory(b->error);
        b->items = items;
        b->items_capacity = capacity;
    }
    b->items[b->n_items++] = item;
    return 0;
}

/* In a mapping keys and values take turns. */
static int expects_key(const struct builder *b)
{
    if (b->depth == 0)
        return 0;
    const struct level *level = &b->levels[b->depth - 1];
    return level->type == VA_YAML_MAPPING && (b->n_items - level->first) % 2 == 0;
}

/* ret_anchor: its index, -1 when name is NULL. A name may be used again: the last one counts. */
static int open_anchor(struct builder *b, const yaml_char_t *name, int line, int *ret_anchor)
{
    *ret_anchor = -1;
    if (name == NULL)
        return 0;
    if (b->n_anchors == MAX_ANCHORS)
        return fail_at(b, VA_ELIMIT, line, "more than %d anchors", MAX_ANCHORS);
    const char *copy = arena_text(b->yaml, name, strlen((const char *)name));
    if (copy == NULL)
        return va_fail_memory(b->error);
    b->anchors[b->n_anchors] = (struct anchor){.name = copy};
    *ret_anchor = b->n_anchors++;
    return 0;
}

/* The standard tags are accepted; only !!str changes how a value is read. */
static int check_tag(struct builder *b, const yaml_char_t *tag, int line, int *ret_text)
{
    static const char *const known[] = {"str", "null", "bool", "int", "float", "seq", "map"};
    static const char prefix[] = "tag:yaml.org,2002:";
    const char *name = (const char *)tag;

    *ret_text = 0;
    if (name == NULL)
        return 0;
    if (strcmp(name, "!") == 0) {
        *ret_text = 1;
        return 0;
    }
    if (strncmp(name, prefix, sizeof prefix - 1) == 0)
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            if (strcmp(name + sizeof prefix - 1, known[i]) == 0) {
                *ret_text = i == 0;
                return 0;
            }
    return fail_at(b, VA_EFORMAT, line, "tag '%.60s' is not supported", name);
}

static int is_null(const char *text)
{
    return strcmp(text, "~") == 0 || strcmp(text, "null") == 0 || strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0;
}

static int add_scalar(struct builder *b, const yaml_event_t *event)
{
    int line = (int)event->start_mark.line + 1, is_text, anchor;
    size_t length = event->data.scalar.length;
    int r = count_node(b, 1, line);
    if (r < 0 || (r = check_tag(b, event->data.scalar.tag, line, &is_text)) < 0 ||
        (r = open_anchor(b, event->data.scalar.anchor, line, &anchor)) < 0)
        return r;
    if (memchr(event->data.scalar.value, '\0', length) != NULL)
        return fail_at(b, VA_EFORMAT, line, "a text may not contain a zero character");

    va_yaml_node *node = arena_alloc(b->yaml, 1, sizeof *node);
    const char *text = arena_text(b->yaml, event->data.scalar.value, length);
    if (node == NULL || text == NULL)
        return va_fail_memory(b->error);
    int quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || is_text;
    if (!quoted && !expects_key(b) && is_null(text))
        text = "";
    *node = (va_yaml_node){.type = VA_YAML_SCALAR, .line = line, .text = text, .quoted = quoted};
    if (anchor >= 0) {
        b->anchors[anchor].node = node;
        b->anchors[anchor].nodes = b->anchors[anchor].height = 1;
    }
    return push(b, (struct item){node, 1});
}

/* The tree is immutable, so an alias can share the node; it still counts as if it were written out. */
static int add_alias(struct builder *b, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    int line = (int)event->start_mark.line + 1, r;

    for (int i = b->n_anchors - 1; i >= 0; i--) {
        const struct anchor *anchor = &b->anchors[i];
        if (strcmp(anchor->name, name) != 0)
            continue;
        if (anchor->node == NULL)
            return fail_at(b, VA_EFORMAT, line, "'*%.60s' stands inside what it refers to", name);
        if (b->depth + anchor->height > MAX_DEPTH + 1)
            return fail_at(b, VA_ELIMIT, line, "nested deeper than %d", MAX_DEPTH);
        if (expects_key(b) && anchor->node->type != VA_YAML_SCALAR)
            return fail_at(b, VA_EFORMAT, line, "a key must be a simple text");
        if ((r = count_node(b, anchor->nodes, line)) < 0)
            return r;
        return push(b, (struct item){anchor->node, anchor->height});
    }
    return fail_at(b, VA_EFORMAT, line, "'*%.60s' refers to nothing", name);
}

static int open_level(struct builder *b, const yaml_event_t *event)
{
    int line = (int)event->start_mark.line + 1, is_text, anchor;
    int is_mapping = event->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *tag = is_mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    const yaml_char_t *name = is_mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    size_t nodes_before = b->nodes;

    if (b->depth == MAX_DEPTH)
        return fail_at(b, VA_ELIMIT, line, "nested deeper than %d", MAX_DEPTH);
    if (expects_key(b))
        return fail_at(b, VA_EFORMAT, line, "a key must be a simple text");
    int r = count_node(b, 1, line);
    if (r < 0 || (r = check_tag(b, tag, line, &is_text)) < 0 || (r = open_anchor(b, name, line, &anchor)) < 0)
        return r;
    b->levels[b->depth++] = (struct level){is_mapping ? VA_YAML_MAPPING : VA_YAML_SEQUENCE, line, anchor, b->n_items, nodes_before};
    return 0;
}

static int compare_keys(const void *left, const void *right)
{
    const va_yaml_node *a = *(const va_yaml_node *const *)left, *b = *(const va_yaml_node *const *)right;
    int order = strcmp(a->text, b->text);
    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

static int check_duplicates(struct builder *b, const va_yaml_node *const *keys, size_t n)
{
    if (n < 2)
        return 0;
    const va_yaml_node **sorted = va_alloc(n, sizeof *sorted);
    if (sorted == NULL)
        return va_fail_memory(b->error);
    memcpy(sorted, keys, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_keys);
    int r = 0;
    for (size_t i = 1; i < n && r == 0; i++)
        if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0)
            r = fail_at(b, VA_EFORMAT, sorted[i]->line, "'%.80s' is given twice, first in line %d", sorted[i]->text, sorted[i - 1]->line);
    va_free(sorted);
    return r;
}

/* Gathers the items of the innermost level into its node. */
static int close_level(struct builder *b)
{
    struct level level = b->levels[b->depth - 1];
    const struct item *items = b->items != NULL ? b->items + level.first : NULL;
    size_t n_items = b->n_items - level.first;
    int is_mapping = level.type == VA_YAML_MAPPING, height = 0, r;
    size_t n = is_mapping ? n_items / 2 : n_items;

    va_yaml_node *node = arena_alloc(b->yaml, 1, sizeof *node);
    const va_yaml_node **values = arena_alloc(b->yaml, n, sizeof *values);
    const va_yaml_node **keys = is_mapping ? arena_alloc(b->yaml, n, sizeof *keys) : NULL;
    if (node == NULL || values == NULL || (is_mapping && keys == NULL))
        return va_fail_memory(b->error);
    for (size_t i = 0; i < n_items; i++) {
        if (items[i].height > height)
            height = items[i].height;
        if (!is_mapping)
            values[i] = items[i].node;
        else if (i % 2 == 0)
            keys[i / 2] = items[i].node;
        else
            values[i / 2] = items[i].node;
    }
    if (is_mapping && (r = check_duplicates(b, keys, n)) < 0)
        return r;
    *node = (va_yaml_node){.type = level.type, .line = level.line, .n = n, .keys = keys, .values = values};
    if (level.anchor >= 0) {
        struct anchor *anchor = &b->anchors[level.anchor];
        anchor->node = node;
        anchor->nodes = b->nodes - level.nodes_before;
        anchor->height = height + 1;
    }
    b->n_items = level.first;
    b->depth--;
    return push(b, (struct item){node, height + 1});
}

static int fail_parser(struct builder *b, const char *text, size_t size)
{
    const yaml_parser_t *parser = &b->parser;
    int line = (int)parser->problem_mark.line + 1;

    if (parser->error == YAML_MEMORY_ERROR)
        return va_fail_memory(b->error);
    if (parser->error == YAML_READER_ERROR) { /* it knows the byte, not the line */
        line = 1;
        for (size_t i = 0; i < size && i < parser->problem_offset; i++)
            line += text[i] == '\n';
        return fail_at(b, VA_EFORMAT, line, "not UTF-8 text: %s", parser->problem);
    }
    if (parser->error == YAML_SCANNER_ERROR && parser->problem_mark.index < size && text[parser->problem_mark.index] == '\t')
        return fail_at(b, VA_EFORMAT, line, "a tab where only spaces may indent");
    return fail_at(b, VA_EFORMAT, line, "%s", parser->problem != NULL ? parser->problem : "not YAML");
}

/* ret_end: the stream is over. */
static int handle(struct builder *b, const yaml_event_t *event, int *ret_end)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->n_items > 0)
            return fail_at(b, VA_EFORMAT, (int)event->start_mark.line + 1, "a second document starts here; there may be only one");
        return 0;
    case YAML_SCALAR_EVENT:
        return add_scalar(b, event);
    case YAML_ALIAS_EVENT:
        return add_alias(b, event);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return open_level(b, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_level(b);
    case YAML_STREAM_END_EVENT:
        *ret_end = 1;
        return 0;
    default:
        return 0;
    }
}

/* An empty file, and one that says only null, is an empty mapping. */
static int set_root(struct builder *b)
{
    const va_yaml_node *root = b->n_items > 0 ? b->items[0].node : NULL;
    if (root == NULL || (root->type == VA_YAML_SCALAR && !root->quoted && root->text[0] == '\0')) {
        va_yaml_node *empty = arena_alloc(b->yaml, 1, sizeof *empty);
        if (empty == NULL)
            return va_fail_memory(b->error);
        *empty = (va_yaml_node){.type = VA_YAML_MAPPING, .line = 1};
        root = empty;
    }
    b->yaml->root = root;
    return 0;
}

static int build(struct builder *b, const char *text, size_t size)
{
    int end = 0, r = 0;

    if (!yaml_parser_initialize(&b->parser))
        return va_fail_memory(b->error);
    yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)text, size);
    while (r == 0 && !end) {
        yaml_event_t event;
        if (!yaml_parser_parse(&b->parser, &event)) {
            r = fail_parser(b, text, size);
            break;
        }
        r = handle(b, &event, &end);
        yaml_event_delete(&event);
    }
    if (r == 0)
        r = set_root(b);
    yaml_parser_delete(&b->parser);
    return r;
}

int va_yaml_parse(const char *path, const char *text, size_t size, va_yaml **ret_yaml, va_error *error)
{
    if (size > MAX_BYTES)
        return va_fail(error, VA_ELIMIT, "%s: larger than %u bytes", path, MAX_BYTES);
    struct builder *b = va_calloc(1, sizeof *b);
    va_yaml *yaml = va_calloc(1, sizeof *yaml);
    if (b == NULL || yaml == NULL) {
        va_free(b);
        va_free(yaml);
        return va_fail_memory(error);
    }
    b->yaml = yaml;
    b->path = path;
    b->error = error;
    int r = build(b, text, size);
    va_free(b->items);
    va_free(b);
    if (r < 0) {
        va_yaml_free(yaml);
        return r;
    }
    *ret_yaml = yaml;
    return 0;
}

int va_yaml_open(const char *path, va_yaml **ret_yaml, va_error *error)
{
    char *text;
    size_t size;
    int r = va_file_read(path, MAX_BYTES, &text, &size, error);
    if (r < 0)
        return r;
    r = va_yaml_parse(path, text, size, ret_yaml, error);
    va_free(text);
    return r;
}

void va_yaml_free(va_yaml *yaml)
{
    if (yaml == NULL)
        return;
    for (struct chunk *chunk = yaml->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        va_free(chunk);
    }
    va_free(yaml);
}

const va_yaml_node *va_yaml_root(const va_yaml *yaml)
{
    return yaml->root;
}

const va_yaml_node *va_yaml_get(const va_yaml_node *mapping, const char *key)
{
    if (mapping == NULL || mapping->type != VA_YAML_MAPPING)
        return NULL;
    for (size_t i = 0; i < mapping->n; i++)
        if (strcmp(mapping->keys[i]->text, key) == 0)
            return mapping->values[i];
    return NULL;
}
