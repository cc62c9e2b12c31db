#ifndef C_PROCESSOR_H
#define C_PROCESSOR_H

// What Swift has no word for: hints to the processor, which change no result.

// Asks for the line of the cache that an address lies in, to be written to soon. Any address will do: a hint does not fault.
static inline void processor_prefetch_for_write(const void *address) {
#if defined(__x86_64__)
    // Not the built-in, which is only a hint to read unless the compiler is told of a newer processor; older ones take this
    // for no operation.
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)address));
#else
    __builtin_prefetch(address, 1, 3);
#endif
}

// The same, to be read soon.
static inline void processor_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

#endif
