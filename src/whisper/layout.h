/* layout.h - what a prepared Whisper file holds: the tensors that import.c writes and model.c reads.
 *
 * d = model width, f = 4 d, V = vocabulary. "linear [n, k]" stands for NAME.weight, NAME.bias and, when quantised, two more:
 *   int8:    NAME.weight S8 [P(n), k] in s8 panels, NAME.step F32 [P(n)], NAME.sum S32 [P(n)]
 *   float32: NAME.weight F32 [P(n), k] in f32 panels
 *   NAME.bias F32 [P(n)]   (zeros where the source has none); P(n) = n rounded up to 16, added rows are zero
 * "conv" is a linear that always stays float32, its k ordered [tap][in]. "norm [d]" stands for NAME.gamma and NAME.beta, F32 [d].
 *
 *   hparams                   S32 [VA_WHISPER_HPARAMS], see below
 *   vocab.bytes               U8  [n]    the ordinary tokens' raw bytes, one after the other
 *   vocab.ends                S32 [n_text]
 *   tokens.suppress           S32 [n]    never sampled
 *   tokens.suppress_begin     S32 [n]    not sampled first
 *   alignment_heads           S32 [n, 2] (decoder layer, head)
 *   encoder.conv1             conv [d, 3 * 80]
 *   encoder.conv2             conv [d, 3 * d]
 *   encoder.positions         F32 [1500, d]
 *   encoder.I.attn_norm       norm [d]
 *   encoder.I.qkv             linear [3d, d]   rows Q, K, V
 *   encoder.I.out             linear [d, d]
 *   encoder.I.mlp_norm        norm [d]
 *   encoder.I.mlp1            linear [f, d]
 *   encoder.I.mlp2            linear [d, f]
 *   encoder.norm              norm [d]
 *   decoder.embedding         linear [V, d]    token embedding and output matrix; no bias tensor
 *   decoder.positions         F32 [448, d]
 *   decoder.I.attn_norm, .qkv, .out, .mlp_norm, .mlp1, .mlp2     as in the encoder
 *   decoder.I.cross_norm      norm [d]
 *   decoder.I.cross_q         linear [d, d]
 *   decoder.I.cross_kv        linear [2d, d]   rows K, V
 *   decoder.I.cross_out       linear [d, d]
 *   decoder.norm              norm [d]
 *
 * and what silence.h computes from these, R = VA_SILENCE_ROWS (absent only while a file is being made):
 *   silence.encoder.I.k       F32 [d / 64, ceil(R / 16), 64, 16]
 *   silence.encoder.I.v       F32 [d / 64, R, 64]
 *   silence.decoder.I.k, .v   F16 (int8) or F32 (float32) [d / 64, R, 64]
 */
#ifndef VA_WHISPER_LAYOUT_H
#define VA_WHISPER_LAYOUT_H

enum {
    VA_HPARAM_VOCAB,      /* 51864, 51865, 51866 */
    VA_HPARAM_WIDTH,      /* d: 384, 512, 768; a multiple of 64, at most 1280 */
    VA_HPARAM_HEADS,      /* d / 64 */
    VA_HPARAM_ENC_LAYERS, /* 1..32 */
    VA_HPARAM_DEC_LAYERS, /* 1..32 */
    VA_HPARAM_MELS,       /* 80 */
    VA_HPARAM_AUDIO_CTX,  /* 1500 */
    VA_HPARAM_TEXT_CTX,   /* 448 */
    VA_HPARAM_PRECISION,  /* enum va_precision of import.h */
    VA_WHISPER_HPARAMS
};

#endif
