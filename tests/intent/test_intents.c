/* Sentences as Home Assistant keeps them: blocks, conditions, responses, files that complete each other. */
#include "intent/support.h"

#include "base/file.h"
#include "temporary.h"

static void check_error(const char *yaml, const char *expected)
{
    va_commands *commands = NULL;
    va_error error = {0};

    assert_int_equal(va_commands_parse("f.yaml", yaml, strlen(yaml), &commands, &error), VA_EFORMAT);
    assert_null(commands);
    if (strstr(error.text, expected) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", error.text, expected);
}

static const char blocks[] =
    "language: en\n"
    "settings: {ignore_whitespace: false}\n"
    "intents:\n"
    "  On:\n"
    "    data:\n"
    "      - sentences: ['<go> {name} on', '{level:much} light']\n"
    "        slots: {kind: lamp, classes: [a, b]}\n"
    "        requires_context: {domain: [light, switch]}\n"
    "        response: lit\n"
    "      - sentences: ['<go> {name} on']\n"
    "        requires_context: {domain: {value: lock, slot: what}}\n"
    "        response: none_such\n"
    "      - sentences: ['<go> all on', '<go> {color}']\n"
    "        requires_context: {area: {slot: true}}\n"
    "        excludes_context: {mood: [sad, angry]}\n"
    "        lists: {color: {values: [{in: '(sun|sky)', out: bright}]}}\n"
    "        expansion_rules: {go: 'make <the> ', the: '[the]'}\n"
    "lists:\n"
    "  color: {values: [red]}\n"
    "  level: {values: [{in: full, out: 100, context: {domain: light}, metadata: {x: y}}, {in: half, out: 50}]}\n"
    "expansion_rules: {go: '(turn|switch)'}\n"
    "responses: {intents: {On: {lit: '{{ slots.name }} is lit {{slots.kind}}', other: '{% if a %}b{% endif %}'}}}\n"
    "skip_words: [please]\n"
    "entities:\n"
    "  - {name: Desk Lamp, id: light.desk, aliases: ['(small|little) lamp']}\n"
    "  - {name: Front Door, domain: lock}\n"
    "  - {name: Front Door, domain: cover}\n"
    "  - {name: 'A {b} <c', domain: switch}\n";

static void test_blocks(void **state)
{
    va_commands *commands = parse(blocks);

    assert_meaning(commands, "turn desk lamp on", "On name=Desk Lamp kind=lamp classes=a,b");
    assert_meaning(commands, "switch the little lamp on", "-");
    assert_meaning(commands, "please switch little lamp on", "On name=Desk Lamp kind=lamp classes=a,b");
    assert_meaning(commands, "turn a b c on", "On name=A {b} <c kind=lamp classes=a,b");
    assert_meaning(commands, "turn front door on", "On name=Front Door what=lock");
    assert_meaning(commands, "full light", "On much=100 kind=lamp classes=a,b");
    assert_meaning(commands, "half light", "-");  /* nothing tells the domain */
    assert_meaning(commands, "turn all on", "-"); /* the rule <go> is another one there */
    assert_meaning(commands, "make the all on", "On");
    assert_meaning(commands, "make sky", "On color=bright");
    assert_meaning(commands, "make red", "-");
    va_commands_free(commands);
}

static void test_context(void **state)
{
    const va_slot sad[] = {{"area", "Hall"}, {"mood", "sad"}}, glad[] = {{"area", "Hall"}, {"mood", "glad"}};
    va_commands *commands = parse(blocks);
    va_intent *intent = NULL;

    assert_int_equal(va_commands_match_context(commands, "en", sad, 2, "make all on", &intent, NULL), VA_ENOTFOUND);
    assert_int_equal(va_commands_match_context(commands, "en", glad, 2, "make all on", &intent, NULL), 0);
    assert_int_equal(intent->n_slots, 1);
    assert_string_equal(intent->slots[0].name, "area");
    assert_string_equal(intent->slots[0].value, "Hall");
    assert_string_equal(intent->response, "");
    va_intent_free(intent);
    assert_int_equal(va_commands_match(commands, "turn desk lamp on", &intent, NULL), 0);
    assert_string_equal(intent->response, "{name} is lit {kind}");
    va_intent_free(intent);
    va_commands_free(commands);
}

/* Two things with one name: what the sentence requires tells which is meant. The longer name goes before more words. */
static void test_names_go_first(void **state)
{
    va_commands *commands = parse("language: en\nintents:\n"
                                  "  Area: {data: [{sentences: ['turn on {area} lights']}]}\n"
                                  "  Name: {data: [{sentences: ['turn on {name}'], requires_context: {domain: light}}]}\n"
                                  "  Note: {data: [{sentences: ['turn {text}']}]}\n"
                                  "lists: {text: {wildcard: true}}\n"
                                  "areas: [{name: Kitchen, aliases: [galley]}, {name: Hall, context_area: true}]\n"
                                  "floors: [{name: Attic}]\n"
                                  "entities: [{name: Kitchen Lights, domain: light}]\n");

    assert_meaning(commands, "turn on kitchen lights", "Name name=Kitchen Lights");
    assert_meaning(commands, "turn on galley lights", "Area area=Kitchen");
    assert_meaning(commands, "turn on attic lights", "Note text=on attic lights");
    va_commands_free(commands);
}

static void test_wildcards_in_words(void **state)
{
    va_commands *commands = parse("language: en\nintents:\n"
                                  "  List: {data: [{sentences: ['play {title}(list|album)', 'play my{title}']}]}\n"
                                  "  Show: {data: [{sentences: ['\u653e{title}\u97f3\u4e50', '\u5f00 \u706f']}]}\n"
                                  "lists: {title: {wildcard: true}}\n");

    assert_meaning(commands, "play winterlist", "List title=winter");
    assert_meaning(commands, "play mysong", "List title=song");
    assert_meaning(commands, "play", "-");
    assert_meaning(commands, "\u653e\u4e00\u4e8c\u97f3\u4e50", "Show title=\u4e00\u4e8c");
    assert_meaning(commands, "\u5f00\u706f", "Show");
    assert_meaning(commands, "\u5f00 \u706f\u3002", "Show");
    va_commands_free(commands);
}

static void test_mistakes(void **state)
{
    check_error("language: en\nintents: {A: {x: 1}}", "'data' of 'A' must be a list");
    check_error("language: en\nintents: {A: {data: [x]}}", "must be a mapping with 'sentences'");
    check_error("language: en\nintents: {A: {data: [{slots: {a: b}}]}}", "these have no 'sentences'");
    check_error("language: en\nintents: {A: {data: [{sentences: [a], slots: [x]}]}}", "a mapping of names and texts");
    check_error("language: en\nintents: {A: {data: [{sentences: [a], slots: {x: {y: z}}}]}}", "a text, or a list of texts");
    check_error("language: en\nintents: {A: {data: [{sentences: [a], requires_context: x}]}}", "a context must be a mapping");
    check_error("language: en\nintents: {A: {data: [{sentences: [a], name_domains: default}]}}", "no intents.yaml says");
    check_error("language: en\nintents: {'a b': {data: []}}", "the name of an intent");
    check_error("language: en\nintents: {A: {data: [{sentences: ['{nam}']}]}}", "there is no list {nam}; did you mean {name}?");
    check_error("language: en\ndata: [{sentences: [a]}]", "must be named after its intent");
    check_error("language: en\nresponses: {intents: [x]}", "'intents' must be a mapping");
    check_error("language: en\nresponses: {intents: {A: {b: [x]}}}", "a response must be a text");
    check_error("language: en\nvoice: [x]", "'voice' must be the name");
    check_error("language: en\ncommands: {c: {sentences: [a], confirm: maybe}}", "'confirm' must be true or false");
    check_error("lists: {a: {values: ['{b}']}}", "can use no other lists");
    check_error("lists: {a: {values: [b]}}\nrules: {}", "'language' is missing");
    check_error("entities: [{name: x}]", "an entity must have a 'domain'");
    check_error("entities: [{domain: x}]", "must have a 'name'");
    check_error("entities: [x]", "an entity must have a 'domain'");
    check_error("areas: {name: x}", "'areas' must be a list");
    check_error("areas: [{name: x, aliases: y}]", "'aliases' must be a list");
    check_error("areas: [{name: x, aliases: [[y]]}]", "a name must be a text");
    check_error("context: [x]", "'context' must be a mapping");
    check_error("default_action: {x: y}", "'action' must be a mapping with a 'type'");
}

/* ---- files ---- */

static void put(const char *folder, const char *name, const char *text)
{
    char *path = va_asprintf("%s/%s", folder, name), *parent = va_strdup(path);

    assert_true(path != NULL && parent != NULL);
    *strrchr(parent, '/') = '\0';
    assert_int_equal(va_file_make_folder(parent, 0700, NULL), 0);
    assert_int_equal(va_file_write(path, text, strlen(text), 0600, NULL), 0);
    va_free(path);
    va_free(parent);
}

/* The project's folders, with shared lists, another language, and tests that are no commands. */
static void make_project(const char *folder)
{
    put(folder, "intents.yaml",
        "TurnOn:\n  supported: true\n  slot_combinations:\n"
        "    name_only: {name_domain_groups: {default: [light, fan]}}\n    domain_only: {context_area: true}\n");
    put(folder, "languages.yaml", "en: {nativeName: English}\nde: {nativeName: Deutsch}\n");
    put(folder, "lists/numbers.yaml", "lists: {amount: {range: {from: 1, to: 9}}, any: {values: [yes, in: '(no|nope)']}}\n");
    put(folder, "rules/en/a.yaml", "language: en\nexpansion_rules: {go: (turn|switch)}\n");
    put(folder, "responses/en/TurnOn.yaml", "language: en\nresponses: {intents: {TurnOn: {default: Done}}}\n");
    put(folder, "sentences/en/TurnOn/name_only.yaml",
        "language: en\ndata:\n  - {sentences: ['<go> on {name}'], name_domains: default, example: x}\n"
        "  - {sentences: ['<go> on {name} quickly'], name_domains: default, speech_to_phrase: true}\n");
    put(folder, "sentences/en/TurnOn/domain_only.yaml",
        "language: en\ndata: [{sentences: ['<go> on {amount} lights [{any}]'], inferred_domain: light}]\n");
    put(folder, "sentences/de/TurnOn/name_only.yaml", "language: de\ndata: [{sentences: ['{name} an <x']}]\n");
    put(folder, "tests/en/TurnOn/name_only.yaml",
        "language: en\nentities: [{name: Lamp, domain: light}, {name: Lock, domain: lock}]\ntests: [{sentences: [a]}]\n");
}

static void count(void *user, const char *text)
{
    ++*(int *)user;
}

static void test_project(void **state)
{
    char folder[256];
    assert_int_equal(temporary_make(folder), 0);
    char *home = va_asprintf("%s/tests/en/TurnOn/name_only.yaml", folder);
    const char *paths[] = {folder, home};
    int n_mistakes = 0;
    struct va_commands_request request = {.paths = paths, .n_paths = 2, .language = "en", .mistake = count, .user = &n_mistakes};
    va_commands *commands;
    va_error error = {0};

    make_project(folder);
    if (va_commands_load_request(&request, &commands, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(va_commands_count(commands), 1);
    assert_meaning(commands, "turn on lamp", "TurnOn name=Lamp");
    assert_meaning(commands, "turn on lock", "-");
    assert_meaning(commands, "turn on lamp quickly", "-");
    assert_meaning(commands, "turn on two lights nope", "TurnOn amount=2 any=nope domain=light");
    va_commands_free(commands);
    /* The other language has a mistake, and is read when none is asked for. */
    request.language = NULL;
    assert_int_equal(va_commands_load_request(&request, &commands, &error), VA_EFORMAT);
    assert_int_equal(n_mistakes, 1);
    assert_int_equal(temporary_remove(folder), 0);
    va_free(home);
}

/* What a later path says goes before what an earlier one does. */
static void test_later_paths(void **state)
{
    char folder[256];
    assert_int_equal(temporary_make(folder), 0);
    char *first = va_asprintf("%s/1.yaml", folder), *second = va_asprintf("%s/2.yaml", folder);
    const char *paths[] = {first, second};
    const struct va_commands_request request = {.paths = paths, .n_paths = 2};
    va_commands *commands;
    va_error error = {0};

    put(folder, "1.yaml",
        "language: en\nvoice: slow\nlists: {what: {values: [box]}}\nrules: {go: fetch}\n"
        "commands:\n  a: {sentences: ['<go> {what}'], response: One}\n  b: {sentences: [old words]}\n"
        "intents: {c: {data: [{sentences: [first]}]}}\n");
    put(folder, "2.yaml",
        "language: en\ndefault_action: {type: say, loud: very}\nlists: {what: {values: [bag]}}\nrules: {go: bring}\n"
        "commands:\n  a: {confirm: true, action: {type: time}}\n  b: {sentences: [new words]}\n"
        "intents: {c: {data: [{sentences: [second]}]}}\n");
    if (va_commands_load_request(&request, &commands, &error) < 0)
        fail_msg("%s", error.text);
    assert_meaning(commands, "fetch box", "-");
    assert_meaning(commands, "bring bag", "a what=bag");
    assert_meaning(commands, "old words", "-");
    assert_meaning(commands, "new words", "b");
    assert_meaning(commands, "first", "c");
    assert_meaning(commands, "second", "c");
    const struct va_command *a = va_commands_find(commands, "a"), *b = va_commands_find(commands, "b");
    assert_true(a->confirm && !b->confirm);
    assert_string_equal(a->response, "One");
    assert_string_equal(a->action.type, "time");
    assert_string_equal(b->action.type, "say");
    assert_int_equal(b->action.n_settings, 1);
    assert_string_equal(a->voice, "slow");
    va_commands_free(commands);
    assert_int_equal(temporary_remove(folder), 0);
    va_free(first);
    va_free(second);
}

static void test_out_of_memory(void **state)
{
    int r = VA_ENOMEM;

    for (size_t i = 1; r == VA_ENOMEM && i < 5000; i++) {
        va_commands *commands = NULL;
        va_memory_fail_after(i);
        r = va_commands_parse("f.yaml", blocks, strlen(blocks), &commands, NULL);
        va_memory_fail_after(0);
        assert_true((r == 0) == (commands != NULL));
        va_commands_free(commands);
    }
    assert_int_equal(r, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),      cmocka_unit_test(test_context),       cmocka_unit_test(test_names_go_first),
        cmocka_unit_test(test_mistakes),    cmocka_unit_test(test_project),       cmocka_unit_test(test_wildcards_in_words),
        cmocka_unit_test(test_later_paths), cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
