/* automaton_numbers.c - the written forms of the numbers in ranges: in digits and in words. */
#include "intent/automaton_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

/* A range with more numbers is taken for any digits. */
#define MAX_NUMBERS 2000

uint8_t va_automaton_class(uint32_t key, const char *bytes, size_t n)
{
    enum va_char_class class = VA_CHAR_LETTER;
    char lower[4];
    size_t pos = 0, n_lower;

    if (key == '.' || key == ',')
        return VA_CHAR_DIGIT;
    if (key == '-')
        return VA_CHAR_SYMBOL;
    if (va_text_is_unspaced(key))
        return VA_CHAR_UNSPACED;
    return va_text_next(bytes, n, &pos, &class, lower, &n_lower) < 0 ? VA_CHAR_LETTER : (uint8_t) class;
}

static int64_t add_form(va_automaton *automaton, struct va_form form)
{
    if (automaton->n_forms >= VA_AUTOMATON_MAX_ITEMS)
        return VA_ELIMIT;
    if (va_grow(&automaton->forms, &automaton->forms_capacity, automaton->n_forms, sizeof form) < 0)
        return VA_ENOMEM;
    automaton->forms[automaton->n_forms] = form;
    return (int64_t)automaton->n_forms++;
}

/* The child with this character, made when it is not there. */
static int64_t child_form(va_automaton *automaton, uint32_t parent, uint32_t key)
{
    for (uint32_t child = automaton->forms[parent].child; child != 0; child = automaton->forms[child].sibling)
        if (automaton->forms[child].key == key)
            return child;
    int64_t child = add_form(automaton, (struct va_form){.key = key, .sibling = automaton->forms[parent].child});
    if (child >= 0)
        automaton->forms[parent].child = (uint32_t)child;
    return child;
}

static int add_form_text(va_automaton *automaton, uint32_t root, const char *written)
{
    struct va_text text;
    int64_t form = root;
    int r = va_text_normalize(written, &text, NULL);

    if (r < 0)
        return r;
    for (size_t at = 0; at < text.n && form >= 0;) {
        uint32_t key = 0;
        at += (size_t)va_utf8_next(text.bytes + at, text.n - at, &key);
        form = child_form(automaton, (uint32_t)form, key);
    }
    if (form > root)
        automaton->forms[form].ends = 1;
    va_text_free(&text);
    return form < 0 ? (int)form : 0;
}

static int add_numbers(va_automaton *automaton, const struct va_slot_list *list, const struct va_language *language, uint32_t root)
{
    double steps = floor((list->to - list->from) / list->step + 1e-6);
    int r = 0;

    for (int i = 0; r == 0 && i <= (int)steps; i++) {
        double value = list->from + i * list->step + 0.0;
        char digits[48], words[200];
        snprintf(digits, sizeof digits, "%.10g", value);
        char *point = strchr(digits, '.');
        if (point != NULL)
            *point = va_numbers_decimal(language->numbers);
        r = add_form_text(automaton, root, digits);
        if (r == 0 && va_numbers_spell(language->numbers, value, words, sizeof words) >= 0)
            r = add_form_text(automaton, root, words);
    }
    return r;
}

/* FORM_DIGITS leads to itself. */
static int add_any_digits(va_automaton *automaton)
{
    int r = 0;

    automaton->forms[VA_FORM_DIGITS].ends = 1;
    for (const char *key = "0123456789.,"; r >= 0 && *key != '\0'; key++)
        r = (int)child_form(automaton, VA_FORM_DIGITS, (uint32_t)*key);
    return r < 0 ? r : 0;
}

int va_automaton_number_forms(va_automaton *automaton)
{
    const struct va_grammar *grammar = &automaton->commands->grammar;
    size_t n_lists = 0, at = 0;
    int64_t r = add_form(automaton, (struct va_form){0});

    if (r >= 0)
        r = add_form(automaton, (struct va_form){0});
    if (r >= 0)
        r = add_any_digits(automaton);
    for (size_t i = 0; i < grammar->n_languages; i++)
        n_lists += grammar->languages[i].n_lists;
    if (r < 0 || (automaton->form_roots = va_calloc(n_lists, sizeof *automaton->form_roots)) == NULL)
        return r < 0 ? (int)r : VA_ENOMEM;
    for (size_t i = 0; r >= 0 && i < grammar->n_languages; i++) {
        const struct va_language *language = &grammar->languages[i];
        for (size_t j = 0; r >= 0 && j < language->n_lists; j++, at++) {
            const struct va_slot_list *list = &language->lists[j];
            if (list->kind != VA_LIST_RANGE)
                continue;
            automaton->form_roots[at] = VA_FORM_DIGITS;
            if ((list->to - list->from) / list->step >= MAX_NUMBERS)
                continue;
            if ((r = add_form(automaton, (struct va_form){0})) < 0)
                break;
            automaton->form_roots[at] = (uint32_t)r;
            r = add_numbers(automaton, list, language, (uint32_t)r);
        }
    }
    return r < 0 ? (int)r : 0;
}

uint32_t va_automaton_form_root(const va_automaton *automaton, size_t language, size_t list)
{
    for (size_t i = 0; i < language; i++)
        list += automaton->commands->grammar.languages[i].n_lists;
    return automaton->form_roots[list];
}
