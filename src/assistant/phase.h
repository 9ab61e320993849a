/* phase.h - what the assistant is doing, as users see it: one of these, found from what is going on. Pure. */
#ifndef VA_ASSISTANT_PHASE_H
#define VA_ASSISTANT_PHASE_H

enum va_phase {
    VA_PHASE_OFF,       /* it does not listen by itself */
    VA_PHASE_IDLE,      /* it awaits a wake word or, always listening, speech */
    VA_PHASE_WAKE,      /* it was woken and awaits what is said */
    VA_PHASE_LISTENING, /* somebody speaks, or it records */
    VA_PHASE_THINKING,  /* what was said is worked out */
    VA_PHASE_ACTING,    /* a command is carried out */
    VA_PHASE_SPEAKING,  /* a reply is heard */
    VA_PHASE_PRIVACY    /* the microphone is closed */
};

/* What goes on at the same time; the latter ones count more. */
struct va_phase_facts {
    int listens;    /* to the microphone, by itself */
    int is_awake;   /* an utterance is awaited */
    int is_hearing; /* somebody speaks to it */
    int is_recording;
    int is_thinking;
    int n_acting; /* commands being carried out */
    int is_sounding;
    int is_private;
};

enum va_fact {
    VA_FACT_LISTENS,
    VA_FACT_AWAKE,
    VA_FACT_HEARING,
    VA_FACT_RECORDING,
    VA_FACT_THINKING,
    VA_FACT_ACTING,
    VA_FACT_SOUNDING,
    VA_FACT_PRIVATE
};

/* VA_FACT_ACTING counts: value is added; the others are 0 or 1. What makes no sense without another ends with it. */
void va_phase_note(struct va_phase_facts *facts, enum va_fact fact, int value);

enum va_phase va_phase_of(const struct va_phase_facts *facts);

/* "off", "idle", "wake", "listening", "thinking", "acting", "speaking", "privacy" */
const char *va_phase_name(enum va_phase phase);

#endif
