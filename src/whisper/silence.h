/* silence.h - virtual silence: what stands behind a short clip without being encoded.
 *
 * Whisper was trained on windows of 30 s, and goes wrong when it is shown less. Behind a command of 3 s those are 27 s of silence, which
 * is always the same: so a full window of silence is encoded once, when a model is imported, and its keys and values, of the encoder's
 * self-attention and of the decoder's cross-attention, are kept in the model file. A clip is then encoded alone, and attends to its own
 * frames and to the kept silence of the positions behind them.
 *
 * Neighbouring frames of silence hardly differ: one row, that of the middle frame, stands for VA_SILENCE_STRIDE frames, and a bias of
 * ln(frames) on its score makes the softmax weigh it as so many. (Their mean is worse: positions turn quickly, so that means are shorter
 * vectors.) For one silence to fit every clip, the clip's log-mel is shifted to a fixed maximum. docs/virtual-silence.md has figures. */
#ifndef VA_WHISPER_SILENCE_H
#define VA_WHISPER_SILENCE_H

#include "whisper/model.h"

/* Maximum of log10 mel that clips are shifted to, and what silence beside it comes out as (va_log_mel_scale). */
#define VA_SILENCE_TOP 1.0f
#define VA_SILENCE_MEL ((VA_SILENCE_TOP - 8.0f + 4.0f) / 4.0f)

#define VA_SILENCE_STRIDE 16
#define VA_SILENCE_ROWS ((1500 + VA_SILENCE_STRIDE - 1) / VA_SILENCE_STRIDE)

/* network_path, a prepared file without silence -> out_path, the same with the rows that its network makes of silence (layout.h). Written
 * whole or not at all. VA_ENOMEM, VA_EIO, and what va_model_open says of the network. */
VA_MUST_CHECK int va_silence_complete(const char *network_path, const char *out_path, va_error *error);

#endif
