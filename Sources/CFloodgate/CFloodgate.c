#include "CFloodgate.h"
#include "SocketAddress.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// Buffers lie an odd number of cache lines beyond 64 KiB apart: at multiples of a power of two the beginnings of all of
// them would compete for the same few places in the caches.
enum { longest_datagram = 65535, buffer_stride = 65536 + 23 * 64, control_size = 256 };

struct floodgate_ring {
    uint32_t slots;
    int wait_milliseconds;
    int64_t received_at;
    struct mmsghdr *headers;
    struct iovec *vectors;
    struct sockaddr_in6 *sources;
    int64_t *stamps;
    uint32_t *segments;
    uint8_t *controls;
    uint8_t *buffers;
};

static int64_t real_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

socklen_t floodgate_socket_address(struct sockaddr_in6 *target, const uint8_t *address, int address_length, uint16_t port) {
    memset(target, 0, sizeof *target);
    if (address_length == 4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)target;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, address, 4);
        return sizeof *v4;
    }
    if (address_length != 16) return 0;
    target->sin6_family = AF_INET6;
    target->sin6_port = htons(port);
    memcpy(&target->sin6_addr, address, 16);
    return sizeof *target;
}

int floodgate_udp_open(const uint8_t *address, int address_length, uint16_t port, int first, int buffer, int *granted,
                       uint16_t *bound_port) {
    struct sockaddr_in6 target;
    socklen_t size = floodgate_socket_address(&target, address, address_length, port);
    if (!size) return -EINVAL;
    int family = target.sin6_family;
    int descriptor = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    int on = 1;
    // An IPv6 socket is for IPv6 alone, so that 0.0.0.0 and :: can be listened on side by side.
    if (family == AF_INET6) setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (!first && setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) goto failed;
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    // A burst of one exporter comes in one buffer; older kernels hand over each datagram by itself.
    setsockopt(descriptor, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
    if (bind(descriptor, (struct sockaddr *)&target, size) != 0) goto failed;
    // Set before, it would let the first in beside another program's sockets, and the kernel would part the datagrams.
    if (first && setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) goto failed;
    socklen_t length = sizeof *granted;
    getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, granted, &length);
    length = sizeof target;
    if (getsockname(descriptor, (struct sockaddr *)&target, &length) != 0) goto failed;
    // The port stands at the same place in both families' addresses.
    *bound_port = ntohs(target.sin6_port);
    return descriptor;
failed:;
    int error = errno;
    close(descriptor);
    return -error;
}

int floodgate_udp_steer(int descriptor, int address_length, uint32_t sockets) {
    // The last four octets of the source address, folded so that neighbouring exporters spread.
    uint32_t offset = (uint32_t)SKF_NET_OFF + (address_length == 4 ? 12 : 20);
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset),
        BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 0x9E3779B1u),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, sockets),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0 ? 0 : -errno;
}

void floodgate_close(int descriptor) { close(descriptor); }

floodgate_ring *floodgate_ring_create(uint32_t slots) {
    floodgate_ring *ring = calloc(1, sizeof *ring);
    if (!ring) return NULL;
    ring->slots = slots;
    ring->wait_milliseconds = -1;
    ring->headers = calloc(slots, sizeof *ring->headers);
    ring->vectors = calloc(slots, sizeof *ring->vectors);
    ring->sources = calloc(slots, sizeof *ring->sources);
    ring->stamps = calloc(slots, sizeof *ring->stamps);
    ring->segments = calloc(slots, sizeof *ring->segments);
    ring->controls = calloc(slots, control_size);
    ring->buffers = malloc((size_t)slots * buffer_stride);
    if (!ring->headers || !ring->vectors || !ring->sources || !ring->stamps || !ring->segments || !ring->controls || !ring->buffers) {
        floodgate_ring_destroy(ring);
        return NULL;
    }
    for (uint32_t index = 0; index < slots; index++) {
        ring->vectors[index].iov_base = ring->buffers + (size_t)index * buffer_stride;
        ring->vectors[index].iov_len = longest_datagram;
        ring->headers[index].msg_hdr.msg_iov = &ring->vectors[index];
        ring->headers[index].msg_hdr.msg_iovlen = 1;
        ring->headers[index].msg_hdr.msg_name = &ring->sources[index];
        ring->headers[index].msg_hdr.msg_control = ring->controls + (size_t)index * control_size;
    }
    return ring;
}

