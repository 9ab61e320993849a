/* firewall.c - what nftables lets in, from its own JSON. */
#include "audit/parse.h"

#include <stdlib.h>
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

/* Of a range its ends and one between, which is not meant when the ends are. */
static void add_range(struct va_firewall *firewall, int64_t from, int64_t to)
{
    add_port(firewall, to);
    add_port(firewall, from);
    if (from >= 0 && from < 65535 && from + 1 < to)
        add_port(firewall, from + 1);
}

/* A number, {"range":[from,to]}, {"set":[numbers and ranges]}. What else there may be, such as the name of a set, is not looked into. */
static void add_ports(struct va_firewall *firewall, const json_t *right)
{
    const json_t *range = json_object_get(right, "range"), *set = json_object_get(right, "set"), *item;
    size_t i;

    if (json_is_integer(right))
        add_port(firewall, json_integer_value(right));
    else if (json_array_size(range) == 2)
        add_range(firewall, json_integer_value(json_array_get(range, 0)), json_integer_value(json_array_get(range, 1)));
    else if (!json_is_array(set))
        firewall->is_unseen = 1;
    json_array_foreach(set, i, item)
    {
        add_ports(firewall, item);
    }
}

static void add_interface(struct va_firewall *firewall, const char *name)
{
    if (firewall->n_interfaces < VA_FIREWALL_MAX_INTERFACES)
        snprintf(firewall->interfaces[firewall->n_interfaces++], sizeof firewall->interfaces[0], "%.31s", name);
}

/* A name, or a list or set of them. */
static void add_interfaces(struct va_firewall *firewall, const json_t *right)
{
    const json_t *list = json_is_object(right) ? json_object_get(right, "set") : right, *item;
    size_t i;

    if (json_is_string(right))
        add_interface(firewall, json_string_value(right));
    json_array_foreach(list, i, item)
    {
        add_interfaces(firewall, item);
    }
}

/* Whether a value is this text, or a list or set that has it. */
static int has_text(const json_t *right, const char *text)
{
    const json_t *list = json_is_object(right) ? json_object_get(right, "set") : right, *item;
    size_t i;

    if (json_is_string(right))
        return strcmp(json_string_value(right), text) == 0;
    json_array_foreach(list, i, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
            return 1;
    }
    return 0;
}

static int is_equal(const json_t *match)
{
    const char *op = text_of(match, "op");

    return strcmp(op, "==") == 0 || strcmp(op, "in") == 0;
}

/* The ports of TCP that a rule is for, or NULL. "th" is a header of TCP as well. */
static const json_t *ports_of(const json_t *match)
{
    const json_t *payload = json_object_get(json_object_get(match, "left"), "payload");
    const char *protocol = text_of(payload, "protocol");

    if (strcmp(text_of(payload, "field"), "dport") != 0 || (strcmp(protocol, "tcp") != 0 && strcmp(protocol, "th") != 0))
        return NULL;
    return is_equal(match) ? json_object_get(match, "right") : NULL;
}

/* Ports that are let in for some addresses only are not open to all. */
static int is_for_some(const json_t *match)
{
    const json_t *payload = json_object_get(json_object_get(match, "left"), "payload");

    return strcmp(text_of(payload, "field"), "saddr") == 0 && is_equal(match);
}

/* By which interface something comes in, or NULL. */
static const json_t *interfaces_of(const json_t *match)
{
    const char *meta = text_of(json_object_get(json_object_get(match, "left"), "meta"), "key");

    return is_equal(match) && (strcmp(meta, "iifname") == 0 || strcmp(meta, "iif") == 0) ? json_object_get(match, "right") : NULL;
}

