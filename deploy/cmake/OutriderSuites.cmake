# outrider_add_suites(TARGET timeout labels): a ctest entry per suite of a GoogleTest program, found
# when ctest starts. A case that is skipped shows as its suite skipped, not as passed.
set(OUTRIDER_SUITES_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/suites.ctest.cmake)

function(outrider_add_suites target timeout labels)
  set(file ${CMAKE_CURRENT_BINARY_DIR}/${target}_suites.cmake)
  file(GENERATE OUTPUT ${file} CONTENT
    "set(program $<TARGET_FILE:${target}>)
set(name ${target})
set(timeout ${timeout})
set(labels \"${labels}\")
include(${OUTRIDER_SUITES_SCRIPT})
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${file})
endfunction()
