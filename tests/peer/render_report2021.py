#!/usr/bin/env python3
"""Redraws images with OpenCV as the reproduction of 2021 did and compares. Exit status 77: OpenCV is not installed.

Usage: render_report2021.py CASES IMAGES
CASES: a line an image: height width channels world radius, then for each body x y and its colour's name in COLORS.
IMAGES: float32 of all images, one after the other.
The reproduction draws square images; for others each side has its own half extent, world * side / shorter side.
"""
import sys

try:
    import cv2
    import numpy as np
except ImportError as error:
    print(error)
    sys.exit(77)

BACKGROUND = [81. / 255, 88. / 255, 93. / 255]
COLORS = {"yellow": (173. / 255, 146. / 255, 0.), "red": (173. / 255, 0., 0.), "green": (0., 146. / 255, 0.)}


def draw(height, width, channels, world, radius, bodies):
    image = np.zeros((height, width, 3), dtype="float")
    shorter = min(height, width)
    for x, y, color in bodies:
        half_x, half_y = world * (width / shorter), world * (height / shorter)
        centre = (int(width * (x + half_x) / (2 * half_x)), int(height * (y + half_y) / (2 * half_y)))
        image = cv2.circle(image, centre, int(radius / (2. * world / shorter)), COLORS[color], -1)
    image = cv2.blur(cv2.blur(image, (2, 2)), (2, 2))
    image += BACKGROUND
    image[image > 1.] = 1.
    return image if channels == 3 else np.expand_dims(np.max(image, axis=-1), -1)


def main(cases, images):
    ours = np.fromfile(images, dtype="<f4")
    at, worst = 0, 0.
    with open(cases) as lines:
        for number, line in enumerate(lines, 1):
            words = line.split()
            height, width, channels = map(int, words[:3])
            bodies = [(float(x), float(y), c) for x, y, c in zip(words[5::3], words[6::3], words[7::3])]
            theirs = draw(height, width, channels, float(words[3]), float(words[4]), bodies)
            part = ours[at:at + theirs.size].reshape(theirs.shape).astype("float")
            at += theirs.size
            error = np.abs(part - theirs).max()
            worst = max(worst, error)
            if not error < 1e-6:
                sys.exit("case %d differs by %g: %s" % (number, error, line.strip()))
    if at != ours.size or at == 0:
        sys.exit("%d values expected, %d given" % (at, ours.size))
    print("largest difference %g in %d cases" % (worst, number))


main(*sys.argv[1:])
