#include "CFloodgate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void close_all(int (*pipes)[2]) {
    for (int i = 0; i < 3; i++) {
        for (int end = 0; end < 2; end++) {
            if (pipes[i][end] >= 0) close(pipes[i][end]);
        }
    }
}

int floodgate_spawn(const char *const *arguments, const char *const *environment, int *input, int *output,
                    int *errors) {
    int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    for (int i = 0; i < 3; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) != 0) {
            int error = errno;
            close_all(pipes);
            return -error;
        }
        // None may be a standard stream of ours that was closed: it would be overwritten before it is used.
        for (int end = 0; end < 2; end++) {
            if (pipes[i][end] > 2) continue;
            int moved = fcntl(pipes[i][end], F_DUPFD_CLOEXEC, 3);
            if (moved < 0) {
                int error = errno;
                close_all(pipes);
                return -error;
            }
            close(pipes[i][end]);
            pipes[i][end] = moved;
        }
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipes[0][0], 0);
    posix_spawn_file_actions_adddup2(&actions, pipes[1][1], 1);
    posix_spawn_file_actions_adddup2(&actions, pipes[2][1], 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t process = -1;
    int error = posix_spawnp(&process, arguments[0], &actions, &attributes, (char *const *)arguments,
                             environment ? (char *const *)environment : environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    // Who does not read must not stop us: only this end, as the other is another open file of the kernel.
    if (!error) fcntl(pipes[0][1], F_SETFL, O_NONBLOCK);
    if (error) {
        close_all(pipes);
        return -error;
    }
    close(pipes[0][0]);
    close(pipes[1][1]);
    close(pipes[2][1]);
    *input = pipes[0][1];
    *output = pipes[1][0];
    *errors = pipes[2][0];
    return process;
}

int floodgate_reap(int process, int *status) {
    pid_t ended;
    do ended = waitpid(process, status, WNOHANG);
    while (ended < 0 && errno == EINTR);
    // Somebody else's doing: it is gone, and nothing is known of it.
    if (ended < 0) *status = 0;
    return ended != 0;
}

void floodgate_signal_group(int process, int signal) {
    if (process > 1) kill(-process, signal);
}
