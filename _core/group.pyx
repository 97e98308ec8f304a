# distutils: language = c
"""Grouping of episodes and spells to HRGs, docs/grouping.md, over columns and without the GIL.

Every array is prepared by `tariff.engine.group`; this module knows no rules, only tables.
One file, because the compiler inlines within a module only, and a third of it is the names of
columns and bits.
"""

include "common.pxi"

cdef enum:
    VALID = 0
    FIELD = 1
    SPELL = 2
    UZ01 = 3
    UZ02 = 4
    UZ03 = 5
    UZ04 = 6
    UZ05 = 7
    UZ06 = 8
    UZ15 = 9

cdef enum:
    GROUPED = 0
    DIAGNOSIS_NOT_MAPPED = 1
    ROOT_NOT_IN_DESIGN = 2
    CC_LIST_NOT_HELD = 3
    NO_SPLIT = 4

# bits of a code's flags, and the columns of its row: tariff/packs/grouping.py
cdef enum:
    CODE_VALID = 1
    NEVER_PRIMARY = 2           # of a diagnosis
    CHILD_PRIMARY = 4
    VAGUE_PRIMARY = 8
    IMPOSSIBLE_SITE = 16
    VAGUE_BURN = 32
    BURN = 64
    BURN_AREA = 128
    DEEP_BURN = 256
    DAGGER = 512                # of a pair whose asterisk code drives
    MAY_DRIVE = 2               # of a procedure
    INTERVENTION = 4
    NEVER_DOMINANT = 8
    VAGUE_DOMINANT = 16
    ACCOMPANIES = 32
    SHORT_STAY = 64             # drives a short stay only
    SERVICE_SHIFT = 16

cdef enum:
    FLAGS = 0
    ROOT = 1
    ROOT_CHILD = 2
    RANK = 3
    SITE = 4                    # of a diagnosis
    TRAUMA_SCORE = 5
    BURN_SCORE = 6
    D_ANY = 7                   # conditions it brings about
    ANY = 4                     # of a procedure: conditions it brings about
    NONE = 5                    # conditions it rules out
    TRAUMA_WORK = 6
    BURN_WORK = 7
    WIDTH = 8

cdef enum:
    IN_DESIGN = 1
    CC_NOT_HELD = 2
    CC_USED = 4

cdef enum:
    R_START = 0
    R_END = 1
    R_LIST = 2
    R_FLAGS = 3
    R_REDIRECT_START = 4
    R_REDIRECT_END = 5
    R_WIDTH = 6

cdef enum:
    S_HRG = 0
    S_CC_MIN = 1
    S_CC_MAX = 2
    S_AGE_MIN = 3
    S_AGE_MAX = 4
    S_INTERVENTIONS_MIN = 5
    S_INTERVENTIONS_MAX = 6
    S_STAY_MIN = 7
    S_STAY_MAX = 8
    S_INJURY_MIN = 9
    S_INJURY_MAX = 10
    S_CONDITIONS = 11
    S_WIDTH = 12

cdef enum:
    T_ORDER = 0
    T_TO = 1
    T_AGE_MIN = 2
    T_AGE_MAX = 3
    T_STAY_MIN = 4
    T_STAY_MAX = 5
    T_TESTS_START = 6
    T_TESTS_END = 7
    T_WIDTH = 8

cdef enum:
    OF_DRIVER = 0
    ANY_PROCEDURE = 1
    NO_PROCEDURE = 2
    OF_PRIMARY = 3
    ANY_DIAGNOSIS = 4
    NO_DIAGNOSIS = 5
    OF_SOURCE = 6


cdef struct Tables:
    # rows of codes by run id; id 0 is a blank
    const int32_t* d
    const int32_t* p
    int64_t n_dcodes
    int64_t n_pcodes
    const uint8_t* d_sets       # [set, code] of the redirects
    const uint8_t* p_sets
    const uint8_t* s_sets       # [set, admission source]
    const int32_t* pairs        # dagger, asterisk
    int64_t n_pairs
    int64_t n_sources
    const uint8_t* cc           # [list, code] scores
    # roots, splits, redirects
    const int32_t* roots
    const int32_t* splits
    const int32_t* redirects
    const int32_t* tests
    const int32_t* trauma_roots
    int n_trauma_roots
    const int32_t* burn_roots
    int n_burn_roots
    const int32_t* same_day_roots   # by service
    const uint8_t* same_day_class   # by patient classification
    uint32_t none_mask          # conditions true unless ruled out
    int32_t child_max_age
    int32_t short_stay_max
    # the rows of the extract
    const uint16_t* diag
    const uint16_t* oper
    const int64_t* perm
    int n_diag
    int n_oper
    # scratch: the last group of rows that met a code
    int64_t* d_stamp
    int64_t* p_stamp
    int64_t epoch


