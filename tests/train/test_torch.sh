# Loss and gradients at full size against PyTorch. WRITE_STEP: the program of write_step.c.
set -eu
for preset in paper report2021 hgnpp quick; do
  "$WRITE_STEP" $preset step.h5
  /usr/bin/python3 "$SOURCE/tests/peer/hgn_torch.py" check step.h5
done
