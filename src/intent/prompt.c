/* prompt.c - words for the recognizer to expect: a sample of every command, then the values of the lists. */
#include "intent/grammar.h"

#include <stdio.h>
#include <string.h>

struct writer {
    const va_commands *commands;
    const struct va_language *language;
    char *out;
    size_t n, capacity; /* with the NUL */
    int full;
    int space; /* a boundary is due before the next word */
};

static void put(struct writer *writer, const char *bytes, size_t n)
{
    if (n == 0 || writer->full)
        return;
    size_t space = writer->space && writer->n > 0;
    if (writer->n + space + n + 1 > writer->capacity) {
        writer->full = 1;
        return;
    }
    if (space)
        writer->out[writer->n++] = ' ';
    memcpy(writer->out + writer->n, bytes, n);
    writer->n += n;
    writer->out[writer->n] = '\0';
    writer->space = 0;
}

static void put_sample(struct writer *writer, uint32_t index);

static void put_slot(struct writer *writer, const struct va_slot_list *list)
{
    char number[32];

    if (list->kind == VA_LIST_VALUES && list->n_values > 0) {
        put_sample(writer, writer->language->values[list->first_value].node);
    } else if (list->kind == VA_LIST_RANGE) {
        double middle = list->from + list->step * (double)(int64_t)((list->to - list->from) / 2 / list->step);
        put(writer, number, (size_t)snprintf(number, sizeof number, "%.10g", middle));
    }
}

/* The first of the alternatives, without what is optional. */
static void put_sample(struct writer *writer, uint32_t index)
{
    const struct va_grammar *grammar = &writer->commands->grammar;
    const struct va_node *node = &grammar->nodes[index];

    switch ((enum va_node_kind)node->kind) {
    case VA_NODE_EMPTY:
        break;
    case VA_NODE_TEXT:
        put(writer, grammar->text + node->spelling, node->spelling_n);
        break;
    case VA_NODE_BOUNDARY:
        writer->space = 1;
        break;
    case VA_NODE_SEQUENCE:
    case VA_NODE_PERMUTATION:
        for (uint32_t i = 0; i < node->n; i++) {
            writer->space |= node->kind == VA_NODE_PERMUTATION;
            put_sample(writer, grammar->children[node->first + i]);
        }
        break;
    case VA_NODE_CHOICE:
        if (!node->nullable)
            put_sample(writer, grammar->children[node->first]);
        break;
    case VA_NODE_SLOT:
        put_slot(writer, &writer->language->lists[node->first]);
        break;
    case VA_NODE_RULE:
        if (!node->nullable)
            put_sample(writer, writer->language->rules[node->first].node);
        break;
    }
}

/* Writes a piece whole or not at all. */
static void put_piece(struct writer *writer, uint32_t node, const char *end)
{
    size_t before = writer->n;

    writer->space = 1;
    put_sample(writer, node);
    writer->space = 0;
    if (writer->n > before)
        put(writer, end, strlen(end));
    if (writer->full)
        writer->n = before;
    writer->out[writer->n] = '\0';
}

/* The first sentence of every command. */
static void put_commands(struct writer *writer)
{
    const struct va_language *language = writer->language;

    for (size_t i = 0; i < language->n_sentences && !writer->full; i++)
        if (i == 0 || language->sentences[i].command != language->sentences[i - 1].command)
            put_piece(writer, language->sentences[i].node, ".");
}

/* Values beyond the first of each list, which the samples have shown. Round by round, so that every list has its share. */
static void put_values(struct writer *writer)
{
    const struct va_language *language = writer->language;
    int more = 1;

    for (uint32_t round = 1; more && !writer->full; round++) {
        more = 0;
        for (size_t i = 0; i < language->n_lists && !writer->full; i++) {
            const struct va_slot_list *list = &language->lists[i];
            if (list->kind != VA_LIST_VALUES || round >= list->n_values)
                continue;
            more = 1;
            put_piece(writer, language->values[list->first_value + round].node, ",");
        }
    }
    if (writer->n > 0 && writer->out[writer->n - 1] == ',')
        writer->out[writer->n - 1] = '.';
}

void va_commands_prompt(const va_commands *commands, char *ret_prompt, size_t capacity)
{
    struct writer writer = {.commands = commands, .out = ret_prompt, .capacity = capacity};

    if (capacity == 0)
        return;
    ret_prompt[0] = '\0';
    for (size_t i = 0; i < commands->grammar.n_languages; i++) {
        writer.language = &commands->grammar.languages[i];
        put_commands(&writer);
    }
    for (size_t i = 0; i < commands->grammar.n_languages; i++) {
        writer.language = &commands->grammar.languages[i];
        put_values(&writer);
    }
}