/* Whether new connections over TCP, from anywhere and to any port, do not all fulfil it. */
static int is_narrow(const json_t *match)
{
    const json_t *left = json_object_get(match, "left"), *right = json_object_get(match, "right");
    const json_t *payload = json_object_get(left, "payload");
    const char *protocol = text_of(payload, "protocol"), *field = text_of(payload, "field");
    const char *meta = text_of(json_object_get(left, "meta"), "key"), *ct = text_of(json_object_get(left, "ct"), "key");

    if (!is_equal(match))
        return 0;
    if (strcmp(ct, "state") == 0)
        return !has_text(right, "new") && !has_text(right, "untracked");
    if (strcmp(meta, "l4proto") == 0 || strcmp(field, "protocol") == 0 || strcmp(field, "nexthdr") == 0)
        return !has_text(right, "tcp");
    if (strcmp(meta, "nfproto") == 0 || strcmp(meta, "protocol") == 0)
        return 0;
    if (strcmp(protocol, "tcp") == 0 || strcmp(protocol, "th") == 0)
        return strcmp(field, "dport") == 0;
    return 1;
}

/* Whether a rule is for part of what comes in. ret_interfaces: it is for what comes in by these; NULL: by any. Of iptables' matches nft
 * shows the names alone. */
static int is_narrowed(const json_t *expressions, const json_t **ret_interfaces)
{
    const json_t *expression;
    int narrowed = 0;
    size_t i;

    *ret_interfaces = NULL;
    json_array_foreach(expressions, i, expression)
    {
        const json_t *match = json_object_get(expression, "match"), *interfaces = interfaces_of(match);
        if (interfaces != NULL)
            *ret_interfaces = interfaces;
        else
            narrowed |= json_object_get(expression, "xt") != NULL || (match != NULL && is_narrow(match));
    }
    return narrowed;
}

/* What a rule that accepts lets in. in_input: all that comes in gets to it. What ufw has in its chains is known by ufw's files. */
static void add_rule(struct va_firewall *firewall, const json_t *rule, int in_input)
{
    const json_t *expressions = json_object_get(rule, "expr"), *expression, *interfaces;
    int accepts = 0, for_some = 0, narrowed = is_narrowed(expressions, &interfaces);
    size_t i;

    json_array_foreach(expressions, i, expression)
    {
        const json_t *mapped = json_object_get(json_object_get(json_object_get(expression, "vmap"), "key"), "payload");
        accepts |= json_object_get(expression, "accept") != NULL;
        for_some |= is_for_some(json_object_get(expression, "match"));
        firewall->is_unseen |= strcmp(text_of(mapped, "field"), "dport") == 0 && strcmp(text_of(mapped, "protocol"), "udp") != 0;
    }
    if (!accepts)
        return;
    if (in_input && !narrowed && interfaces != NULL)
        add_interfaces(firewall, interfaces);
    firewall->lets_all_in |= in_input && !narrowed && interfaces == NULL;
    json_array_foreach(expressions, i, expression)
    {
        const json_t *ports = for_some ? NULL : ports_of(json_object_get(expression, "match"));
        if (ports != NULL)
            add_ports(firewall, ports);
        if (!for_some && strcmp(text_of(json_object_get(expression, "xt"), "name"), "multiport") == 0 &&
            strncmp(text_of(rule, "chain"), "ufw", 3) != 0)
            firewall->is_unseen = 1;
    }
}

/* Of a chain in the rule's table; chain NULL: the rule's own. */
static void name_chain(const json_t *rule, const char *chain, char ret_key[256])
{
    snprintf(ret_key, 256, "%.20s/%.100s/%.100s", text_of(rule, "family"), text_of(rule, "table"),
             chain != NULL ? chain : text_of(rule, "chain"));
}

/* The chains at the hook "input" whose policy keeps out, as "family/table/chain" in a JSON object. */
static int note_chain(struct va_firewall *firewall, const json_t *chain, json_t *inputs)
{
    const char *family = text_of(chain, "family");
    char key[256];

    if (strcmp(text_of(chain, "hook"), "input") != 0 || strcmp(text_of(chain, "type"), "filter") != 0)
        return 0;
    name_chain(chain, text_of(chain, "name"), key);
    if (strcmp(text_of(chain, "policy"), "drop") != 0)
        return 0;
    firewall->denies_ip4 |= strcmp(family, "ip") == 0 || strcmp(family, "inet") == 0;
    firewall->denies_ip6 |= strcmp(family, "ip6") == 0 || strcmp(family, "inet") == 0;
    return json_object_set_new(inputs, key, json_true());
}

