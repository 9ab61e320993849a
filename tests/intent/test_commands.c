/* The command files that ship, and those of the demonstration, understand what people say. */
#include "intent/support.h"

static va_commands *open_folder(const char *name)
{
    char *path = va_asprintf("%s/%s", VA_SOURCE_ROOT, name);
    va_commands *commands = NULL;
    va_error error;

    assert_non_null(path);
    if (va_commands_open(path, &commands, &error) < 0)
        fail_msg("%s", error.text);
    va_free(path);
    return commands;
}

static const struct {
    const char *text, *meaning;
} shipped[] = {
    {"What time is it?", "get_time"},
    {"Please tell me the time.", "get_time"},
    {"what time is it now", "get_time"},
    {"What's the date today?", "get_date"},
    {"Which day is it?", "get_date"},
    {"Set the temperature to 22 degrees.", "set_temperature value=22"},
    {"Set the temperature to twenty-two and a half degrees", "set_temperature value=22.5"},
    {"Set temperature to 22.5\xC2\xB0"
     "C.",
     "set_temperature value=22.5"},
    {"make it 21", "set_temperature value=21"},
    {"Set a timer for 5 minutes.", "set_timer minutes=5"},
    {"set a five minute timer", "set_timer minutes=5"},
    {"Set a 10-minute timer.", "set_timer minutes=10"},
    {"set a timer for one hour and 30 minutes", "set_timer hours=1 minutes=30"},
    {"set a timer for 1 hour 5 minutes and 10 seconds", "set_timer hours=1 minutes=5 seconds=10"},
    {"set a timer for an hour and a half", "set_timer hours=1.5"},
    {"Set a timer for half an hour.", "set_timer minutes=30"},
    {"Set a pizza timer for 12 minutes", "set_timer name=pizza minutes=12"},
    {"Set a timer called big roast for 2 hours", "set_timer name=big roast hours=2"},
    {"Set a timer for 20 minutes called Sunday Bread.", "set_timer minutes=20 name=Sunday Bread"},
    {"cancel the pizza timer", "cancel_timer name=pizza"},
    {"Cancel timer 2.", "cancel_timer name=2"},
    {"Stop the timer!", "cancel_timer"},
    {"cancel all timers", "cancel_all_timers"},
    {"how much time is left", "remaining_time"},
    {"How long is left on the pizza timer?", "remaining_time name=pizza"},
    {"what timers are running", "list_timers"},
    {"Set an alarm for 7:30 a.m.", "set_alarm hour=7 minute=30 half=am"},
    {"wake me up at ten at night", "set_alarm hour=10 half=night"},
    {"Wake me up at two o'clock at night.", "set_alarm hour=2 half=night"},
    {"set an alarm for 12:15 at night", "set_alarm hour=12 minute=15 half=night"},
    {"set an alarm for half past twelve at night", "set_alarm minute=30 hour=12 half=night"},
    {"Alarm for 7.30, please.", "set_alarm hour=7 minute=30"},
    {"set an alarm for 0.05", "set_alarm hour=0 minute=5"},
    {"set an alarm for 730 pm", "set_alarm hour=7 minute=30 half=pm"},
    {"set an alarm for 0915", "set_alarm hour=9 minute=15"},
    {"set an alarm for 7.5", "-"},
    {"set an alarm for seven oh five", "set_alarm hour=7 minute=5"},
    {"set an alarm for eleven forty five", "set_alarm hour=11 minute=45"},
    {"set an alarm for twenty five", "-"},
    {"set an alarm for seven five", "-"},
    {"Set an alarm for quarter to eight.", "set_alarm minute=-15 hour=8"},
    {"wake me at ten to nine in the evening", "set_alarm minute=-10 hour=9 half=pm"},
    {"wake me at twenty-five minutes past five", "set_alarm minute=25 hour=5"},
    {"wake me at half six", "set_alarm minute=30 hour=6"},
    {"wake me at ten past midnight", "set_alarm minute=10 hour=0"},
    {"get me up tomorrow at noon", "set_alarm days=1 time=12:00"},
    {"wake me at seven tomorrow morning", "set_alarm hour=7 days=1 half=am"},
    {"set an alarm for nine tonight", "set_alarm hour=9 half=night"},
    {"set an alarm called gym for six", "set_alarm name=gym hour=6"},
    {"cancel the seven o'clock alarm", "cancel_alarm hour=7"},
    {"cancel the alarm for quarter past six", "cancel_alarm minute=15 hour=6"},
    {"set an alarm in ten minutes", "set_timer minutes=10"},
    {"wake me up in half an hour", "set_timer minutes=30"},
    {"Could you turn the timer off?", "cancel_timer"},
    {"Um, would you turn it down a little?", "volume_down"},
    {"Cancel that.", "decline"},
    {"Set me an alarm for eight.", "set_alarm hour=8"},
    {"When does my alarm go off?", "list_alarms"},
    {"Do I have any timers?", "list_timers"},
    {"set a ten minute pasta timer", "set_timer minutes=10 name=pasta"},
    {"sound off", "mute"},
    {"Decrease volume", "volume_down"},
    {"Switch on all of the lights in my bedroom", "light_on room=bedroom"},
    {"Turn the volume up.", "volume_up"},
    {"Turn it down please", "volume_down"},
    {"set the volume to 50%", "set_volume value=50"},
    {"Volume thirty percent", "set_volume value=30"},
    {"Mute.", "mute"},
    {"unmute the speaker", "unmute"},
    {"How long have you been running?", "uptime"},
    {"Turn on the kitchen light", "light_on room=kitchen"},
    {"turn all the lights off", "light_off"},
    {"Switch off the lamp in the living room, please.", "light_off room=living room"},
    {"turn the lights in the living room off", "light_off room=living room"},
    {"Put the lamp on in the study.", "light_on room=study"},
    {"I'd like you to switch off all lights", "light_off"},
    {"the light is on", "-"},
    {"turn on the kitchen", "-"},
    {"I set the temperature yesterday", "-"},
    {"set a timer", "-"},
    {"set the volume to 150 percent", "-"},
    {"time", "-"},
};

