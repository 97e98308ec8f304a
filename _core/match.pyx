# distutils: language = c
"""Matching of signatures over columns of records, without the GIL.

A predicate is a graph of instructions (tariff/engine/program.py): each tests one thing and names
where to go on true and on false; a target of -1 accepts and -2 rejects. At a join a walk stops and
gives the instruction it stands at: the caller looks the join up and lets it go on from there.

Records are columns of a matrix [field, record], NULL64 where a value is missing. Of a field of
several values the cell is a place in a pool: how many there are, then their ids in order.
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
    OP_ANY = 8          # one of several codes is in a table
    OP_SHARES = 9       # two fields of several codes have one in common
    OP_JOIN = 10        # the walk stops here

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

cdef enum:  # how the records of a pair stand to each other: bounds, NULL64 where not asked
    R_GAP_MIN = 0
    R_GAP_MAX = 1
    R_OVERLAP_MIN = 2
    R_CONTAINS = 3      # 0 or 1
    R_MINUTES_MIN = 4
    R_MINUTES_MAX = 5
    R_STARTS_MIN = 6
    R_STARTS_MAX = 7

cdef struct Side:
    const int64_t* cells
    int64_t n
    const int64_t* pool


cdef inline bint _shared(const int64_t* one, const int64_t* other) noexcept nogil:
    """Whether two ordered lists, each after its length, have a value in common."""
    cdef int64_t i = 1, j = 1
    while i <= one[0] and j <= other[0]:
        if one[i] == other[j]:
            return True
        if one[i] < other[j]:
            i += 1
        else:
            j += 1
    return False


cdef inline int64_t _walk(
    const int64_t* program, const uint8_t* tables, const Side* side0, const Side* side1,
    int64_t at, int64_t i0, int64_t i1,
) noexcept nogil:
    """Walk one predicate from an instruction on: ACCEPT, REJECT, or the join it stops at."""
    cdef int64_t a, b, k, difference
    cdef const int64_t* c
    cdef const int64_t* held
    cdef const Side* side
    cdef bint true
    while at >= 0:
        c = program + at * WIDTH
        if c[C_OP] == OP_JOIN:
            return at
        if c[C_A_SIDE]:
            side = side1
            a = side.cells[c[C_A] * side.n + i1]
        else:
            side = side0
            a = side.cells[c[C_A] * side.n + i0]
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
        elif c[C_OP] == OP_ANY:
            if a != NULL64:
                held = side.pool + a
                for k in range(1, held[0] + 1):
                    if tables[c[C_TABLE] + held[k]]:
                        true = True
                        break
        else:
            if c[C_B_SIDE]:
                b = side1.cells[c[C_B] * side1.n + i1]
            else:
                b = side0.cells[c[C_B] * side0.n + i0]
            if a != NULL64 and b != NULL64:
                difference = a - b
                if c[C_OP] == OP_SAME:
                    true = difference == 0
                elif c[C_OP] == OP_DIFFERENCE:
                    true = c[C_K0] <= difference <= c[C_K1]
                elif c[C_OP] == OP_SHARES:
                    true = _shared(
                        side.pool + a, (side1.pool if c[C_B_SIDE] else side0.pool) + b
                    )
                else:
                    difference -= c[C_K1]
                    true = difference > c[C_K0] or -difference > c[C_K0]
        at = c[C_TRUE] if true else c[C_FALSE]
    return at


cdef inline Side _side(const int64_t[:, ::1] cells, const int64_t[::1] pool) noexcept:
    cdef Side side
    side.cells = &cells[0, 0] if cells.shape[0] and cells.shape[1] else NULL
    side.n = cells.shape[1]
    side.pool = &pool[0] if pool.shape[0] else NULL
    return side


def records(
    const int64_t[:, ::1] cells, const int64_t[::1] pool,
    const int64_t[:, ::1] program, const uint8_t[::1] tables,
    const int64_t[::1] rule_start, int32_t[:, ::1] at,
):
    """Walk every rule for every record: `at` [rule, record] is where each walk ended."""
    cdef int64_t rule, i, n = cells.shape[1]
    cdef Side side = _side(cells, pool)
    with nogil:
        for rule in range(rule_start.shape[0]):
            for i in range(n):
                at[rule, i] = <int32_t>_walk(
                    &program[0, 0], &tables[0], &side, &side, rule_start[rule], i, i
                )


def walked(
    const int64_t[:, ::1] cells0, const int64_t[::1] pool0,
    const int64_t[:, ::1] cells1, const int64_t[::1] pool1,
    const int64_t[:, ::1] program, const uint8_t[::1] tables,
    const int64_t[::1] places0, const int64_t[::1] places1, int64_t[::1] at,
):
    """Let walks of pairs of records, by their places in the cells, go on from where they are."""
    cdef int64_t k
    cdef Side side0 = _side(cells0, pool0), side1 = _side(cells1, pool1)
    with nogil:
        for k in range(places0.shape[0]):
            at[k] = _walk(
                &program[0, 0], &tables[0], &side0, &side1, at[k], places0[k], places1[k]
            )


def counted(
    const int64_t[:, ::1] others, const int64_t[::1] other_pool, const int64_t[::1] other_number,
    const int64_t[:, ::1] these, const int64_t[::1] this_pool, const int64_t[::1] this_number,
    const int64_t[:, ::1] program, const uint8_t[::1] tables, int64_t start,
    const int64_t[::1] low, const int64_t[::1] high,
    int64_t at_least, int64_t at_most, uint8_t[::1] holds,
):
    """Say of which records the others in [low, high) that meet a predicate are as many as asked.

    A record is not joined with itself: the numbers tell. Counting ends once the answer is known;
    at_most below 0 is no bound.
    """
    cdef int64_t k, j, count, enough
    cdef Side side0 = _side(others, other_pool), side1 = _side(these, this_pool)
    enough = at_least if at_most < 0 else at_most + 1
    with nogil:
        for k in range(low.shape[0]):
            count = 0
            if enough > 0:
                for j in range(low[k], high[k]):
                    if other_number[j] != this_number[k] and _walk(
                        &program[0, 0], &tables[0], &side0, &side1, start, j, k
                    ) == ACCEPT:
                        count += 1
                        if count >= enough:
                            break
            holds[k] = count >= at_least and (at_most < 0 or count <= at_most)


def found(
    const int64_t[:, ::1] others, const int64_t[::1] other_pool, const int64_t[::1] other_number,
    const int64_t[:, ::1] these, const int64_t[::1] this_pool, const int64_t[::1] this_number,
    const int64_t[:, ::1] program, const uint8_t[::1] tables, int64_t start,
    const int64_t[::1] low, const int64_t[::1] high, int64_t[:, ::1] out,
):
    """Write (record, other) of every pair that meets a predicate, as far as `out` has room.

    Gives how many there are.
    """
    cdef int64_t k, j, count = 0, room = out.shape[0]
    cdef Side side0 = _side(others, other_pool), side1 = _side(these, this_pool)
    with nogil:
        for k in range(low.shape[0]):
            for j in range(low[k], high[k]):
                if other_number[j] != this_number[k] and _walk(
                    &program[0, 0], &tables[0], &side0, &side1, start, j, k
                ) == ACCEPT:
                    if count < room:
                        out[count, 0] = k
                        out[count, 1] = j
                    count += 1
    return count


cdef inline bint _outside(int64_t value, int64_t low, int64_t high) noexcept nogil:
    return (low != NULL64 and value < low) or (high != NULL64 and value > high)


cdef inline bint _stands(
    const int64_t* asked, int64_t first_i, int64_t last_i, int64_t end_i,
    int64_t first_j, int64_t last_j, int64_t start_j,
) noexcept nogil:
    """Whether a record j stands to the one before it, i, as asked; both have a first day."""
    cdef int64_t overlap
    if asked[R_GAP_MIN] != NULL64 or asked[R_GAP_MAX] != NULL64:
        if last_i == NULL64 or _outside(first_j - last_i, asked[R_GAP_MIN], asked[R_GAP_MAX]):
            return False
    if asked[R_STARTS_MIN] != NULL64 or asked[R_STARTS_MAX] != NULL64:
        if _outside(first_j - first_i, asked[R_STARTS_MIN], asked[R_STARTS_MAX]):
            return False
    if asked[R_MINUTES_MIN] != NULL64 or asked[R_MINUTES_MAX] != NULL64:
        if end_i == NULL64 or start_j == NULL64 or _outside(
            start_j - end_i, asked[R_MINUTES_MIN], asked[R_MINUTES_MAX]
        ):
            return False
    if asked[R_OVERLAP_MIN] != NULL64:
        if last_i == NULL64 or last_j == NULL64:
            return False
        overlap = (last_i if last_i < last_j else last_j) - first_j
        if overlap < asked[R_OVERLAP_MIN]:
            return False
    if asked[R_CONTAINS]:
        if last_i == NULL64 or last_j == NULL64 or first_j > last_i or last_j > last_i:
            return False
        if last_j < first_i:  # it ends before it begins: wholly inside nothing
            return False
    return True


def pairs(
    const int64_t[:, ::1] cells, const int64_t[::1] pool,
    const int64_t[:, ::1] program, const uint8_t[::1] tables,
    const int64_t[::1] rule_start, const int64_t[:, ::1] relation, const int64_t[:, ::1] reach,
    int first, int last, int start_at, int end_at,
    const int64_t[::1] run_start, int64_t[:, ::1] out,
):
    """Find ordered pairs of records of one run (one patient).

    Records stand in order, by first day (a missing one last). `relation` [rule, bound] says how
    they are to stand to each other; `reach` [rule]: the widest gap, and the most days from first
    day to first day, at which they still can (NULL64: any). `first`, `last`, `start_at` and
    `end_at` are rows of the cells. (rule, previous, current, where the walk ended) go to `out` as
    far as it has room; gives how many there are.
    """
    cdef int64_t rule, run, i, j, at, count = 0
    cdef int64_t n = cells.shape[1], room = out.shape[0]
    cdef Side side = _side(cells, pool)
    cdef const int64_t* firsts
    cdef const int64_t* lasts
    cdef const int64_t* starts
    cdef const int64_t* ends
    if n == 0:
        return 0
    with nogil:
        firsts = &cells[first, 0]
        lasts = &cells[last, 0]
        starts = &cells[start_at, 0]
        ends = &cells[end_at, 0]
        for rule in range(rule_start.shape[0]):
            for run in range(run_start.shape[0] - 1):
                for i in range(run_start[run], run_start[run + 1] - 1):
                    if firsts[i] == NULL64:
                        break
                    if reach[rule, 0] != NULL64 and lasts[i] == NULL64:
                        continue
                    for j in range(i + 1, run_start[run + 1]):
                        if firsts[j] == NULL64:
                            break
                        if reach[rule, 0] != NULL64 and firsts[j] - lasts[i] > reach[rule, 0]:
                            break
                        if reach[rule, 1] != NULL64 and firsts[j] - firsts[i] > reach[rule, 1]:
                            break
                        if not _stands(
                            &relation[rule, 0], firsts[i], lasts[i], ends[i],
                            firsts[j], lasts[j], starts[j],
                        ):
                            continue
                        at = _walk(
                            &program[0, 0], &tables[0], &side, &side, rule_start[rule], i, j
                        )
                        if at != REJECT:
                            if count < room:
                                out[count, 0] = rule
                                out[count, 1] = i
                                out[count, 2] = j
                                out[count, 3] = at
                            count += 1
    return count
