/* layout.h - what a prepared wake word holds: the tensors that import.c writes and model.c reads.
 *
 *   word           U8 [n]     as people say it, "Hey Jarvis", with its NUL
 *   languages      U8 [n]     that it was trained for, "en,nl", with its NUL; may be empty
 *   cutoff         F32 [1]    the designed threshold, between 0 and 1, of the mean of the last outputs
 *   numbers        S32 [2]    VA_WAKE_NUMBER_*
 *   input          F32 [2]    scale and zero point of the network's input
 *   layers         S32 [layers][VA_WAKE_FIELDS]
 *   sigmoid        U8 [256]   output of the network by what its last layer gave, + 128
 *   I.weight       S8         of layer I: dense [out][rows * in], depthwise [rows][in]
 *   I.bias         S32 [out]  with the zero point of the input in it
 *   I.requant      S32 [3][out]  multiplier in 31 bits, bits to shift right by, 1: rounds away from zero (network.c)
 */
#ifndef VA_WAKE_LAYOUT_H
#define VA_WAKE_LAYOUT_H

enum { VA_WAKE_DENSE = 0, VA_WAKE_DEPTHWISE = 1 };

/* A layer sees the last `rows` rows of `in` values, of which `step` are new each time, and gives one row of `out`. */
enum {
    VA_WAKE_FIELD_KIND,
    VA_WAKE_FIELD_ROWS,
    VA_WAKE_FIELD_STEP,
    VA_WAKE_FIELD_IN,
    VA_WAKE_FIELD_OUT,
    VA_WAKE_FIELD_INITIAL, /* the value that stands for zero in its input */
    VA_WAKE_FIELD_ZERO,    /* and in its output */
    VA_WAKE_FIELD_LEAST,   /* output is at least this: the zero point after a ReLU, else -128 */
    VA_WAKE_FIELDS
};

enum { VA_WAKE_NUMBER_WINDOW, VA_WAKE_NUMBER_STEP, VA_WAKE_NUMBERS }; /* outputs in the mean; frames an output */

enum {
    VA_WAKE_MAX_LAYERS = 64,
    VA_WAKE_MAX_ROWS = 64,
    VA_WAKE_MAX_WIDTH = 256,
    VA_WAKE_MAX_STEP = 8,
    VA_WAKE_MAX_WINDOW = 64,
    VA_WAKE_MAX_BIAS = 1 << 30, /* so that no sum overflows: rows * width * 128 * 128 is at most 2^28 */
    VA_WAKE_MAX_TEXT = 256      /* of word and languages, with the NUL */
};

#endif
