/* item_reports.c - what others have found out: earlier audits, apt, debsecan, lynis, the record of the build. */
#include "audit/items.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "audit/audit.h"
#include "audit/parse.h"
#include "base/clock.h"
#include "base/memory.h"

#define DAY_S 86400.0
#define AUDIT_DAYS 8
#define LISTS_DAYS 7
#define LYNIS_DAYS 31
#define LYNIS_INDEX 65
#define COVERAGE_PERCENT 90.0
#define CONTAINER_BYTES 60e6
#define MAX_REPORT_BYTES ((size_t)4 << 20)

/* ---- audits ---- */

void va_item_regular_audits(struct va_scene *scene, struct va_check_result *result)
{
    static const char timer[] = "voice-assistant-audit.timer";
    char path[PATH_MAX], unit[VA_SCENE_PATH_BYTES], *text;
    double made_s = 0;
    size_t size;
    va_error error;

    if (va_scene_unit(scene, timer, unit) < 0 || !va_scene_unit_is_enabled(scene, timer)) {
        va_check_say(result, VA_CHECK_FAIL, "%s is not enabled", timer);
        return;
    }
    if (scene->writes_report) {
        va_check_say(result, VA_CHECK_PASS, "%s is enabled, and this report is kept", timer);
        return;
    }
    snprintf(path, sizeof path, "%s/%s", scene->folder, VA_AUDIT_REPORT_FILE);
    int r = va_scene_file(scene, path, VA_AUDIT_MAX_REPORT_BYTES, &text, &size, &error);
    if (r < 0) {
        va_check_say(result, r == VA_EDENIED ? VA_CHECK_NOT_CHECKED : VA_CHECK_FAIL, "%s is enabled, but there is no report yet", timer);
        va_check_advise(result, "sudo systemctl start voice-assistant-audit.service");
        return;
    }
    json_t *report = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const char *time = json_string_value(json_object_get(report, "timestamp"));
    r = time != NULL ? va_clock_parse(time, &made_s) : VA_EFORMAT;
    double days = (scene->now_unix_s - made_s) / DAY_S;
    if (r < 0)
        va_check_say(result, VA_CHECK_FAIL, "%s is no report", path);
    else if (days > AUDIT_DAYS || days < -1)
        va_check_say(result, VA_CHECK_FAIL, "the last audit was %.0f days ago", days);
    else
        va_check_say(result, VA_CHECK_PASS, "%s is enabled, the last audit was at %.30s", timer, time);
    json_decref(report);
    va_free(text);
}

/* ---- packages ---- */

struct lists {
    const struct va_scene *scene;
    int n;
    double good_until_s; /* of the one that ends first */
};

/* apt keeps for each archive its signed table of contents. */
static int note_list(void *user, const char *name)
{
    struct lists *lists = user;
    char path[PATH_MAX], *text, value[128], label[128] = "";
    size_t size, n = strlen(name);
    double until_s = 0;
    va_error error;

    if (!(n > 10 && strcmp(name + n - 10, "_InRelease") == 0) && !(n > 8 && strcmp(name + n - 8, "_Release") == 0))
        return 0;
    snprintf(path, sizeof path, "/var/lib/apt/lists/%s", name);
    if (va_scene_file(lists->scene, path, MAX_REPORT_BYTES, &text, &size, &error) < 0)
        return 0;
    int is_security = (va_parse_field(text, "Suite", ':', value, sizeof value) == 0 && strstr(value, "-security") != NULL) ||
                      (va_parse_field(text, "Codename", ':', value, sizeof value) == 0 && strstr(value, "-security") != NULL) ||
                      (va_parse_field(text, "Label", ':', label, sizeof label) == 0 && strstr(label, "Security") != NULL);
    int is_dated = va_parse_field(text, "Valid-Until", ':', value, sizeof value) == 0 && va_parse_mail_time(value, &until_s) == 0;
    if (!is_dated && va_parse_field(text, "Date", ':', value, sizeof value) == 0 && va_parse_mail_time(value, &until_s) == 0)
        until_s += LISTS_DAYS * DAY_S;
    va_free(text);
    if (is_security && (lists->n++ == 0 || until_s < lists->good_until_s))
        lists->good_until_s = until_s;
    return 0;
}

