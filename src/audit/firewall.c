/* firewall.c - what nftables lets in, from its own JSON. */
#include "audit/parse.h"

#include <string.h>

#include <jansson.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static void add_port(struct va_firewall *firewall, int64_t port)
{
    for (size_t i = 0; i < firewall->n_ports; i++)
        if (firewall->ports[i] == port)
            return;
    if (firewall->n_ports < VA_FIREWALL_MAX_PORTS && port >= 0 && port <= 65535)
        firewall->ports[firewall->n_ports++] = (int)port;
}

/* A number, {"set":[numbers and ranges]}, {"range":[from,to]}: of a range, both ends. */
static void add_ports(struct va_firewall *firewall, const json_t *right)
{
    const json_t *range = json_object_get(right, "range"), *set = json_object_get(right, "set"), *item;
    size_t i;

    if (json_is_integer(right))
        add_port(firewall, json_integer_value(right));
    if (json_array_size(range) == 2) {
        add_port(firewall, json_integer_value(json_array_get(range, 0)));
        add_port(firewall, json_integer_value(json_array_get(range, 1)));
    }
    json_array_foreach(set, i, item)
    {
        const json_t *inner = json_object_get(item, "range");
        if (json_is_integer(item))
            add_port(firewall, json_integer_value(item));
        if (json_array_size(inner) == 2) {
            add_port(firewall, json_integer_value(json_array_get(inner, 0)));
            add_port(firewall, json_integer_value(json_array_get(inner, 1)));
        }
    }
}

static int is_condition(const json_t *expression)
{
    return json_object_get(expression, "match") != NULL || json_object_get(expression, "xt") != NULL ||
           json_object_get(expression, "limit") != NULL || json_object_get(expression, "ct count") != NULL;
}

/* Ports that are let in for some addresses only are not open to all. */
static int is_for_some(const json_t *expressions)
{
    const json_t *expression;
    size_t i;

    json_array_foreach(expressions, i, expression)
    {
        const json_t *match = json_object_get(expression, "match");
        const json_t *payload = json_object_get(json_object_get(match, "left"), "payload");
        if (strcmp(text_of(payload, "field"), "saddr") == 0 && strcmp(text_of(match, "op"), "!=") != 0)
            return 1;
    }
    return 0;
}

/* What a rule that accepts lets in. in_input: it stands in a chain at the hook. */
static void add_rule(struct va_firewall *firewall, const json_t *rule, int in_input)
{
    const json_t *expressions = json_object_get(rule, "expr"), *expression;
    int accepts = 0, n_conditions = 0;
    size_t i;

    json_array_foreach(expressions, i, expression)
    {
        accepts |= json_object_get(expression, "accept") != NULL;
        n_conditions += is_condition(expression);
    }
    if (!accepts)
        return;
    firewall->lets_all_in |= in_input && n_conditions == 0;
    if (is_for_some(expressions))
        return;
    json_array_foreach(expressions, i, expression)
    {
        const json_t *match = json_object_get(expression, "match");
        const json_t *payload = json_object_get(json_object_get(match, "left"), "payload");
        if (strcmp(text_of(payload, "field"), "dport") == 0 && strcmp(text_of(payload, "protocol"), "udp") != 0 &&
            strcmp(text_of(match, "op"), "!=") != 0)
            add_ports(firewall, json_object_get(match, "right"));
    }
}

/* The chains at the hook "input" whose policy keeps out, as "family/table/chain" in a JSON object. */
static int note_chain(struct va_firewall *firewall, const json_t *chain, json_t *inputs)
{
    const char *family = text_of(chain, "family");
    char key[256];

    if (strcmp(text_of(chain, "hook"), "input") != 0 || strcmp(text_of(chain, "type"), "filter") != 0)
        return 0;
    snprintf(key, sizeof key, "%.20s/%.100s/%.100s", family, text_of(chain, "table"), text_of(chain, "name"));
    if (strcmp(text_of(chain, "policy"), "drop") != 0)
        return 0;
    firewall->denies_ip4 |= strcmp(family, "ip") == 0 || strcmp(family, "inet") == 0;
    firewall->denies_ip6 |= strcmp(family, "ip6") == 0 || strcmp(family, "inet") == 0;
    return json_object_set_new(inputs, key, json_true());
}

int va_parse_firewall(const char *text, size_t size, struct va_firewall *ret_firewall, va_error *error)
{
    struct va_firewall firewall = {0};
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL), *inputs = json_object(), *item;
    const json_t *ruleset = json_object_get(root, "nftables");
    char key[256];
    size_t i;
    int r = inputs == NULL ? va_fail_memory(error) : json_is_array(ruleset) ? 0 : va_fail(error, VA_EFORMAT, "nft printed no rule set");

    json_array_foreach(ruleset, i, item)
    {
        const json_t *chain = json_object_get(item, "chain");
        if (r == 0 && chain != NULL && note_chain(&firewall, chain, inputs) < 0)
            r = va_fail_memory(error);
    }
    json_array_foreach(ruleset, i, item)
    {
        const json_t *rule = json_object_get(item, "rule");
        if (r < 0 || rule == NULL)
            continue;
        snprintf(key, sizeof key, "%.20s/%.100s/%.100s", text_of(rule, "family"), text_of(rule, "table"), text_of(rule, "chain"));
        add_rule(&firewall, rule, json_object_get(inputs, key) != NULL);
    }
    json_decref(inputs);
    json_decref(root);
    if (r == 0)
        *ret_firewall = firewall;
    return r;
}
