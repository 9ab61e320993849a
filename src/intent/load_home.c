/* load_home.c - what is in a home: entities, areas, floors, and where the assistant stands. */
#include "intent/load.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"

/* The lists they fill. */
enum { LIST_ENTITIES, LIST_AREAS, LIST_FLOORS, N_LISTS };

static const char *const list_names[N_LISTS] = {"name", "area", "floor"};

/* A template that matches the text itself. */
static int escape(const char *text, struct va_buffer *buffer)
{
    int r = 0;

    for (; r == 0 && *text != '\0'; text++) {
        if (strchr("[](){}<>|;\\", *text) != NULL)
            r = va_buffer_append(buffer, "\\", 1);
        if (r == 0)
            r = va_buffer_append(buffer, text, 1);
    }
    return r;
}

/* Adds a name of something. What is no sensible template is taken as it stands. */
static int add_name(struct va_loader *loader, int list, const va_yaml_node *name, struct va_list_value value)
{
    struct va_place place = {loader->file, name->line};
    va_error error;
    int r = VA_EFORMAT;

    if (name->type != VA_YAML_SCALAR || name->text[0] == '\0')
        return va_load_mistake(loader, name, "a name must be a text");
    if (strpbrk(name->text, "{}<>\\") == NULL)
        r = va_template_compile(loader->commands, va_load_language(loader), name->text, place, &value.node, &error);
    if (r == VA_EFORMAT) {
        struct va_buffer plain;
        va_buffer_init(&plain, 65536);
        r = escape(name->text, &plain);
        if (r == 0)
            r = va_template_compile(loader->commands, va_load_language(loader), plain.data, place, &value.node, &error);
        va_buffer_free(&plain);
    }
    if (r == VA_EFORMAT)
        return va_load_mistake(loader, name, "in this name: %s", error.text);
    if (r < 0 || va_grow(&loader->home, &loader->home_capacity, loader->n_home, sizeof *loader->home) < 0)
        return va_fail_memory(loader->error);
    if (value.node != VA_NODE_INDEX_EMPTY)
        loader->home[loader->n_home++] = (struct va_load_home){list, value};
    return 0;
}

/* The name and the aliases of an entity, an area or a floor. */
static int add_names(struct va_loader *loader, int list, const va_yaml_node *mapping, struct va_list_value value)
{
    const va_yaml_node *name = va_yaml_get(mapping, "name"), *aliases = va_yaml_get(mapping, "aliases");
    int r;

    if (name == NULL || name->type != VA_YAML_SCALAR)
        return va_load_mistake(loader, mapping, "what is in the home must have a 'name'");
    if ((value.out = va_load_keep(loader, name->text)) == NULL)
        return va_fail_memory(loader->error);
    r = add_name(loader, list, name, value);
    if (r == 0 && aliases != NULL && aliases->type != VA_YAML_SEQUENCE)
        return va_load_mistake(loader, aliases, "'aliases' must be a list of names");
    for (size_t i = 0; r == 0 && aliases != NULL && i < aliases->n; i++)
        r = add_name(loader, list, aliases->values[i], value);
    return r;
}

static int set_context(struct va_loader *loader, const char *key, const char *text)
{
    va_commands *commands = loader->commands;
    va_slot pair = {.name = va_load_keep(loader, key), .value = va_load_keep(loader, text)};
    size_t i = 0;

    while (i < commands->n_context && strcmp(commands->context[i].name, key) != 0)
        i++;
    if (pair.name == NULL || pair.value == NULL || va_grow(&commands->context, &commands->context_capacity, i, sizeof pair) < 0)
        return va_fail_memory(loader->error);
    commands->context[i] = pair;
    commands->n_context += i == commands->n_context;
    return 0;
}

static int read_place(struct va_loader *loader, const va_yaml_node *mapping, int list)
{
    int r = add_names(loader, list, mapping, (struct va_list_value){0});

    if (r == 0 && list == LIST_AREAS && va_load_is_true(mapping, "context_area") && va_load_text(mapping, "name") != NULL)
        r = set_context(loader, "area", va_load_text(mapping, "name"));
    return r;
}

