/* template.c - from the text of a sentence template to nodes. */
#include "intent/grammar.h"

#include <string.h>

#include "base/memory.h"
#include "intent/text.h"

struct parser {
    va_commands *commands;
    struct va_language *language;
    struct va_place place;
    const char *text;
    size_t n, pos;
    va_error *error;
    uint32_t *stack; /* finished nodes of the groups that are open */
    size_t stack_n, stack_capacity;
    size_t sequence; /* where the nodes of the sequence being read start on the stack */
};

static int parse_group(struct parser *parser, char close, size_t open_pos, int depth);

static int push(struct parser *parser, int64_t node)
{
    if (node < 0)
        return node == VA_ELIMIT ? va_fail(parser->error, VA_ELIMIT, "the command files are too large") : va_fail_memory(parser->error);
    if (va_grow(&parser->stack, &parser->stack_capacity, parser->stack_n, sizeof *parser->stack) < 0)
        return va_fail_memory(parser->error);
    parser->stack[parser->stack_n++] = (uint32_t)node;
    return 0;
}

/* Replaces the nodes above `base` by one parent. */
static int fold(struct parser *parser, enum va_node_kind kind, size_t base)
{
    size_t n = parser->stack_n - base;
    struct va_node *nodes = parser->commands->grammar.nodes;

    for (size_t i = base; kind == VA_NODE_SEQUENCE && i + 1 < parser->stack_n; i++)
        if (nodes[parser->stack[i]].kind == VA_NODE_SLOT)
            nodes[parser->stack[i]].glued = parser->stack[i + 1] != VA_NODE_INDEX_BOUNDARY;
    int64_t node = va_grammar_add_parent(&parser->commands->grammar, kind, n == 0 ? NULL : parser->stack + base, n);

    parser->stack_n = base;
    return push(parser, node);
}

static int push_boundary(struct parser *parser)
{
    if (parser->stack_n > parser->sequence && parser->stack[parser->stack_n - 1] == VA_NODE_INDEX_BOUNDARY)
        return 0;
    return push(parser, VA_NODE_INDEX_BOUNDARY);
}

static int is_special(char c, int depth)
{
    return c == '[' || c == ']' || c == '(' || c == ')' || c == '{' || c == '}' || c == '<' || c == '>' || c == '|' ||
           (c == ';' && depth > 0);
}

static int ends_word(const struct parser *parser, size_t pos)
{
    return pos >= parser->n || parser->text[pos] == ' ' || strchr("()[]|;,.!?", parser->text[pos]) != NULL;
}

/* A piece of text [n], which stands at start..end of the template. A whole word that is a number gets its other form beside it, unless
 * a character of it was escaped: that stands for itself. */
static int push_piece(struct parser *parser, const char *piece, size_t n, size_t start, size_t end)
{
    struct va_grammar *grammar = &parser->commands->grammar;
    size_t base = parser->stack_n;
    char word[40];
    int r = push(parser, va_grammar_add_text(grammar, piece, n, parser->text + start, end - start));

    int is_open = end < parser->n && (parser->text[end] == '[' || parser->text[end] == '(');
    int is_literal = memchr(parser->text + start, '\\', end - start) != NULL;
    if (r < 0 || n >= sizeof word || is_open || is_literal || !ends_word(parser, end) || (start > 0 && !ends_word(parser, start - 1)))
        return r;
    memcpy(word, piece, n);
    word[n] = '\0';
    int64_t other = va_template_other_number(parser->commands, parser->language, word);
    if (other == VA_NODE_INDEX_EMPTY)
        return 0;
    if ((r = push(parser, other)) < 0)
        return r;
    return fold(parser, VA_NODE_CHOICE, base);
}

