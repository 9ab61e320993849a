#include "whisper/repetition.h"

int va_is_looping(const int32_t *tokens, int n)
{
    for (int length = 1; length <= 16; length++) {
        int times = length == 1 ? 12 : 5;
        if (n < length * times)
            return 0;
        int i = n - 1, first = n - length * (times - 1);
        while (i >= first && tokens[i] == tokens[i - length])
            i--;
        if (i < first)
            return 1;
    }
    return 0;
}
