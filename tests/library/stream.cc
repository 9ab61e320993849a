// The example, and with it the public header, compiled as C++.
#include "../../examples/stream.c"
