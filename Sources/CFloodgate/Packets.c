#include "CFloodgate.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// PACKET_FANOUT_FLAG_IGNORE_OUTGOING of newer headers.
enum { fanout_ignore_outgoing = 0x4000 };

// A block is handed over when it is full, or this long after its first packet: often enough for a tick, seldom enough to
// cost nothing. There must be many of them: where packets are few, each holds only those of that time.
enum { block_size = 1 << 18, frame_size = 2048, retire_milliseconds = 4, batch_size = 256 };

struct floodgate_packets {
    int descriptor;
    uint32_t blocks;
    uint32_t block;
    /// Of the block in hand: packets left, and the next of them.
    uint32_t left;
    struct tpacket3_hdr *next;
    uint8_t *memory;
    uint64_t drops;
    bool is_ethernet;
    floodgate_packet batch[batch_size];
};

// Keeps of what comes in one packet in `sampling`, picked at random, and of it the first `snap` octets. What this machine
// sends itself is not mirrored traffic; asked of the filter, as groups know PACKET_IGNORE_OUTGOING only since Linux 5.18.
static int attach_filter(int descriptor, uint32_t sampling, uint32_t snap) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_PKTTYPE),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 4, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_RANDOM),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, sampling),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, snap),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    // All of them need no dice.
    if (sampling <= 1) code[2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, snap);
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static int interface_type(int descriptor, const char *name) {
    struct ifreq request = {0};
    strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
    return ioctl(descriptor, SIOCGIFHWADDR, &request) != 0 ? -1 : request.ifr_hwaddr.sa_family;
}

static int join_group_as(int descriptor, int *group, int flags) {
    int type = PACKET_FANOUT_LB | flags | (*group < 0 ? PACKET_FANOUT_FLAG_UNIQUEID : 0);
    int fanout = type << 16 | (*group < 0 ? 0 : *group);
    if (setsockopt(descriptor, SOL_PACKET, PACKET_FANOUT, &fanout, sizeof fanout) != 0) return -1;
    if (*group >= 0) return 0;
    socklen_t length = sizeof fanout;
    if (getsockopt(descriptor, SOL_PACKET, PACKET_FANOUT, &fanout, &length) != 0) return -1;
    *group = fanout & 0xffff;
    return 0;
}

// The kernel chooses the number of a new group. Which worker counts a packet is of no account, so they take turns; one that
// is behind is passed over. Outgoing packets take no turns where the kernel knows how to leave them out.
static int join_group(int descriptor, int *group) {
    if (join_group_as(descriptor, group, PACKET_FANOUT_FLAG_ROLLOVER | fanout_ignore_outgoing) == 0) return 0;
    return join_group_as(descriptor, group, PACKET_FANOUT_FLAG_ROLLOVER);
}

