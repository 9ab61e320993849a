/* test_volume.c - the action volume on a sound card whose mixer is a file (tests/doubles/mixer_ctl.c). */
#include <stdlib.h>
#include <unistd.h>

#include <alsa/asoundlib.h>

#include "action/support.h"
#include "temporary.h"

struct card {
    char folder[256], config[300], mixer[300];
    va_actions *actions;
};

static void write_text(const char *path, const char *text)
{
    assert_int_equal(temporary_write(path, text), 0);
}

static int set_up(void **state)
{
    struct card *card = calloc(1, sizeof *card);
    char text[1024];

    assert_non_null(card);
    assert_int_equal(temporary_make(card->folder), 0);
    snprintf(card->config, sizeof card->config, "%s/conf", card->folder);
    snprintf(card->mixer, sizeof card->mixer, "%s/mixer", card->folder);
    snprintf(text, sizeof text, "ctl_type.va_mixer { lib \"%s\" }\nctl.default { type va_mixer file \"%s\" }\n", VA_MIXER_CTL, card->mixer);
    write_text(card->config, text);
    setenv("ALSA_CONFIG_PATH", card->config, 1);
    card->actions = new_actions(NULL, NULL);
    *state = card;
    return 0;
}

static int tear_down(void **state)
{
    struct card *card = *state;

    va_actions_free(card->actions);
    snd_config_update_free_global();
    assert_int_equal(temporary_remove(card->folder), 0);
    free(card);
    return 0;
}

static void assert_mixer(const struct card *card, const char *expected)
{
    char text[512] = "";
    FILE *file = fopen(card->mixer, "r");

    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

/* do: VERB, by: BY; the slot value: VALUE. */
static struct va_action_request request_of(va_slot settings[3], va_slot *slot, const char *verb, const char *by, const char *value)
{
    struct va_action_request request = {
        .type = "volume", .command = "c", .response = "{volume}", .settings = settings, .n_settings = by != NULL ? 2 : 1};

    settings[0] = (va_slot){"do", verb};
    settings[1] = (va_slot){"by", by};
    *slot = (va_slot){"value", value};
    request.slots = slot;
    request.n_slots = value != NULL;
    return request;
}

static void run(struct card *card, const char *verb, const char *by, const char *value, const char *response)
{
    va_slot settings[3], slot;
    const struct va_action_request request = request_of(settings, &slot, verb, by, value);

    assert_response(card->actions, &request, 1, response);
}

static void test_set_and_change(void **state)
{
    struct card *card = *state;

    write_text(card->mixer, "Master Playback Volume|20|40\nMaster Playback Switch|1|1\n");
    run(card, "set", NULL, "30", "30");
    assert_mixer(card, "Master Playback Volume|12|40\nMaster Playback Switch|1|1\n");
    run(card, "change", "10", NULL, "40");
    run(card, "change", "-25", NULL, "15");
    run(card, "change", "-25", NULL, "0");
    run(card, "change", "100", NULL, "100");
    run(card, "change", "1", NULL, "100");
    assert_mixer(card, "Master Playback Volume|40|40\nMaster Playback Switch|1|1\n");
}

static void test_change_of_a_coarse_control(void **state)
{
    struct card *card = *state;

    write_text(card->mixer, "Master Playback Volume|1|4\n");
    run(card, "change", "10", NULL, "50");
    run(card, "change", "-10", NULL, "25");
    run(card, "change", "-10", NULL, "0");
    run(card, "change", "-10", NULL, "0");
    run(card, "change", "0", NULL, "0");
    assert_mixer(card, "Master Playback Volume|0|4\n");
}

/* Muting leaves the volume as it was. */
static void test_mute_by_the_switch(void **state)
{
    struct card *card = *state;

    write_text(card->mixer, "Master Playback Volume|20|40\nMaster Playback Switch|1|1\n");
    run(card, "mute", NULL, NULL, "50");
    assert_mixer(card, "Master Playback Volume|20|40\nMaster Playback Switch|0|1\n");
    run(card, "unmute", NULL, NULL, "50");
    assert_mixer(card, "Master Playback Volume|20|40\nMaster Playback Switch|1|1\n");
}

static void test_mute_without_a_switch(void **state)
{
    struct card *card = *state;

    write_text(card->mixer, "PCM Playback Volume|20|40\n");
    run(card, "mute", NULL, NULL, "0");
    assert_mixer(card, "PCM Playback Volume|0|40\n");
    run(card, "mute", NULL, NULL, "0");
    run(card, "unmute", NULL, NULL, "50");
    run(card, "set", NULL, "75", "75");
    run(card, "unmute", NULL, NULL, "75");
    run(card, "mute", NULL, NULL, "0");
    run(card, "unmute", NULL, NULL, "75");
    assert_mixer(card, "PCM Playback Volume|30|40\n");
}

/* As after a start: what it was before is not known, but it is to be heard. */
static void test_unmute_of_what_was_muted_before(void **state)
{
    struct card *card = *state;

    write_text(card->mixer, "PCM Playback Volume|0|40\n");
    run(card, "unmute", NULL, NULL, "50");
}

/* The usual names count in their order, whatever the card's order is; another control must be named. */
static void test_which_control(void **state)
{
    struct card *card = *state;
    va_slot settings[3], slot;

    write_text(card->mixer,
               "Aux Playback Volume|1|10\nHeadphone Playback Volume|2|10\nPCM Playback Volume|3|10\nMic Capture Volume|4|10\n");
    run(card, "set", NULL, "100", "100");
    assert_mixer(card, "Aux Playback Volume|1|10\nHeadphone Playback Volume|2|10\nPCM Playback Volume|10|10\nMic Capture Volume|4|10\n");
    struct va_action_request request = request_of(settings, &slot, "set", "1", "50");
    settings[1] = (va_slot){"control", "Aux"};
    assert_response(card->actions, &request, 1, "50");
    assert_mixer(card, "Aux Playback Volume|5|10\nHeadphone Playback Volume|2|10\nPCM Playback Volume|10|10\nMic Capture Volume|4|10\n");
    settings[1].value = "Mic";
    assert_failure(card->actions, &request, VA_ENOTFOUND, "the sound card has no volume control Mic");
    write_text(card->mixer, "Mic Capture Volume|4|10\n");
    request.n_settings = 1;
    assert_failure(card->actions, &request, VA_ENOTFOUND, "not present: the sound card has no volume control");
}

static void test_what_does_not_work(void **state)
{
    struct card *card = *state;
    va_slot settings[3], slot;
    struct va_action_request request = request_of(settings, &slot, "set", NULL, "50");

    assert_failure(card->actions, &request, VA_ENOTFOUND, "there is no sound card 'default'");
    write_text(card->mixer, "Broken Playback Volume|10|40\n");
    assert_failure(card->actions, &request, VA_EIO, "volume: ");
    write_text(card->mixer, "Master Playback Volume|20|40\n");
    request.dry_run = 1;
    assert_response(card->actions, &request, 1, "would set the volume (50)");
    assert_mixer(card, "Master Playback Volume|20|40\n");
    request = request_of(settings, &slot, "change", "much", NULL);
    assert_failure(card->actions, &request, VA_EINVAL, "'by' must be a number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_set_and_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_change_of_a_coarse_control, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mute_by_the_switch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mute_without_a_switch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unmute_of_what_was_muted_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_which_control, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_does_not_work, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
