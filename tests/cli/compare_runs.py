"""compare_runs.py A B: are two HDF5 files, or all files of one name in two folders, the same numbers bit for bit?

Left out are provenance, what is measured, names of files, and checksums that cover such. Written for files
of hgn, and for comparing two builds of it: data sets that only one of them has are listed, and are no difference.
"""
import glob
import os
import sys

import h5py
import numpy

LEFT_OUT = {"config", "numerics", "checksum", "description_checksum", "data/file", "origin/run",
            "origin/checksum"}


def data_sets(file):
    found = {}
    file.visititems(lambda name, item: found.__setitem__(name, item) if isinstance(item, h5py.Dataset) else None)
    return found


def is_left_out(name):
    return name in LEFT_OUT or name.split("/")[0] in ("provenance", "measured")


def compare(a, b, only):
    """The names of data sets that differ; how many were compared."""
    different, count = [], 0
    with h5py.File(a, "r") as file_a, h5py.File(b, "r") as file_b:
        sets_a, sets_b = data_sets(file_a), data_sets(file_b)
        only.update(sets_a.keys() ^ sets_b.keys())
        for name in sorted(sets_a.keys() & sets_b.keys()):
            if is_left_out(name):
                continue
            count += 1
            values_a, values_b = numpy.asarray(sets_a[name][()]), numpy.asarray(sets_b[name][()])
            if values_a.shape != values_b.shape or values_a.tobytes() != values_b.tobytes():
                different.append(name)
    return different, count


def pairs(a, b):
    if not os.path.isdir(a):
        return [(a, b)]
    names = sorted(os.path.basename(path) for path in glob.glob(os.path.join(a, "*.h5")))
    return [(os.path.join(a, name), os.path.join(b, name)) for name in names]


def main():
    bad, files, total, only = 0, 0, 0, set()
    for a, b in pairs(*sys.argv[1:3]):
        if not os.path.exists(b):
            print(f"{b}: is missing")
            bad += 1
            continue
        different, count = compare(a, b, only)
        for name in different:
            print(f"{a} and {b}: /{name} differs")
        bad += len(different)
        files += 1
        total += count
    if only:
        print("in one of the two only:", ", ".join(sorted(only)))
    print(f"{files} files, {total} data sets, {bad} different")
    sys.exit(bad != 0 or total == 0)


main()
