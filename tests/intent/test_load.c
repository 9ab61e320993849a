#include "intent/support.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

static void check_error(const char *yaml, const char *expected)
{
    va_commands *commands = NULL;
    va_error error = {0};

    assert_int_equal(va_commands_parse("f.yaml", yaml, strlen(yaml), &commands, &error), VA_EFORMAT);
    assert_null(commands);
    if (strstr(error.text, expected) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", error.text, expected);
}

/* One command whose only sentence is this. */
static void check_template_error(const char *sentence, const char *expected)
{
    char *yaml = va_asprintf("language: en\ncommands:\n  c:\n    sentences:\n      - \"%s\"\n", sentence);

    assert_non_null(yaml);
    check_error(yaml, expected);
    va_free(yaml);
}

static void test_template_mistakes(void **state)
{
    check_template_error("turn (on|off", "f.yaml:5: in \"turn (on|off\": the '(' at character 6 has no ')'");
    check_template_error("turn on]", "']' at character 8 has nothing to close");
    check_template_error("turn (on]", "the '(' at character 6 is closed by ']' at character 9");
    check_template_error("turn {", "not closed by '}'");
    check_template_error("turn {a b}", "'}' is missing at character 8");
    check_template_error("turn {}", "a name of 1 to 63 letters");
    check_template_error("turn <rule", "not closed by '>'");
    check_template_error("(a|b;c)", "'|' and ';' are mixed");
    check_template_error("(a;b;c;d;e;f;g;h;i) x", "more than 8 parts");
    check_template_error("[a] [b]", "this sentence can be empty");
    check_template_error("go <x>", "f.yaml:5: there is no rule <x>");
    check_template_error("go {x}", "f.yaml:5: there is no list {x}");
    check_template_error("((((((((((((((((((((((((((((((((((a", "nested more than 32 deep");
    check_template_error("a > b", "'>' at character 3 has nothing to close");
}

static void test_file_mistakes(void **state)
{
    check_error("commands: {}", "f.yaml:1: 'language' is missing");
    check_error("language: en\ncommand: {}", "f.yaml:2: a command file has no 'command', did you mean 'commands'?");
    check_error("language: en\ncommands:\n  c: {sentences: [a], respose: x}", "did you mean 'response'?");
    check_error("language: en\ncommands:\n  c: {response: x}", "f.yaml:3: the command 'c' has no 'sentences'");
    check_error("language: en\ncommands:\n  c: {sentences: a}", "'sentences' must be a list");
    check_error("language: en\ncommands:\n  c: {sentences: []}", "'sentences' must be a list");
    check_error("language: en\ncommands:\n  c: {sentences: [[a]]}", "a sentence must be one text");
    check_error("language: en\ncommands:\n  c: {sentences: [a], action: time}", "'action' must be a mapping with a 'type'");
    check_error("language: en\ncommands:\n  c: {sentences: [a], action: {type: say, x: [1]}}", "the setting 'x'");
    check_error("language: en\ncommands:\n  'c d': {sentences: [a]}", "the name of a command");
    check_error("language: en\nlists:\n  a: {values: [x], wildcard: true}", "must have one of");
    check_error("language: en\nlists:\n  a: {values: []}", "at least one value");
    check_error("language: en\nlists:\n  a: {values: ['[x]']}", "can be empty");
    check_error("language: en\nlists:\n  a: {range: {from: 5}}", "'from' and 'to'");
    check_error("language: en\nlists:\n  a: {range: {from: 5, to: 1}}", "the range is empty");
    check_error("language: en\nlists:\n  a: {range: {from: 5, to: nan}}", "'to' must be a number");
    check_error("language: en\nlists:\n  a: {range: {from: 5, to: 9, step: 0}}", "'step' must be above 0");
    check_error("language: en\nlists:\n  a: {range: {from: 5, to: 9, fractions: thirds}}", "halves or tenths");
    check_error("language: en\nlists:\n  a: {wildcard: maybe}", "'wildcard' must be true");
    check_error("language: en\nskip_words: x", "'skip_words' must be a list");
    check_error("language: en\nrules: [x]", "'rules' must be a mapping");
    check_error("- x", "must be a mapping");
    check_error("language: en\nlists: {a: {values: [b]}}\nrules: {r: '<s>', s: 'x <r>'}", "<r> uses <s> uses <r>");
    check_error("language: en\nrules: {r: 'a <r>'}", "<r> uses <r>");
    check_error("language: en\nlists: {a: {values: ['x {a}']}}", "use the list itself");
    check_error("language: en\nrules: {good: x}\ncommands: {c: {sentences: ['<goood>']}}", "did you mean <good>?");
    check_error("language: [", "f.yaml:");
}

/* A bound of the YAML reader is a mistake in the file like any other. */
static void test_limits_of_yaml(void **state)
{
    va_commands *commands = NULL;
    va_error error = {0};
    char deep[256] = "language: en\n[";

    memset(deep + strlen(deep), '[', 200);
    assert_int_equal(va_commands_parse("f.yaml", deep, strlen(deep), &commands, &error), VA_EFORMAT);
    assert_int_equal(error.code, VA_EFORMAT);
    assert_int_equal(va_commands_parse("f.yaml", "", 0, &commands, &error), VA_EFORMAT);
}

/* A chain of rules that is too deep is refused, not followed. */
static void test_deep_rules(void **state)
{
    char yaml[4096];
    size_t n = (size_t)snprintf(yaml, sizeof yaml, "language: en\nrules:\n");

    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(yaml + n, sizeof yaml - n, "  r%d: 'x <r%d>'\n", i, i + 1);
    snprintf(yaml + n, sizeof yaml - n, "  r40: y\n");
    check_error(yaml, "more than 32 deep");
}

static void count(void *user, const char *text)
{
    ++*(int *)user;
}

static void test_folder(void **state)
{
    char folder[] = "/tmp/va-intent-XXXXXX";
    va_commands *commands;
    va_error error;
    int n_mistakes = 0;

    assert_non_null(mkdtemp(folder));
    assert_int_equal(va_commands_open(folder, &commands, &error), VA_ENOTFOUND);
    char *a = va_asprintf("%s/a.yaml", folder), *b = va_asprintf("%s/b.yaml", folder), *other = va_asprintf("%s/other.txt", folder);
    assert_true(a != NULL && b != NULL && other != NULL);
    const char first[] = "language: en\ncommands: {one: {sentences: ['<go> one'], response: Done.}}\n";
    const char second[] = "language: en\nrules: {go: (go|do)}\ncommands: {two: {sentences: ['<go> two'], action: {type: process, "
                          "executable: ls, arguments: [a, b]}}}\n";
    assert_int_equal(va_file_write(a, first, strlen(first), 0600, NULL), 0);
    assert_int_equal(va_file_write(b, second, strlen(second), 0600, NULL), 0);
    assert_int_equal(va_file_write(other, "{", 1, 0600, NULL), 0);
    if (va_commands_open(folder, &commands, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(va_commands_count(commands), 2);
    assert_meaning(commands, "do one", "one");
    const struct va_command *two = va_commands_find(commands, "two");
    assert_ptr_equal(two, va_commands_at(commands, 1));
    assert_null(va_commands_at(commands, 2));
    assert_null(va_commands_find(commands, "three"));
    assert_string_equal(two->action.type, "process");
    assert_int_equal(two->action.n_settings, 1);
    assert_string_equal(two->action.settings[0].value, "ls");
    assert_int_equal(two->action.n_arguments, 2);
    assert_string_equal(two->language, "en");
    va_commands_free(commands);

    /* All mistakes of all files, the first as the error. */
    const char bad[] = "language: en\ncommands: {one: {sentences: ['(a']}, three: {sentences: ['{x}']}}\n";
    assert_int_equal(va_file_write(b, bad, strlen(bad), 0600, NULL), 0);
    assert_int_equal(va_commands_load(folder, count, &n_mistakes, &commands, &error), VA_EFORMAT);
    assert_int_equal(n_mistakes, 3);
    assert_non_null(strstr(error.text, "b.yaml:2: the command 'one' is there already: "));
    assert_int_equal(va_file_remove_tree(folder, NULL), 0);
    assert_int_equal(va_commands_open(folder, &commands, &error), VA_ENOTFOUND);
    va_free(a);
    va_free(b);
    va_free(other);
}

static void test_out_of_memory(void **state)
{
    const char yaml[] = "language: en\ncommands:\n  c:\n    sentences: ['a [b] (c;d) {l} {r:s} <x> {w}', e]\n    response: 'x {s}'\n"
                        "    action: {type: process, executable: ls, arguments: [a]}\n"
                        "lists:\n  l: {values: [a, {in: b, out: c}]}\n  r: {range: {from: 1, to: 2}}\n  w: {wildcard: true}\n"
                        "rules: {x: y}\nskip_words: [please]\n";
    int r = VA_ENOMEM;

    for (size_t i = 1; r == VA_ENOMEM && i < 2000; i++) {
        va_commands *commands = NULL;
        va_memory_fail_after(i);
        r = va_commands_parse("f.yaml", yaml, strlen(yaml), &commands, NULL);
        va_memory_fail_after(0);
        assert_true((r == 0) == (commands != NULL));
        va_commands_free(commands);
    }
    assert_int_equal(r, 0);
}

static void test_folder_choice(void **state)
{
    char *path = NULL;

    assert_int_equal(va_commands_folder("/some/where", &path, NULL), 0);
    assert_string_equal(path, "/some/where");
    va_free(path);
    assert_int_equal(va_commands_folder("", &path, NULL), 0);
    assert_non_null(path);
    va_free(path);
    va_commands_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_template_mistakes), cmocka_unit_test(test_file_mistakes), cmocka_unit_test(test_deep_rules),
        cmocka_unit_test(test_limits_of_yaml),    cmocka_unit_test(test_folder),        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_folder_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
