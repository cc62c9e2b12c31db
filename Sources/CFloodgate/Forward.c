#include "CFloodgate.h"
#include "SocketAddress.h"

#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

enum { longest_payload = 65535 - 28, send_buffer = 4 << 20 };

// The kernel sends to an address of this machine from that same address.
static bool is_own(int descriptor, const struct sockaddr_in6 *target) {
    struct sockaddr_in6 local = {0};
    socklen_t length = sizeof local;
    if (getsockname(descriptor, (struct sockaddr *)&local, &length) != 0) return false;
    if (target->sin6_family == AF_INET6) return memcmp(&local.sin6_addr, &target->sin6_addr, 16) == 0;
    return ((struct sockaddr_in *)&local)->sin_addr.s_addr == ((const struct sockaddr_in *)target)->sin_addr.s_addr;
}

int floodgate_forward_open(const uint8_t *address, int address_length, uint16_t port, bool with_source,
                           bool refuse_own) {
    struct sockaddr_in6 target;
    socklen_t size = floodgate_socket_address(&target, address, address_length, with_source ? 0 : port);
    if (!size) return -EINVAL;
    int type = with_source ? SOCK_RAW : SOCK_DGRAM;
    int descriptor = socket(target.sin6_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, with_source ? IPPROTO_RAW : 0);
    if (descriptor < 0) return -errno;
    int buffer = send_buffer;
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if (connect(descriptor, (struct sockaddr *)&target, size) != 0) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    if (refuse_own && is_own(descriptor, &target)) {
        close(descriptor);
        return -ELOOP;
    }
    return descriptor;
}

int floodgate_forward(int descriptor, const void *bytes, size_t length) {
    // An ICMP answer to a datagram sent before (nobody listens there) fails the next; that one is sent again.
    if (send(descriptor, bytes, length, 0) >= 0) return 0;
    if (errno == ECONNREFUSED && send(descriptor, bytes, length, 0) >= 0) return 0;
    return -errno;
}

static uint32_t sum_words(uint32_t sum, const uint8_t *bytes, size_t length) {
    for (size_t index = 0; index + 1 < length; index += 2) sum += (uint32_t)bytes[index] << 8 | bytes[index + 1];
    if (length & 1) sum += (uint32_t)bytes[length - 1] << 8;
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

int floodgate_forward_from(int descriptor, const uint8_t *source, uint16_t source_port, const uint8_t *destination,
                           uint16_t destination_port, int address_length, const void *bytes, size_t length) {
    if (length > longest_payload) return -EMSGSIZE;
    struct udphdr udp = {
        .source = htons(source_port),
        .dest = htons(destination_port),
        .len = htons((uint16_t)(length + sizeof udp)),
    };
    struct iphdr v4 = {0};
    struct ip6_hdr v6 = {0};
    struct iovec parts[3] = {{0}, {&udp, sizeof udp}, {(void *)bytes, length}};
    if (address_length == 4) {
        // Identification, total length and checksum are the kernel's; a UDP checksum of 0 is none (RFC 768).
        v4.version = 4;
        v4.ihl = 5;
        v4.ttl = 64;
        v4.protocol = IPPROTO_UDP;
        memcpy(&v4.saddr, source, 4);
        memcpy(&v4.daddr, destination, 4);
        parts[0] = (struct iovec){&v4, sizeof v4};
    } else if (address_length == 16) {
        v6.ip6_flow = htonl(6u << 28);
        v6.ip6_plen = udp.len;
        v6.ip6_nxt = IPPROTO_UDP;
        v6.ip6_hlim = 64;
        memcpy(&v6.ip6_src, source, 16);
        memcpy(&v6.ip6_dst, destination, 16);
        parts[0] = (struct iovec){&v6, sizeof v6};
        // Mandatory over IPv6, where a computed 0 is sent as all ones (RFC 8200 section 8.1).
        uint32_t sum = sum_words(sum_words(0, source, 16), destination, 16);
        sum = sum_words(sum + (uint32_t)(length + sizeof udp) + IPPROTO_UDP, (const uint8_t *)&udp, sizeof udp);
        sum = sum_words(sum, bytes, length);
        uint16_t check = (uint16_t)~sum;
        udp.check = htons(check ? check : 0xffff);
    } else {
        return -EINVAL;
    }
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
    return sendmsg(descriptor, &message, 0) >= 0 ? 0 : -errno;
}
