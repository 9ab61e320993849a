/* automaton.c - states, rows of transitions, and the walk by bytes. What follows a state is worked out in automaton_expand.c. */
#include "intent/automaton_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

static uint32_t hash_bytes(const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ at[i]) * 16777619u;
    return hash ^ hash >> 15;
}

/* ---- what a sentence still has to match ---- */

static int grow_table(uint32_t **table, size_t *capacity)
{
    size_t more = *capacity == 0 ? 1024 : *capacity * 2;
    uint32_t *new = va_calloc(more, sizeof *new);

    if (new == NULL)
        return VA_ENOMEM;
    va_free(*table);
    *table = new;
    *capacity = more;
    return 0;
}

static uint32_t hash_rest(const struct va_rest *rest)
{
    const uint32_t key[4] = {rest->kind, rest->node, rest->at, rest->next};
    return hash_bytes(key, sizeof key);
}

static int is_same_rest(const struct va_rest *a, const struct va_rest *b)
{
    return a->kind == b->kind && a->node == b->node && a->at == b->at && a->next == b->next;
}

int64_t va_automaton_rest(va_automaton *automaton, struct va_rest rest)
{
    if (automaton->n_rests * 2 >= automaton->rest_table_size) {
        if (grow_table(&automaton->rest_table, &automaton->rest_table_size) < 0)
            return VA_ENOMEM;
        for (size_t i = 1; i < automaton->n_rests; i++) {
            size_t slot = hash_rest(&automaton->rests[i]) & (automaton->rest_table_size - 1);
            while (automaton->rest_table[slot] != 0)
                slot = (slot + 1) & (automaton->rest_table_size - 1);
            automaton->rest_table[slot] = (uint32_t)i;
        }
    }
    size_t slot = hash_rest(&rest) & (automaton->rest_table_size - 1);
    for (; automaton->rest_table[slot] != 0; slot = (slot + 1) & (automaton->rest_table_size - 1))
        if (is_same_rest(&automaton->rests[automaton->rest_table[slot]], &rest))
            return automaton->rest_table[slot];
    if (automaton->n_rests >= VA_AUTOMATON_MAX_ITEMS)
        return VA_ELIMIT;
    if (va_grow(&automaton->rests, &automaton->rests_capacity, automaton->n_rests, sizeof rest) < 0)
        return VA_ENOMEM;
    automaton->rests[automaton->n_rests] = rest;
    automaton->rest_table[slot] = (uint32_t)automaton->n_rests;
    return (int64_t)automaton->n_rests++;
}

/* ---- states ---- */

static const struct va_spot *spots_of(const va_automaton *automaton, const struct va_automaton_state *state)
{
    return automaton->spots + state->first_spot;
}

static int rehash_states(va_automaton *automaton)
{
    if (grow_table(&automaton->state_table, &automaton->state_table_size) < 0)
        return VA_ENOMEM;
    for (size_t i = 1; i < automaton->n_states; i++) {
        const struct va_automaton_state *state = &automaton->states[i];
        size_t slot = hash_bytes(spots_of(automaton, state), state->n_spots * sizeof(struct va_spot)) & (automaton->state_table_size - 1);
        while (automaton->state_table[slot] != 0)
            slot = (slot + 1) & (automaton->state_table_size - 1);
        automaton->state_table[slot] = (uint32_t)i;
    }
    return 0;
}

/* The state of these spots [n], sorted and without doubles; made when it is not there. */
static int64_t intern_state(va_automaton *automaton, const struct va_spot *spots, size_t n)
{
    size_t bytes = n * sizeof *spots, slot;

    if (automaton->n_states * 2 >= automaton->state_table_size && rehash_states(automaton) < 0)
        return VA_ENOMEM;
    slot = hash_bytes(spots, bytes) & (automaton->state_table_size - 1);
    for (; automaton->state_table[slot] != 0; slot = (slot + 1) & (automaton->state_table_size - 1)) {
        const struct va_automaton_state *state = &automaton->states[automaton->state_table[slot]];
        if (state->n_spots == n && memcmp(spots_of(automaton, state), spots, bytes) == 0)
            return automaton->state_table[slot];
    }
    if (automaton->n_spots + n >= VA_AUTOMATON_MAX_ITEMS)
        return VA_ELIMIT;
    struct va_automaton_state state = {.first_spot = (uint32_t)automaton->n_spots, .n_spots = (uint32_t)n};
    for (size_t i = 0; i < n; i++) {
        if (va_grow(&automaton->spots, &automaton->spots_capacity, automaton->n_spots, sizeof *spots) < 0)
            return VA_ENOMEM;
        automaton->spots[automaton->n_spots++] = spots[i];
    }
    if (va_grow(&automaton->states, &automaton->states_capacity, automaton->n_states, sizeof state) < 0)
        return VA_ENOMEM;
    automaton->states[automaton->n_states] = state;
    automaton->state_table[slot] = (uint32_t)automaton->n_states;
    return (int64_t)automaton->n_states++;
}

