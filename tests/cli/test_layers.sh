# A layer of src/ includes only itself and the layers above it in the list; exit and abort stand in src/cli alone.
. "$SOURCE/tests/cli/helpers.sh"

layers="base config graph model comm store physics train sweep analysis cli"
allowed=""
for layer in $layers; do
  allowed="$allowed $layer"
  [ -d "$SOURCE/src/$layer" ] || continue
  for include in $(grep -rhoE '^#include "[a-z_]+/' "$SOURCE/src/$layer" | sed 's/.*"//; s,/,,' | sort -u); do
    case " $allowed " in
    *" $include "*) ;;
    *) fail "src/$layer includes $include/: $(grep -rl "#include \"$include/" "$SOURCE/src/$layer")" ;;
    esac
  done
done
found=$(grep -rnE '(^|[^_a-zA-Z])(exit|abort|MPI_Abort) *\(' "$SOURCE/src" --include=*.c | grep -v "^$SOURCE/src/cli/")
[ -z "$found" ] || fail "the process ends outside src/cli: $found"
for layer in "$SOURCE"/src/*/; do
  case " $layers cmake " in
  *" $(basename "$layer") "*) ;;
  *) fail "src/$(basename "$layer") is not in the list of layers" ;;
  esac
done
finish