static void judge_updates(const struct va_updates *updates, struct va_check_result *result)
{
    if (updates->n_security > 0)
        va_check_say(result, VA_CHECK_FAIL, "%zu packages have security updates: %s", updates->n_security, updates->first);
    else
        va_check_say(result, VA_CHECK_PASS, "none of the packages has a security update%s",
                     updates->n > 0 ? "; others can be brought up to date" : "");
}

void va_item_updates(struct va_scene *scene, struct va_check_result *result)
{
    /* A package that is held back has its weaknesses all the same. */
    static const char *const argv[] = {"/usr/bin/apt-get", "-s", "-q", "-o", "Debug::NoLocking=1", "--ignore-hold", "dist-upgrade", NULL};
    struct lists lists = {.scene = scene};
    struct va_updates updates;
    struct va_buffer out;
    char time[VA_CLOCK_TEXT_SIZE];
    int exit_code = 0;
    va_error error;

    va_scene_each(scene, "/var/lib/apt/lists", note_list, &lists);
    if (lists.n == 0 || lists.good_until_s < scene->now_unix_s) {
        va_clock_text(lists.good_until_s, time);
        va_check_say(result, VA_CHECK_NOT_CHECKED,
                     lists.n == 0 ? "apt has no list of a security archive" : "apt's list of the security archive was good until %.10s",
                     time);
        va_check_advise(result, "sudo apt-get update");
        return;
    }
    va_buffer_init(&out, VA_SCENE_MAX_OUTPUT_BYTES);
    int r = va_scene_run(scene, argv, &out, &exit_code, &error);
    if (r < 0 || exit_code != 0)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "apt-get: %s", r < 0 ? error.text : "it failed");
    else if (va_parse_updates(out.data != NULL ? out.data : "", &updates) < 0)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "apt-get says nothing that can be understood");
    else
        judge_updates(&updates, result);
    va_buffer_free(&out);
}

void va_item_vulnerabilities(struct va_scene *scene, struct va_check_result *result)
{
    char *text, first[96] = "";
    struct stat status;
    size_t size, n = 0;
    va_error error;

    if (scene->debsecan == NULL) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "no report of debsecan was given");
        va_check_advise(result, "debsecan --suite bookworm --only-fixed > FILE && voice-assistant audit --debsecan FILE");
        return;
    }
    int r = va_scene_file(scene, scene->debsecan, MAX_REPORT_BYTES, &text, &size, &error);
    if (r < 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s", error.text);
        return;
    }
    r = va_parse_debsecan(text, &n, first, &error);
    double days = va_scene_stat(scene, scene->debsecan, &status) == 0 ? (scene->now_unix_s - (double)status.st_mtime) / DAY_S : 1e9;
    if (r < 0)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s", error.text);
    else if (n > 0)
        va_check_say(result, VA_CHECK_FAIL, "%zu weaknesses have updates: %s", n, first);
    else if (days > LISTS_DAYS)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "the report of debsecan is %.0f days old", days);
    else
        va_check_say(result, VA_CHECK_PASS, "the report of debsecan lists nothing");
    va_free(text);
}