void floodgate_ring_destroy(floodgate_ring *ring) {
    if (!ring) return;
    free(ring->headers);
    free(ring->vectors);
    free(ring->sources);
    free(ring->stamps);
    free(ring->segments);
    free(ring->controls);
    free(ring->buffers);
    free(ring);
}

int floodgate_ring_receive(floodgate_ring *ring, int descriptor, int wait_milliseconds) {
    if (ring->wait_milliseconds != wait_milliseconds) {
        struct timeval wait = {.tv_sec = wait_milliseconds / 1000, .tv_usec = wait_milliseconds % 1000 * 1000};
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        ring->wait_milliseconds = wait_milliseconds;
    }
    for (uint32_t index = 0; index < ring->slots; index++) {
        ring->headers[index].msg_hdr.msg_namelen = sizeof *ring->sources;
        ring->headers[index].msg_hdr.msg_controllen = control_size;
    }
    int count = recvmmsg(descriptor, ring->headers, ring->slots, MSG_WAITFORONE, NULL);
    if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -errno;
    ring->received_at = real_time();
    for (int index = 0; index < count; index++) {
        struct msghdr *header = &ring->headers[index].msg_hdr;
        ring->stamps[index] = ring->received_at;
        ring->segments[index] = ring->headers[index].msg_len;
        for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
            if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO) {
                int segment;
                memcpy(&segment, CMSG_DATA(control), sizeof segment);
                if (segment > 0) ring->segments[index] = (uint32_t)segment;
            }
            if (control->cmsg_level != SOL_SOCKET) continue;
            if (control->cmsg_type == SCM_TIMESTAMPNS) {
                struct timespec stamp;
                memcpy(&stamp, CMSG_DATA(control), sizeof stamp);
                ring->stamps[index] = (int64_t)stamp.tv_sec * 1000000000 + stamp.tv_nsec;
            }
        }
    }
    return count;
}

floodgate_memory floodgate_ring_memory(const floodgate_ring *ring) {
    return (floodgate_memory){.bytes = ring->buffers, .length = (ptrdiff_t)ring->slots * buffer_stride};
}

floodgate_datagram floodgate_ring_datagram(const floodgate_ring *ring, uint32_t index) {
    floodgate_datagram datagram = {
        .bytes = ring->vectors[index].iov_base,
        .length = ring->headers[index].msg_len,
        .segment_length = ring->segments[index],
    };
    const struct sockaddr_in6 *source = &ring->sources[index];
    if (source->sin6_family == AF_INET) {
        memcpy(datagram.address, &((const struct sockaddr_in *)source)->sin_addr, 4);
        datagram.address_length = 4;
    } else {
        memcpy(datagram.address, &source->sin6_addr, 16);
        datagram.address_length = 16;
    }
    // The port stands at the same place in both families' addresses.
    datagram.port = ntohs(source->sin6_port);
    int64_t age = ring->received_at - ring->stamps[index];
    // The wall clock may have been set between both readings.
    datagram.age_nanoseconds = age < 0 ? 0 : age > 1000000000 ? 1000000000 : age;
    return datagram;
}

uint32_t floodgate_udp_drops(int descriptor) {
    // Asked for now and then: SO_RXQ_OVFL would tell it anew with each datagram.
    uint32_t figures[SK_MEMINFO_VARS];
    socklen_t length = sizeof figures;
    int result = getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, figures, &length);
    return result == 0 && length > SK_MEMINFO_DROPS * sizeof *figures ? figures[SK_MEMINFO_DROPS] : 0;
}

int floodgate_thread_start(const char *name, void *(*body)(void *), void *context, uint64_t *thread) {
    pthread_t started;
    int error = pthread_create(&started, NULL, body, context);
    if (error) return error;
    char shortened[16] = {0};
    strncpy(shortened, name, sizeof shortened - 1);
    pthread_setname_np(started, shortened);
    *thread = (uint64_t)started;
    return 0;
}

void floodgate_thread_join(uint64_t thread) { pthread_join((pthread_t)thread, NULL); }
