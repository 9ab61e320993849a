#include "fuzz.h"

#include <string.h>

#include "base/utf8.h"
#include "base/yaml.h"

/* Every promise of yaml.h; returns the nodes below, aliases followed. */
static size_t check_node(const va_yaml_node *node, int depth)
{
    size_t nodes = 1;

    FUZZ_CHECK(node != NULL && depth <= 65 && node->line >= 1);
    if (node->type == VA_YAML_SCALAR) {
        FUZZ_CHECK(node->text != NULL && node->n == 0);
        FUZZ_CHECK(va_utf8_valid(node->text, strlen(node->text)));
        return 1;
    }
    FUZZ_CHECK(node->text == NULL);
    for (size_t i = 0; i < node->n; i++) {
        if (node->type == VA_YAML_MAPPING) {
            FUZZ_CHECK(node->keys[i]->type == VA_YAML_SCALAR);
            FUZZ_CHECK(node->n > 1000 || va_yaml_get(node, node->keys[i]->text) == node->values[i]);
            nodes += check_node(node->keys[i], depth + 1);
        }
        nodes += check_node(node->values[i], depth + 1);
    }
    return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    va_yaml *yaml = NULL;
    va_error error = {.code = 1};
    int r = va_yaml_parse("f.yaml", (const char *)data, size, &yaml, &error);

    if (r == 0) {
        FUZZ_CHECK(check_node(va_yaml_root(yaml), 1) <= 200001);
    } else {
        FUZZ_CHECK(yaml == NULL && error.code == r && error.text[0] != '\0');
        for (const char *c = error.text; *c != '\0'; c++)
            FUZZ_CHECK((unsigned char)*c >= 0x20);
    }
    va_yaml_free(yaml);
    return 0;
}
