"""forge_run.py RUN.h5 NAME ROW COLUMN: one value of a run's record is another, and the record's checksum agrees with it.

Checksums as src/base/checksum.h describes them: sums of words that depend on value and place, so the old value's words can be
taken off and the new one's added. Written for the tests of `hgn verify` and `hgn diff`.
"""
import sys

import h5py
import numpy as np

U = np.uint64


def mix(x):
    x = (x ^ (x >> U(30))) * U(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> U(27))) * U(0x94D049BB133111EB)
    return x ^ (x >> U(31))


def words(name, index, value):
    """What the checksum has of the eight bytes `value` at word `index` of the data set."""
    hash = 0xCBF29CE484222325
    for c in name.encode():
        hash = (hash ^ c) * 0x100000001B3 % 2**64
    tag = mix(np.array([hash], U))
    place = mix(np.array([index], U) * U(0x9E3779B97F4A7C15) + tag)
    turned = (place << U(32) | place >> U(32)) + U(0xD1B54A32D192ED03)
    return np.array([mix(value + place)[0], mix(value ^ turned)[0]])


def main():
    path, name, row, column = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with h5py.File(path, "r+") as file:
        values = file[name][...]
        flat = values.reshape(len(values), -1).view(U)
        index = row * flat.shape[1] + column
        before = flat[row, column : column + 1].copy()
        flat[row, column] ^= U(1)  # the last bit
        file[name][...] = values
        group = name.rsplit("/", 1)[0]
        sums = file[group + "/row_sum"][...]
        sums.view(U)[row] += words(name, index, flat[row, column : column + 1]) - words(name, index, before)
        file[group + "/row_sum"][...] = sums


main()
