#include "CFloodgate.h"
#include "SocketAddress.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { most_descriptors = 1024 };

int floodgate_tcp_listen(const uint8_t *address, int address_length, uint16_t port, uint16_t *bound_port) {
    struct sockaddr_in6 target;
    socklen_t size = floodgate_socket_address(&target, address, address_length, port);
    if (!size) return -EINVAL;
    int descriptor = socket(target.sin6_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    int on = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (target.sin6_family == AF_INET6) setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    socklen_t length = sizeof target;
    if (bind(descriptor, (struct sockaddr *)&target, size) != 0 || listen(descriptor, 64) != 0 ||
        getsockname(descriptor, (struct sockaddr *)&target, &length) != 0) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    *bound_port = ntohs(target.sin6_port);
    return descriptor;
}

int floodgate_tcp_accept(int descriptor, uint8_t *address, int *address_length, uint16_t *port) {
    struct sockaddr_in6 peer;
    socklen_t length = sizeof peer;
    int accepted = accept4(descriptor, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted < 0) return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    // A router that lost its power closes nothing.
    int on = 1;
    setsockopt(accepted, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (peer.sin6_family == AF_INET) {
        memcpy(address, &((struct sockaddr_in *)&peer)->sin_addr, 4);
        *address_length = 4;
    } else {
        memcpy(address, &peer.sin6_addr, 16);
        *address_length = 16;
    }
    *port = ntohs(peer.sin6_port);
    return accepted;
}

int floodgate_wait(const int32_t *descriptors, uint8_t *ready, uint32_t count, int wait_milliseconds) {
    struct pollfd polled[most_descriptors];
    if (count > most_descriptors) return -EINVAL;
    for (uint32_t index = 0; index < count; index++) {
        polled[index] = (struct pollfd){.fd = descriptors[index], .events = POLLIN};
    }
    int found = poll(polled, count, wait_milliseconds);
    for (uint32_t index = 0; index < count; index++) ready[index] = found > 0 && polled[index].revents != 0;
    return found < 0 ? (errno == EINTR ? 0 : -errno) : found;
}

int floodgate_read(int descriptor, void *bytes, size_t length) {
    ssize_t count = recv(descriptor, bytes, length, 0);
    if (count >= 0) return (int)count;
    return errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : -errno;
}
