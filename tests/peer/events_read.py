"""events_read.py FOLDER RUN.h5: an event file, read by the published description of TensorBoard's format (TFRecord framing of
record_writer.h; event.proto and summary.proto in the encoding of protocol buffers), has the numbers of the run's file.

Nothing of TensorFlow is needed, and nothing of hgn's code is used.
"""
import glob
import struct
import sys

import h5py
import numpy as np


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    at = 0
    while at < len(data):
        length, crc = struct.unpack_from("<QI", data, at)
        assert crc == masked(data[at : at + 8]), "a length has another checksum"
        body = data[at + 12 : at + 12 + length]
        assert len(body) == length, "the file ends in a record"
        assert struct.unpack_from("<I", data, at + 12 + length)[0] == masked(body), "a record has another checksum"
        at += 16 + length
        yield body


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        wire = key & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        elif wire == 5:
            value, at = struct.unpack_from("<f", data, at)[0], at + 4
        else:
            assert wire == 2, wire
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        yield key >> 3, value


def scalars(path):
    """(tag, step) -> (value, wall time)"""
    found = {}
    with open(path, "rb") as file:
        bodies = list(records(file.read()))
    assert dict(fields(bodies[0]))[3] == b"brain.Event:2"
    for body in bodies[1:]:
        event = dict(fields(body))
        scalar = dict(fields(dict(fields(event[5]))[1]))
        key = scalar[1].decode(), event[2]
        assert key not in found, key
        found[key] = scalar[2], event[1]
    return found


def main():
    folder, run = sys.argv[1:]
    paths = glob.glob(folder + "/*tfevents*")
    assert len(paths) == 1, paths
    found, expected = scalars(paths[0]), 0
    with h5py.File(run) as f:
        sessions, reported, taken = f["measured/session"][()], f["report/step"][()], f["measured/seconds"][()]
        sessions = sessions[~np.isnan(sessions[:, 0])]
        names = [(g + "/" + n, f["report/step"][()]) for g in ("report", "measured") for n in f[g]]
        names += [(f"evaluation/{s}/{n}", f["evaluation/step"][()]) for s in ("train", "validation", "test") for n in f["evaluation"][s]]
        for name, steps in names:
            values = f[name]
            if values.ndim != 1 or len(values) != len(steps) or name == "report/step":
                continue
            for step, value in zip(steps, values[()]):
                if np.isnan(value):
                    assert (name, step) not in found, (name, step)
                    continue
                got, wall = found[name, int(step)]
                assert np.float32(got) == np.float32(value), (name, step, got, value)
                began, before = sessions[sessions[:, 1] < step][-1][:2]
                expected_time = began + taken[reported <= step][-1] - (taken[reported <= before][-1] if before else 0)
                assert abs(wall - expected_time) < 1e-3, (name, step, wall, expected_time)
                expected += 1
    assert expected == len(found) > 100, (expected, len(found))
    print(f"{expected} scalars agree")


main()
