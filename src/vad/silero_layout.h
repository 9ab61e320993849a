/* silero_layout.h - what a prepared speech detector holds: the tensors that silero_import.c writes and silero.c reads.
 *
 * "linear [n, k]" stands for NAME.weight F32 [n, k] in f32 panels (kernels/kernels.h) and NAME.bias F32 [n]. A convolution's k is
 * ordered [tap][in]. Only 4 spectra go in, so some taps never see anything but padding: these are left out.
 *
 *   conv1       linear [128, 3 * 132]   129 bins, the last 3 places are zero
 *   conv2       linear [64, 3 * 128]    stride 2
 *   conv3       linear [64, 2 * 64]     stride 2, taps 1 and 2
 *   conv4       linear [128, 64]        tap 1
 *   lstm        linear [512, 256]       rows: gates i, f, g, o, 128 each; columns: input, state; bias: the sum of both
 *   out.weight  F32 [128]
 *   out.bias    F32 [1]
 */
#ifndef VA_VAD_SILERO_LAYOUT_H
#define VA_VAD_SILERO_LAYOUT_H

enum {
    VA_SILERO_WINDOW = 256, /* samples of a spectrum */
    VA_SILERO_HOP = 128,
    VA_SILERO_FRAMES = 4,
    VA_SILERO_BINS = 129,
    VA_SILERO_BINS_PADDED = 132,
    VA_SILERO_WIDTH = 128,
    VA_SILERO_NARROW = 64,
    VA_SILERO_CONV1_K = 3 * VA_SILERO_BINS_PADDED,
    VA_SILERO_CONV2_K = 3 * VA_SILERO_WIDTH,
    VA_SILERO_CONV3_K = 2 * VA_SILERO_NARROW,
    VA_SILERO_CONV4_K = VA_SILERO_NARROW,
    VA_SILERO_GATES = 4 * VA_SILERO_WIDTH,
    VA_SILERO_LSTM_K = 2 * VA_SILERO_WIDTH
};

#endif
