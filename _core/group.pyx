# distutils: language = c
"""Grouping of episodes and spells to HRGs, docs/grouping.md, over columns and without the GIL.

Every array is prepared by `tariff.engine.group`; this module knows no rules, only tables.
"""

include "common.pxi"

cdef enum:
    VALID = 0
    FIELD = 1
    SPELL = 2
    UZ01 = 3
    UZ03 = 4

cdef enum:
    GROUPED = 0
    DIAGNOSIS_NOT_MAPPED = 1
    ROOT_NOT_IN_DESIGN = 2
    CC_LIST_NOT_HELD = 3
    NO_SPLIT = 4

cdef enum:
    CODE_VALID = 1
    NEVER_PRIMARY = 2
    CHILD_PRIMARY = 4
    MAY_DRIVE = 8
    INTERVENTION = 16

cdef enum:
    IN_DESIGN = 1
    CC_NOT_HELD = 2
    CC_USED = 4

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
    S_CONDITIONS = 9
    S_UNSUPPORTED = 10


cdef struct Tables:
    # codes, by run id; id 0 is a blank
    const uint8_t* d_flags
    const int32_t* d_root
    const int32_t* d_root_child
    const int32_t* d_rank
    const uint8_t* p_flags
    const int32_t* p_root
    const int32_t* p_root_child
    const int32_t* p_rank
    const uint32_t* p_any       # conditions that a code brings about
    const uint32_t* p_none      # conditions that a code rules out
    uint32_t none_mask          # conditions true unless ruled out
    const uint8_t* cc           # [list, code] scores
    int64_t n_dcodes
    # roots and splits
    const int32_t* root_start
    const int32_t* root_end
    const int32_t* root_list
    const uint8_t* root_flags
    const int32_t* splits
    int split_width
    int32_t child_max_age
    int32_t perinatal_max_age
    int32_t error_hrg
    const uint32_t* source_conditions
    const uint32_t* destination_conditions


cdef struct Choice:
    # what grouping decided, and why
    int32_t hrg
    int32_t root
    int32_t split
    int32_t cc
    int32_t interventions
    uint16_t code
    uint8_t flag                # b'P', b'D', b'U' or 0
    uint8_t reason
    int32_t episode             # 0-based position in the spell


cdef inline bint _within(int32_t value, int32_t low, int32_t high) noexcept nogil:
    if low == OPEN_MIN and high == OPEN_MAX:
        return True
    return value != NULL32 and low <= value <= high


cdef inline bint _child(const Tables* t, int32_t age) noexcept nogil:
    return age != NULL32 and age <= t.child_max_age