static int compare_moves(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct va_move)); /* any order will do, as long as equal characters stand together */
}

static int compare_spots(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct va_spot));
}

/* The state of these spots in any order. They are sorted in place. */
static int64_t state_of(va_automaton *automaton, struct va_spot *spots, size_t n)
{
    size_t kept = 0;

    qsort(spots, n, sizeof *spots, compare_spots);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || compare_spots(&spots[i], &spots[kept - 1]) != 0)
            spots[kept++] = spots[i];
    return intern_state(automaton, spots, kept);
}

/* Where any character leads, spaces and others that may be one differ from those that belong to a word. */
static int is_space_key(uint32_t key)
{
    return key == ' ';
}

/* '.', ',' and '-' are a part of a number here, but may as well end a word. */
static int is_either(uint32_t key)
{
    return key == '.' || key == ',' || key == '-';
}

static int add_moves(va_automaton *automaton, uint32_t key, struct va_spot *spots, size_t n)
{
    int64_t state = state_of(automaton, spots, n);
    struct va_transition transition = {.key = key, .state = (uint32_t)state};

    if (state < 0)
        return (int)state;
    if (va_grow(&automaton->transitions, &automaton->transitions_capacity, automaton->n_transitions, sizeof transition) < 0)
        return VA_ENOMEM;
    automaton->transitions[automaton->n_transitions++] = transition;
    return 0;
}

static int compare_transitions(const void *a, const void *b)
{
    const struct va_transition *left = a, *right = b;
    return left->key < right->key ? -1 : left->key > right->key;
}

/* Turns the moves that expansion found into the state's row of transitions. */
static int make_row(va_automaton *automaton, uint32_t index)
{
    struct va_expansion *expansion = &automaton->expansion;
    size_t first = automaton->n_transitions, n_moves = expansion->n_moves, n_any = 0, n_space = 0;
    struct va_move *moves = expansion->moves;
    int r = 0;

    qsort(moves, n_moves, sizeof *moves, compare_moves);
    /* Room for the spots of one key, those of any word, and those of a space. */
    struct va_spot *spots = va_alloc(3 * n_moves + 1, sizeof *spots);
    if (spots == NULL)
        return VA_ENOMEM;
    struct va_spot *any = spots + n_moves, *space = any + n_moves;
    for (size_t i = 0; i < n_moves; i++) {
        if (moves[i].key == VA_KEY_ANY)
            any[n_any++] = moves[i].spot;
        else if (is_space_key(moves[i].key))
            space[n_space++] = moves[i].spot;
    }
    for (size_t i = 0, n = 0; r == 0 && i < n_moves; i++) {
        uint32_t key = moves[i].key;
        spots[n++] = moves[i].spot;
        if (i + 1 < n_moves && moves[i + 1].key == key)
            continue;
        if (key != VA_KEY_ANY && key != ' ') {
            const struct va_spot *more = is_either(key) ? space : any;
            size_t n_more = is_either(key) ? n_space : n_any;
            struct va_spot *all = va_alloc(n + n_more + 1, sizeof *all);
            if (all == NULL) {
                r = VA_ENOMEM;
                break;
            }
            memcpy(all, spots, n * sizeof *all);
            if (n_more > 0)
                memcpy(all + n, more, n_more * sizeof *all);
            r = add_moves(automaton, key, all, n + n_more);
            va_free(all);
        } else {
            r = add_moves(automaton, key, spots, n);
        }
        n = 0;
    }
    va_free(spots);
    if (r < 0)
        return r;
    struct va_automaton_state *state = &automaton->states[index];
    state->first_transition = (uint32_t)first;
    state->n_transitions = (uint32_t)(automaton->n_transitions - first);
    if (state->n_transitions > 0)
        qsort(automaton->transitions + first, state->n_transitions, sizeof *automaton->transitions, compare_transitions);
    state->accepts = (uint8_t)expansion->accepts;
    state->is_free = n_any > 0;
    state->has_row = 1;
    return 0;
}