cdef struct Facts:
    # what stands around the codes
    int32_t age
    int32_t stay
    uint16_t source
    uint16_t classification
    uint32_t conditions         # of source and destination


cdef struct Choice:
    # what grouping decided, and why
    int32_t hrg
    int32_t root
    int32_t split
    int32_t cc
    int32_t interventions
    int32_t injury_score        # NULL32 but for multiple trauma and burns
    uint16_t code
    uint16_t primary            # of the dominant episode
    uint8_t flag                # b'P', b'D', b'G', b'M', b'B'
    uint8_t reason
    int32_t episode             # 0-based position in the spell
    bint vague                  # the dominant procedure is too vague to drive
    uint32_t seen               # flags of any diagnosis
    bint only_never_dominant    # there are procedures, and none of them may be dominant


cdef inline bint _within(int32_t value, int32_t low, int32_t high) noexcept nogil:
    if low == OPEN_MIN and high == OPEN_MAX:
        return True
    return value != NULL32 and low <= value <= high


cdef inline int32_t _root_for(const int32_t* row, bint child) noexcept nogil:
    # a row without a root counts as no row, whatever it has for children
    return row[ROOT_CHILD] if child and row[ROOT] >= 0 and row[ROOT_CHILD] >= 0 else row[ROOT]


cdef bint _split(
    const Tables* t, Choice* out, const Facts* facts, uint32_t conditions
) noexcept nogil:
    """Choose the row of the root: the first whose bounds and conditions all hold."""
    cdef int32_t row
    cdef const int32_t* r
    cdef const int32_t* root = t.roots + <int64_t>out.root * R_WIDTH
    out.hrg = -1
    out.split = -1
    if not root[R_FLAGS] & IN_DESIGN:
        out.reason = ROOT_NOT_IN_DESIGN
        return False
    if root[R_FLAGS] & CC_NOT_HELD and out.cc != NULL32:
        out.reason = CC_LIST_NOT_HELD
        return False
    for row in range(root[R_START], root[R_END]):
        r = t.splits + <int64_t>row * S_WIDTH
        if (
            _within(out.cc, r[S_CC_MIN], r[S_CC_MAX])
            and _within(facts.age, r[S_AGE_MIN], r[S_AGE_MAX])
            and _within(out.interventions, r[S_INTERVENTIONS_MIN], r[S_INTERVENTIONS_MAX])
            and _within(facts.stay, r[S_STAY_MIN], r[S_STAY_MAX])
            and _within(out.injury_score, r[S_INJURY_MIN], r[S_INJURY_MAX])
            and (<uint32_t>r[S_CONDITIONS] & ~conditions) == 0
        ):
            out.hrg = r[S_HRG]
            out.split = row
            out.reason = GROUPED
            return True
    out.reason = NO_SPLIT
    return False


cdef bint _any_diagnosis(
    const Tables* t, const uint8_t* members, uint16_t primary, int64_t first, int64_t last
) noexcept nogil:
    """Say whether a diagnosis other than the primary is in a set."""
    cdef int64_t e
    cdef int j
    cdef const uint16_t* codes
    for e in range(first, last):
        codes = t.diag + t.perm[e] * t.n_diag
        for j in range(t.n_diag):
            if codes[j] != primary and members[codes[j]]:
                return True
    return False


cdef bint _any_procedure(
    const Tables* t, const uint8_t* members, int64_t first, int64_t last
) noexcept nogil:
    cdef int64_t e
    cdef int j
    cdef const uint16_t* codes
    for e in range(first, last):
        codes = t.oper + t.perm[e] * t.n_oper
        for j in range(t.n_oper):
            if members[codes[j]]:
                return True
    return False


