# Compiler settings, external packages, and the two functions every folder uses:
#   outrider_library(NAME SOURCES a.cc ... LINKS lib ...)
#   outrider_test(NAME SOURCES a_test.cc ... LINKS lib ... [LABELS l ...])

find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(Protobuf REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(GTest REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(GRPCPP REQUIRED IMPORTED_TARGET grpc++)
pkg_check_modules(LIBBPF REQUIRED IMPORTED_TARGET libbpf)
pkg_check_modules(LIBNL REQUIRED IMPORTED_TARGET libnl-3.0 libnl-route-3.0)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(LIBPCAP REQUIRED IMPORTED_TARGET libpcap)
pkg_check_modules(LIBVIRT REQUIRED IMPORTED_TARGET libvirt)
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-pull)
include(GoogleTest)
include(OutriderSuites)

# Warnings are errors in our code; generated protobuf code is compiled without them.
add_library(outrider_flags INTERFACE)
target_compile_options(outrider_flags INTERFACE -Wall -Wextra -Wpedantic -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlaps and overflows inside std::string that are not there (GCC PR 105329, 105651).
  target_compile_options(outrider_flags INTERFACE -Wno-restrict -Wno-stringop-overflow)
endif()
target_include_directories(outrider_flags INTERFACE ${CMAKE_SOURCE_DIR})
# A precompiled header with fmt in it wants the same word from all its users.
target_compile_definitions(outrider_flags INTERFACE
  $<TARGET_PROPERTY:fmt::fmt,INTERFACE_COMPILE_DEFINITIONS>)

if(OUTRIDER_SANITIZE)
  add_compile_options(-fsanitize=${OUTRIDER_SANITIZE} -fno-omit-frame-pointer -O1)
  add_link_options(-fsanitize=${OUTRIDER_SANITIZE})
endif()

# Headers of gRPC, protobuf, CLI11 and GoogleTest dominate compile time. Units share a precompiled
# header, chosen by their target's keyword: GRPC (services and channels), PROTO (messages only), CLI
# (commands), JSON (OVSDB), none (the standard library, absl and fmt). There is one per keyword for
# the product and one for the tests, whose flags differ; tests have no commands. A unit still includes
# what it uses.
set(OUTRIDER_BASE_PCH <absl/status/statusor.h> ${CMAKE_SOURCE_DIR}/deploy/cmake/fmt_extern.h <map>
  <memory> <string> <vector>)
set(OUTRIDER_JSON_PCH ${OUTRIDER_BASE_PCH} <nlohmann/json.hpp>)
set(OUTRIDER_PROTO_PCH ${OUTRIDER_BASE_PCH} <outrider/v1/session.pb.h>)
set(OUTRIDER_GRPC_PCH ${OUTRIDER_PROTO_PCH} <grpcpp/grpcpp.h> <outrider/v1/agent.grpc.pb.h>
  <outrider/v1/api.grpc.pb.h> <outrider/v1/session.grpc.pb.h>)
set(OUTRIDER_CLI_PCH ${OUTRIDER_GRPC_PCH} <CLI/CLI.hpp>)

file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/precompiled.cc CONTENT "")
foreach(keyword BASE JSON PROTO GRPC CLI)
  foreach(kind product test)
    if(keyword STREQUAL CLI AND kind STREQUAL test)
      continue()
    endif()
    string(TOLOWER outrider_${kind}_${keyword}_pch target)
    add_library(${target} OBJECT ${CMAKE_BINARY_DIR}/precompiled.cc)
    target_link_libraries(${target} PRIVATE outrider_flags absl::statusor fmt::fmt)
    if(keyword STREQUAL JSON)
      target_link_libraries(${target} PRIVATE nlohmann_json::nlohmann_json)
    elseif(NOT keyword STREQUAL BASE)
      target_link_libraries(${target} PRIVATE outrider_proto)
    endif()
    if(keyword STREQUAL CLI)
      target_link_libraries(${target} PRIVATE CLI11::CLI11)
    endif()
    set(headers ${OUTRIDER_${keyword}_PCH})
    if(kind STREQUAL test)
      target_compile_options(${target} PRIVATE -O0)
      target_link_libraries(${target} PRIVATE GTest::gmock)
      list(APPEND headers <gmock/gmock.h> <gtest/gtest.h>)
    endif()
    target_precompile_headers(${target} PRIVATE ${headers})
  endforeach()
endforeach()

# Gives `name`, a target of `kind` product or test, the precompiled header of the keyword among
# `keywords`.
function(outrider_precompile name kind keywords)
  set(keyword base)
  if(keywords)
    string(TOLOWER "${keywords}" keyword)
  endif()
  target_precompile_headers(${name} REUSE_FROM outrider_${kind}_${keyword}_pch)
endfunction()

# Reads a target's keyword into `keyword`.
macro(outrider_keyword)
  set(keyword)
  foreach(one GRPC PROTO CLI JSON)
    if(ARG_${one})
      set(keyword ${one})
    endif()
  endforeach()
endmacro()

function(outrider_library name)
  cmake_parse_arguments(ARG "GRPC;PROTO;CLI;JSON" "" "SOURCES;LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_LINKS} PRIVATE outrider_flags)
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  outrider_keyword()
  outrider_precompile(${name} product "${keyword}")
endfunction()

# Executables and tests are compiled as the libraries are (-fPIC, where CMake's own choice is -fPIE):
# a precompiled header serves one of the two.
function(outrider_executable name)
  cmake_parse_arguments(ARG "GRPC;PROTO;CLI;JSON" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} outrider_flags)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  target_compile_options(${name} PRIVATE -fPIC)
  outrider_keyword()
  outrider_precompile(${name} product "${keyword}")
endfunction()

# One ctest entry per GoogleTest case; BY_SUITE, where cases share what takes long to make, one per
# suite. LABELS group them: unit, bpf, netns, system.
function(outrider_test name)
  cmake_parse_arguments(ARG "GRPC;PROTO;JSON;BY_SUITE" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  # What is tested is optimised; the tests themselves need not be, and compile in half the time.
  target_compile_options(${name} PRIVATE -fPIC -O0)
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} outrider_flags GTest::gmock GTest::gtest_main)
  outrider_keyword()
  outrider_precompile(${name} test "${keyword}")
  if(ARG_BY_SUITE)
    outrider_add_suites(${name} ${ARG_TIMEOUT} "${ARG_LABELS}")
    return()
  endif()
  # With several labels the list must survive two expansions; ctest wants one ;-separated value.
  string(REPLACE ";" "\\;" labels "${ARG_LABELS}")
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${labels}")
endfunction()