/* Literal text up to the next special character: pieces of words and boundaries. */
static int parse_text(struct parser *parser, int depth)
{
    char piece[256];
    size_t piece_n = 0, start = parser->pos;
    enum va_char_class last = VA_CHAR_SPACE;
    int r = 0;

    for (int more = 1; more && r == 0;) {
        enum va_char_class class = VA_CHAR_SPACE;
        char bytes[4];
        size_t n = 0, at = parser->pos;
        more = at < parser->n && !is_special(parser->text[at], depth);
        int is_escaped = more && parser->text[at] == '\\' && at + 1 < parser->n;
        parser->pos += (size_t)is_escaped;
        if (more && va_text_next(parser->text, parser->n, &parser->pos, &class, bytes, &n) < 0)
            return va_fail(parser->error, VA_EFORMAT, "character %zu is not UTF-8", at + 1);
        if (is_escaped && (bytes[0] == '.' || bytes[0] == ','))
            class = VA_CHAR_DIGIT;
        if (more && class == VA_CHAR_DROP)
            continue;
        int breaks = !more || class == VA_CHAR_SPACE || ((class == VA_CHAR_SYMBOL) != (last == VA_CHAR_SYMBOL) && last != VA_CHAR_SPACE);
        if (piece_n > 0 && (breaks || piece_n + n > sizeof piece)) {
            r = push_piece(parser, piece, piece_n, start, at);
            piece_n = 0;
        }
        if (r == 0 && more && (breaks || (class == VA_CHAR_SYMBOL && last == VA_CHAR_SPACE)))
            r = push_boundary(parser);
        if (class != VA_CHAR_SPACE) {
            if (piece_n == 0)
                start = at;
            memcpy(piece + piece_n, bytes, n);
            piece_n += n;
        }
        last = class;
    }
    return r;
}

static int is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || (unsigned char)c >= 0x80;
}

/* {list}, {list:slot}, <rule>: the name part up to `close` or ':'. Leaves pos behind it. */
static int parse_name(struct parser *parser, char close, char ret_name[64])
{
    size_t start = parser->pos, n;

    while (parser->pos < parser->n && is_name_char(parser->text[parser->pos]))
        parser->pos++;
    n = parser->pos - start;
    if (parser->pos == parser->n)
        return va_fail(parser->error, VA_EFORMAT, "the name at character %zu is not closed by '%c'", start + 1, close);
    if (n == 0 || n > 63)
        return va_fail(parser->error, VA_EFORMAT, "a name of 1 to 63 letters, digits and '_' must stand at character %zu", start + 1);
    memcpy(ret_name, parser->text + start, n);
    ret_name[n] = '\0';
    return 0;
}

static int expect(struct parser *parser, char c)
{
    if (parser->pos < parser->n && parser->text[parser->pos] == c) {
        parser->pos++;
        return 0;
    }
    return va_fail(parser->error, VA_EFORMAT, "'%c' is missing at character %zu", c, parser->pos + 1);
}

static int parse_slot(struct parser *parser)
{
    char list_name[64], slot_name[64];
    int r;

    parser->pos++;
    if ((r = parse_name(parser, '}', list_name)) < 0)
        return r;
    memcpy(slot_name, list_name, sizeof slot_name);
    if (parser->text[parser->pos] == ':') {
        parser->pos++;
        if ((r = parse_name(parser, '}', slot_name)) < 0)
            return r;
    }
    if ((r = expect(parser, '}')) < 0)
        return r;
    int64_t list = va_language_list(parser->commands, parser->language, list_name, parser->place);
    int64_t slot = list < 0 ? list : va_language_slot_name(parser->commands, parser->language, slot_name);
    if (slot < 0)
        return va_fail_memory(parser->error);
    struct va_node node = {.kind = VA_NODE_SLOT, .first = (uint32_t)list, .n = (uint32_t)slot};
    return push(parser, va_grammar_add(&parser->commands->grammar, node));
}

static int parse_rule(struct parser *parser)
{
    char name[64];
    int r;

    parser->pos++;
    if ((r = parse_name(parser, '>', name)) < 0 || (r = expect(parser, '>')) < 0)
        return r;
    int64_t rule = va_language_rule(parser->commands, parser->language, name, parser->place);
    if (rule < 0)
        return va_fail_memory(parser->error);
    struct va_node node = {.kind = VA_NODE_RULE, .first = (uint32_t)rule};
    return push(parser, va_grammar_add(&parser->commands->grammar, node));
}