cdef bint _redirect_holds(
    const Tables* t, const int32_t* r, const Choice* out, const Facts* facts,
    int64_t first, int64_t last
) noexcept nogil:
    cdef int32_t i
    cdef int kind
    cdef int64_t which
    cdef bint held
    if not _within(facts.age, r[T_AGE_MIN], r[T_AGE_MAX]):
        return False
    if not _within(facts.stay, r[T_STAY_MIN], r[T_STAY_MAX]):
        return False
    for i in range(r[T_TESTS_START], r[T_TESTS_END]):
        kind = t.tests[2 * i]
        which = t.tests[2 * i + 1]
        if kind == OF_DRIVER:
            held = out.flag == b"P" and t.p_sets[which * t.n_pcodes + out.code]
        elif kind == ANY_PROCEDURE:
            held = _any_procedure(t, t.p_sets + which * t.n_pcodes, first, last)
        elif kind == NO_PROCEDURE:
            held = not _any_procedure(t, t.p_sets + which * t.n_pcodes, first, last)
        elif kind == OF_PRIMARY:
            held = t.d_sets[which * t.n_dcodes + out.primary]
        elif kind == ANY_DIAGNOSIS:
            held = _any_diagnosis(t, t.d_sets + which * t.n_dcodes, out.primary, first, last)
        elif kind == NO_DIAGNOSIS:
            held = not _any_diagnosis(t, t.d_sets + which * t.n_dcodes, out.primary, first, last)
        else:
            held = t.s_sets[which * t.n_sources + facts.source]
        if not held:
            return False
    return True


cdef void _redirect(
    const Tables* t, Choice* out, const Facts* facts, int64_t first, int64_t last
) noexcept nogil:
    """Follow the redirects, read once from top to bottom; each sees the root left before it."""
    cdef int32_t i, read = -1
    cdef const int32_t* r
    cdef const int32_t* root
    cdef bint moved = True
    while moved:
        moved = False
        root = t.roots + <int64_t>out.root * R_WIDTH
        for i in range(root[R_REDIRECT_START], root[R_REDIRECT_END]):
            r = t.redirects + <int64_t>i * T_WIDTH
            if r[T_ORDER] > read and _redirect_holds(t, r, out, facts, first, last):
                read = r[T_ORDER]
                out.root = r[T_TO]
                moved = True
                break


cdef void _injury_scores(
    Tables* t, Choice* out, int diagnosis, int procedure, int64_t first, int64_t last
) noexcept nogil:
    """Sum the scores of the distinct diagnoses and procedures, in the columns given."""
    cdef int64_t e
    cdef int j
    cdef uint16_t code
    t.epoch += 1
    out.cc = NULL32             # complications do not count
    out.injury_score = 0
    out.interventions = 0
    for e in range(first, last):
        for j in range(t.n_diag):
            code = t.diag[t.perm[e] * t.n_diag + j]
            if t.d_stamp[code] != t.epoch:
                t.d_stamp[code] = t.epoch
                out.injury_score += t.d[<int64_t>code * WIDTH + diagnosis]
        for j in range(t.n_oper):
            code = t.oper[t.perm[e] * t.n_oper + j]
            if t.p_stamp[code] != t.epoch:
                t.p_stamp[code] = t.epoch
                out.interventions += t.p[<int64_t>code * WIDTH + procedure]


cdef void _injury_split(
    const Tables* t, Choice* out, const Facts* facts, uint32_t conditions,
    const int32_t* roots, int n_roots
) noexcept nogil:
    """Choose among the roots of an injury, in their order; the first stands where none holds."""
    cdef int i
    for i in range(n_roots):
        out.root = roots[i]
        if _split(t, out, facts, conditions):
            return
    out.root = roots[0]
    out.reason = NO_SPLIT


cdef bint _multiple_trauma(
    const Tables* t, Choice* out, int64_t first, int64_t last
) noexcept nogil:
    """Find the first episode whose primary is an injury, where another site is injured too."""
    cdef int64_t e, f
    cdef int j
    cdef uint16_t primary
    cdef int32_t site, other
    for e in range(first, last):
        primary = t.diag[t.perm[e] * t.n_diag]
        site = t.d[<int64_t>primary * WIDTH + SITE]
        if site:
            for f in range(first, last):
                for j in range(t.n_diag):
                    other = t.d[<int64_t>t.diag[t.perm[f] * t.n_diag + j] * WIDTH + SITE]
                    if other and other != site:
                        out.code = primary
                        out.primary = primary
                        out.episode = <int32_t>(e - first)
                        return True
    return False


