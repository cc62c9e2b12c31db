// What Swift's Glibc module does not offer: batched receive with kernel time stamps, steering of datagrams by source
// address, names of threads. No kernel header here: two modules with the same types do not go together.

#ifndef CFLOODGATE_H
#define CFLOODGATE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Opens a UDP socket that others of the same group may share (SO_REUSEPORT), with time stamps and drop counts on.
///
/// `address` has 4 or 16 octets in network order. `buffer` octets of receive buffer are asked for, with root beyond the
/// system's limit; `granted` is what the kernel gave. `bound_port` is the port, which it chose if `port` is 0.
/// Returns the descriptor, or -errno.
int floodgate_udp_open(const uint8_t *address, int address_length, uint16_t port, int buffer, int *granted,
                       uint16_t *bound_port);

/// Has the kernel pick the socket of the group by the datagram's source address, so that all an exporter sends reaches
/// one socket whatever its ports. Returns 0 or -errno.
int floodgate_udp_steer(int descriptor, int address_length, uint32_t sockets);

void floodgate_close(int descriptor);

/// Buffers for a batch of datagrams, allocated once.
typedef struct floodgate_ring floodgate_ring;

/// Room for `slots` datagrams of the greatest length there is; NULL when there is no memory.
floodgate_ring *floodgate_ring_create(uint32_t slots);
void floodgate_ring_destroy(floodgate_ring *ring);

/// Waits up to `wait_milliseconds` for a datagram, then takes as many as are there.
/// Returns how many, 0 after the wait or an interruption, or -errno.
int floodgate_ring_receive(floodgate_ring *ring, int descriptor, int wait_milliseconds);

/// One datagram of the last batch.
typedef struct floodgate_datagram {
    const uint8_t *bytes;
    uint32_t length;
    /// 4 or 16.
    uint16_t address_length;
    /// Source port in host order.
    uint16_t port;
    /// Source address in network order.
    uint8_t address[16];
    /// How long ago the kernel took it in.
    int64_t age_nanoseconds;
} floodgate_datagram;

floodgate_datagram floodgate_ring_datagram(const floodgate_ring *ring, uint32_t index);

/// Datagrams that the kernel has dropped for want of buffer since the socket was opened.
uint32_t floodgate_ring_drops(const floodgate_ring *ring);

/// Runs `body(context)` on a thread of its own. Returns 0 or an errno; `thread` is for `floodgate_thread_join`.
int floodgate_thread_start(const char *name, void *(*body)(void *), void *context, uint64_t *thread);
void floodgate_thread_join(uint64_t thread);

#ifdef __cplusplus
}
#endif

#endif