/* The chains that those always jump to, and so on. Returns how many more there are now, or VA_ENOMEM. */
static int note_jumps(const json_t *ruleset, json_t *inputs)
{
    size_t n_before = json_object_size(inputs), i, j;
    const json_t *item, *expression, *interfaces;
    char key[256];

    json_array_foreach(ruleset, i, item)
    {
        const json_t *rule = json_object_get(item, "rule"), *expressions = json_object_get(rule, "expr");
        name_chain(rule, NULL, key);
        if (rule == NULL || json_object_get(inputs, key) == NULL || is_narrowed(expressions, &interfaces) || interfaces != NULL)
            continue;
        json_array_foreach(expressions, j, expression)
        {
            const json_t *jump = json_object_get(expression, "jump"), *to = jump != NULL ? jump : json_object_get(expression, "goto");
            if (to == NULL)
                continue;
            name_chain(rule, text_of(to, "target"), key);
            if (json_object_set_new(inputs, key, json_true()) < 0)
                return VA_ENOMEM;
        }
    }
    return (int)(json_object_size(inputs) - n_before);
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
    for (int n = 1; r == 0 && n > 0;)
        if ((n = note_jumps(ruleset, inputs)) < 0)
            r = va_fail_memory(error);
    json_array_foreach(ruleset, i, item)
    {
        const json_t *rule = json_object_get(item, "rule");
        if (r < 0 || rule == NULL)
            continue;
        name_chain(rule, NULL, key);
        add_rule(&firewall, rule, json_object_get(inputs, key) != NULL);
    }
    json_decref(inputs);
    json_decref(root);
    if (r == 0)
        *ret_firewall = firewall;
    return r;
}

/* "ACTION PROTOCOL PORTS TO FROM_PORTS FROM [APPLICATION APPLICATION] DIRECTION": one rule, if it lets in from everywhere. */
static void add_ufw_rule(struct va_firewall *firewall, char *text)
{
    enum { ACTION, PROTOCOL, PORTS, TO, FROM_PORTS, FROM, N_WORDS };
    char *words[N_WORDS], *last = NULL, *rest;
    size_t n = 0;

    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        if (n < N_WORDS)
            words[n++] = word;
        else if (strncmp(word, "comment=", 8) != 0)
            last = word;
    }
    if (n < N_WORDS || last == NULL || strncmp(last, "out", 3) == 0 || strcmp(words[PROTOCOL], "udp") == 0)
        return;
    if (strncmp(words[ACTION], "allow", 5) != 0 && strncmp(words[ACTION], "limit", 5) != 0)
        return;
    if (strcmp(words[FROM], "0.0.0.0/0") != 0 && strcmp(words[FROM], "::/0") != 0)
        return;
    const char *interface = strchr(last, '_');
    if (strcmp(words[PORTS], "any") == 0) {
        int is_tcp = strcmp(words[PROTOCOL], "any") == 0 || strcmp(words[PROTOCOL], "tcp") == 0;
        if (is_tcp && interface != NULL)
            add_interface(firewall, interface + 1);
        firewall->lets_all_in |= is_tcp && interface == NULL;
        return;
    }
    if (interface != NULL) /* nft shows its ports */
        return;
    for (char *list = words[PORTS], *port = strtok_r(list, ",", &rest); port != NULL; port = strtok_r(NULL, ",", &rest)) {
        const char *colon = strchr(port, ':');
        int64_t from = strtol(port, NULL, 10);
        add_range(firewall, from, colon != NULL ? strtol(colon + 1, NULL, 10) : from);
    }
}

void va_parse_ufw(char *text, struct va_firewall *firewall)
{
    static const char mark[] = "### tuple ### ";
    char *rest;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (strncmp(line, mark, sizeof mark - 1) == 0)
            add_ufw_rule(firewall, line + sizeof mark - 1);
}
