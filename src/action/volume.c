/* volume.c - the action volume: the ALSA mixer's playback volume. */
#include "action/actions.h"

#include <alsa/asoundlib.h>
#include <math.h>
#include <string.h>

static const char *const verbs[] = {"set", "change", "mute", "unmute"};

static int is_verb(const char *text)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(text, verbs[i]) == 0)
            return 1;
    return 0;
}

int va_action_check_volume(const struct va_action_settings *settings, va_error *error)
{
    const char *verb = va_slot_find(settings->settings, settings->n_settings, "do");
    const char *by = va_slot_find(settings->settings, settings->n_settings, "by");
    double change;

    if (verb == NULL || !is_verb(verb))
        return va_fail(error, VA_EINVAL, "the action 'volume' needs 'do': set, change, mute or unmute");
    if (strcmp(verb, "change") == 0 && by == NULL)
        return va_fail(error, VA_EINVAL, "'do: change' needs 'by': percent, such as 10 or -10");
    return by == NULL ? 0 : va_action_number(by, "by", -100, 100, &change, error);
}

/* The library would print to stderr; its errors come back as codes anyway. */
static void quiet(const char *file, int line, const char *function, int error, const char *format, va_list args)
{
}

static snd_mixer_elem_t *find_element(snd_mixer_t *mixer, const char *control)
{
    static const char *const usual[] = {"Master", "PCM", "Speaker", "Headphone"};
    snd_mixer_elem_t *first = NULL;
    size_t best = sizeof usual / sizeof usual[0];

    for (snd_mixer_elem_t *element = snd_mixer_first_elem(mixer); element != NULL; element = snd_mixer_elem_next(element)) {
        const char *name = snd_mixer_selem_get_name(element);
        if (!snd_mixer_selem_has_playback_volume(element))
            continue;
        if (control != NULL) {
            if (strcmp(control, name) == 0)
                return element;
            continue;
        }
        if (first == NULL)
            first = element;
        for (size_t i = 0; i < best; i++)
            if (strcmp(usual[i], name) == 0) {
                best = i;
                first = element;
            }
    }
    return first;
}

static int get_percent(snd_mixer_elem_t *element, double *ret_percent)
{
    long min, max, now;
    int r = snd_mixer_selem_get_playback_volume_range(element, &min, &max);

    if (r < 0 || (r = snd_mixer_selem_get_playback_volume(element, SND_MIXER_SCHN_FRONT_LEFT, &now)) < 0)
        return r;
    *ret_percent = max > min ? 100.0 * (double)(now - min) / (double)(max - min) : 100;
    return 0;
}

static int set_percent(snd_mixer_elem_t *element, double percent)
{
    long min, max;
    int r = snd_mixer_selem_get_playback_volume_range(element, &min, &max);

    if (r < 0)
        return r;
    return snd_mixer_selem_set_playback_volume_all(element, min + lround(percent / 100 * (double)(max - min)));
}

/* Without a switch, muting is the volume 0, and what it was before is remembered. */
static int set_mute(struct va_actions *actions, snd_mixer_elem_t *element, int mute)
{
    double percent = 0;

    if (snd_mixer_selem_has_playback_switch(element))
        return snd_mixer_selem_set_playback_switch_all(element, !mute);
    int r = get_percent(element, &percent);
    if (r < 0 || (percent > 0) != mute)
        return r;
    pthread_mutex_lock(&actions->lock);
    if (mute)
        actions->loud_percent = percent;
    percent = mute ? 0 : actions->loud_percent;
    pthread_mutex_unlock(&actions->lock);
    return set_percent(element, percent);
}

/* By a step of the control at least: a coarse one would never move. */
static int change_by(snd_mixer_elem_t *element, double percent)
{
    long min, max, now;
    int r = snd_mixer_selem_get_playback_volume_range(element, &min, &max);

    if (r < 0 || (r = snd_mixer_selem_get_playback_volume(element, SND_MIXER_SCHN_FRONT_LEFT, &now)) < 0)
        return r;
    long step = lround(percent / 100 * (double)(max - min));
    if (step == 0)
        step = percent > 0 ? 1 : percent < 0 ? -1 : 0;
    now += step;
    return snd_mixer_selem_set_playback_volume_all(element, now < min ? min : now > max ? max : now);
}

/* Does it, and names the volume that results. */
static int apply(struct va_action_call *call, snd_mixer_elem_t *element, const char *verb, double value)
{
    double percent = 0;
    int r;

    if (strcmp(verb, "set") == 0)
        r = set_percent(element, value);
    else if (strcmp(verb, "change") == 0)
        r = change_by(element, value);
    else
        r = set_mute(call->actions, element, strcmp(verb, "mute") == 0);
    if (r == 0)
        r = get_percent(element, &percent);
    if (r < 0)
        return va_fail(call->error, VA_EIO, "volume: %s", snd_strerror(r));
    return va_action_field_number(call, "volume", round(percent));
}

static int with_mixer(struct va_action_call *call, const char *verb, double value)
{
    const char *card = va_action_setting(call, "card", "default"), *control = va_action_setting(call, "control", NULL);
    snd_mixer_t *mixer = NULL;
    int r = snd_mixer_open(&mixer, 0);

    if (r < 0)
        return va_fail(call->error, VA_EIO, "volume: %s", snd_strerror(r));
    if (snd_mixer_attach(mixer, card) < 0 || snd_mixer_selem_register(mixer, NULL, NULL) < 0 || snd_mixer_load(mixer) < 0) {
        r = va_fail(call->error, VA_ENOTFOUND, "volume: not present: there is no sound card '%.60s'", card);
    } else {
        snd_mixer_elem_t *element = find_element(mixer, control);
        r = element != NULL ? apply(call, element, verb, value)
                            : va_fail(call->error, VA_ENOTFOUND, "volume: not present: the sound card has no volume control%s%.60s",
                                      control == NULL ? "" : " ", control == NULL ? "" : control);
    }
    snd_mixer_close(mixer);
    return r;
}

int va_action_run_volume(struct va_action_call *call)
{
    const char *verb = va_action_setting(call, "do", "");
    double value = 0;
    int r = 0;

    if (!is_verb(verb))
        return va_fail(call->error, VA_EINVAL, "the action 'volume' needs 'do': set, change, mute or unmute");
    if (strcmp(verb, "set") == 0)
        r = va_action_number(va_action_slot(call, "value"), "value", 0, 100, &value, call->error);
    else if (strcmp(verb, "change") == 0)
        r = va_action_number(va_action_setting(call, "by", NULL), "by", -100, 100, &value, call->error);
    if (r < 0)
        return r;
    if (call->request->dry_run)
        return va_action_would(call, "would %s the volume (%g)", verb, value);
    snd_local_error_handler_t before = snd_lib_error_set_local(quiet);
    r = with_mixer(call, verb, value);
    snd_lib_error_set_local(before);
    return r;
}