static void test_shipped(void **state)
{
    va_commands *commands = open_folder("deploy/commands");

    for (size_t i = 0; i < sizeof shipped / sizeof shipped[0]; i++) {
        char text[512];
        const char *found = meaning(commands, shipped[i].text, text);
        if (strcmp(found, shipped[i].meaning) != 0)
            fail_msg("\"%s\" is %s, not %s", shipped[i].text, found, shipped[i].meaning);
    }
    va_commands_free(commands);
}

static void test_demo(void **state)
{
    va_commands *commands = open_folder("deploy/demo/commands");

    assert_meaning(commands, "Go forward 10 meters.", "move direction=forward distance=10");
    assert_meaning(commands, "go forward ten meters", "move direction=forward distance=10");
    assert_meaning(commands, "Ten of clubs.", "card rank=ten suit=clubs");
    assert_meaning(commands, "7 of Clubs", "card rank=seven suit=clubs");
    assert_meaning(commands, "Tense of clubs.", "-");
    assert_meaning(commands, "Five five.", "two_ranks rank_1=five rank_2=five");
    assert_meaning(commands, "4 queen of clubs", "same_suit rank_1=four rank_2=queen suit=clubs");
    assert_meaning(commands, "Eight of spades, four of clubs, seven of hearts.",
                   "three_cards rank_1=eight suit_1=spades rank_2=four suit_2=clubs rank_3=seven suit_3=hearts");
    assert_meaning(commands, "Turn left 90\xC2\xB0", "turn direction=left angle=90");
    va_commands_free(commands);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shipped), cmocka_unit_test(test_demo)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