static int read_entity(struct va_loader *loader, const va_yaml_node *mapping)
{
    const char *domain = va_load_text(mapping, "domain"), *id = va_load_text(mapping, "id"), *class = va_load_text(mapping, "device_class");
    size_t domain_n = domain != NULL ? strlen(domain) : id != NULL ? strcspn(id, ".") : 0;
    size_t n = 1;

    if (domain_n == 0)
        return va_load_mistake(loader, mapping, "an entity must have a 'domain', or an 'id' such as light.lamp");
    if (class == NULL)
        class = va_load_text(va_yaml_get(mapping, "attributes"), "device_class");
    va_slot *context = va_arena_alloc(&loader->commands->arena, 2, sizeof *context);
    if (context == NULL)
        return va_fail_memory(loader->error);
    context[0] = (va_slot){"domain", va_arena_strndup(&loader->commands->arena, domain != NULL ? domain : id, domain_n)};
    if (class != NULL)
        context[n++] = (va_slot){"device_class", va_load_keep(loader, class)};
    if (context[0].value == NULL || context[n - 1].value == NULL)
        return va_fail_memory(loader->error);
    return add_names(loader, LIST_ENTITIES, mapping, (struct va_list_value){.context = context, .n_context = n});
}

int va_load_home(struct va_loader *loader, const va_yaml_node *root)
{
    static const char *const keys[N_LISTS] = {"entities", "areas", "floors"};
    const va_yaml_node *context = va_yaml_get(root, "context");
    int r = 0;

    for (int list = 0; list < N_LISTS; list++) {
        const va_yaml_node *things = va_yaml_get(root, keys[list]);
        if (things == NULL || (things->type == VA_YAML_SCALAR && things->text[0] == '\0'))
            continue;
        if (things->type != VA_YAML_SEQUENCE)
            return va_load_mistake(loader, things, "'%s' must be a list", keys[list]);
        for (size_t i = 0; r == 0 && i < things->n; i++)
            r = list == LIST_ENTITIES ? read_entity(loader, things->values[i]) : read_place(loader, things->values[i], list);
    }
    if (r < 0 || context == NULL)
        return r;
    if (context->type != VA_YAML_MAPPING)
        return va_load_mistake(loader, context, "'context' must be a mapping");
    for (size_t i = 0; r == 0 && i < context->n; i++)
        if (context->keys[i]->text != NULL && context->values[i]->text != NULL)
            r = set_context(loader, context->keys[i]->text, context->values[i]->text);
    return r;
}

/* Fills the list of a language that asks for it and does not define it itself. */
static int fill_list(struct va_loader *loader, struct va_language *language, int list)
{
    int64_t index = va_language_list(loader->commands, language, list_names[list], (struct va_place){"", 0});

    if (index < 0)
        return va_fail_memory(loader->error);
    if (language->lists[index].defined)
        return 0;
    uint32_t first = (uint32_t)language->n_values;
    for (size_t i = 0; i < loader->n_home; i++) {
        if (loader->home[i].list != list)
            continue;
        if (va_grow(&language->values, &language->values_capacity, language->n_values, sizeof *language->values) < 0)
            return va_fail_memory(loader->error);
        language->values[language->n_values++] = loader->home[i].value;
    }
    language->lists[index].kind = VA_LIST_VALUES;
    language->lists[index].first_value = first;
    language->lists[index].n_values = (uint32_t)language->n_values - first;
    language->lists[index].defined = 1;
    return 0;
}

int va_load_finish_home(struct va_loader *loader)
{
    int r = 0;

    for (size_t i = 0; i < loader->commands->grammar.n_languages; i++) {
        struct va_language *language = &loader->commands->grammar.languages[i];
        int wanted = language->code[0] != '\0' && (language->has_home || loader->n_home > 0);
        for (int list = 0; r == 0 && wanted && list < N_LISTS; list++)
            r = fill_list(loader, language, list);
    }
    return r;
}
