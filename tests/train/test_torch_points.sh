# Log weights, gradients and draws of densities against PyTorch. WRITE_POINT_STEP: the program of write_point_step.c.
set -eu
"$WRITE_POINT_STEP"
/usr/bin/python3 "$SOURCE/tests/peer/flow_torch.py" check ./*.h5