floodgate_packets *floodgate_packets_open(const char *interface, int *group, uint32_t sampling, uint32_t snap,
                                          uint32_t blocks, int *error) {
    floodgate_packets *packets = calloc(1, sizeof *packets);
    if (!packets) {
        *error = ENOMEM;
        return NULL;
    }
    // No protocol before bind: else the ring would begin with packets of every interface.
    packets->descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    packets->memory = MAP_FAILED;
    packets->blocks = blocks;
    if (packets->descriptor < 0) goto failed;
    int version = TPACKET_V3;
    struct tpacket_req3 request = {
        .tp_block_size = block_size,
        .tp_block_nr = blocks,
        .tp_frame_size = frame_size,
        .tp_frame_nr = block_size / frame_size * blocks,
        .tp_retire_blk_tov = retire_milliseconds,
    };
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = (int)if_nametoindex(interface),
    };
    if (!address.sll_ifindex) goto failed;
    struct packet_mreq promiscuous = {.mr_ifindex = address.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
    int type = interface_type(packets->descriptor, interface);
    packets->is_ethernet = type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK;
    if (attach_filter(packets->descriptor, sampling, snap) != 0) goto failed;
    if (setsockopt(packets->descriptor, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0) goto failed;
    if (setsockopt(packets->descriptor, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) != 0) goto failed;
    packets->memory = mmap(NULL, (size_t)block_size * blocks, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                           packets->descriptor, 0);
    if (packets->memory == MAP_FAILED) goto failed;
    if (bind(packets->descriptor, (struct sockaddr *)&address, sizeof address) != 0) goto failed;
    setsockopt(packets->descriptor, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous);
    if (join_group(packets->descriptor, group) != 0) goto failed;
    return packets;
failed:
    *error = errno;
    floodgate_packets_close(packets);
    return NULL;
}

void floodgate_packets_close(floodgate_packets *packets) {
    if (!packets) return;
    if (packets->memory != MAP_FAILED) munmap(packets->memory, (size_t)block_size * packets->blocks);
    if (packets->descriptor >= 0) close(packets->descriptor);
    free(packets);
}

int floodgate_packets_interface(const floodgate_packets *packets) {
    struct sockaddr_ll address = {0};
    socklen_t length = sizeof address;
    if (getsockname(packets->descriptor, (struct sockaddr *)&address, &length) != 0) return -errno;
    return address.sll_ifindex;
}

int floodgate_interface(const char *name, bool *is_up, bool *has_carrier) {
    *is_up = *has_carrier = false;
    int index = (int)if_nametoindex(name);
    int descriptor = index ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (descriptor < 0) return index;
    struct ifreq request = {0};
    strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
    if (ioctl(descriptor, SIOCGIFFLAGS, &request) == 0) {
        *is_up = request.ifr_flags & IFF_UP;
        *has_carrier = request.ifr_flags & IFF_RUNNING;
    }
    close(descriptor);
    return index;
}

bool floodgate_packets_are_ethernet(const floodgate_packets *packets) { return packets->is_ethernet; }

static struct tpacket_block_desc *block_at(const floodgate_packets *packets, uint32_t index) {
    return (struct tpacket_block_desc *)(packets->memory + (size_t)index * block_size);
}

static bool take_block(floodgate_packets *packets) {
    struct tpacket_block_desc *block = block_at(packets, packets->block);
    if (!(__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) return false;
    packets->left = block->hdr.bh1.num_pkts;
    packets->next = (struct tpacket3_hdr *)((uint8_t *)block + block->hdr.bh1.offset_to_first_pkt);
    return true;
}

static void give_back_block(floodgate_packets *packets) {
    struct tpacket_block_desc *block = block_at(packets, packets->block);
    __atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    packets->block = (packets->block + 1) % packets->blocks;
    packets->next = NULL;
}

int floodgate_packets_receive(floodgate_packets *packets, int wait_milliseconds) {
    if (packets->next && !packets->left) give_back_block(packets);
    if (!packets->next && !take_block(packets)) {
        struct pollfd polled = {.fd = packets->descriptor, .events = POLLIN | POLLERR};
        if (poll(&polled, 1, wait_milliseconds) < 0 && errno != EINTR) return -errno;
        // An interface that goes down says so once, and is listened to again when it comes up; one that is gone never.
        if (polled.revents & POLLERR) {
            int error = 0;
            socklen_t length = sizeof error;
            getsockopt(packets->descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
        }
        if (!take_block(packets)) return 0;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t present = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    int count = 0;
    while (packets->left && count < batch_size) {
        struct tpacket3_hdr *header = packets->next;
        int64_t age = present - ((int64_t)header->tp_sec * 1000000000 + header->tp_nsec);
        packets->batch[count++] = (floodgate_packet){
            .bytes = (uint8_t *)header + header->tp_mac,
            .length = header->tp_snaplen,
            .original_length = header->tp_len,
            .age_nanoseconds = age < 0 ? 0 : age > 1000000000 ? 1000000000 : age,
        };
        packets->left--;
        packets->next = (struct tpacket3_hdr *)((uint8_t *)header + header->tp_next_offset);
    }
    return count;
}

floodgate_memory floodgate_packets_memory(const floodgate_packets *packets) {
    return (floodgate_memory){.bytes = packets->memory, .length = (ptrdiff_t)packets->blocks * block_size};
}

const floodgate_packet *floodgate_packets_batch(const floodgate_packets *packets) { return packets->batch; }

uint64_t floodgate_packets_drops(floodgate_packets *packets) {
    struct tpacket_stats_v3 statistics;
    socklen_t length = sizeof statistics;
    // The kernel counts anew each time it was asked.
    if (getsockopt(packets->descriptor, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) == 0)
        packets->drops += statistics.tp_drops;
    return packets->drops;
}
