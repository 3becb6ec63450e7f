# A layer includes only itself and the layers before it in the list; exit and abort stand in src/cli alone. All are in src/ but
# analysis, which is a folder beside it.
. "$SOURCE/tests/cli/helpers.sh"

layers="base config graph model comm store physics train sweep analysis cli"
allowed=""
for layer in $layers; do
  allowed="$allowed $layer"
  folder="$SOURCE/src/$layer"
  [ "$layer" = analysis ] && folder="$SOURCE/analysis"
  [ -d "$folder" ] || fail "there is no layer $folder"
  for include in $(grep -rhoE '^#include "[a-z_]+/' "$folder" | sed 's/.*"//; s,/,,' | sort -u); do
    case " $allowed " in
    *" $include "*) ;;
    *) fail "$folder includes $include/: $(grep -rl "#include \"$include/" "$folder")" ;;
    esac
  done
done
found=$(grep -rnE '(^|[^_a-zA-Z])(exit|abort|MPI_Abort) *\(' "$SOURCE/src" "$SOURCE/analysis" --include=*.c | grep -v "^$SOURCE/src/cli/")
[ -z "$found" ] || fail "the process ends outside src/cli: $found"
for layer in "$SOURCE"/src/*/; do
  case " $layers cmake " in
  *" $(basename "$layer") "*) ;;
  *) fail "src/$(basename "$layer") is not in the list of layers" ;;
  esac
done
finish
