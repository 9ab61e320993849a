#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "temporary.h"

static va_yaml *parse(const char *text)
{
    va_yaml *yaml = NULL;
    va_error error = {0};
    int r = va_yaml_parse("f.yaml", text, strlen(text), &yaml, &error);
    if (r < 0)
        fail_msg("%s", error.text);
    return yaml;
}

static void check_scalar(const va_yaml_node *node, const char *text, int quoted, int line)
{
    assert_non_null(node);
    assert_int_equal(node->type, VA_YAML_SCALAR);
    assert_string_equal(node->text, text);
    assert_int_equal(node->quoted, quoted);
    assert_int_equal(node->line, line);
    assert_int_equal(node->n, 0);
}

static void reads_a_tree(void **state)
{
    va_yaml *yaml = parse("# comment\n"
                          "name: base\n"
                          "list:\n"
                          "  - one\n"
                          "  - 'two'\n"
                          "  - {three: \"3\\n\"}\n"
                          "text: |\n"
                          "  several\n"
                          "  lines\n"
                          "deep: {a: {b: [c, []]}}\n");
    const va_yaml_node *root = va_yaml_root(yaml), *list = va_yaml_get(root, "list");
    assert_int_equal(root->type, VA_YAML_MAPPING);
    assert_int_equal(root->n, 4);
    assert_string_equal(root->keys[3]->text, "deep");
    assert_int_equal(root->keys[3]->line, 10);
    check_scalar(va_yaml_get(root, "name"), "base", 0, 2);
    assert_int_equal(list->type, VA_YAML_SEQUENCE);
    assert_int_equal(list->n, 3);
    assert_null(list->text);
    assert_null(list->keys);
    check_scalar(list->values[0], "one", 0, 4);
    check_scalar(list->values[1], "two", 1, 5);
    check_scalar(va_yaml_get(list->values[2], "three"), "3\n", 1, 6);
    check_scalar(va_yaml_get(root, "text"), "several\nlines\n", 1, 7);
    const va_yaml_node *b = va_yaml_get(va_yaml_get(va_yaml_get(root, "deep"), "a"), "b");
    assert_int_equal(b->n, 2);
    assert_int_equal(b->values[1]->type, VA_YAML_SEQUENCE);
    assert_int_equal(b->values[1]->n, 0);
    assert_null(va_yaml_get(root, "missing"));
    assert_null(va_yaml_get(list, "one"));
    assert_null(va_yaml_get(NULL, "one"));
    va_yaml_free(yaml);
    va_yaml_free(NULL);
}

static void reads_nulls_and_tags(void **state)
{
    static const struct {
        const char *text;
        int quoted;
    } rows[] = {{"", 0}, {"", 0}, {"", 1}, {"null", 1}, {"null", 1}, {"x", 1}, {"5", 0}};
    va_yaml *yaml = parse("[~, null, '', \"null\", !!str null, ! x, !!int 5]");
    const va_yaml_node *root = va_yaml_root(yaml);
    assert_int_equal(root->n, sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < root->n; i++)
        check_scalar(root->values[i], rows[i].text, rows[i].quoted, 1);
    va_yaml_free(yaml);
    yaml = parse("null: 1\nno:\n");
    check_scalar(va_yaml_root(yaml)->keys[0], "null", 0, 1);
    check_scalar(va_yaml_get(va_yaml_root(yaml), "no"), "", 0, 2);
    va_yaml_free(yaml);
}

static void an_empty_file_is_an_empty_mapping(void **state)
{
    static const char *const texts[] = {"", "\n\n", "# only a comment\n", "---\n", "--- ~\n...\n", "\xef\xbb\xbf", "%YAML 1.1\n---\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        va_yaml *yaml = parse(texts[i]);
        assert_int_equal(va_yaml_root(yaml)->type, VA_YAML_MAPPING);
        assert_int_equal(va_yaml_root(yaml)->n, 0);
        va_yaml_free(yaml);
    }
}

