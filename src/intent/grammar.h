/* grammar.h - the compiled commands: a graph of nodes in which rules and lists are shared and nothing is expanded.
 *
 * Templates become small trees whose leaves may point to rules and lists (which may not be recursive), so memory grows with the
 * length of the files, never with the number of sentences they stand for. Built by template.c and load.c, sealed by
 * grammar.c, and read by match.c and prompt.c; a token automaton for the decoder can walk the same nodes. */
#ifndef VA_INTENT_GRAMMAR_H
#define VA_INTENT_GRAMMAR_H

#include "intent/arena.h"
#include "intent/commands.h"
#include "intent/numbers.h"

enum va_node_kind {
    VA_NODE_EMPTY,
    VA_NODE_TEXT,     /* bytes of a word, or of a part of one */
    VA_NODE_BOUNDARY, /* a word ends or starts here: a space, or nothing where the text has a boundary anyway */
    VA_NODE_SEQUENCE,
    VA_NODE_CHOICE,      /* [x] is a choice of x and EMPTY */
    VA_NODE_PERMUTATION, /* every child once, in any order, with boundaries between */
    VA_NODE_SLOT,
    VA_NODE_RULE
};

struct va_node {
    uint8_t kind;
    uint8_t nullable : 1;   /* can match nothing */
    uint8_t contextual : 1; /* holds a list whose values depend on what the sentence requires */
    uint8_t glued : 1;      /* SLOT: the word may go on behind it */
    uint16_t spelling_n;
    uint32_t first;    /* children: first in grammar.children; TEXT: offset in grammar.text; SLOT, RULE: index in the language */
    uint32_t n;        /* children or bytes; SLOT: index of its name in language.slot_names */
    uint32_t spelling; /* TEXT: as written, offset in grammar.text, [spelling_n] */
    uint64_t starts;   /* bit (byte & 63) for every byte this may start with */
    uint64_t needs;    /* the same for every byte that all its matches hold */
};

#define VA_PERMUTATION_MAX 8
#define VA_TEMPLATE_MAX_DEPTH 32
#define VA_RULES_MAX_DEPTH 32

struct va_place {
    const char *file;
    int line;
};

struct va_rule {
    const char *name;      /* behind LOCAL_MARK, if any, the number of the block it belongs to */
    struct va_place place; /* of the definition, or of the first use while there is none */
    uint32_t node;
    uint16_t source; /* which of the paths given defined it */
    uint8_t defined;
    uint8_t state; /* sealing: 0 not yet, 1 being worked on, 2 done */
};

enum va_slot_list_kind { VA_LIST_VALUES, VA_LIST_RANGE, VA_LIST_WILDCARD };

struct va_slot_list {
    const char *name;
    struct va_place place;
    uint16_t source;
    uint8_t defined;
    uint8_t state;
    enum va_slot_list_kind kind;
    uint32_t first_value, n_values;    /* VALUES: in language.values */
    double from, to, step, multiplier; /* RANGE: from, from + step, .. to; the slot's value is multiplied */
};

struct va_list_value {
    uint32_t node;
    const char *out;        /* NULL: the text as it was said */
    const va_slot *context; /* [n_context] what is known where this value is said, such as the domain of an entity */
    size_t n_context;
};

/* What a sentence asks of the context: that a key has one of the values (any when there are none), or that it has not. */
struct va_condition {
    const char *key;
    const char *const *values; /* [n_values] */
    size_t n_values;
    int excludes;
    const char *slot; /* slot that gets the value, or NULL */
};

/* What sentences given together share. */
struct va_block {
    const va_slot *slots; /* [n_slots] with fixed values */
    size_t n_slots;
    const struct va_condition *conditions; /* [n_conditions] */
    size_t n_conditions;
    uint32_t context;     /* equal conditions have equal numbers; 0: none */
    const char *response; /* "": that of the command */
};

struct va_sentence {
    uint32_t node;
    uint32_t command;             /* index in commands */
    const struct va_block *block; /* or NULL */
    struct va_place place;
};

/* Behind the name of a list or rule that only one block of sentences knows: the mark, and a number. */
#define VA_LOCAL_MARK '\x1f'

#define VA_PLAIN_WORDS 256
#define VA_PLAIN_WORD_SIZE 16

