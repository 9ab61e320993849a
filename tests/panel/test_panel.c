/* The files of the panel, as the build has put them in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "panel/panel.h"

static int contains(const struct va_panel_file *file, const char *text)
{
    return memmem(file->data, file->n, text, strlen(text)) != NULL;
}

static void files_are_found_by_name(void **state)
{
    const struct va_panel_file *page = va_panel_find("");

    assert_non_null(page);
    assert_ptr_equal(page, va_panel_find("index.html"));
    assert_string_equal(page->type, "text/html; charset=utf-8");
    assert_string_equal(va_panel_find("app.js")->type, "text/javascript; charset=utf-8");
    assert_memory_equal(va_panel_find("icon-192.png")->data, "\x89PNG", 4);
    assert_null(va_panel_find("../panel.h"));
    assert_null(va_panel_find("app"));
}

/* A browser keeps what the worker names, under the build's number. */
static void the_worker_knows_the_build_and_its_files(void **state)
{
    const struct va_panel_file *worker = va_panel_find("worker.js");
    char path[64];

    assert_false(contains(worker, "@BUILD@") || contains(worker, "@FILES@"));
    for (size_t i = 0; i < va_n_panel_files; i++) {
        const char *name = va_panel_files[i].name;
        if (strcmp(name, "index.html") == 0 || strcmp(name, "worker.js") == 0)
            continue;
        assert_in_range(snprintf(path, sizeof path, "/panel/%s", name), 1, sizeof path - 1);
        assert_true(contains(worker, path));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_found_by_name),
        cmocka_unit_test(the_worker_knows_the_build_and_its_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
