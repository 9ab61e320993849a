/* command_model.c - voice-assistant model: prepares models. */
#include "daemon/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "whisper/import.h"

int va_command_model(int argc, char **argv)
{
    static const struct option options[] = {
        {"from", required_argument, NULL, 'f'}, {"to", required_argument, NULL, 't'}, {"precision", required_argument, NULL, 'p'}, {0}};
    const char *from = NULL, *to = NULL;
    enum va_precision precision = VA_PRECISION_S8;
    va_error error;
    int c;

    if (argc < 2 || strcmp(argv[1], "import") != 0)
        return VA_EXIT_USAGE;
    while ((c = getopt_long(argc - 1, argv + 1, "", options, NULL)) != -1) {
        if (c == 'f')
            from = optarg;
        else if (c == 't')
            to = optarg;
        else if (c == 'p' && strcmp(optarg, "float32") == 0)
            precision = VA_PRECISION_F32;
        else if (c != 'p' || strcmp(optarg, "int8") != 0)
            return VA_EXIT_USAGE;
    }
    if (from == NULL || to == NULL)
        return VA_EXIT_USAGE;
    if (va_whisper_import(from, precision, to, NULL, NULL, &error) < 0) {
        fprintf(stderr, "voice-assistant: %s\n", error.text);
        return VA_EXIT_FAILED;
    }
    return VA_EXIT_OK;
}
