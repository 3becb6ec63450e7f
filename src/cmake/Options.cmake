# hgn_options: language, floating-point and warning rules that every target of the project links.
add_library(hgn_options INTERFACE)
target_compile_features(hgn_options INTERFACE c_std_17)
target_compile_definitions(hgn_options INTERFACE _POSIX_C_SOURCE=200809L)
# No contraction unless fma() is written: our own loops give the same bits on every instruction set. errno of sqrt and the
# traps of floating-point exceptions are never looked at; giving them up lets loops vectorise without changing a bit.
target_compile_options(hgn_options INTERFACE -ffp-contract=off -fno-math-errno -fno-trapping-math)

if(HGN_STRICT)
  target_compile_options(hgn_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wpointer-arith -Wcast-align -Wwrite-strings -Wundef -Wvla -Werror)
endif()
if(NOT HGN_CHECKS)
  target_compile_definitions(hgn_options INTERFACE NDEBUG)
endif()
if(HGN_SANITIZE)
  target_compile_options(hgn_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(hgn_options INTERFACE -fsanitize=address,undefined)
endif()

# hgn_layer(NAME base SOURCES a.c ... LINKS ...): one layer of src/, a static library that sees only what it links.
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH HGN_LAYERS) # src/, for whatever project includes this
function(hgn_layer)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;LINKS" ${ARGN})
  add_library(hgn_${ARG_NAME} STATIC ${ARG_SOURCES})
  target_include_directories(hgn_${ARG_NAME} PUBLIC ${HGN_LAYERS})
  target_link_libraries(hgn_${ARG_NAME} PRIVATE hgn_options PUBLIC ${ARG_LINKS})
endfunction()