cdef void _split(
    const Tables* t, Choice* out, int32_t age, int32_t stay, uint32_t conditions
) noexcept nogil:
    """Choose the row of the root: the first whose bounds and conditions all hold."""
    cdef int32_t row
    cdef const int32_t* r
    cdef uint8_t flags = t.root_flags[out.root]
    out.hrg = -1
    out.split = -1
    if not flags & IN_DESIGN:
        out.reason = ROOT_NOT_IN_DESIGN
        return
    if flags & CC_NOT_HELD:
        out.reason = CC_LIST_NOT_HELD
        return
    for row in range(t.root_start[out.root], t.root_end[out.root]):
        r = t.splits + <int64_t>row * t.split_width
        if r[S_UNSUPPORTED]:
            continue
        if (
            _within(out.cc, r[S_CC_MIN], r[S_CC_MAX])
            and _within(age, r[S_AGE_MIN], r[S_AGE_MAX])
            and _within(out.interventions, r[S_INTERVENTIONS_MIN], r[S_INTERVENTIONS_MAX])
            and _within(stay, r[S_STAY_MIN], r[S_STAY_MAX])
            and (<uint32_t>r[S_CONDITIONS] & ~conditions) == 0
        ):
            out.hrg = r[S_HRG]
            out.split = row
            out.reason = GROUPED
            return
    out.reason = NO_SPLIT


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
    int field_source, int field_destination,
    int number_age, int number_order,
    bint order_checked,
    # codes
    const uint8_t[::1] d_flags, const int32_t[::1] d_root, const int32_t[::1] d_root_child,
    const int32_t[::1] d_rank,
    const uint8_t[::1] p_flags, const int32_t[::1] p_root, const int32_t[::1] p_root_child,
    const int32_t[::1] p_rank, const uint32_t[::1] p_any, const uint32_t[::1] p_none,
    uint32_t none_mask,
    const uint8_t[:, ::1] cc,
    # design
    const int32_t[::1] root_start, const int32_t[::1] root_end, const int32_t[::1] root_list,
    const uint8_t[::1] root_flags, const int32_t[:, ::1] splits,
    int32_t child_max_age, int32_t perinatal_max_age, int32_t error_hrg,
    bint invalid_secondary_is_error,
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
    cdef int64_t k, s, first, last, e, row, i, j, epoch = 0
    cdef int64_t n_which = which.shape[0]
    cdef int n_diag = diag.shape[1], n_oper = oper.shape[1]
    cdef int n_codes = code_fields.shape[0], n_numbers = numbers.shape[0]
    cdef int n_same = same_fields.shape[0]
    cdef int f
    cdef uint16_t code, primary
    cdef uint8_t flags, category, spell_wide
    cdef uint32_t errors, conditions, seen_any, seen_none
    cdef int32_t age, spell_age, value, stay, total_stay, rank, list_
    cdef int64_t strength, best     # of a driver: procedure, mapped diagnosis, then the rank
    cdef bint known_stay
    cdef Choice c, w
    cdef int64_t d_epoch

    if n_which == 0:
        return
    t.d_flags = &d_flags[0]
    t.d_root = &d_root[0]
    t.d_root_child = &d_root_child[0]
    t.d_rank = &d_rank[0]
    t.p_flags = &p_flags[0]
    t.p_root = &p_root[0]
    t.p_root_child = &p_root_child[0]
    t.p_rank = &p_rank[0]
    t.p_any = &p_any[0]
    t.p_none = &p_none[0]
    t.none_mask = none_mask
    t.cc = &cc[0, 0]
    t.n_dcodes = cc.shape[1]
    t.root_start = &root_start[0]
    t.root_end = &root_end[0]
    t.root_list = &root_list[0]
    t.root_flags = &root_flags[0]
    t.splits = &splits[0, 0]
    t.split_width = <int>splits.shape[1]
    t.child_max_age = child_max_age
    t.perinatal_max_age = perinatal_max_age
    t.error_hrg = error_hrg
    t.source_conditions = &source_conditions[0]
    t.destination_conditions = &destination_conditions[0]

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
            w.reason = DIAGNOSIS_NOT_MAPPED
            w.flag = 0
            w.hrg = -1
            w.root = -1
            w.split = -1
            w.code = 0
            w.episode = -1
            w.cc = 0
            w.interventions = 0
            best = -1
            category = VALID
            total_stay = 0
            known_stay = True
            spell_age = numbers[number_age, perm[first]]
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
                flags = t.d_flags[primary]
                if not flags & CODE_VALID:
                    errors |= <uint32_t>1 << (n_codes + n_numbers)
                if invalid_secondary_is_error:
                    for j in range(1, n_diag):
                        if diag[row, j] and not t.d_flags[diag[row, j]] & CODE_VALID:
                            errors |= <uint32_t>1 << (n_codes + n_numbers + 1)
                    for j in range(n_oper):
                        if oper[row, j] and not t.p_flags[oper[row, j]] & CODE_VALID:
                            errors |= <uint32_t>1 << (n_codes + n_numbers + 2)
                row_errors[row] = errors
                if errors:
                    row_category[row] = FIELD
                elif spell_wide:
                    row_category[row] = SPELL
                elif flags & NEVER_PRIMARY:
                    row_category[row] = UZ01
                elif flags & CHILD_PRIMARY and age != NULL32 and age > t.perinatal_max_age:
                    row_category[row] = UZ03
                else:
                    row_category[row] = VALID
                if category == VALID:
                    category = row_category[row]

                stay = stay_of_row[row]
                if stay == NULL32:
                    known_stay = False
                else:
                    total_stay += stay

                # the driver of the episode
                c.flag = 0
                c.root = -1
                c.code = 0
                rank = 0
                for j in range(n_oper):
                    code = oper[row, j]
                    if code and t.p_flags[code] & MAY_DRIVE and t.p_rank[code] > rank:
                        rank = t.p_rank[code]
                        c.code = code
                if rank:
                    c.flag = b"P"
                    c.root = t.p_root[c.code]
                    if _child(&t, age) and t.p_root_child[c.code] >= 0:
                        c.root = t.p_root_child[c.code]
                    strength = (<int64_t>2 << 32) + rank
                else:
                    c.flag = b"D"
                    c.code = primary
                    strength = 0
                    if t.d_root[primary] >= 0:
                        c.root = t.d_root[primary]
                        if _child(&t, age) and t.d_root_child[primary] >= 0:
                            c.root = t.d_root_child[primary]
                        strength = (<int64_t>1 << 32) + t.d_rank[primary]
                if strength > best:
                    best = strength
                    w.episode = <int32_t>(e - first)
                    w.flag = c.flag
                    w.code = c.code

                if row_category[row] != VALID:
                    row_hrg[row] = t.error_hrg
                    row_flag[row] = b"U"
                    row_code[row] = 0
                    row_cc[row] = 0
                    row_reason[row] = GROUPED
                    continue

                c.cc = 0
                c.interventions = 0
                if c.root < 0:
                    c.hrg = -1
                    c.split = -1
                    c.reason = DIAGNOSIS_NOT_MAPPED
                else:
                    if t.root_flags[c.root] & CC_USED and t.root_list[c.root] >= 0:
                        epoch += 1
                        d_stamp[primary] = epoch
                        list_ = t.root_list[c.root]
                        for j in range(1, n_diag):
                            code = diag[row, j]
                            if code and d_stamp[code] != epoch:
                                d_stamp[code] = epoch
                                c.cc += t.cc[list_ * t.n_dcodes + code]
                    epoch += 1
                    seen_any = 0
                    seen_none = 0
                    if c.flag == b"P":
                        p_stamp[c.code] = epoch
                    for j in range(n_oper):
                        code = oper[row, j]
                        if code:
                            seen_any |= t.p_any[code]
                            seen_none |= t.p_none[code]
                            if p_stamp[code] != epoch:
                                p_stamp[code] = epoch
                                if t.p_flags[code] & INTERVENTION:
                                    c.interventions += 1
                    conditions = (
                        seen_any
                        | (t.none_mask & ~seen_none)
                        | t.source_conditions[code_fields[field_source, row]]
                        | t.destination_conditions[code_fields[field_destination, row]]
                    )
                    _split(&t, &c, age, stay, conditions)
                row_hrg[row] = c.hrg
                row_flag[row] = c.flag
                row_code[row] = c.code
                row_cc[row] = c.cc
                row_reason[row] = c.reason

            # ---- the spell
            spell_stay[s] = total_stay if known_stay else NULL32
            spell_category[s] = category
            spell_interventions[s] = 0
            spell_cc[s] = 0
            if category != VALID:
                spell_hrg[s] = t.error_hrg
                spell_flag[s] = b"U"
                spell_code[s] = 0
                spell_reason[s] = GROUPED
                spell_episode[s] = 0
                spell_root[s] = -1
                spell_split[s] = -1
                continue
            if last - first == 1:
                w = c
                w.episode = 0
            elif w.flag == b"P" or t.d_root[w.code] >= 0:
                row = perm[first + w.episode]
                primary = diag[row, 0]
                if w.flag == b"P":
                    w.root = t.p_root[w.code]
                    if _child(&t, spell_age) and t.p_root_child[w.code] >= 0:
                        w.root = t.p_root_child[w.code]
                else:
                    w.root = t.d_root[w.code]
                    if _child(&t, spell_age) and t.d_root_child[w.code] >= 0:
                        w.root = t.d_root_child[w.code]
                list_ = t.root_list[w.root] if t.root_flags[w.root] & CC_USED else -1
                epoch += 1
                d_epoch = epoch
                d_stamp[primary] = d_epoch
                if w.flag == b"P":
                    p_stamp[w.code] = epoch
                seen_any = 0
                seen_none = 0
                for e in range(first, last):
                    row = perm[e]
                    if list_ >= 0:
                        for j in range(n_diag):
                            code = diag[row, j]
                            if code and d_stamp[code] != d_epoch:
                                d_stamp[code] = d_epoch
                                w.cc += t.cc[list_ * t.n_dcodes + code]
                    for j in range(n_oper):
                        code = oper[row, j]
                        if code:
                            seen_any |= t.p_any[code]
                            seen_none |= t.p_none[code]
                            if p_stamp[code] != epoch:
                                p_stamp[code] = epoch
                                if t.p_flags[code] & INTERVENTION:
                                    w.interventions += 1
                conditions = (
                    seen_any
                    | (t.none_mask & ~seen_none)
                    | t.source_conditions[code_fields[field_source, perm[first]]]
                    | t.destination_conditions[code_fields[field_destination, perm[last - 1]]]
                )
                _split(&t, &w, spell_age, spell_stay[s], conditions)
            spell_hrg[s] = w.hrg
            spell_flag[s] = w.flag
            spell_code[s] = w.code
            spell_cc[s] = w.cc
            spell_reason[s] = w.reason
            spell_episode[s] = w.episode + 1
            spell_root[s] = w.root
            spell_split[s] = w.split
            spell_interventions[s] = w.interventions