cdef uint16_t _driving_diagnosis(const Tables* t, const uint16_t* codes) noexcept nogil:
    """Give the primary diagnosis, or the asterisk code after it where the two are a pair."""
    cdef int j
    cdef int64_t i
    if t.n_diag == 0:
        return 0
    if t.d[<int64_t>codes[0] * WIDTH + FLAGS] & DAGGER:
        for j in range(1, t.n_diag):
            if codes[j]:
                for i in range(t.n_pairs):
                    if t.pairs[2 * i] == codes[0] and t.pairs[2 * i + 1] == codes[j]:
                        return codes[j]
                break
    return codes[0]


cdef void _group(
    Tables* t, Choice* out, const Facts* facts, int64_t first, int64_t last
) noexcept nogil:
    """Group the rows `first` to `last` of the permutation together: an episode, or a spell."""
    cdef int64_t e, strength, best = -1
    cdef int32_t rank = 0, service = 0, scanned
    cdef int32_t list_, where = 0
    cdef int j
    cdef uint16_t code
    cdef uint32_t conditions, flags, seen = 0, any_ = 0, none = 0
    cdef bint child = facts.age != NULL32 and facts.age <= t.child_max_age
    cdef bint injured = False, alone = True, there = False, may_dominate = False
    cdef const int32_t* row
    cdef const uint16_t* codes

    out.hrg = -1
    out.split = -1
    out.root = -1
    out.cc = 0
    out.interventions = 0
    out.injury_score = NULL32
    out.code = 0
    out.episode = 0
    out.vague = False
    out.reason = DIAGNOSIS_NOT_MAPPED

    # ---- one pass over the codes: the best procedure, the service, whether there are injuries
    for e in range(first, last):
        codes = t.oper + t.perm[e] * t.n_oper
        for j in range(t.n_oper):
            code = codes[j]
            if not code:
                continue
            row = t.p + <int64_t>code * WIDTH
            flags = row[FLAGS]
            if not flags & CODE_VALID:
                continue
            there = True
            if not flags & NEVER_DOMINANT:
                may_dominate = True
            any_ |= <uint32_t>row[ANY]
            none |= <uint32_t>row[NONE]
            if flags & MAY_DRIVE and row[RANK] > rank and not (
                flags & SHORT_STAY and facts.stay > t.short_stay_max
            ):
                rank = row[RANK]
                out.code = code
                out.episode = <int32_t>(e - first)
            scanned = flags >> SERVICE_SHIFT
            if scanned and service == 0:
                service = scanned
                where = <int32_t>(e - first)
            if not flags & ACCOMPANIES and (scanned == 0 or scanned != service):
                alone = False
        codes = t.diag + t.perm[e] * t.n_diag
        for j in range(t.n_diag):
            code = codes[j]
            if code:
                row = t.d + <int64_t>code * WIDTH
                seen |= <uint32_t>row[FLAGS]
                any_ |= <uint32_t>row[D_ANY]
                injured = injured or row[SITE] != 0
    out.seen = seen
    out.only_never_dominant = there and not may_dominate
    conditions = facts.conditions | any_ | (t.none_mask & ~none)

    # ---- multiple trauma, then burns, come before everything else
    if injured and t.n_trauma_roots and _multiple_trauma(t, out, first, last):
        out.flag = b"M"
        _injury_scores(t, out, TRAUMA_SCORE, TRAUMA_WORK, first, last)
        _injury_split(t, out, facts, conditions, t.trauma_roots, t.n_trauma_roots)
        return
    if seen & DEEP_BURN and t.n_burn_roots:
        out.flag = b"B"
        for e in range(first, last):
            for j in range(t.n_diag):
                code = t.diag[t.perm[e] * t.n_diag + j]
                if t.d[<int64_t>code * WIDTH + FLAGS] & DEEP_BURN:
                    out.code = code
                    out.episode = <int32_t>(e - first)
                    out.primary = t.diag[t.perm[e] * t.n_diag]
                    _injury_scores(t, out, BURN_SCORE, BURN_WORK, first, last)
                    _injury_split(t, out, facts, conditions, t.burn_roots, t.n_burn_roots)
                    return

    # ---- a procedure drives; else the day is one service; else a primary diagnosis drives
    if rank:
        out.flag = b"P"
        row = t.p + <int64_t>out.code * WIDTH
        out.root = _root_for(row, child)
        out.vague = (row[FLAGS] & VAGUE_DOMINANT) != 0
    elif (
        service and alone and facts.stay == 0 and t.same_day_class[facts.classification]
        and t.same_day_roots[service] >= 0
    ):
        out.flag = b"G"
        out.episode = where
        out.root = t.same_day_roots[service]
        for j in range(t.n_oper):
            code = t.oper[t.perm[first + where] * t.n_oper + j]
            if t.p[<int64_t>code * WIDTH + FLAGS] >> SERVICE_SHIFT == service:
                out.code = code
                break
    else:
        out.flag = b"D"
        for e in range(first, last):
            code = _driving_diagnosis(t, t.diag + t.perm[e] * t.n_diag)
            row = t.d + <int64_t>code * WIDTH
            strength = 0
            if row[ROOT] >= 0:
                strength = (<int64_t>1 << 32) + row[RANK]
            if strength > best:
                best = strength
                out.code = code
                out.episode = <int32_t>(e - first)
        out.root = _root_for(t.d + <int64_t>out.code * WIDTH, child)
    out.primary = t.diag[t.perm[first + out.episode] * t.n_diag] if t.n_diag else 0
    if out.root < 0:
        return
    if out.flag != b"G":
        _redirect(t, out, facts, first, last)

    # ---- CC score and interventions
    row = t.roots + <int64_t>out.root * R_WIDTH
    list_ = row[R_LIST] if row[R_FLAGS] & CC_USED else -1
    t.epoch += 1
    if list_ >= 0:
        t.d_stamp[out.primary] = t.epoch
        if out.flag == b"D":
            t.d_stamp[out.code] = t.epoch
        for e in range(first, last):
            for j in range(t.n_diag):
                code = t.diag[t.perm[e] * t.n_diag + j]
                if code and t.d_stamp[code] != t.epoch:
                    t.d_stamp[code] = t.epoch
                    out.cc += t.cc[list_ * t.n_dcodes + code]
    if out.flag == b"P":
        t.p_stamp[out.code] = t.epoch
    for e in range(first, last):
        for j in range(t.n_oper):
            code = t.oper[t.perm[e] * t.n_oper + j]
            if code and t.p_stamp[code] != t.epoch:
                t.p_stamp[code] = t.epoch
                if t.p[<int64_t>code * WIDTH + FLAGS] & INTERVENTION:
                    out.interventions += 1
    _split(t, out, facts, conditions)


