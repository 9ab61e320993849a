#include "intent/ways.h"

#include <string.h>

void *va_matcher_alloc(struct va_matcher *matcher, size_t n, size_t size)
{
    void *p = va_arena_alloc(&matcher->arena, n, size);
    if (p == NULL)
        matcher->status = matcher->arena.over ? VA_ELIMIT : VA_ENOMEM;
    return p;
}

void va_matcher_step(struct va_matcher *matcher)
{
    if (++matcher->steps > VA_MATCH_MAX_STEPS)
        matcher->status = VA_ELIMIT;
}

int va_way_is_better(const struct va_way *a, const struct va_way *b)
{
    if (a->named != b->named)
        return a->named > b->named;
    if (a->wildcards != b->wildcards)
        return a->wildcards < b->wildcards;
    if (a->wild != b->wild)
        return a->wild < b->wild;
    if (a->skipped != b->skipped)
        return a->skipped < b->skipped;
    return a->literal > b->literal;
}

void va_ways_add(struct va_matcher *matcher, struct va_ways *ways, struct va_way way)
{
    uint32_t low = 0, high = ways->n;

    va_matcher_step(matcher);
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (ways->items[middle].end < way.end)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < ways->n && ways->items[low].end == way.end) {
        if (va_way_is_better(&way, &ways->items[low]))
            ways->items[low] = way;
        return;
    }
    if (ways->n == ways->capacity) {
        uint32_t capacity = ways->capacity == 0 ? 2 : 2 * ways->capacity;
        struct va_way *items = va_matcher_alloc(matcher, capacity, sizeof *items);
        if (items == NULL)
            return;
        if (ways->n > 0)
            memcpy(items, ways->items, ways->n * sizeof *items);
        ways->items = items;
        ways->capacity = capacity;
    }
    memmove(ways->items + low + 1, ways->items + low, (ways->n - low) * sizeof *ways->items);
    ways->items[low] = way;
    ways->n++;
}

const struct va_capture *va_capture_join(struct va_matcher *matcher, const struct va_capture *left, const struct va_capture *right)
{
    if (left == NULL || right == NULL)
        return left != NULL ? left : right;
    struct va_capture *both = va_matcher_alloc(matcher, 1, sizeof *both);
    if (both != NULL)
        *both = (struct va_capture){.left = left, .right = right};
    return both;
}

static struct va_memo_entry *find_entry(struct va_memo_entry *memo, size_t capacity, uint32_t node, uint32_t pos, uint32_t context)
{
    uint64_t hash = node * UINT64_C(0x9E3779B97F4A7C15) ^ pos * UINT64_C(0xC2B2AE3D27D4EB4F) ^ context * UINT64_C(0x165667B19E3779F9);
    size_t i = hash >> 20 & (capacity - 1);

    while (memo[i].used && (memo[i].node != node || memo[i].pos != pos || memo[i].context != context))
        i = (i + 1) & (capacity - 1);
    return &memo[i];
}

static int grow_memo(struct va_matcher *matcher)
{
    size_t capacity = matcher->memo_capacity == 0 ? 128 : 2 * matcher->memo_capacity;
    struct va_memo_entry *memo = va_matcher_alloc(matcher, capacity, sizeof *memo);

    if (memo == NULL)
        return matcher->status;
    memset(memo, 0, capacity * sizeof *memo);
    for (size_t i = 0; i < matcher->memo_capacity; i++)
        if (matcher->memo[i].used)
            *find_entry(memo, capacity, matcher->memo[i].node, matcher->memo[i].pos, matcher->memo[i].context) = matcher->memo[i];
    matcher->memo = memo;
    matcher->memo_capacity = capacity;
    return 0;
}

struct va_memo_entry *va_memo_find(struct va_matcher *matcher, uint32_t node, uint32_t pos, uint32_t context)
{
    if (matcher->memo_n * 2 >= matcher->memo_capacity && grow_memo(matcher) < 0)
        return NULL;
    return find_entry(matcher->memo, matcher->memo_capacity, node, pos, context);
}
