# distutils: language = c
"""Pricing of admitted spells, docs/pricing.md, over columns and without the GIL.

Money is int64 pence, factors are int64 in units of 1e-9. Every array is prepared by
`tariff.engine.price`; this module knows no rules, only tables.
"""

include "common.pxi"

cdef int64_t MFF_UNIT = 1000000000

cdef enum:
    # bits of `reasons`, in the order of tariff.engine.reasons
    NO_YEAR = 1
    TARIFF_NOT_HELD = 2
    NO_HRG = 4
    HRG_NOT_IN_TARIFF = 8
    NO_POINT_OF_DELIVERY = 16
    NO_NATIONAL_PRICE = 32
    STAY_UNKNOWN = 64
    TRIM_UNKNOWN = 128
    RATE_UNKNOWN = 256
    SHORT_STAY_NOT_HELD = 512
    MFF_UNKNOWN = 1024
    TRIM_OF_OTHER_EDITION = 2048
    MFF_OF_OTHER_YEAR = 4096
    NEGATIVE_STAY = 8192

cdef enum:
    # price columns of a group
    PRICE_DAY_CASE = 0
    PRICE_ELECTIVE = 1
    PRICE_NON_ELECTIVE = 2
    PRICE_NONE = 3

cdef enum:
    TRIM_ELECTIVE = 0
    TRIM_NON_ELECTIVE = 1
    TRIM_NONE = 2

cdef enum:
    # columns of the price table, pence or days, NULL64 where nothing is published
    T_DAY_CASE = 0
    T_ELECTIVE = 1
    T_NON_ELECTIVE = 2
    T_TRIM_ELECTIVE = 3
    T_TRIM_NON_ELECTIVE = 4
    T_PER_DAY = 5
    T_SHORT_STAY = 6            # 1 flagged, 0 not, NULL64 not held
    T_SHORT_STAY_PRICE = 7
    T_IN_LIST = 8
    T_OF_OTHER = 9              # bits: elective (1), non-elective (2) trim or rate of another year

cdef enum:
    # rounding policies
    PENCE_FINAL = 0
    POUND_FINAL = 1
    POUND_PRE_MFF = 2
    POUND_PER_COMPONENT = 3


