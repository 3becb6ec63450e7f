# Running under MPI. As root Open MPI wants two variables, and only then; ranks beyond the cores must yield.
execute_process(COMMAND id -u OUTPUT_VARIABLE HGN_UID OUTPUT_STRIP_TRAILING_WHITESPACE)
set(HGN_TEST_ENVIRONMENT "OMPI_MCA_rmaps_base_oversubscribe=1" "OMPI_MCA_mpi_yield_when_idle=1"
  "OPENBLAS_NUM_THREADS=1" "OMP_NUM_THREADS=1")
if(HGN_UID STREQUAL "0")
  list(APPEND HGN_TEST_ENVIRONMENT "OMPI_ALLOW_RUN_AS_ROOT=1" "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1")
endif()
if(HGN_SANITIZE)
  # Open MPI and its plug-ins keep memory until the process ends; those leaks are theirs.
  list(APPEND HGN_TEST_ENVIRONMENT "LSAN_OPTIONS=suppressions=${CMAKE_CURRENT_LIST_DIR}/lsan.supp"
    "ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0:allocator_may_return_null=1")
endif()

# add_ranked_test(NAME exact SOURCES test_exact.c [RANKS 1 2 3 5] [LINKS hgn_base] [LABELS unit] [TIMEOUT 180] [ARGS ...])
# Builds one program and registers it once for each rank count: as NAME without RANKS (no MPI launcher), else as NAME.nN.
# Time limits are several times what a test takes on a busy machine: they end what hangs.
function(add_ranked_test)
  cmake_parse_arguments(ARG "" "NAME;TIMEOUT" "SOURCES;RANKS;LINKS;LABELS;ARGS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 180)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  get_filename_component(layer ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  set(target test_${layer}_${ARG_NAME})
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE hgn_options PkgConfig::CMOCKA ${ARG_LINKS})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  # Of the rank counts one has the label sanitized.
  set(chosen 2)
  if(ARG_RANKS AND NOT 2 IN_LIST ARG_RANKS)
    list(GET ARG_RANKS 0 chosen)
  endif()
  set(sanitized "")
  if("unit" IN_LIST ARG_LABELS AND NOT ${layer}.${ARG_NAME} IN_LIST HGN_NOT_SANITIZED)
    set(sanitized "sanitized")
  endif()
  if(NOT ARG_RANKS)
    list(APPEND ARG_LABELS ${sanitized})
    register_test(${layer}.${ARG_NAME} 1 "${ARG_LABELS}" ${ARG_TIMEOUT} $<TARGET_FILE:${target}> ${ARG_ARGS})
    set_property(GLOBAL APPEND PROPERTY HGN_SINGLE_TARGETS ${target})
    return()
  endif()
  foreach(ranks ${ARG_RANKS})
    set(labels ${ARG_LABELS})
    if(ranks EQUAL chosen)
      list(APPEND labels ${sanitized})
    endif()
    register_test(${layer}.${ARG_NAME}.n${ranks} ${ranks} "${labels}" ${ARG_TIMEOUT}
      ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} ${MPIEXEC_PREFLAGS} --oversubscribe --bind-to none
      $<TARGET_FILE:${target}> ${MPIEXEC_POSTFLAGS} ${ARG_ARGS})
    # They write files of the same names into one folder.
    set_property(TEST ${layer}.${ARG_NAME}.n${ranks} PROPERTY RESOURCE_LOCK ${target})
  endforeach()
endfunction()

# add_script_test(NAME kill SCRIPT test_kill.sh [LABELS cli] [TIMEOUT 300] [PROCESSORS 1]): a shell script that is given the hgn program as
# HGN, the launcher as MPIRUN, the source folder as SOURCE and its own scratch folder as SCRATCH (made new, its working folder).
function(add_script_test)
  cmake_parse_arguments(ARG "" "NAME;SCRIPT;TIMEOUT;PROCESSORS" "LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS cli)
  endif()
  if(NOT ARG_PROCESSORS)
    set(ARG_PROCESSORS 1)
  endif()
  get_filename_component(layer ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  set(scratch ${CMAKE_CURRENT_BINARY_DIR}/scratch_${ARG_NAME})
  register_test(${layer}.${ARG_NAME} ${ARG_PROCESSORS} "${ARG_LABELS}" ${ARG_TIMEOUT}
    ${PROJECT_SOURCE_DIR}/tests/in_scratch.sh ${scratch} ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_SCRIPT})
  set_property(TEST ${layer}.${ARG_NAME} APPEND PROPERTY ENVIRONMENT "HGN=$<TARGET_FILE:hgn>" "SCRATCH=${scratch}"
    "SOURCE=${PROJECT_SOURCE_DIR}" "MPIRUN=${MPIEXEC_EXECUTABLE} --oversubscribe --bind-to none")
endfunction()

function(register_test name processors labels timeout)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${timeout} PROCESSORS ${processors}
    ENVIRONMENT "${HGN_TEST_ENVIRONMENT}")
endfunction()
