# distutils: language = c
"""Matching of signatures over columns of spells, without the GIL.

A predicate is a graph of instructions (tariff/engine/program.py): each tests one thing and names
where to go on true and on false; a target of -1 accepts and -2 rejects. Records are columns of a
matrix [field, record], NULL64 where a value is missing.
"""

include "common.pxi"

cdef enum:
    ACCEPT = -1
    REJECT = -2

cdef enum:
    OP_TABLE = 0        # the code is in a table
    OP_MISSING = 1
    OP_PRESENT = 2
    OP_SAME = 3         # a equals b, both there
    OP_RANGE = 4        # k0 <= a <= k1
    OP_DIFFERENCE = 5   # k0 <= a - b <= k1
    OP_APART = 6        # |a - b - k1| > k0
    OP_APART_FROM = 7   # |a - k0| > k1

cdef enum:
    C_OP = 0
    C_A = 1
    C_A_SIDE = 2
    C_B = 3
    C_B_SIDE = 4
    C_K0 = 5
    C_K1 = 6
    C_TABLE = 7
    C_TRUE = 8
    C_FALSE = 9
    WIDTH = 10


cdef inline bint _holds(
    const int64_t* program, const uint8_t* tables, const int64_t* cells, int64_t n,
    int64_t start, int64_t previous, int64_t current,
) noexcept nogil:
    """Walk one predicate for a record (previous == current) or a pair."""
    cdef int64_t at = start
    cdef int64_t a, b, difference
    cdef const int64_t* c
    cdef bint true
    while at >= 0:
        c = program + at * WIDTH
        a = cells[c[C_A] * n + (current if c[C_A_SIDE] else previous)]
        true = False
        if c[C_OP] == OP_TABLE:
            true = a != NULL64 and tables[c[C_TABLE] + a]
        elif c[C_OP] == OP_MISSING:
            true = a == NULL64
        elif c[C_OP] == OP_PRESENT:
            true = a != NULL64
        elif c[C_OP] == OP_RANGE:
            true = a != NULL64 and c[C_K0] <= a <= c[C_K1]
        elif c[C_OP] == OP_APART_FROM:
            if a != NULL64:
                difference = a - c[C_K0]
                true = difference > c[C_K1] or -difference > c[C_K1]
        else:
            b = cells[c[C_B] * n + (current if c[C_B_SIDE] else previous)]
            if a != NULL64 and b != NULL64:
                difference = a - b
                if c[C_OP] == OP_SAME:
                    true = difference == 0
                elif c[C_OP] == OP_DIFFERENCE:
                    true = c[C_K0] <= difference <= c[C_K1]
                else:
                    difference -= c[C_K1]
                    true = difference > c[C_K0] or -difference > c[C_K0]
        at = c[C_TRUE] if true else c[C_FALSE]
    return at == ACCEPT


def records(
    const int64_t[:, ::1] cells, const int64_t[:, ::1] program, const uint8_t[::1] tables,
    const int64_t[::1] rule_start, uint8_t[:, ::1] hits,
):
    """Test every record against every record rule: `hits` is [rule, record]."""
    cdef int64_t rule, i, n = cells.shape[1]
    if n == 0 or program.shape[0] == 0:
        return
    with nogil:
        for rule in range(rule_start.shape[0]):
            for i in range(n):
                hits[rule, i] = _holds(
                    &program[0, 0], &tables[0], &cells[0, 0], n, rule_start[rule], i, i
                )


def pairs(
    const int64_t[:, ::1] cells, const int64_t[:, ::1] program, const uint8_t[::1] tables,
    const int64_t[::1] rule_start, const int64_t[:, ::1] rule_relation,
    int admission, int discharge, const int64_t[::1] run_start,
    int64_t[:, ::1] out,
):
    """Find ordered pairs of records of one run (one patient).

    Records stand in order of admission, ties by later discharge. `rule_relation` is per rule: gap
    min, gap max, overlap min (NULL64: not asked), contains (0 or 1). Pairs go to `out` as (rule,
    previous, current) as far as it has room; gives how many there are.
    """
    cdef int64_t rule, run, i, j, gap, overlap, limit, count = 0
    cdef int64_t n = cells.shape[1], room = out.shape[0]
    cdef int64_t admitted_j, discharged_i, discharged_j
    cdef const int64_t* admitted
    cdef const int64_t* discharged
    if n == 0 or program.shape[0] == 0:
        return 0
    with nogil:
        admitted = &cells[admission, 0]
        discharged = &cells[discharge, 0]
        for rule in range(rule_start.shape[0]):
            # the widest gap at which a pair can still stand as asked
            if rule_relation[rule, 3]:
                limit = 0
            elif rule_relation[rule, 2] != NULL64:
                limit = max(0, -rule_relation[rule, 2])
            else:
                limit = rule_relation[rule, 1]
            for run in range(run_start.shape[0] - 1):
                for i in range(run_start[run], run_start[run + 1] - 1):
                    discharged_i = discharged[i]
                    if discharged_i == NULL64 or admitted[i] == NULL64:
                        continue
                    for j in range(i + 1, run_start[run + 1]):
                        admitted_j = admitted[j]
                        if admitted_j == NULL64:
                            continue
                        gap = admitted_j - discharged_i
                        if limit != NULL64 and gap > limit:
                            break
                        if rule_relation[rule, 0] != NULL64 and gap < rule_relation[rule, 0]:
                            continue
                        if rule_relation[rule, 1] != NULL64 and gap > rule_relation[rule, 1]:
                            continue
                        discharged_j = discharged[j]
                        if rule_relation[rule, 2] != NULL64:
                            if discharged_j == NULL64:
                                continue
                            overlap = (
                                discharged_i if discharged_i < discharged_j else discharged_j
                            ) - admitted_j
                            if overlap < rule_relation[rule, 2]:
                                continue
                        if rule_relation[rule, 3] and (
                            discharged_j == NULL64 or discharged_j > discharged_i
                        ):
                            continue
                        if _holds(
                            &program[0, 0], &tables[0], &cells[0, 0], n, rule_start[rule], i, j
                        ):
                            if count < room:
                                out[count, 0] = rule
                                out[count, 1] = i
                                out[count, 2] = j
                            count += 1
    return count


def tested(
    const int64_t[:, ::1] cells, const int64_t[:, ::1] program, const uint8_t[::1] tables,
    int64_t rule_start, const int64_t[::1] previous, const int64_t[::1] current,
    uint8_t[::1] hits,
):
    """Test given pairs against one predicate."""
    cdef int64_t k, n = cells.shape[1]
    if n == 0 or program.shape[0] == 0:
        return
    with nogil:
        for k in range(previous.shape[0]):
            hits[k] = _holds(
                &program[0, 0], &tables[0], &cells[0, 0], n, rule_start, previous[k], current[k]
            )
