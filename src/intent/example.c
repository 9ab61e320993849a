/* example.c - a sentence of a command, for people who ask what can be said. */
#include "intent/grammar.h"

#include <stdio.h>
#include <string.h>

struct writer {
    const va_commands *commands;
    const struct va_language *language;
    char *out;
    size_t n, capacity; /* with the NUL */
    size_t needed;      /* bytes up to the last word that must be there */
    int full;
    int space;    /* a boundary is due before the next word */
    int optional; /* inside how many optional parts */
    int has_slot; /* since the innermost of them began */
};

static void put(struct writer *writer, const char *bytes, size_t n)
{
    size_t space = writer->space && writer->n > 0;

    if (n == 0)
        return;
    if (writer->full || writer->n + space + n + 1 > writer->capacity) {
        writer->full = 1;
        return;
    }
    if (space)
        writer->out[writer->n++] = ' ';
    memcpy(writer->out + writer->n, bytes, n);
    writer->n += n;
    writer->out[writer->n] = '\0';
    /* What is glued to a word that must be there belongs to it: "light[s]". */
    if (!writer->optional || (!writer->space && writer->n - n == writer->needed))
        writer->needed = writer->n;
    writer->space = 0;
}

static void put_node(struct writer *writer, uint32_t index);

/* The first value, the middle of a range, nothing of a wildcard. */
static void put_slot(struct writer *writer, const struct va_slot_list *list)
{
    char number[32];

    writer->has_slot = 1;
    if (list->kind == VA_LIST_VALUES && list->n_values > 0) {
        put_node(writer, writer->language->values[list->first_value].node);
    } else if (list->kind == VA_LIST_RANGE) {
        double middle = list->from + list->step * (double)(int64_t)((list->to - list->from) / 2 / list->step);
        put(writer, number, (size_t)snprintf(number, sizeof number, "%.10g", middle));
    }
}

/* "cancel [the] alarm [now]" reads best as "cancel the alarm": what may be left out stays between words that must be there, if it is
 * made of words alone. What stands behind the last of those is cut off at the end. */
static void put_optional(struct writer *writer, uint32_t index)
{
    size_t n = writer->n;
    int space = writer->space, has_slot = writer->has_slot;

    if (n == 0)
        return;
    writer->optional++;
    writer->has_slot = 0;
    put_node(writer, index);
    writer->optional--;
    if (writer->has_slot) {
        writer->n = n;
        writer->space = space;
        writer->out[n] = '\0';
    }
    writer->has_slot |= has_slot;
}

/* The first of the alternatives. */
static void put_node(struct writer *writer, uint32_t index)
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
        for (uint32_t i = 0; i < node->n && !writer->full; i++) {
            writer->space |= node->kind == VA_NODE_PERMUTATION;
            put_node(writer, grammar->children[node->first + i]);
        }
        break;
    case VA_NODE_CHOICE:
        if (!node->nullable)
            put_node(writer, grammar->children[node->first]);
        else if (node->n > 0 && grammar->children[node->first] == VA_NODE_INDEX_BOUNDARY)
            writer->space = 1; /* "50[ ]percent" */
        else if (node->n > 0)
            put_optional(writer, grammar->children[node->first]);
        break;
    case VA_NODE_SLOT:
        put_slot(writer, &writer->language->lists[node->first]);
        break;
    case VA_NODE_RULE:
        put_node(writer, writer->language->rules[node->first].node);
        break;
    }
}

int va_commands_example(const va_commands *commands, size_t i, char *ret_text, size_t capacity)
{
    for (size_t k = 0; capacity > 0 && k < commands->grammar.n_languages; k++) {
        const struct va_language *language = &commands->grammar.languages[k];
        for (size_t s = 0; s < language->n_sentences; s++) {
            struct writer writer = {.commands = commands, .language = language, .out = ret_text, .capacity = capacity};
            if (language->sentences[s].command != i)
                continue;
            put_node(&writer, language->sentences[s].node);
            if (writer.needed > 0 && !writer.full) {
                ret_text[writer.needed] = '\0';
                return 0;
            }
        }
    }
    return VA_ENOTFOUND;
}
