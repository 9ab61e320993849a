/* home_fetch.c - reads the names of a Home Assistant by its REST API. */
#include "action/home.h"

#include <jansson.h>
#include <string.h>

#include "action/actions.h"
#include "action/web.h"
#include "base/memory.h"
#include "base/secret.h"

/* The areas and floors: the API has them only as functions of its templates, floors only since 2024.4. */
static const char template_body[] =
    "{\"template\": \"{% set all = namespace(areas=[], floors=[]) %}"
    "{% for a in areas() %}{% set all.areas = all.areas + [{'id': a, 'name': area_name(a), 'entities': area_entities(a) | list}] %}"
    "{% endfor %}{% if floors is defined %}{% for f in floors() %}"
    "{% set all.floors = all.floors + [{'id': f, 'name': floor_name(f), 'areas': floor_areas(f) | list}] %}{% endfor %}{% endif %}"
    "{{ {'areas': all.areas, 'floors': all.floors} | to_json }}\"}";

struct home {
    const char *url, *token;
    double timeout_s;
};

static int call_home(const struct home *home, const char *path, const char *body, json_t **ret_json, va_error *error)
{
    static const char *const headers[] = {"Content-Type: application/json"};
    struct va_web_answer answer;
    json_error_t why;
    size_t n = strlen(home->url);
    char *url = va_asprintf("%s%s%s", home->url, n > 0 && home->url[n - 1] == '/' ? "" : "/", path);

    if (url == NULL)
        return va_fail_memory(error);
    const struct va_web_request request = {.method = body == NULL ? "GET" : "POST",
                                           .url = url,
                                           .headers = headers,
                                           .n_headers = 1,
                                           .body = body,
                                           .token = home->token,
                                           .timeout_s = home->timeout_s,
                                           .max_bytes = VA_HOME_MAX_BYTES,
                                           .cancel_fd = -1};
    int r = va_web_call(&request, &answer, error);
    va_free(url);
    if (r < 0)
        return r;
    if (answer.status == 401 || answer.status == 403)
        r = va_fail(error, VA_EDENIED, "Home Assistant does not accept the token");
    else if (answer.status != 200)
        r = va_fail(error, VA_EFAILED, "Home Assistant answered %d to /%s: is this its address?", answer.status, path);
    else if ((*ret_json = json_loadb(answer.body, answer.size, 0, &why)) == NULL)
        r = va_fail(error, VA_EFORMAT, "Home Assistant answered what is no JSON to /%s: %s", path, why.text);
    va_free(answer.body);
    return r;
}

/* ---- the YAML ---- */

static int write_pair(struct va_buffer *out, const char *before, const char *key, const char *value)
{
    int r = va_buffer_printf(out, "%s%s: ", before, key);

    if (r == 0)
        r = va_buffer_append_json(out, value);
    return r == 0 ? va_buffer_append_string(out, "\n") : r;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* The name of the object whose list under key holds the text; NULL when none does. */
static const char *holder_of(const json_t *objects, const char *key, const char *text)
{
    for (size_t i = 0; i < json_array_size(objects); i++) {
        const json_t *object = json_array_get(objects, i), *list = json_object_get(object, key);
        for (size_t k = 0; k < json_array_size(list); k++) {
            const char *item = json_string_value(json_array_get(list, k));
            if (item != NULL && strcmp(item, text) == 0)
                return text_of(object, "name");
        }
    }
    return NULL;
}

/* A list of things with a name and an id; what they are in stands in `place` of `places`. */
static int write_list(struct va_buffer *out, const char *title, const json_t *things, const char *place, const json_t *places,
                      const char *key)
{
    int r = va_buffer_printf(out, "%s:%s\n", title, json_array_size(things) == 0 ? " []" : "");

    for (size_t i = 0; r == 0 && i < json_array_size(things); i++) {
        const json_t *thing = json_array_get(things, i);
        const char *id = text_of(thing, "id"), *name = text_of(thing, "name");
        if (id == NULL || name == NULL || name[0] == '\0')
            continue;
        r = write_pair(out, "  - ", "name", name);
        if (r == 0)
            r = write_pair(out, "    ", "id", id);
        const char *in = place != NULL ? holder_of(places, key, id) : NULL, *class = text_of(thing, "device_class");
        if (r == 0 && in != NULL)
            r = write_pair(out, "    ", place, in);
        if (r == 0 && class != NULL)
            r = write_pair(out, "    ", "device_class", class);
    }
    return r;
}

/* The states as things: the id is the entity's, whose domain stands before its dot; one without a name of its own is called by it. */
static json_t *make_entities(const json_t *states)
{
    json_t *entities = json_array();

    for (size_t i = 0; entities != NULL && i < json_array_size(states); i++) {
        const json_t *state = json_array_get(states, i);
        const json_t *attributes = json_object_get(state, "attributes");
        const char *id = text_of(state, "entity_id"), *name = text_of(attributes, "friendly_name");
        const char *dot = id == NULL ? NULL : strchr(id, '.');
        if (dot == NULL)
            continue;
        json_t *entity = json_pack("{s:s, s:s, s:s*}", "id", id, "name", name != NULL && name[0] != '\0' ? name : dot + 1, "device_class",
                                   text_of(attributes, "device_class"));
        if (json_array_append_new(entities, entity) < 0) {
            json_decref(entities);
            return NULL;
        }
    }
    return entities;
}

static int write_home(struct va_buffer *out, const json_t *states, const json_t *places)
{
    const json_t *areas = json_object_get(places, "areas"), *floors = json_object_get(places, "floors");
    json_t *entities = make_entities(states);
    int r = entities == NULL ? VA_ENOMEM : write_list(out, "floors", floors, NULL, NULL, NULL);

    if (r == 0)
        r = write_list(out, "areas", areas, "floor", floors, "areas");
    if (r == 0)
        r = write_list(out, "entities", entities, "area", areas, "entities");
    json_decref(entities);
    return r;
}

int va_home_fetch(const char *url, const char *token_file, double timeout_s, struct va_buffer *out, va_error *error)
{
    json_t *states = NULL, *places = NULL;
    char *token = NULL;
    int r = va_web_check_url(url, error);

    if (r == 0)
        r = va_secret_read(token_file, &token, error);
    const struct home home = {.url = url, .token = token, .timeout_s = timeout_s};
    if (r == 0)
        r = call_home(&home, "api/states", NULL, &states, error);
    if (r == 0 && !json_is_array(states))
        r = va_fail(error, VA_EFORMAT, "Home Assistant answered no list of states");
    if (r == 0)
        r = call_home(&home, "api/template", template_body, &places, error);
    if (r == 0 && (r = write_home(out, states, places)) < 0)
        va_fail(error, r, "cannot write what Home Assistant knows: %s", va_status_text(r));
    json_decref(places);
    json_decref(states);
    va_secret_free(token);
    return r;
}
