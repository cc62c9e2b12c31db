// What Swift's Glibc module does not offer: batched receive with kernel time stamps, steering of datagrams by source
// address, names of threads. No kernel header here: two modules with the same types do not go together.

#ifndef CFLOODGATE_H
#define CFLOODGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Opens a UDP socket that others of the same group may share (SO_REUSEPORT), with time stamps and drop counts on.
/// The `first` of a group fails where anybody listens on address and port already.
///
/// `address` has 4 or 16 octets in network order. `buffer` octets of receive buffer are asked for, with root beyond the
/// system's limit; `granted` is what the kernel gave. `bound_port` is the port, which it chose if `port` is 0.
/// Returns the descriptor, or -errno.
int floodgate_udp_open(const uint8_t *address, int address_length, uint16_t port, int first, int buffer, int *granted,
                       uint16_t *bound_port);

/// Has the kernel pick the socket of the group by the datagram's source address, so that all an exporter sends reaches
/// one socket whatever its ports. Returns 0 or -errno.
int floodgate_udp_steer(int descriptor, int address_length, uint32_t sockets);

void floodgate_close(int descriptor);

/// Buffers for a batch of datagrams, allocated once.
/// Where received octets lie, with what is between them.
typedef struct floodgate_memory {
    const void *bytes;
    ptrdiff_t length;
} floodgate_memory;

typedef struct floodgate_ring floodgate_ring;

/// Room for `slots` datagrams of the greatest length there is; NULL when there is no memory.
floodgate_ring *floodgate_ring_create(uint32_t slots);
void floodgate_ring_destroy(floodgate_ring *ring);

/// Waits up to `wait_milliseconds` for a datagram, then takes as many as are there.
/// Returns how many, 0 after the wait or an interruption, or -errno.
int floodgate_ring_receive(floodgate_ring *ring, int descriptor, int wait_milliseconds);

/// One buffer of the last batch: datagrams of one exporter.
typedef struct floodgate_datagram {
    const uint8_t *bytes;
    uint32_t length;
    /// Octets of each of the datagrams that the kernel has put together, the last of which may be shorter; `length` where
    /// there is one alone.
    uint32_t segment_length;
    /// 4 or 16.
    uint16_t address_length;
    /// Source port in host order.
    uint16_t port;
    /// Source address in network order.
    uint8_t address[16];
    /// How long ago the kernel took it in.
    int64_t age_nanoseconds;
} floodgate_datagram;

/// What all datagrams of a batch lie in.
floodgate_memory floodgate_ring_memory(const floodgate_ring *ring);

floodgate_datagram floodgate_ring_datagram(const floodgate_ring *ring, uint32_t index);

/// Datagrams that the kernel has dropped for want of buffer since the socket was opened.
uint32_t floodgate_udp_drops(int descriptor);

/// A socket to send on to another collector, which never blocks: connected, or with `with_source` a raw one. Returns the
/// descriptor or -errno; with `refuse_own`, -ELOOP where the collector's address is one of this machine's.
int floodgate_forward_open(const uint8_t *address, int address_length, uint16_t port, bool with_source,
                           bool refuse_own);

/// Sends on a connected socket. Returns 0 or -errno.
int floodgate_forward(int descriptor, const void *bytes, size_t length);

/// Sends on a raw socket, as if from another address. Both addresses are of `address_length` octets, ports in host order.
/// Returns 0 or -errno.
int floodgate_forward_from(int descriptor, const uint8_t *source, uint16_t source_port, const uint8_t *destination,
                           uint16_t destination_port, int address_length, const void *bytes, size_t length);

/// Listens for connections. `bound_port` is the port, which the kernel chose if `port` is 0. Returns the descriptor, which
/// never blocks, or -errno.
int floodgate_tcp_listen(const uint8_t *address, int address_length, uint16_t port, uint16_t *bound_port);

/// Takes the next connection; its peer's address goes to `address` (16 octets of room), with its length and port. Returns
/// the descriptor, which never blocks, or -errno: -EAGAIN when there is none.
int floodgate_tcp_accept(int descriptor, uint8_t *address, int *address_length, uint16_t *port);

/// Waits for one of the descriptors to have something to read; `ready` gets 1 for those that do. Returns how many, or
/// -errno.
int floodgate_wait(const int32_t *descriptors, uint8_t *ready, uint32_t count, int wait_milliseconds);

/// Reads what is there. Returns how many octets, 0 at the end of the connection, or -errno: -EAGAIN when there is nothing.
int floodgate_read(int descriptor, void *bytes, size_t length);

/// Packets of a network interface, in memory that the kernel fills (TPACKET_V3).
typedef struct floodgate_packets floodgate_packets;

