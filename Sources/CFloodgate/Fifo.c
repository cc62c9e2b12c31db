#include "CFloodgate.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int floodgate_fifo_make(const char *path) {
    // Nobody else gets at it before its owner and mode are set.
    if (mkfifo(path, 0600) == 0) return 1;
    return errno == EEXIST ? 0 : -errno;
}

int floodgate_fifo_open(const char *path, bool reading) {
    // With both directions open there is always a reader and a writer: no end of file, and no SIGPIPE for anybody.
    int descriptor = open(path, (reading ? O_RDWR : O_WRONLY) | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) return -errno;
    struct stat status;
    int error = fstat(descriptor, &status) != 0 ? errno : S_ISFIFO(status.st_mode) ? 0 : EPROTOTYPE;
    if (error) {
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int floodgate_fifo_own(int descriptor, const char *owner, const char *group, unsigned mode) {
    uid_t user = (uid_t)-1;
    gid_t users = (gid_t)-1;
    struct passwd entry, *found_user = NULL;
    struct group group_entry, *found_group = NULL;
    char buffer[16384];
    if (owner) {
        if (getpwnam_r(owner, &entry, buffer, sizeof buffer, &found_user) != 0 || !found_user) return -ESRCH;
        user = found_user->pw_uid;
    }
    if (group) {
        if (getgrnam_r(group, &group_entry, buffer, sizeof buffer, &found_group) != 0 || !found_group) return -ESRCH;
        users = found_group->gr_gid;
    }
    if ((owner || group) && fchown(descriptor, user, users) != 0) return -errno;
    return fchmod(descriptor, (mode_t)mode) == 0 ? 0 : -errno;
}

int floodgate_fifo_check(int descriptor, const char *path) {
    struct stat here, there;
    if (fstat(descriptor, &here) != 0) return -errno;
    if (stat(path, &there) != 0) return -errno;
    return here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

bool floodgate_is_fifo(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISFIFO(status.st_mode);
}

bool floodgate_fifo_has_reader(int descriptor) {
    struct pollfd polled = {.fd = descriptor, .events = POLLOUT};
    return poll(&polled, 1, 0) < 0 || !(polled.revents & (POLLERR | POLLNVAL));
}

long floodgate_fifo_write(int descriptor, const void *bytes, size_t length) {
    // The signal of a pipe without a reader goes to this thread: it is kept off and taken away again.
    sigset_t pipe_signal, former, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &former);
    ssize_t count;
    do count = write(descriptor, bytes, length);
    while (count < 0 && errno == EINTR);
    long result = count < 0 ? -errno : (long)count;
    if (result == -EPIPE && !was_pending) {
        struct timespec now = {0, 0};
        sigtimedwait(&pipe_signal, NULL, &now);
    }
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    return result;
}

int floodgate_duplicate(int descriptor) {
    int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    return copy < 0 ? -errno : copy;
}