void va_item_lynis(struct va_scene *scene, struct va_check_result *result)
{
    static const char path[] = "/var/log/lynis-report.dat";
    char *text, value[32], time[32] = "";
    uint64_t index = 0;
    double made_s = 0;
    size_t size;
    va_error error;

    int r = va_scene_file(scene, path, MAX_REPORT_BYTES, &text, &size, &error);
    if (r < 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, r == VA_ENOTFOUND ? "lynis has made no report" : "lynis' report cannot be read");
        va_check_advise(result, "sudo lynis audit system --quick");
        return;
    }
    /* "2026-01-31 12:00:00", which is what the clock's parser knows but for the T. */
    if (va_parse_field(text, "report_datetime_end", '=', time, sizeof time) == 0 && strlen(time) > 10)
        time[10] = 'T';
    r = va_clock_parse(time, &made_s);
    if (r == 0 && (r = va_parse_field(text, "hardening_index", '=', value, sizeof value)) == 0)
        r = va_parse_number(value, 10, &index);
    va_free(text);
    if (r < 0)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "lynis' report is not finished");
    else if (scene->now_unix_s - made_s > LYNIS_DAYS * DAY_S)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "lynis' report is of %.10s", time);
    else
        va_check_say(result, index >= LYNIS_INDEX ? VA_CHECK_PASS : VA_CHECK_FAIL, "hardening index %llu, on %.10s",
                     (unsigned long long)index, time);
}

/* ---- the record of the build ---- */

/* json_decref it. NULL: the result is said. */
static json_t *read_record(struct va_scene *scene, struct va_check_result *result)
{
    static const char path[] = "/usr/share/voice-assistant/build.json";
    char *text;
    size_t size;
    va_error error;

    if (va_scene_file(scene, path, 65536, &text, &size, &error) < 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "there is no record of the build (%s)", path);
        return NULL;
    }
    json_t *record = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const char *version = json_string_value(json_object_get(record, "version"));
    va_free(text);
    if (version != NULL && strcmp(version, va_version()) == 0)
        return record;
    va_check_say(result, VA_CHECK_NOT_CHECKED, "the record of the build is of version %.20s", version != NULL ? version : "none");
    json_decref(record);
    return NULL;
}

static const char *date_of(const json_t *part)
{
    const char *date = json_string_value(json_object_get(part, "date"));

    return date != NULL ? date : "a day that is not said";
}

void va_item_coverage(struct va_scene *scene, struct va_check_result *result)
{
    json_t *record = read_record(scene, result);
    const json_t *part = json_object_get(record, "coverage"), *percent = json_object_get(part, "percent");

    if (record == NULL)
        return;
    if (!json_is_number(percent))
        va_check_say(result, VA_CHECK_NOT_CHECKED, "the record of the build says nothing of coverage");
    else
        va_check_say(result, json_number_value(percent) >= COVERAGE_PERCENT ? VA_CHECK_PASS : VA_CHECK_FAIL,
                     "%.1f %% of the lines, on %.30s", json_number_value(percent), date_of(part));
    json_decref(record);
}

void va_item_massif(struct va_scene *scene, struct va_check_result *result)
{
    json_t *record = read_record(scene, result);
    const json_t *part = json_object_get(record, "massif"), *peak = json_object_get(part, "peak_bytes");

    if (record == NULL)
        return;
    if (!json_is_integer(peak) || json_integer_value(peak) <= 0)
        va_check_say(result, record != NULL && part != NULL ? VA_CHECK_FAIL : VA_CHECK_NOT_CHECKED,
                     "the record of the build has no profile of massif");
    else
        va_check_say(result, VA_CHECK_PASS, "heap of %.1f MB at most, on %.30s", (double)json_integer_value(peak) / 1e6, date_of(part));
    json_decref(record);
}

void va_item_container(struct va_scene *scene, struct va_check_result *result)
{
    json_t *record = read_record(scene, result);
    const json_t *part = json_object_get(record, "container"), *stages = json_object_get(part, "stages"),
                 *bytes = json_object_get(part, "bytes");

    if (record == NULL)
        return;
    if (!json_is_integer(stages) || !json_is_integer(bytes))
        va_check_say(result, VA_CHECK_NOT_CHECKED, "the record of the build says nothing of a container image");
    else
        va_check_say(
            result, json_integer_value(stages) >= 2 && (double)json_integer_value(bytes) < CONTAINER_BYTES ? VA_CHECK_PASS : VA_CHECK_FAIL,
            "%d stages, %.1f MB, on %.30s", (int)json_integer_value(stages), (double)json_integer_value(bytes) / 1e6, date_of(part));
    json_decref(record);
}