def group(
    # what to group: spells by index, their rows through the permutation
    const int64_t[::1] which,
    const int64_t[::1] spell_start,
    const int64_t[::1] perm,
    bint spell_checks,
    # columns of the rows
    const uint16_t[:, ::1] diag,
    const uint16_t[:, ::1] oper,
    const uint16_t[:, ::1] code_fields,
    const int32_t[:, ::1] numbers,
    const int32_t[::1] stay_of_row,
    # validation
    const uint8_t[::1] accepted,
    const int64_t[::1] accepted_start,
    const int32_t[:, ::1] number_rules,      # per number: min, max, blank accepted, also ...
    const int32_t[::1] same_fields,
    int field_source, int field_destination, int field_classification,
    int number_age, int number_order,
    bint order_checked,
    # codes
    const int32_t[:, ::1] d, const int32_t[:, ::1] p,
    const uint8_t[:, ::1] d_sets, const uint8_t[:, ::1] p_sets, const uint8_t[:, ::1] s_sets,
    const int32_t[:, ::1] pairs,
    const uint8_t[:, ::1] cc,
    uint32_t none_mask,
    # design
    const int32_t[:, ::1] roots, const int32_t[:, ::1] splits,
    const int32_t[:, ::1] redirects, const int32_t[:, ::1] tests,
    const int32_t[::1] trauma_roots, const int32_t[::1] burn_roots,
    const int32_t[::1] same_day_roots, const uint8_t[::1] same_day_class,
    int32_t child_max_age, int32_t short_stay_max, int32_t perinatal_max_age, int32_t error_hrg,
    bint invalid_secondary_is_error, bint only_never_dominant_is_error,
    const uint32_t[::1] source_conditions, const uint32_t[::1] destination_conditions,
    # scratch, one set a thread
    int64_t[::1] d_stamp, int64_t[::1] p_stamp,
    # results by row
    int32_t[::1] row_hrg, uint8_t[::1] row_flag, uint16_t[::1] row_code, int32_t[::1] row_cc,
    uint8_t[::1] row_category, uint32_t[::1] row_errors, uint8_t[::1] row_reason,
    # results by spell
    int32_t[::1] spell_hrg, uint8_t[::1] spell_flag, uint16_t[::1] spell_code,
    int32_t[::1] spell_cc, uint8_t[::1] spell_category, uint8_t[::1] spell_reason,
    int32_t[::1] spell_episode, int32_t[::1] spell_root, int32_t[::1] spell_split,
    int32_t[::1] spell_interventions, int32_t[::1] spell_stay,
):
    """Group the spells named in `which`, and each of their episodes.

    Parameters are C-contiguous; `diag` and `oper` are [row, position] run ids of codes (0 blank),
    `code_fields` and `numbers` are [field, row]. Results are written in place: `row_*` by row,
    `spell_*` by spell index. `spell_checks` off leaves out the tests between the episodes of a
    spell (for spells merged by a remedy). Nothing is allocated.
    """
    cdef Tables t
    cdef Facts facts
    cdef int64_t k, s, first, last, e, row, i, j
    cdef int64_t n_which = which.shape[0]
    cdef int n_diag = diag.shape[1], n_oper = oper.shape[1]
    cdef int n_codes = code_fields.shape[0], n_numbers = numbers.shape[0]
    cdef int n_same = same_fields.shape[0]
    cdef int f
    cdef uint16_t primary
    cdef uint8_t category, spell_wide
    cdef uint32_t errors, flags
    cdef int32_t age, value, stay, total_stay
    cdef bint known_stay
    cdef Choice c

    if n_which == 0:
        return
    t.d = &d[0, 0]
    t.p = &p[0, 0]
    t.n_dcodes = d.shape[0]
    t.n_pcodes = p.shape[0]
    t.d_sets = &d_sets[0, 0]
    t.p_sets = &p_sets[0, 0]
    t.s_sets = &s_sets[0, 0]
    t.n_sources = s_sets.shape[1]
    t.pairs = &pairs[0, 0]
    t.n_pairs = pairs.shape[0]
    t.cc = &cc[0, 0]
    t.roots = &roots[0, 0]
    t.splits = &splits[0, 0]
    t.redirects = &redirects[0, 0]
    t.tests = &tests[0, 0]
    t.n_trauma_roots = <int>trauma_roots.shape[0]
    t.trauma_roots = &trauma_roots[0] if t.n_trauma_roots else NULL
    t.n_burn_roots = <int>burn_roots.shape[0]
    t.burn_roots = &burn_roots[0] if t.n_burn_roots else NULL
    t.same_day_roots = &same_day_roots[0]
    t.same_day_class = &same_day_class[0]
    t.none_mask = none_mask
    t.child_max_age = child_max_age
    t.short_stay_max = short_stay_max
    t.diag = &diag[0, 0] if n_diag and diag.shape[0] else NULL
    t.oper = &oper[0, 0] if n_oper and oper.shape[0] else NULL
    t.perm = &perm[0]
    t.n_diag = n_diag
    t.n_oper = n_oper
    t.d_stamp = &d_stamp[0]
    t.p_stamp = &p_stamp[0]
    t.epoch = 0

    with nogil:
        for k in range(n_which):
            s = which[k]
            first = spell_start[s]
            last = spell_start[s + 1]

            # ---- tests between the episodes of the spell: they mark every one of them
            spell_wide = 0
            if spell_checks and last - first > 1:
                row = perm[first]
                for e in range(first + 1, last):
                    for i in range(n_same):
                        f = same_fields[i]
                        if code_fields[f, perm[e]] != code_fields[f, row]:
                            spell_wide = 1
                            break
                    if spell_wide:
                        break
                    if order_checked and numbers[number_order, perm[e]] != NULL32 and (
                        numbers[number_order, perm[e]] == numbers[number_order, perm[e - 1]]
                    ):
                        spell_wide = 1
                        break

            # ---- each episode
            category = VALID
            total_stay = 0
            known_stay = True
            for e in range(first, last):
                row = perm[e]
                errors = 0
                for f in range(n_codes):
                    if not accepted[accepted_start[f] + code_fields[f, row]]:
                        errors |= <uint32_t>1 << f
                for f in range(n_numbers):
                    value = numbers[f, row]
                    if value == NULL32:
                        if not number_rules[f, 2]:
                            errors |= <uint32_t>1 << (n_codes + f)
                    elif value < number_rules[f, 0] or value > number_rules[f, 1]:
                        for j in range(3, number_rules.shape[1]):
                            if value == number_rules[f, j]:
                                break
                        else:
                            errors |= <uint32_t>1 << (n_codes + f)
                age = numbers[number_age, row]
                primary = diag[row, 0] if n_diag else 0
                flags = d[primary, FLAGS]
                if not flags & CODE_VALID:
                    errors |= <uint32_t>1 << (n_codes + n_numbers)
                if invalid_secondary_is_error:
                    for j in range(1, n_diag):
                        if diag[row, j] and not d[diag[row, j], FLAGS] & CODE_VALID:
                            errors |= <uint32_t>1 << (n_codes + n_numbers + 1)
                    for j in range(n_oper):
                        if oper[row, j] and not p[oper[row, j], FLAGS] & CODE_VALID:
                            errors |= <uint32_t>1 << (n_codes + n_numbers + 2)
                row_errors[row] = errors

                stay = stay_of_row[row]
                if stay == NULL32:
                    known_stay = False
                else:
                    total_stay += stay
                facts.age = age
                facts.stay = stay
                facts.source = code_fields[field_source, row]
                facts.classification = code_fields[field_classification, row]
                facts.conditions = (
                    source_conditions[facts.source]
                    | destination_conditions[code_fields[field_destination, row]]
                )
                _group(&t, &c, &facts, e, e + 1)

                if errors:
                    row_category[row] = FIELD
                elif spell_wide:
                    row_category[row] = SPELL
                elif flags & NEVER_PRIMARY:
                    row_category[row] = UZ01
                elif flags & VAGUE_PRIMARY:
                    row_category[row] = UZ02
                elif flags & CHILD_PRIMARY and age != NULL32 and age > perinatal_max_age:
                    row_category[row] = UZ03
                elif flags & IMPOSSIBLE_SITE:
                    row_category[row] = UZ04
                elif flags & VAGUE_BURN or (c.seen & BURN and not c.seen & BURN_AREA):
                    row_category[row] = UZ15
                elif only_never_dominant_is_error and c.only_never_dominant:
                    row_category[row] = UZ05
                elif c.flag == b"P" and c.vague:
                    row_category[row] = UZ06
                else:
                    row_category[row] = VALID
                if category == VALID:
                    category = row_category[row]

                if row_category[row] != VALID:
                    row_hrg[row] = error_hrg
                    row_flag[row] = b"U"
                    row_code[row] = 0
                    row_cc[row] = 0
                    row_reason[row] = GROUPED
                else:
                    row_hrg[row] = c.hrg
                    row_flag[row] = c.flag
                    row_code[row] = c.code
                    row_cc[row] = c.cc
                    row_reason[row] = c.reason

            # ---- the spell
            spell_stay[s] = total_stay if known_stay else NULL32
            spell_category[s] = category
            if category != VALID:
                spell_hrg[s] = error_hrg
                spell_flag[s] = b"U"
                spell_code[s] = 0
                spell_cc[s] = 0
                spell_reason[s] = GROUPED
                spell_episode[s] = 0
                spell_root[s] = -1
                spell_split[s] = -1
                spell_interventions[s] = 0
                continue
            if last - first > 1:
                row = perm[first]
                facts.age = numbers[number_age, row]
                facts.stay = spell_stay[s]
                facts.source = code_fields[field_source, row]
                facts.classification = code_fields[field_classification, row]
                facts.conditions = (
                    source_conditions[facts.source]
                    | destination_conditions[code_fields[field_destination, perm[last - 1]]]
                )
                _group(&t, &c, &facts, first, last)
            spell_hrg[s] = c.hrg
            spell_flag[s] = c.flag
            spell_code[s] = c.code
            spell_cc[s] = c.cc
            spell_reason[s] = c.reason
            spell_episode[s] = c.episode + 1
            spell_root[s] = c.root
            spell_split[s] = c.split
            spell_interventions[s] = c.interventions
