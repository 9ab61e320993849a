#ifndef VA_TESTS_LISTEN_WORD_DOUBLE_H
#define VA_TESTS_LISTEN_WORD_DOUBLE_H

#define WORD_MARK 2.0f
#define OWN_MARK 0.9375f
#define OWN_SPAN 8000

extern float word_double_sensitivity; /* that was set last */

#endif
