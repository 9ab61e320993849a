/* automaton_state.h - what the files of the automaton share. Used by automaton*.c. */
#ifndef VA_INTENT_AUTOMATON_STATE_H
#define VA_INTENT_AUTOMATON_STATE_H

#include "intent/automaton.h"
#include "intent/ways.h"

/* Bounds: of everything in one list, and of all together after which states are forgotten (some 8 MB). */
#define VA_AUTOMATON_MAX_ITEMS ((size_t)4 << 20)
#define VA_AUTOMATON_TRIM_ITEMS ((size_t)400 << 10)
#define VA_AUTOMATON_MAX_DEPTH 4000

/* What a sentence still has to match behind the node that is being matched: a chain, shared by all that end alike. */
enum va_rest_kind {
    VA_REST_FIXED,     /* one of the below, by its index */
    VA_REST_SEQUENCE,  /* the children of `node` from `at` on */
    VA_REST_ANY_ORDER, /* the children of the permutation `node` that are not in the mask `at` */
    VA_REST_BOUNDARY   /* a boundary, then `next` */
};

#define VA_REST_START 1   /* any sentence, or a skip word in front of it */
#define VA_REST_SKIPPED 2 /* a boundary, then START */
#define VA_REST_END 3     /* a whole sentence has been matched */
#define VA_REST_TAIL 4    /* and a space behind it */
#define VA_REST_FIRST_FREE 5

struct va_rest {
    uint32_t kind, node, at, next;
};

/* One place where a text may stand. No padding: compared by its bytes. */
enum va_spot_kind {
    VA_SPOT_REST, /* in front of `rest` */
    VA_SPOT_TEXT, /* in the TEXT node `node`, in front of its byte `at` */
    VA_SPOT_FORM, /* in a number, behind the form `at` */
    VA_SPOT_WILD  /* in a wildcard, behind a character of it */
};

struct va_spot {
    uint8_t kind, last; /* last: class of the character before; VA_CHAR_SPACE also at the start, VA_CHAR_UNSPACED */
    uint16_t language;
    uint32_t node, at, rest;
    uint32_t context; /* of the sentence it belongs to */
};

/* Where one character leads. */
struct va_move {
    uint32_t key; /* code point in lower case; ' ' stands for all that separates words */
    struct va_spot spot;
};

#define VA_CHAR_UNSPACED 7 /* a letter behind which a word may end anyway */

#define VA_KEY_ANY UINT32_MAX /* any character of a word */

struct va_transition {
    uint32_t key, state;
};

struct va_automaton_state {
    uint32_t first_spot, n_spots;
    uint32_t first_transition, n_transitions; /* sorted by key */
    uint8_t has_row, accepts, is_free;
};

/* What follows a state, while it is worked out. */
struct va_expansion {
    struct va_move *moves; /* [n_moves] */
    size_t n_moves, moves_capacity;
    int accepts;
    struct va_seen *seen; /* [seen_size], a power of two: rests that were expanded, by stamp */
    size_t n_seen, seen_size;
    uint32_t stamp;
};

struct va_seen {
    uint64_t key;
    uint32_t stamp;
};

/* The written forms of the numbers of a range: a tree of characters. 0 is none. */
struct va_form {
    uint32_t key, child, sibling;
    uint8_t ends; /* a number may end behind it */
};

#define VA_FORM_DIGITS 1 /* any digits: the range is too large for its numbers to be listed */

struct va_automaton {
    const va_commands *commands;
    const char *language;
    struct va_rest *rests; /* [n_rests] */
    uint32_t *rest_table;  /* [rest_table_size], a power of two */
    size_t n_rests, rests_capacity, rest_table_size;
    struct va_spot *spots; /* [n_spots] of all states */
    size_t n_spots, spots_capacity;
    struct va_automaton_state *states; /* [n_states] */
    uint32_t *state_table;             /* [state_table_size] */
    size_t n_states, states_capacity, state_table_size;
    struct va_transition *transitions; /* [n_transitions] */
    size_t n_transitions, transitions_capacity;
    struct va_expansion expansion;
    const struct va_block **blocks; /* by the number of their context: one of those that have it */
    struct va_form *forms;          /* [n_forms] */
    size_t n_forms, forms_capacity;
    uint32_t *form_roots; /* of every list of every language, in order; 0 where it is no range */
};

/* Index of the rest, made when it is not there; VA_ENOMEM, VA_ELIMIT. */
int64_t va_automaton_rest(va_automaton *automaton, struct va_rest rest);

/* Fills automaton->expansion with what follows the state. */
VA_MUST_CHECK int va_automaton_expand(va_automaton *automaton, uint32_t state);

/* Makes the forms of all ranges. */
VA_MUST_CHECK int va_automaton_number_forms(va_automaton *automaton);

/* The root of the forms of a range list. */
uint32_t va_automaton_form_root(const va_automaton *automaton, size_t language, size_t list);

/* Class of a character as the grammar has it (of '.', ',' and '-' only those in numbers are left there), or VA_CHAR_UNSPACED. */
uint8_t va_automaton_class(uint32_t key, const char *bytes, size_t n);

#endif
