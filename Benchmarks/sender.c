// sender PORT FILE DATAGRAMS_PER_SECOND SECONDS: sends the datagrams of FILE (each with its length before it, 32 bits in
// network order) to 127.0.0.1:PORT again and again, from eight sockets as eight exporters would, and prints how many.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { batch = 64, sockets = 8 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int count, char **words) {
    if (count != 5) return 64;
    FILE *file = fopen(words[2], "rb");
    if (!file) return 1;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    uint8_t *octets = malloc(size);
    if (fread(octets, 1, size, file) != (size_t)size) return 1;
    size_t datagrams = 0;
    struct iovec *vectors = malloc(size / 4 * sizeof *vectors);
    for (long at = 0; at + 4 <= size;) {
        uint32_t length;
        memcpy(&length, octets + at, 4);
        length = ntohl(length);
        vectors[datagrams++] = (struct iovec){octets + at + 4, length};
        at += 4 + length;
    }
    struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons(atoi(words[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int descriptors[sockets];
    for (int index = 0; index < sockets; index++) {
        descriptors[index] = socket(AF_INET, SOCK_DGRAM, 0);
        if (connect(descriptors[index], (struct sockaddr *)&target, sizeof target) != 0) return 1;
    }
    double rate = atof(words[3]), start = now(), end = start + atof(words[4]);
    uint64_t sent = 0;
    size_t next = 0;
    while (now() < end) {
        if (sent > (now() - start) * rate) {
            usleep(200);
            continue;
        }
        struct mmsghdr headers[batch] = {0};
        for (int index = 0; index < batch; index++) {
            headers[index].msg_hdr.msg_iov = &vectors[next];
            headers[index].msg_hdr.msg_iovlen = 1;
            next = (next + 1) % datagrams;
        }
        int done = sendmmsg(descriptors[sent / batch % sockets], headers, batch, 0);
        if (done > 0) sent += done;
    }
    printf("%llu\n", (unsigned long long)sent);
    return 0;
}
