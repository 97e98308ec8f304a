# Shared by textual include: the modules never cimport one another (see setup.py).
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t

cdef enum:
    NULL32 = -2147483648        # a missing 32-bit number
    OPEN_MIN = -2147483647      # an open lower bound
    OPEN_MAX = 2147483647       # an open upper bound

cdef int64_t NULL64 = -9223372036854775807 - 1
