#include "assistant/phase.h"

void va_phase_note(struct va_phase_facts *facts, enum va_fact fact, int value)
{
    switch (fact) {
    case VA_FACT_LISTENS:
        facts->listens = value;
        break;
    case VA_FACT_AWAKE:
        facts->is_awake = value;
        break;
    case VA_FACT_HEARING:
        facts->is_hearing = value;
        break;
    case VA_FACT_RECORDING:
        facts->is_recording = value;
        break;
    case VA_FACT_THINKING:
        facts->is_thinking = value;
        break;
    case VA_FACT_ACTING:
        facts->n_acting += value;
        break;
    case VA_FACT_SOUNDING:
        facts->is_sounding = value;
        break;
    case VA_FACT_PRIVATE:
        facts->is_private = value;
        break;
    }
    if ((fact == VA_FACT_LISTENS || fact == VA_FACT_AWAKE) && !value)
        facts->is_awake = facts->is_hearing = 0;
    if (!facts->is_hearing)
        facts->is_thinking = 0;
}

enum va_phase va_phase_of(const struct va_phase_facts *facts)
{
    if (facts->is_private)
        return VA_PHASE_PRIVACY;
    if (facts->is_sounding)
        return VA_PHASE_SPEAKING;
    if (facts->n_acting > 0)
        return VA_PHASE_ACTING;
    if (facts->is_thinking)
        return VA_PHASE_THINKING;
    if (facts->is_hearing || facts->is_recording)
        return VA_PHASE_LISTENING;
    if (facts->is_awake)
        return VA_PHASE_WAKE;
    return facts->listens ? VA_PHASE_IDLE : VA_PHASE_OFF;
}

const char *va_phase_name(enum va_phase phase)
{
    static const char *const names[] = {"off", "idle", "wake", "listening", "thinking", "acting", "speaking", "privacy"};

    return names[phase];
}
