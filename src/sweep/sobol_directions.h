/* Primitive polynomials and initial direction numbers of the first 64 dimensions of new-joe-kuo-6.21201:
 * S. Joe and F. Y. Kuo, Constructing Sobol sequences with better two-dimensional projections, SIAM J. Sci. Comput. 30,
 * 2635-2654 (2008); https://web.maths.unsw.edu.au/~fkuo/sobol/. Their licence asks that it stays with the numbers:
 *
 * Copyright (c) 2008, Frances Y. Kuo and Stephen Joe. All rights reserved.
 *
 * Redistribution and use in source and binary forms, with or without modification, are permitted provided that the
 * following conditions are met:
 *   - Redistributions of source code must retain the above copyright notice, this list of conditions and the following
 *     disclaimer.
 *   - Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the
 *     following disclaimer in the documentation and/or other materials provided with the distribution.
 *   - Neither the names of the copyright holders nor the names of the University of New South Wales and the University
 *     of Waikato and its contributors may be used to endorse or promote products derived from this software without
 *     specific prior written permission.
 *
 * THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS "AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT
 * LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO
 * EVENT SHALL THE COPYRIGHT HOLDERS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR
 * CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA,
 * OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT
 * LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF
 * ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
 *
 * For sobol.c alone.
 */
#ifndef HGN_SWEEP_SOBOL_DIRECTIONS_H
#define HGN_SWEEP_SOBOL_DIRECTIONS_H

#include "sweep/sobol.h"

#include <stdint.h>

struct sobol_direction {
  uint8_t degree;
  uint16_t polynomial; /* its coefficients as bits, the highest power first */
  uint16_t initial[9]; /* [degree]: m_1, m_2, ... */
};

static const struct sobol_direction sobol_directions[SOBOL_DIMENSIONS] = {
    {0, 1, {0}},
    {1, 3, {1}},
    {2, 7, {1, 3}},
    {3, 11, {1, 3, 1}},
    {3, 13, {1, 1, 1}},
    {4, 19, {1, 1, 3, 3}},
    {4, 25, {1, 3, 5, 13}},
    {5, 37, {1, 1, 5, 5, 17}},
    {5, 41, {1, 1, 5, 5, 5}},
    {5, 47, {1, 1, 7, 11, 19}},
    {5, 55, {1, 1, 5, 1, 1}},
    {5, 59, {1, 1, 1, 3, 11}},
    {5, 61, {1, 3, 5, 5, 31}},
    {6, 67, {1, 3, 3, 9, 7, 49}},
    {6, 91, {1, 1, 1, 15, 21, 21}},
    {6, 97, {1, 3, 1, 13, 27, 49}},
    {6, 103, {1, 1, 1, 15, 7, 5}},
    {6, 109, {1, 3, 1, 15, 13, 25}},
    {6, 115, {1, 1, 5, 5, 19, 61}},
    {7, 131, {1, 3, 7, 11, 23, 15, 103}},
    {7, 137, {1, 3, 7, 13, 13, 15, 69}},
    {7, 143, {1, 1, 3, 13, 7, 35, 63}},
    {7, 145, {1, 3, 5, 9, 1, 25, 53}},
    {7, 157, {1, 3, 1, 13, 9, 35, 107}},
    {7, 167, {1, 3, 1, 5, 27, 61, 31}},
    {7, 171, {1, 1, 5, 11, 19, 41, 61}},
    {7, 185, {1, 3, 5, 3, 3, 13, 69}},
    {7, 191, {1, 1, 7, 13, 1, 19, 1}},
    {7, 193, {1, 3, 7, 5, 13, 19, 59}},
    {7, 203, {1, 1, 3, 9, 25, 29, 41}},
    {7, 211, {1, 3, 5, 13, 23, 1, 55}},
    {7, 213, {1, 3, 7, 3, 13, 59, 17}},
    {7, 229, {1, 3, 1, 3, 5, 53, 69}},
    {7, 239, {1, 1, 5, 5, 23, 33, 13}},
    {7, 241, {1, 1, 7, 7, 1, 61, 123}},
    {7, 247, {1, 1, 7, 9, 13, 61, 49}},
    {7, 253, {1, 3, 3, 5, 3, 55, 33}},
    {8, 285, {1, 3, 1, 15, 31, 13, 49, 245}},
    {8, 299, {1, 3, 5, 15, 31, 59, 63, 97}},
    {8, 301, {1, 3, 1, 11, 11, 11, 77, 249}},
    {8, 333, {1, 3, 1, 11, 27, 43, 71, 9}},
    {8, 351, {1, 1, 7, 15, 21, 11, 81, 45}},
    {8, 355, {1, 3, 7, 3, 25, 31, 65, 79}},
    {8, 357, {1, 3, 1, 1, 19, 11, 3, 205}},
    {8, 361, {1, 1, 5, 9, 19, 21, 29, 157}},
    {8, 369, {1, 3, 7, 11, 1, 33, 89, 185}},
    {8, 391, {1, 3, 3, 3, 15, 9, 79, 71}},
    {8, 397, {1, 3, 7, 11, 15, 39, 119, 27}},
    {8, 425, {1, 1, 3, 1, 11, 31, 97, 225}},
    {8, 451, {1, 1, 1, 3, 23, 43, 57, 177}},
    {8, 463, {1, 3, 7, 7, 17, 17, 37, 71}},
    {8, 487, {1, 3, 1, 5, 27, 63, 123, 213}},
    {8, 501, {1, 1, 3, 5, 11, 43, 53, 133}},
    {9, 529, {1, 3, 5, 5, 29, 17, 47, 173, 479}},
    {9, 539, {1, 3, 3, 11, 3, 1, 109, 9, 69}},
    {9, 545, {1, 1, 1, 5, 17, 39, 23, 5, 343}},
    {9, 557, {1, 3, 1, 5, 25, 15, 31, 103, 499}},
    {9, 563, {1, 1, 1, 11, 11, 17, 63, 105, 183}},
    {9, 601, {1, 1, 5, 11, 9, 29, 97, 231, 363}},
    {9, 607, {1, 1, 5, 15, 19, 45, 41, 7, 383}},
    {9, 617, {1, 3, 7, 7, 31, 19, 83, 137, 221}},
    {9, 623, {1, 1, 1, 3, 23, 15, 111, 223, 83}},
    {9, 631, {1, 1, 5, 13, 31, 15, 55, 25, 161}},
    {9, 637, {1, 1, 3, 13, 25, 47, 39, 87, 257}},
};

#endif