cdef inline int64_t _half_up(int64_t value, int64_t unit) noexcept nogil:
    """Round to a multiple of `unit`, halves away from zero."""
    if value >= 0:
        return (value + unit // 2) // unit * unit
    return -((-value + unit // 2) // unit * unit)


cdef inline int64_t _times(int64_t pence, int64_t factor, int64_t unit) noexcept nogil:
    """Give pence x factor, rounded half up to `unit` pence; exact whatever the size.

    The product is split so that no intermediate passes 64 bits: factors are below 9.
    """
    cdef bint negative = pence < 0
    cdef int64_t p = -pence if negative else pence
    cdef int64_t scale = MFF_UNIT * unit
    cdef int64_t whole, rest, high
    # p x factor / scale = high + rest / scale, high from the quotient of p
    whole = p // MFF_UNIT
    rest = (p % MFF_UNIT) * factor
    high = whole * factor + rest // MFF_UNIT
    rest = rest % MFF_UNIT
    # now the value is high pence and rest / MFF_UNIT of a penny
    if unit == 1:
        if rest * 2 >= MFF_UNIT:
            high += 1
    else:
        whole = high // unit
        rest += (high % unit) * MFF_UNIT
        if rest * 2 >= scale:
            whole += 1
        high = whole * unit
    return -high if negative else high


def price(
    # spells
    const int16_t[::1] tariff_of,            # tariff of the spell; -1 no year, -2 not held
    const int32_t[::1] hrg,                  # priced HRG; -1 none, -2 in no list at all
    const uint16_t[::1] method,
    const uint16_t[::1] patient_class,
    const int32_t[::1] age,
    const int32_t[::1] spell_days,
    const int32_t[::1] deducted_days,
    const int64_t[::1] mff,                  # NULL64 unknown
    const uint8_t[::1] mff_other_year,
    # tariffs
    const int64_t[:, :, ::1] table,          # [tariff, hrg, column]
    const int32_t[:, ::1] short_stay_rule,   # per tariff: held, max days, min age
    const uint8_t[:, ::1] short_stay_method, # [tariff, method]
    const uint8_t[::1] rounding,
    # points of delivery, in order of test
    const uint8_t[:, ::1] group_method,
    const uint8_t[:, ::1] group_class,
    const int32_t[:, ::1] group_rule,        # per group: max adjusted days or OPEN_MAX, price, trim
    # results
    int16_t[::1] group, int32_t[::1] adjusted, int32_t[::1] trim, int32_t[::1] excess,
    int64_t[::1] per_day, int64_t[::1] base, int64_t[::1] short_stay, int64_t[::1] long_stay,
    int64_t[::1] pre_mff, int64_t[::1] total, int8_t[::1] eligible, uint32_t[::1] reasons,
    int64_t lo, int64_t hi,
):
    """Price spells `lo` to `hi`. Missing results are NULL32 or NULL64; `group` is -1 for none.

    `eligible` is 1 where every test of the reduced short stay price holds, 0 where one fails, -1
    where there is no price, the year has no rule, or the rule's own tests hold (or the stay is
    unknown) and the flag or figures of the HRG are not held.
    """
    cdef int64_t s, g, t, h, value, part
    cdef int n_groups = group_rule.shape[0]
    cdef int price_column, trim_kind
    cdef uint32_t why
    cdef bint flagged
    with nogil:
        for s in range(lo, hi):
            why = 0
            group[s] = -1
            trim[s] = NULL32
            excess[s] = NULL32
            per_day[s] = NULL64
            base[s] = NULL64
            short_stay[s] = NULL64
            long_stay[s] = NULL64
            pre_mff[s] = NULL64
            total[s] = NULL64
            eligible[s] = -1
            if spell_days[s] == NULL32:
                adjusted[s] = NULL32
            else:
                if spell_days[s] < 0:
                    why |= NEGATIVE_STAY
                value = <int64_t>spell_days[s] - deducted_days[s]
                adjusted[s] = <int32_t>min(max(value, 0), OPEN_MAX)

            # the point of delivery; an unknown stay does not meet a limit of days
            for g in range(n_groups):
                if (
                    group_method[g, method[s]]
                    and group_class[g, patient_class[s]]
                    and (
                        group_rule[g, 0] == OPEN_MAX
                        or (adjusted[s] != NULL32 and adjusted[s] <= group_rule[g, 0])
                    )
                ):
                    group[s] = <int16_t>g
                    break

            t = tariff_of[s]
            h = hrg[s]
            if t == -1:
                why |= NO_YEAR
            elif t < 0:
                why |= TARIFF_NOT_HELD
            if h == -1:
                why |= NO_HRG
            elif t >= 0 and (h < 0 or table[t, h, T_IN_LIST] == 0):
                why |= HRG_NOT_IN_TARIFF
            if group[s] < 0:
                why |= NO_POINT_OF_DELIVERY
            elif group_rule[group[s], 1] == PRICE_NONE:
                why |= NO_NATIONAL_PRICE
            if why & ~<uint32_t>NEGATIVE_STAY:
                reasons[s] = why
                continue

            price_column = group_rule[group[s], 1]
            trim_kind = group_rule[group[s], 2]
            base[s] = table[t, h, price_column]
            if base[s] == NULL64:
                reasons[s] = why | NO_NATIONAL_PRICE
                continue
            value = 0

            # reduced short stay emergency price
            flagged = False
            short_stay[s] = 0
            if short_stay_rule[t, 0]:
                # the rule's own tests; an unknown age meets no age limit
                eligible[s] = 0
                if (
                    price_column == PRICE_NON_ELECTIVE
                    and short_stay_method[t, method[s]]
                    and age[s] != NULL32
                    and age[s] >= short_stay_rule[t, 2]
                    and table[t, h, T_SHORT_STAY] != 0
                    and (adjusted[s] == NULL32 or adjusted[s] <= short_stay_rule[t, 1])
                ):
                    if (
                        table[t, h, T_SHORT_STAY] == NULL64
                        or table[t, h, T_SHORT_STAY_PRICE] == NULL64
                    ):
                        eligible[s] = -1
                        why |= SHORT_STAY_NOT_HELD
                    elif adjusted[s] != NULL32:
                        eligible[s] = 1
                        flagged = True
                        short_stay[s] = table[t, h, T_SHORT_STAY_PRICE] - base[s]

            # long stay payment
            if trim_kind == TRIM_NONE or flagged:
                excess[s] = 0
                long_stay[s] = 0
            else:
                part = table[t, h, T_TRIM_ELECTIVE + trim_kind]
                if part != NULL64:
                    trim[s] = <int32_t>part
                per_day[s] = table[t, h, T_PER_DAY]
                if part != NULL64 and adjusted[s] != NULL32:
                    excess[s] = max(adjusted[s] - trim[s], 0)
                if base[s] == 0 and per_day[s] == NULL64:
                    long_stay[s] = 0          # no payment is due, whatever the stay
                elif excess[s] == NULL32:
                    if adjusted[s] == NULL32:
                        why |= STAY_UNKNOWN
                    if part == NULL64:
                        why |= TRIM_UNKNOWN
                else:
                    if table[t, h, T_OF_OTHER] & (1 << trim_kind):
                        why |= TRIM_OF_OTHER_EDITION
                    if excess[s] == 0:
                        long_stay[s] = 0
                    elif per_day[s] != NULL64:
                        long_stay[s] = excess[s] * per_day[s]
                    else:
                        why |= RATE_UNKNOWN
            if long_stay[s] != NULL64:
                value = long_stay[s]

            pre_mff[s] = base[s] + short_stay[s] + value
            if mff_other_year[s]:
                why |= MFF_OF_OTHER_YEAR
            if mff[s] == NULL64:
                why |= MFF_UNKNOWN
            elif rounding[t] == POUND_PRE_MFF:
                total[s] = _times(_half_up(pre_mff[s], 100), mff[s], 1)
            elif rounding[t] == POUND_FINAL:
                total[s] = _times(pre_mff[s], mff[s], 100)
            elif rounding[t] == POUND_PER_COMPONENT:
                total[s] = (
                    _times(base[s], mff[s], 100)
                    + _times(short_stay[s], mff[s], 100)
                    + _times(value, mff[s], 100)
                )
            else:
                total[s] = _times(pre_mff[s], mff[s], 1)
            reasons[s] = why


def times(const int64_t[::1] pence, const int64_t[::1] factor, int64_t[::1] out):
    """Give pence x factor (1e-9) half up to the penny, for whole columns."""
    cdef int64_t i
    with nogil:
        for i in range(pence.shape[0]):
            if pence[i] == NULL64 or factor[i] == NULL64:
                out[i] = NULL64
            else:
                out[i] = _times(pence[i], factor[i], 1)
