# distutils: language = c
"""Pricing of admitted spells, docs/pricing.md, over columns and without the GIL.

Money is int64 pence, factors are int64 in units of 1e-9. Every array is prepared by
`tariff.engine.price`; this module knows no rules, only tables.
"""

include "common.pxi"

cdef int64_t MFF_UNIT = 1000000000
cdef int64_t SHARE_UNIT = 1000000000000000

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
    EXCLUDED = 16384
    PART_EXCLUDED = 32768
    TOP_UP_UNKNOWN = 65536
    PAYMENT_UNKNOWN = 131072
    # what does not keep the list price from being looked up
    BESIDE = 8192 | 16384 | 32768

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
    # cells of a best practice row, as in tariff.packs.best_practice; prices by setting first
    A_STAY_0 = 2                # those of the day case and elective prices are as in the table
    A_STAY_OVER_0 = 3
    A_STAY_UNKNOWN = 4
    A_REDUCED = 5               # reduced short stay prices of the three before
    A_BY_STAY = 8
    NEVER = -1                  # in the place of a reduced price
    AS_LISTED = -2

cdef enum:
    # bits of `marked`, as in tariff.engine.marks
    MARKED_TOP_UP_UNKNOWN = 1
    MARKED_PAYMENT_UNKNOWN = 2          # where a best practice row is found
    MARKED_PAYMENT_UNKNOWN_OUTSIDE = 4  # where none is

cdef enum:
    OLDEST = 130  # an age above is unknown, 999 among them

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


cdef inline int64_t _share(int64_t pence, int64_t rate, int64_t* rest) noexcept nogil:
    """Give the whole pence of pence x rate (1e-15), and in `rest` what is left in 1e-15 of one.

    Exact whatever the size: no product passes 64 bits, for amounts from 0 and rates below 9.
    """
    cdef int64_t whole = pence // 1000000000
    cdef int64_t part = pence % 1000000000
    cdef int64_t coarse = rate // 1000000
    cdef int64_t fine = rate % 1000000
    cdef int64_t high = whole * coarse + part * coarse // 1000000000
    cdef int64_t left = part * coarse % 1000000000 * 1000000 + part * fine
    high += whole * fine // 1000000
    left += whole * fine % 1000000 * 1000000000
    rest[0] = left % SHARE_UNIT
    return high + left // SHARE_UNIT


