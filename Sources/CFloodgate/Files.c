#include "CFloodgate.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int floodgate_file_open(const char *path) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

long floodgate_file_read(int descriptor, void *bytes, size_t length) {
    while (1) {
        ssize_t count = read(descriptor, bytes, length);
        if (count >= 0) return (long)count;
        if (errno != EINTR) return -errno;
    }
}
