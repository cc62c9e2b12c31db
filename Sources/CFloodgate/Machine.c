#include "CFloodgate.h"

#include <errno.h>
#include <sys/timex.h>

int floodgate_clock(int64_t *error_microseconds) {
    struct timex state = {.modes = 0};
    int result = adjtimex(&state);
    if (result < 0) return -errno;
    *error_microseconds = state.maxerror;
    return result != TIME_ERROR && !(state.status & STA_UNSYNC);
}
