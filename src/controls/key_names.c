/* The keys that are likely to be a button: those of keyboards, remote controls, headsets and game pads. Others have their number. */
#include "controls/name.h"

#include <linux/input-event-codes.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    int code;
} keys[] = {
#define KEY(name) {"KEY_" #name, KEY_##name},
#define BUTTON(name) {"BTN_" #name, BTN_##name},
    KEY(ESC) KEY(TAB) KEY(ENTER) KEY(SPACE) KEY(BACKSPACE) KEY(CAPSLOCK) KEY(NUMLOCK) KEY(SCROLLLOCK) KEY(LEFTCTRL) KEY(LEFTSHIFT)
        KEY(LEFTALT) KEY(LEFTMETA) KEY(RIGHTCTRL) KEY(RIGHTSHIFT) KEY(RIGHTALT) KEY(RIGHTMETA) KEY(COMPOSE) KEY(INSERT) KEY(DELETE)
            KEY(HOME) KEY(END) KEY(PAGEUP) KEY(PAGEDOWN) KEY(UP) KEY(DOWN) KEY(LEFT) KEY(RIGHT) KEY(PAUSE) KEY(SYSRQ) KEY(F1) KEY(F2)
                KEY(F3) KEY(F4) KEY(F5) KEY(F6) KEY(F7) KEY(F8) KEY(F9) KEY(F10) KEY(F11) KEY(F12) KEY(F13) KEY(F14) KEY(F15) KEY(F16)
                    KEY(F17) KEY(F18) KEY(F19) KEY(F20) KEY(F21) KEY(F22) KEY(F23) KEY(F24) KEY(A) KEY(B) KEY(C) KEY(D) KEY(E) KEY(F) KEY(G)
                        KEY(H) KEY(I) KEY(J) KEY(K) KEY(L) KEY(M) KEY(N) KEY(O) KEY(P) KEY(Q) KEY(R) KEY(S) KEY(T) KEY(U) KEY(V) KEY(W)
                            KEY(X) KEY(Y) KEY(Z) KEY(KP0) KEY(KP1) KEY(KP2) KEY(KP3) KEY(KP4) KEY(KP5) KEY(KP6) KEY(KP7) KEY(KP8) KEY(KP9)
                                KEY(KPENTER) KEY(KPPLUS) KEY(KPMINUS) KEY(KPDOT) KEY(MUTE) KEY(VOLUMEDOWN) KEY(VOLUMEUP) KEY(MICMUTE)
                                    KEY(PLAYPAUSE) KEY(PLAY) KEY(PAUSECD) KEY(STOPCD) KEY(NEXTSONG) KEY(PREVIOUSSONG) KEY(MEDIA) KEY(PHONE)
                                        KEY(VOICECOMMAND) KEY(ASSISTANT) KEY(SEARCH) KEY(HELP) KEY(MENU) KEY(OK) KEY(SELECT) KEY(BACK)
                                            KEY(POWER) KEY(SLEEP) KEY(WAKEUP) KEY(CAMERA) KEY(RECORD) KEY(PROG1) KEY(PROG2) KEY(PROG3)
                                                KEY(PROG4) KEY(RED) KEY(GREEN) KEY(YELLOW) KEY(BLUE) BUTTON(0) BUTTON(1) BUTTON(2) BUTTON(3)
                                                    BUTTON(4) BUTTON(5) BUTTON(6) BUTTON(7) BUTTON(8) BUTTON(9) BUTTON(SIDE) BUTTON(EXTRA)
                                                        BUTTON(FORWARD) BUTTON(MIDDLE) BUTTON(TRIGGER) BUTTON(THUMB) BUTTON(SOUTH)
                                                            BUTTON(EAST) BUTTON(NORTH) BUTTON(WEST) BUTTON(START) BUTTON(MODE) BUTTON(TL)
                                                                BUTTON(TR)
#undef KEY
#undef BUTTON
};

int va_key_code(const char *name)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcasecmp(keys[i].name, name) == 0 || strcasecmp(keys[i].name + 4, name) == 0)
            return keys[i].code;
    return VA_ENOTFOUND;
}