/// One packet: its first octets, as many as were asked for.
typedef struct floodgate_packet {
    const uint8_t *bytes;
    uint32_t length;
    /// Octets that it had on the wire.
    uint32_t original_length;
    /// How long ago the kernel took it in.
    int64_t age_nanoseconds;
} floodgate_packet;

/// Takes the packets that come in on an interface: one in `sampling`, and of each the first `snap` octets, into `blocks`
/// times 256 KiB of memory. Those opened with the same `group` share the packets; a negative one makes a group and becomes its
/// number. Returns NULL with the errno in `error`.
floodgate_packets *floodgate_packets_open(const char *interface, int *group, uint32_t sampling, uint32_t snap,
                                          uint32_t blocks, int *error);
void floodgate_packets_close(floodgate_packets *packets);

/// Whether packets begin with an Ethernet header; else with that of IP.
bool floodgate_packets_are_ethernet(const floodgate_packets *packets);

/// Waits up to `wait_milliseconds` for packets. Returns how many there are in the batch, or -errno. They are valid until
/// the next call.
int floodgate_packets_receive(floodgate_packets *packets, int wait_milliseconds);
const floodgate_packet *floodgate_packets_batch(const floodgate_packets *packets);

/// What all packets of a batch lie in.
floodgate_memory floodgate_packets_memory(const floodgate_packets *packets);

/// The number of the interface that packets are taken from; not positive when it is gone.
int floodgate_packets_interface(const floodgate_packets *packets);

/// The number of a network interface, 0 where there is none of that name; whether it is up, and has a carrier.
int floodgate_interface(const char *name, bool *is_up, bool *has_carrier);

/// Packets that the kernel has dropped for want of room.
uint64_t floodgate_packets_drops(floodgate_packets *packets);

/// Opens a file to be read. Returns the descriptor or -errno.
int floodgate_file_open(const char *path);

/// Reads what comes next, waiting for it where that is a pipe. Returns how many octets, 0 at the end, or -errno.
long floodgate_file_read(int descriptor, void *bytes, size_t length);

/// Runs `body(context)` on a thread of its own. Returns 0 or an errno; `thread` is for `floodgate_thread_join`.
int floodgate_thread_start(const char *name, void *(*body)(void *), void *context, uint64_t *thread);
void floodgate_thread_join(uint64_t thread);

/// Makes a named pipe that only its owner may use. Returns 1, 0 where something of the name is there already, or -errno.
int floodgate_fifo_make(const char *path);

/// Opens a named pipe: for reading, so that writers come and go without its ending, or for writing, which needs somebody
/// who reads (-ENXIO). Never blocks. Returns the descriptor, or -errno; -EPROTOTYPE where it is no named pipe.
int floodgate_fifo_open(const char *path, bool reading);

/// Sets owner and group (by name; NULL leaves them) and mode. Returns 0, -ESRCH where there is no such user or group, or
/// -errno.
int floodgate_fifo_own(int descriptor, const char *owner, const char *group, unsigned mode);

/// Whether the path still names what was opened: 1 or 0, or -errno (-ENOENT: nothing is there).
int floodgate_fifo_check(int descriptor, const char *path);

/// Whether somebody has the other end open for reading.
bool floodgate_fifo_has_reader(int descriptor);

/// Writes without blocking and without SIGPIPE. Returns how many octets were taken, or -errno.
long floodgate_fifo_write(int descriptor, const void *bytes, size_t length);

/// Another descriptor of what is open. Returns it, or -errno.
int floodgate_duplicate(int descriptor);

/// Starts a program, found by `PATH`, in a process group of its own, with these three as its standard streams and no
/// other descriptor of ours. `input` and `output` are our ends of its standard input and output, `errors` that of its
/// standard error; `input` does not block. `environment` is NAME=VALUE texts, or NULL for ours. Returns the process, or
/// -errno.
int floodgate_spawn(const char *const *arguments, const char *const *environment, int *input, int *output,
                    int *errors);

/// Whether a process has ended: 1, with its status as `wait` has it, or 0. Its number is given up then.
int floodgate_reap(int process, int *status);

/// Sends a signal to the process and all of its group.
void floodgate_signal_group(int process, int signal);

/// Sends a datagram to a Unix socket by its path, or by its abstract name with `@` before it. Never blocks. Returns 0 or
/// -errno.
int floodgate_notify(const char *path, const void *message, size_t length);

/// Whether the machine's clock is synchronized (1 or 0), with the greatest error that the kernel reckons with; -errno
/// where it may not be asked.
int floodgate_clock(int64_t *error_microseconds);

/// Whether a path names a named pipe.
bool floodgate_is_fifo(const char *path);

#ifdef __cplusplus
}
#endif

#endif
