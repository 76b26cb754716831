# Read by ctest, with `program`, its `name`, `timeout` and `labels`: adds a test per suite.
set(failed "not built")
if(EXISTS ${program})
  execute_process(COMMAND ${program} --gtest_list_tests OUTPUT_VARIABLE listed RESULT_VARIABLE failed)
endif()
if(failed)
  # Of no program: it fails, as it should.
  add_test(${name}_NOT_BUILT ${name}_NOT_BUILT)
  return()
endif()
string(REGEX MATCHALL "(^|\n)[A-Za-z_0-9/]+\\.(\n|  #)" suites "${listed}")
foreach(found IN LISTS suites)
  string(REGEX REPLACE "[^A-Za-z_0-9/]" "" suite "${found}")
  add_test(${suite} ${program} --gtest_filter=${suite}.*)
  set_tests_properties(${suite} PROPERTIES
    TIMEOUT ${timeout} LABELS "${labels}" SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]")
endforeach()
