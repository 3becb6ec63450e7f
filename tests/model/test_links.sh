# A program of models, which links the layers graph and model, needs neither MPI nor HDF5. $PROGRAM: such a program.
. "$SOURCE/tests/cli/helpers.sh"

ldd "$PROGRAM" >libraries.txt || fail "ldd cannot read $PROGRAM"
grep -q libyaml libraries.txt || fail "a program that reads YAML has no libyaml: what does ldd show? $(cat libraries.txt)"
found=$(grep -oE 'lib(mpi|open-rte|open-pal|hdf5|scalapack)[^ ]*' libraries.txt)
[ -z "$found" ] || fail "$PROGRAM is linked with" $found
finish
