/* ways.h - the ways to match a part of a text, kept in sets that hold the best way to each end. Used by match.c. */
#ifndef VA_INTENT_WAYS_H
#define VA_INTENT_WAYS_H

#include "intent/grammar.h"
#include "intent/text.h"

/* The slots on the way to an end: a tree, so that sharing costs nothing. */
struct va_capture {
    const struct va_capture *left, *right; /* both NULL in a leaf */
    uint32_t slot;
    uint32_t from, to;                 /* in the normalized text */
    const char *out;                   /* the value; NULL: the text from..to as it was said */
    const struct va_list_value *value; /* of a list; NULL for ranges and wildcards */
};

/* One way from the start of a node to an end. Of two ways to one end, the better is the one with more bytes in names of things
 * (values with a context), then fewer wildcards, then fewer bytes in them, then fewer skipped, then more in literal words. */
struct va_way {
    uint32_t end, wild, skipped, literal;
    uint16_t named, wildcards;
    const struct va_capture *captures;
};

struct va_ways {
    struct va_way *items; /* [n] sorted by end */
    uint32_t n, capacity;
};

struct va_memo_entry {
    uint32_t node, pos, context;
    int used;
    struct va_ways ways;
};

/* One text being matched. */
struct va_matcher {
    const struct va_grammar *grammar;
    const struct va_language *language;
    const struct va_text *text;
    const struct va_block *block; /* of the sentence looked at; NULL: it requires nothing */
    struct va_arena arena;
    struct va_memo_entry *memo; /* [memo_capacity], a power of two */
    size_t memo_n, memo_capacity;
    const uint64_t *starts;  /* [text.n + 1]: bit (byte & 63) for every byte a word here, or behind skip words, starts with */
    const uint8_t *may_skip; /* [text.n + 1]: skip words may start here; NULL while they themselves are looked for */
    uint32_t steps;
    int status; /* a negative VA_E* once something failed: then everything ends quickly */
};

/* Bounds of one match, far above what sensible templates need. */
#define VA_MATCH_MAX_BYTES ((size_t)16 << 20)
#define VA_MATCH_MAX_STEPS 1000000

/* NULL when there is no more: status says why. */
void *va_matcher_alloc(struct va_matcher *matcher, size_t n, size_t size);

/* Counts one step of work. */
void va_matcher_step(struct va_matcher *matcher);

int va_way_is_better(const struct va_way *a, const struct va_way *b);

/* Adds a way, or replaces a worse one to the same end; of equals the first stays. */
void va_ways_add(struct va_matcher *matcher, struct va_ways *ways, struct va_way way);

/* Both captures in order. */
const struct va_capture *va_capture_join(struct va_matcher *matcher, const struct va_capture *left, const struct va_capture *right);

/* The entry of (node, pos, context), or the free one to put it into. NULL when out of memory. */
struct va_memo_entry *va_memo_find(struct va_matcher *matcher, uint32_t node, uint32_t pos, uint32_t context);

/* ---- match.c ---- */

/* Where a node can end that starts at pos. ret_ways must be empty; what it points to may be shared and is not changed afterwards. */
void va_match_node(struct va_matcher *matcher, uint32_t index, uint32_t pos, struct va_ways *ret_ways);

/* Adds the ways of `head` followed by those of node, which starts at head's end. */
void va_match_follow(struct va_matcher *matcher, const struct va_way *head, uint32_t node, struct va_ways *ret_ways);

/* Whether anything but nothing can start at pos: a quick look at the next byte, behind skip words too. */
int va_match_may_start(const struct va_matcher *matcher, uint32_t index, uint32_t pos);

/* Where the next word begins when pos is in front of its space. */
uint32_t va_match_behind_space(const struct va_text *text, uint32_t pos);

/* Whether a value may stand in sentences of the block (NULL: any): its context says nothing else than what they require. */
int va_block_allows(const struct va_block *block, const struct va_list_value *value);

/* Whether the condition holds for what is known under its key; value NULL: nothing is. */
int va_condition_holds(const struct va_condition *condition, const char *value);

#endif
