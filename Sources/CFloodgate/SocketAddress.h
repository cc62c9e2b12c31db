#ifndef SOCKET_ADDRESS_H
#define SOCKET_ADDRESS_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/// Fills in an address of 4 or 16 octets and a port in host order; returns the length of the structure, 0 for neither.
socklen_t floodgate_socket_address(struct sockaddr_in6 *target, const uint8_t *address, int address_length, uint16_t port);

#endif