static void shares_aliases(void **state)
{
    va_yaml *yaml = parse("a: &x {k: [1, &k key]}\nb: *x\nc: [*x, *x]\n*k : d\n");
    const va_yaml_node *root = va_yaml_root(yaml);
    assert_ptr_equal(va_yaml_get(root, "a"), va_yaml_get(root, "b"));
    assert_ptr_equal(va_yaml_get(root, "a"), va_yaml_get(root, "c")->values[1]);
    check_scalar(va_yaml_get(root, "key"), "d", 0, 4);
    va_yaml_free(yaml);
    yaml = parse("- &x 1\n- &x 2\n- *x\n"); /* the last one counts */
    check_scalar(va_yaml_root(yaml)->values[2], "2", 0, 2);
    va_yaml_free(yaml);
}

static void says_what_is_wrong_and_where(void **state)
{
    static const struct {
        const char *text, *error;
        int code;
    } rows[] = {
        {"a: 1\nb: 2\n\na: 3\n", "f.yaml:4: 'a' is given twice, first in line 1", VA_EFORMAT},
        {"a: {b: 1, 'b': 2}", "f.yaml:1: 'b' is given twice", VA_EFORMAT},
        {"a: 1\n<<: 2\n<<: 3\n", "f.yaml:3: '<<' is given twice", VA_EFORMAT},
        {"\na: &x [*x]\n", "f.yaml:2: '*x' stands inside what it refers to", VA_EFORMAT},
        {"\n\na: *nothing\n", "f.yaml:3: '*nothing' refers to nothing", VA_EFORMAT},
        {"a: b\n? [x]\n: c\n", "f.yaml:2: a key must be a simple text", VA_EFORMAT},
        {"a: &l []\n*l : c\n", "f.yaml:2: a key must be a simple text", VA_EFORMAT},
        {"a: 1\n---\nb: 2\n", "f.yaml:2: a second document", VA_EFORMAT},
        {"a:\n  !secret x\n", "f.yaml:2: tag '!secret' is not supported", VA_EFORMAT},
        {"a: !!binary aGk=\n", "f.yaml:1: tag 'tag:yaml.org,2002:binary' is not supported", VA_EFORMAT},
        {"a: \"x\\0y\"\n", "f.yaml:1: a text may not contain a zero", VA_EFORMAT},
        {"a:\n\tb: c\n", "f.yaml:2: a tab", VA_EFORMAT},
        {"a: 1\nb: \xff\n", "f.yaml:2: not UTF-8 text", VA_EFORMAT},
        {"a: 1\n\nb: \xed\xa0\x80\n", "f.yaml:3: not UTF-8 text", VA_EFORMAT},
        {"\xff\xfe"
         "a",
         "f.yaml:1: not UTF-8 text", VA_EFORMAT},
        {"a: 1\n  b: 2\n", "f.yaml:2: ", VA_EFORMAT},
        {"a: [1, 2\n", "f.yaml:2: ", VA_EFORMAT},
        {"a: 'x\n", "f.yaml:2: ", VA_EFORMAT},
        {"a: \"\\ud800\"\n", "f.yaml:1: ", VA_EFORMAT},
        {"a: \x01\n", "f.yaml:1: not UTF-8 text", VA_EFORMAT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        va_yaml *yaml = NULL;
        va_error error;
        assert_int_equal(va_yaml_parse("f.yaml", rows[i].text, strlen(rows[i].text), &yaml, &error), rows[i].code);
        if (strncmp(error.text, rows[i].error, strlen(rows[i].error)) != 0)
            fail_msg("'%s' does not start with '%s'", error.text, rows[i].error);
        assert_null(yaml);
        assert_int_equal(va_yaml_parse("f.yaml", rows[i].text, strlen(rows[i].text), &yaml, NULL), rows[i].code);
    }
}

static int parse_buffer(struct va_buffer *text, va_error *error)
{
    va_yaml *yaml = NULL;
    int r = va_yaml_parse("f.yaml", text->data, text->size, &yaml, error);
    va_yaml_free(yaml);
    va_buffer_clear(text);
    return r;
}

static void repeat(struct va_buffer *text, const char *part, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(va_buffer_append_string(text, part), 0);
}

static void is_bounded(void **state)
{
    struct va_buffer text;
    va_error error;

    va_buffer_init(&text, 8 << 20);
    repeat(&text, "[", 64);
    repeat(&text, "]", 64);
    assert_int_equal(parse_buffer(&text, &error), 0);
    repeat(&text, "[", 65);
    assert_int_equal(parse_buffer(&text, &error), VA_ELIMIT);
    assert_string_equal(error.text, "f.yaml:1: nested deeper than 64");
    repeat(&text, "- ", 65);
    assert_int_equal(parse_buffer(&text, &error), VA_ELIMIT);
    repeat(&text, "[", 4 << 20);
    assert_int_equal(parse_buffer(&text, &error), VA_ELIMIT);

    repeat(&text, "- x\n", 199999); /* and the sequence */
    assert_int_equal(parse_buffer(&text, &error), 0);
    repeat(&text, "- x\n", 200000);
    assert_int_equal(parse_buffer(&text, &error), VA_ELIMIT);
    assert_string_equal(error.text, "f.yaml:200000: more than 200000 values");

    repeat(&text, "#", (4 << 20) + 1);
    assert_int_equal(parse_buffer(&text, &error), VA_ELIMIT);
    repeat(&text, "- &a x\n", 257);
    assert_int_equal(parse_buffer(&text, &error), VA_ELIMIT);
    va_buffer_free(&text);
}

static void aliases_cannot_multiply(void **state)
{
    struct va_buffer text;
    va_error error;

    va_buffer_init(&text, 1 << 20);
    repeat(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n", 1);
    for (int i = 1; i < 9; i++)
        assert_int_equal(va_buffer_printf(&text, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1,
                                          i - 1, i - 1, i - 1, i - 1, i - 1, i - 1),
                         0);
    assert_int_equal(parse_buffer(&text, &error), VA_ELIMIT);
    assert_non_null(strstr(error.text, "more than 200000 values"));

    repeat(&text, "a0: &a0 [x]\n", 1);
    for (int i = 1; i < 70; i++) /* deep by aliases only */
        assert_int_equal(va_buffer_printf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1), 0);
    assert_int_equal(parse_buffer(&text, &error), VA_ELIMIT);
    assert_non_null(strstr(error.text, "nested deeper than 64"));
    va_buffer_free(&text);
}

static void long_paths_leave_room(void **state)
{
    char path[600];
    va_yaml *yaml = NULL;
    va_error error;
    memset(path, 'p', sizeof path);
    strcpy(path + 590, "end.yaml");
    assert_int_equal(va_yaml_parse(path, "a: *b", 5, &yaml, &error), VA_EFORMAT);
    assert_non_null(strstr(error.text, "end.yaml:1: '*b' refers to nothing"));
}

static void opens_files(void **state)
{
    char folder[256];
    va_yaml *yaml = NULL;
    va_error error;

    assert_int_equal(temporary_make(folder), 0);
    const char *path = temporary_path(folder, "x.yaml");
    assert_int_equal(va_yaml_open(path, &yaml, &error), VA_ENOTFOUND);
    assert_int_equal(temporary_write(path, "a: b\n"), 0);
    assert_int_equal(va_yaml_open(path, &yaml, &error), 0);
    check_scalar(va_yaml_get(va_yaml_root(yaml), "a"), "b", 0, 1);
    va_yaml_free(yaml);
    assert_int_equal(temporary_write(path, "a: b\nc"), 0);
    assert_int_equal(va_yaml_open(path, &yaml, &error), VA_EFORMAT);
    assert_non_null(strstr(error.text, "x.yaml:3: "));
    assert_int_equal(temporary_remove(folder), 0);
}

static void survives_no_memory(void **state)
{
    struct va_buffer text;
    int r = VA_ENOMEM;

    va_buffer_init(&text, 1 << 20);
    repeat(&text, "- &x {a: b, c: [d, e]}\n- *x\n", 1);
    repeat(&text, "- a long text that fills the chunks of the tree before it ends\n", 400);
    for (size_t n = 1; r == VA_ENOMEM; n++) {
        va_yaml *yaml = NULL;
        va_memory_fail_after(n);
        r = va_yaml_parse("f.yaml", text.data, text.size, &yaml, NULL);
        va_memory_fail_after(0);
        assert_true((r == 0) == (yaml != NULL));
        va_yaml_free(yaml);
    }
    assert_int_equal(r, 0);
    va_buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_tree),
        cmocka_unit_test(reads_nulls_and_tags),
        cmocka_unit_test(an_empty_file_is_an_empty_mapping),
        cmocka_unit_test(shares_aliases),
        cmocka_unit_test(says_what_is_wrong_and_where),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(aliases_cannot_multiply),
        cmocka_unit_test(long_paths_leave_room),
        cmocka_unit_test(opens_files),
        cmocka_unit_test(survives_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