/* Everything of one language; lists and rules are found in it by name, from any file. */
struct va_language {
    const char *code;                      /* "": what all languages share */
    const char *scope;                     /* while a block with lists or rules of its own is read: the end of their names; else NULL */
    const char *voice;                     /* for spoken replies; "" when the files name none */
    struct va_command_action action;       /* of commands that have none */
    int has_home;                          /* empty lists stand for a home nothing is known about */
    const struct va_number_words *numbers; /* or NULL */
    char plain_words[VA_PLAIN_WORDS][VA_PLAIN_WORD_SIZE]; /* found to be no numbers, each where its hash says */
    const char *failure, *question;                       /* of commands that have none of their own, or NULL */
    struct va_rule *rules;                                /* [n_rules] */
    struct va_slot_list *lists;                           /* [n_lists] */
    struct va_list_value *values;                         /* [n_values] */
    const char **slot_names;                              /* [n_slot_names] */
    uint32_t *skips;                                      /* [n_skips] nodes */
    struct va_sentence *sentences;                        /* [n_sentences] */
    size_t n_rules, n_lists, n_values, n_slot_names, n_skips, n_sentences;
    size_t rules_capacity, lists_capacity, values_capacity, slot_names_capacity, skips_capacity, sentences_capacity;
};

struct va_grammar {
    struct va_node *nodes;         /* [n_nodes], 0 is EMPTY, 1 is BOUNDARY */
    uint32_t *children;            /* [n_children] */
    char *text;                    /* [n_text] */
    struct va_language *languages; /* [n_languages] */
    size_t n_nodes, n_children, n_text, n_languages;
    size_t nodes_capacity, children_capacity, text_capacity, languages_capacity;
};

#define VA_NODE_INDEX_EMPTY 0
#define VA_NODE_INDEX_BOUNDARY 1

struct va_commands {
    struct va_arena arena; /* strings, and what hangs on the commands */
    struct va_grammar grammar;
    struct va_command *commands; /* [n_commands] */
    size_t n_commands, commands_capacity;
    va_slot *context; /* [n_context] what the files say about where the assistant stands */
    size_t n_context, context_capacity;
};

/* Adds a node; a negative VA_E*, or its index. */
int64_t va_grammar_add(struct va_grammar *grammar, struct va_node node);
/* Adds a node over these children: the child itself when there is one (not for a permutation), EMPTY when there is none. */
int64_t va_grammar_add_parent(struct va_grammar *grammar, enum va_node_kind kind, const uint32_t *children, size_t n);
int64_t va_grammar_add_text(struct va_grammar *grammar, const char *bytes, size_t n, const char *spelling, size_t spelling_n);

/* The language with this code, made when it is not there yet. NULL when out of memory. */
struct va_language *va_grammar_language(va_commands *commands, const char *code);

/* Index of the rule, list or slot name called so, added (not defined) when it is not there. A name of the scope hides a general
 * one. Negative VA_E* otherwise. */
int64_t va_language_rule(va_commands *commands, struct va_language *language, const char *name, struct va_place place);
int64_t va_language_list(va_commands *commands, struct va_language *language, const char *name, struct va_place place);
int64_t va_language_slot_name(va_commands *commands, struct va_language *language, const char *name);

/* One mistake; returns 0 to go on or a negative VA_E* to stop. */
typedef int (*va_grammar_mistake_fn)(void *user, struct va_place place, const char *text);

/* Checks names and recursion and computes what the matcher needs. */
VA_MUST_CHECK int va_grammar_seal(va_commands *commands, va_grammar_mistake_fn mistake, void *user);

/* The name nearest to `name` within two edits, or NULL. names [n]: const char * every stride bytes. */
const char *va_nearest_name(const char *name, const void *names, size_t n, size_t stride);

/* A node for the other written form of a word that is a number, in digits or in words; EMPTY when there is none, or a negative VA_E*.
 * word: normalized. */
int64_t va_template_other_number(va_commands *commands, struct va_language *language, const char *word);

/* Compiles one template. place is for references to rules and lists. VA_EFORMAT: error->text says what is wrong where. */
VA_MUST_CHECK int va_template_compile(va_commands *commands, struct va_language *language, const char *text, struct va_place place,
                                      uint32_t *ret_node, va_error *error);

#endif