cdef inline int64_t _times_with_rest(
    int64_t pence, int64_t rest, int64_t factor, int64_t unit
) noexcept nogil:
    """Give (pence + rest x 1e-15) x factor, rounded half up to `unit` pence; amounts from 0.

    The product is kept as whole pence and a floor in 1e-9 of one, which decides every half.
    """
    cdef int64_t part = pence % MFF_UNIT * factor
    cdef int64_t high = pence // MFF_UNIT * factor + part // MFF_UNIT
    cdef int64_t coarse = rest // 1000000 * factor  # in 1e-18
    cdef int64_t fine = rest % 1000000 * factor     # in 1e-24
    cdef int64_t low = part % MFF_UNIT + (coarse + fine // 1000000) // MFF_UNIT
    high += low // MFF_UNIT
    low %= MFF_UNIT
    if unit == 1:
        return high + (low * 2 >= MFF_UNIT)
    return (high + unit // 2) // unit * unit


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
    # what the spells are marked with
    const int8_t[::1] exclusion,             # episodes excluded: 0 none, 1 some, 2 all
    const int32_t[::1] delayed_days,         # to be taken off the excess days
    const int32_t[::1] area_row,             # best practice row; -1 none
    const int64_t[::1] top_up_rate,          # 1e-15 of the price
    const int64_t[:, ::1] payments,          # beside the price: [a row is found, none is]
    const uint8_t[::1] marked,
    const int64_t[:, ::1] area,              # [row, cell]
    # tariffs
    const int64_t[:, :, ::1] table,          # [tariff, hrg, column]
    const int32_t[:, ::1] short_stay_rule,   # per tariff: held, max days, min age
    const uint8_t[:, ::1] short_stay_method, # [tariff, method]
    const uint8_t[::1] rounding,
    const uint8_t[:, ::1] top_up_also_on,    # per tariff: long stay, best practice payments
    # points of delivery, in order of test
    const uint8_t[:, ::1] group_method,
    const uint8_t[:, ::1] group_class,
    const int32_t[:, ::1] group_rule,        # per group: max adjusted days or OPEN_MAX, price, trim
    # results
    int16_t[::1] group, int32_t[::1] adjusted, int32_t[::1] trim, int32_t[::1] excess,
    int64_t[::1] per_day, int64_t[::1] listed, int8_t[::1] paid, int64_t[::1] base,
    int64_t[::1] short_stay, int64_t[::1] long_stay, int64_t[::1] top_up,
    int64_t[::1] best_practice, int64_t[::1] pre_mff, int64_t[::1] total, int8_t[::1] eligible, uint32_t[::1] reasons,
    int64_t lo, int64_t hi,
):
    """Price spells `lo` to `hi`. Missing results are NULL32 or NULL64; `group` is -1 for none.

    `listed` is the price before best practice, `paid` the cell of the best practice row that
    stands in its place, -1 for none.

    `eligible` is 1 where every test of the reduced short stay price holds, 0 where one fails, -1
    where there is no price, the year has no rule, or the rule's own tests hold (or the stay is
    unknown) and the flag or figures of the HRG are not held.
    """
    cdef int64_t s, g, t, h, r, value, part, extra, reduced, whole, rest
    cdef int n_groups = group_rule.shape[0]
    cdef int n_payments = payments.shape[0]  # 1 where no spell has any
    cdef int price_column, trim_kind, cell
    cdef uint32_t why
    cdef bint flagged
    with nogil:
        for s in range(lo, hi):
            why = 0
            group[s] = -1
            trim[s] = NULL32
            excess[s] = NULL32
            per_day[s] = NULL64
            listed[s] = NULL64
            paid[s] = -1
            base[s] = NULL64
            short_stay[s] = NULL64
            long_stay[s] = NULL64
            top_up[s] = NULL64
            best_practice[s] = NULL64
            pre_mff[s] = NULL64
            total[s] = NULL64
            eligible[s] = -1
            adjusted[s] = NULL32
            if spell_days[s] == NULL32:
                pass
            elif spell_days[s] < 0:  # discharged before admitted: the stay is not known
                why |= NEGATIVE_STAY
            else:
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

            if exclusion[s] == 2:
                why |= EXCLUDED
            elif exclusion[s] == 1:
                why |= PART_EXCLUDED

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
            if why & ~<uint32_t>BESIDE:
                reasons[s] = why
                continue

            price_column = group_rule[group[s], 1]
            trim_kind = group_rule[group[s], 2]
            listed[s] = table[t, h, price_column]
            if listed[s] == NULL64:
                why |= NO_NATIONAL_PRICE
            if exclusion[s] == 2:
                listed[s] = NULL64
            if listed[s] == NULL64:
                reasons[s] = why
                continue
            base[s] = listed[s]
            value = 0

            # the best practice price of the setting, where one is printed
            reduced = AS_LISTED
            r = area_row[s]
            if r >= 0:
                cell = price_column
                if price_column == PRICE_NON_ELECTIVE:
                    if adjusted[s] == NULL32:
                        cell = A_STAY_UNKNOWN
                        if area[r, A_BY_STAY]:
                            why |= STAY_UNKNOWN
                    elif adjusted[s] > 0:
                        cell = A_STAY_OVER_0
                if area[r, cell] != NULL64:
                    paid[s] = <int8_t>cell
                    base[s] = area[r, cell]
                    if cell >= A_STAY_0:
                        reduced = area[r, A_REDUCED + cell - A_STAY_0]

            # reduced short stay emergency price
            flagged = False
            short_stay[s] = 0
            if short_stay_rule[t, 0]:
                # the rule's own tests; an unknown age meets no age limit
                eligible[s] = 0
                if (
                    price_column == PRICE_NON_ELECTIVE
                    and reduced != NEVER
                    and short_stay_method[t, method[s]]
                    and age[s] != NULL32
                    and age[s] <= OLDEST
                    and age[s] >= short_stay_rule[t, 2]
                    and (reduced >= 0 or table[t, h, T_SHORT_STAY] != 0)
                    and (adjusted[s] == NULL32 or adjusted[s] <= short_stay_rule[t, 1])
                ):
                    if reduced == AS_LISTED and (
                        table[t, h, T_SHORT_STAY] == NULL64
                        or table[t, h, T_SHORT_STAY_PRICE] == NULL64
                    ):
                        eligible[s] = -1
                        why |= SHORT_STAY_NOT_HELD
                    elif adjusted[s] != NULL32:
                        eligible[s] = 1
                        flagged = True
                        if reduced == AS_LISTED:
                            reduced = table[t, h, T_SHORT_STAY_PRICE]
                        short_stay[s] = reduced - base[s]

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
                    excess[s] = max(max(adjusted[s] - trim[s], 0) - delayed_days[s], 0)
                if listed[s] == 0 and per_day[s] == NULL64:
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

            # payments beside the price, and the specialised top-up
            g = s if n_payments > 1 else 0
            if paid[s] >= 0:
                extra = payments[g, 0]
                if marked[s] & MARKED_PAYMENT_UNKNOWN:
                    why |= PAYMENT_UNKNOWN
            else:
                extra = payments[g, 1]
                if marked[s] & MARKED_PAYMENT_UNKNOWN_OUTSIDE:
                    why |= PAYMENT_UNKNOWN
            best_practice[s] = extra
            if marked[s] & MARKED_TOP_UP_UNKNOWN:
                why |= TOP_UP_UNKNOWN
            top_up[s] = 0
            whole = rest = 0
            if top_up_rate[s] != 0:
                part = base[s] + short_stay[s]
                if top_up_also_on[t, 0]:
                    part += value
                if top_up_also_on[t, 1]:
                    part += extra
                whole = _share(part, top_up_rate[s], &rest)
                top_up[s] = whole + (rest * 2 >= SHARE_UNIT)

            # a top-up is shown in whole pence and counts to the last digit
            part = base[s] + short_stay[s] + value + extra
            pre_mff[s] = part + top_up[s]
            part += whole
            if mff_other_year[s]:
                why |= MFF_OF_OTHER_YEAR
            if mff[s] == NULL64:
                why |= MFF_UNKNOWN
            elif rounding[t] == POUND_PRE_MFF:
                total[s] = _times(_half_up(part, 100), mff[s], 1)
            elif rounding[t] == POUND_FINAL:
                total[s] = _times_with_rest(part, rest, mff[s], 100)
            elif rounding[t] == POUND_PER_COMPONENT:
                total[s] = (
                    _times(base[s] + short_stay[s], mff[s], 100)  # a reduced price is one part
                    + _times(value, mff[s], 100)
                    + _times_with_rest(whole, rest, mff[s], 100)
                    + _times(extra, mff[s], 100)
                )
            else:
                total[s] = _times_with_rest(part, rest, mff[s], 1)
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


def with_share(
    const int64_t[::1] pence, const int64_t[::1] rate, const int64_t[::1] factor, int64_t unit,
    int64_t[::1] out,
):
    """Give pence x rate (1e-15) x factor (1e-9), half up to `unit` pence, for whole columns."""
    cdef int64_t i, whole, rest
    with nogil:
        for i in range(pence.shape[0]):
            whole = _share(pence[i], rate[i], &rest)
            out[i] = _times_with_rest(whole, rest, factor[i], unit)
