/* Elementary functions in f64 that give the same bits on every machine.
 *
 * libm picks its code by processor (fused multiply-add or not), so its last bit is not ours to promise. These use only
 * +, -, *, / and sqrt in a written order, with -ffp-contract=off, and are inlined so that loops over them vectorise.
 * Errors, measured in tests/base against libm's long double: under 1 ulp for sin, cos, log and exp on the stated ranges.
 *
 * Not collective.
 */
#ifndef HGN_BASE_ELEMENTARY_H
#define HGN_BASE_ELEMENTARY_H
