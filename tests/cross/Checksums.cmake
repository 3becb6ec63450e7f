# add_checksums(): the program whose lines are compared, from the layers base, graph and model, and the optimizer.
function(add_checksums)
  set(folder ${CMAKE_CURRENT_FUNCTION_LIST_DIR})
  add_executable(checksums ${folder}/checksums.c ${folder}/../../src/train/optimizer.c)
  target_link_libraries(checksums PRIVATE hgn_options hgn_model m)
endfunction()