/* The state with its row; NULL and *ret_status on failure. */
static const struct va_automaton_state *with_row(va_automaton *automaton, uint32_t index, int *ret_status)
{
    *ret_status = 0;
    if (!automaton->states[index].has_row) {
        *ret_status = va_automaton_expand(automaton, index);
        if (*ret_status == 0)
            *ret_status = make_row(automaton, index);
    }
    return *ret_status < 0 ? NULL : &automaton->states[index];
}

static uint32_t find_transition(const va_automaton *automaton, const struct va_automaton_state *state, uint32_t key)
{
    size_t low = state->first_transition, high = low + state->n_transitions;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (automaton->transitions[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < state->first_transition + state->n_transitions && automaton->transitions[low].key == key
               ? automaton->transitions[low].state
               : 0;
}

/* ---- the walk ---- */

/* One whole character. */
static int step_character(va_automaton *automaton, struct va_automaton_place *place, const char *bytes, size_t n)
{
    enum va_char_class class;
    char lower[4];
    size_t pos = 0, n_lower;
    int status;

    if (va_text_next(bytes, n, &pos, &class, lower, &n_lower) < 0)
        return VA_AUTOMATON_DEAD;
    if (class == VA_CHAR_DROP)
        return VA_AUTOMATON_STAYS;
    const struct va_automaton_state *state = with_row(automaton, place->state, &status);
    if (state == NULL)
        return status;
    uint32_t key = VA_KEY_ANY, next = 0;
    va_utf8_next(lower, n_lower, &key);
    if (class != VA_CHAR_SPACE || is_either(key))
        next = find_transition(automaton, state, key);
    if (next == 0)
        next = find_transition(automaton, state, class == VA_CHAR_SPACE ? ' ' : VA_KEY_ANY);
    if (next == 0)
        return VA_AUTOMATON_DEAD;
    int stays = next == place->state && class == VA_CHAR_SPACE;
    place->state = next;
    return stays ? VA_AUTOMATON_STAYS : VA_AUTOMATON_GOES;
}

/* How many bytes a character has that starts so; 0: none does. */
static size_t character_length(unsigned char lead)
{
    return lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
}

/* Whether a character of several bytes may follow: when one is known, or when it may be a dash, a quotation mark or the like. */
static int may_go_on(va_automaton *automaton, const struct va_automaton_place *place, unsigned char lead)
{
    int status;
    const struct va_automaton_state *state = with_row(automaton, place->state, &status);

    if (state == NULL || lead == 0xE2 || state->is_free)
        return 1; /* a failure is told with the whole character */
    return state->n_transitions > 0 && automaton->transitions[state->first_transition + state->n_transitions - 1].key >= 0x80;
}

int va_automaton_step(va_automaton *automaton, struct va_automaton_place *place, char byte)
{
    char bytes[4];
    size_t n = place->n_pending;

    memcpy(bytes, place->pending, n);
    bytes[n++] = byte;
    size_t length = character_length((unsigned char)bytes[0]);
    if (length == 0 || (n > 1 && ((unsigned char)byte & 0xC0) != 0x80))
        return VA_AUTOMATON_DEAD;
    if (n < length) {
        if (n == 1 && !may_go_on(automaton, place, (unsigned char)byte))
            return VA_AUTOMATON_DEAD;
        memcpy(place->pending, bytes, n);
        place->n_pending = (uint8_t)n;
        return VA_AUTOMATON_STAYS;
    }
    place->n_pending = 0;
    return step_character(automaton, place, bytes, n);
}

int va_automaton_accepts(va_automaton *automaton, const struct va_automaton_place *place)
{
    int status;
    const struct va_automaton_state *state = with_row(automaton, place->state, &status);

    return state == NULL ? status : state->accepts && place->n_pending == 0;
}

int va_automaton_is_free(va_automaton *automaton, const struct va_automaton_place *place)
{
    int status;
    const struct va_automaton_state *state = with_row(automaton, place->state, &status);

    return state == NULL ? status : state->is_free;
}

int va_automaton_continues(va_automaton *automaton, const struct va_automaton_place *place)
{
    int status;
    const struct va_automaton_state *state = with_row(automaton, place->state, &status);

    if (state == NULL)
        return status;
    const struct va_automaton_state *next = &automaton->states[find_transition(automaton, state, ' ')];
    const struct va_spot *spots = spots_of(automaton, next);
    for (uint32_t i = 0; i < next->n_spots; i++)
        if (spots[i].kind != VA_SPOT_REST || spots[i].rest != VA_REST_TAIL)
            return 1;
    return 0;
}

int va_automaton_start(va_automaton *automaton, struct va_automaton_place *ret_place)
{
    struct va_spot spot = {.kind = VA_SPOT_REST, .last = VA_CHAR_SPACE, .rest = VA_REST_START};
    int64_t state = intern_state(automaton, &spot, 1);

    if (state < 0)
        return (int)state;
    *ret_place = (struct va_automaton_place){.state = (uint32_t)state};
    return 0;
}

/* ---- the whole ---- */

static void forget(va_automaton *automaton)
{
    automaton->n_rests = VA_REST_FIRST_FREE;
    automaton->n_states = 1; /* 0 is none */
    automaton->n_spots = automaton->n_transitions = 0;
    if (automaton->rest_table != NULL)
        memset(automaton->rest_table, 0, automaton->rest_table_size * sizeof *automaton->rest_table);
    if (automaton->state_table != NULL)
        memset(automaton->state_table, 0, automaton->state_table_size * sizeof *automaton->state_table);
}

int va_automaton_trim(va_automaton *automaton)
{
    if (automaton->n_spots + automaton->n_rests + automaton->n_transitions < VA_AUTOMATON_TRIM_ITEMS)
        return 0;
    forget(automaton);
    return 1;
}

size_t va_automaton_states(const va_automaton *automaton)
{
    return automaton->n_states - 1;
}

/* One block for each context of sentences. */
static int find_blocks(va_automaton *automaton)
{
    const struct va_grammar *grammar = &automaton->commands->grammar;
    uint32_t most = 0;

    for (int round = 0; round < 2; round++) {
        if (round == 1 && (automaton->blocks = va_calloc((size_t)most + 1, sizeof(const struct va_block *))) == NULL)
            return VA_ENOMEM;
        for (size_t i = 0; i < grammar->n_languages; i++)
            for (size_t j = 0; j < grammar->languages[i].n_sentences; j++) {
                const struct va_block *block = grammar->languages[i].sentences[j].block;
                if (block == NULL || block->context == 0)
                    continue;
                most = block->context > most ? block->context : most;
                if (round == 1)
                    automaton->blocks[block->context] = block;
            }
    }
    return most < VA_AUTOMATON_MAX_ITEMS ? 0 : VA_ELIMIT;
}

int va_automaton_new(const va_commands *commands, const char *language, va_automaton **ret_automaton, va_error *error)
{
    va_automaton *automaton = va_calloc(1, sizeof *automaton);
    int r = 0;

    if (automaton == NULL)
        return va_fail_memory(error);
    automaton->commands = commands;
    automaton->language = language;
    /* The fixed rests and state 0 take the first places. */
    for (size_t i = 0; r == 0 && i < VA_REST_FIRST_FREE; i++)
        if ((r = va_grow(&automaton->rests, &automaton->rests_capacity, i, sizeof *automaton->rests)) == 0)
            automaton->rests[i] = (struct va_rest){.kind = VA_REST_FIXED, .node = (uint32_t)i};
    if (r == 0)
        r = va_grow(&automaton->states, &automaton->states_capacity, 0, sizeof *automaton->states);
    if (r == 0)
        automaton->states[0] = (struct va_automaton_state){.has_row = 1};
    forget(automaton);
    if (r == 0)
        r = va_automaton_number_forms(automaton);
    if (r == 0)
        r = find_blocks(automaton);
    if (r < 0) {
        va_automaton_free(automaton);
        return r == VA_ENOMEM ? va_fail_memory(error) : va_fail(error, r, "the commands have too many numbers or contexts");
    }
    *ret_automaton = automaton;
    return 0;
}

void va_automaton_free(va_automaton *automaton)
{
    if (automaton == NULL)
        return;
    va_free(automaton->rests);
    va_free(automaton->rest_table);
    va_free(automaton->spots);
    va_free(automaton->states);
    va_free(automaton->state_table);
    va_free(automaton->transitions);
    va_free(automaton->expansion.moves);
    va_free(automaton->expansion.seen);
    va_free(automaton->forms);
    va_free(automaton->form_roots);
    va_free(automaton->blocks);
    va_free(automaton);
}
