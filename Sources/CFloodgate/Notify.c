#include "CFloodgate.h"

#include <errno.h>
#include <string.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int floodgate_notify(const char *path, const void *message, size_t length) {
    struct sockaddr_un target = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (size < 2 || size >= sizeof target.sun_path || (path[0] != '/' && path[0] != '@')) return -EINVAL;
    memcpy(target.sun_path, path, size);
    // An abstract name begins with a zero and has no other at its end.
    if (path[0] == '@') target.sun_path[0] = 0;
    socklen_t whole = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (path[0] == '/' ? 1 : 0));
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    ssize_t sent = sendto(descriptor, message, length, MSG_NOSIGNAL, (struct sockaddr *)&target, whole);
    int error = sent < 0 ? errno : 0;
    close(descriptor);
    return -error;
}