/* One thing that starts with a special character. */
static int parse_special(struct parser *parser, int depth)
{
    size_t open_pos = parser->pos, base = parser->stack_n;
    int r;

    switch (parser->text[parser->pos]) {
    case '{':
        return parse_slot(parser);
    case '<':
        return parse_rule(parser);
    case '(':
    case '[':
        if (depth == VA_TEMPLATE_MAX_DEPTH)
            return va_fail(parser->error, VA_EFORMAT, "groups are nested more than %d deep at character %zu", VA_TEMPLATE_MAX_DEPTH,
                           open_pos + 1);
        int optional = parser->text[parser->pos++] == '[';
        if ((r = parse_group(parser, optional ? ']' : ')', open_pos, depth + 1)) < 0 || !optional)
            return r;
        if ((r = push(parser, VA_NODE_INDEX_EMPTY)) < 0)
            return r;
        return fold(parser, VA_NODE_CHOICE, base);
    default:
        return va_fail(parser->error, VA_EFORMAT, "'%c' at character %zu has nothing to close", parser->text[parser->pos], open_pos + 1);
    }
}

/* Items up to '|', ';' or a closing character: one node on the stack. */
static int parse_sequence(struct parser *parser, int depth)
{
    size_t base = parser->stack_n, outer = parser->sequence;
    int r = 0;

    parser->sequence = base;
    while (r == 0 && parser->pos < parser->n) {
        char c = parser->text[parser->pos];
        if (c == '|' || (c == ';' && depth > 0) || ((c == ')' || c == ']') && depth > 0))
            break;
        r = is_special(c, depth) ? parse_special(parser, depth) : parse_text(parser, depth);
    }
    parser->sequence = outer;
    return r < 0 ? r : fold(parser, VA_NODE_SEQUENCE, base);
}

/* Alternatives or a permutation up to `close` (NUL: the end of the text): one node on the stack. */
static int parse_group(struct parser *parser, char close, size_t open_pos, int depth)
{
    size_t base = parser->stack_n;
    char separator = '\0';

    for (;;) {
        int r = parse_sequence(parser, depth);
        if (r < 0)
            return r;
        char c = parser->pos < parser->n ? parser->text[parser->pos] : '\0';
        if (c == '\0' && parser->pos < parser->n)
            return va_fail(parser->error, VA_EFORMAT, "character %zu is a NUL", parser->pos + 1);
        if (c == close) {
            parser->pos += c != '\0';
            break;
        }
        if (c == '\0')
            return va_fail(parser->error, VA_EFORMAT, "the '%c' at character %zu has no '%c'", parser->text[open_pos], open_pos + 1, close);
        if (c != '|' && c != ';')
            return va_fail(parser->error, VA_EFORMAT, "the '%c' at character %zu is closed by '%c' at character %zu",
                           parser->text[open_pos], open_pos + 1, c, parser->pos + 1);
        if (separator != '\0' && separator != c)
            return va_fail(parser->error, VA_EFORMAT, "'|' and ';' are mixed in one group at character %zu", parser->pos + 1);
        separator = c;
        parser->pos++;
    }
    if (separator == ';' && parser->stack_n - base > VA_PERMUTATION_MAX)
        return va_fail(parser->error, VA_EFORMAT, "a permutation has more than %d parts at character %zu", VA_PERMUTATION_MAX,
                       open_pos + 1);
    return fold(parser, separator == ';' ? VA_NODE_PERMUTATION : VA_NODE_CHOICE, base);
}

int va_template_compile(va_commands *commands, struct va_language *language, const char *text, struct va_place place, uint32_t *ret_node,
                        va_error *error)
{
    struct parser parser = {.commands = commands, .language = language, .place = place, .text = text, .n = strlen(text), .error = error};

    int r = parse_group(&parser, '\0', 0, 0);
    if (r == 0)
        *ret_node = parser.stack[0];
    va_free(parser.stack);
    return r;
}
