# SPDX-License-Identifier: Apache-2.0
# kagibin_library(NAME SOURCES a.cc ... [DEPS kagibin::base ...] [PRIVATE_DEPS OpenSSL::Crypto ...])
#   One static library; its include prefix is the repository root. DEPS and PRIVATE_DEPS are exact: scripts/check_includes.py
#   compares them with what the sources include, and both with the tables of who may include what.
# kagibin_test(NAME [SOURCES more.cc ...] [DEPS kagibin::base ...] [LABELS release ...] [TIMEOUT seconds]
#              [PROCESSORS n])
#   Builds NAME.cc beside the code with GoogleTest (SUBFOLDER/NAME where that has no CMakeLists.txt of its own); the test reads vectors from testdata/ through KAGIBIN_SOURCE_DIR.
#   LABELS release: built and run by the release preset too; every other test is left out there.
# kagibin_test_library(NAME SOURCES ... [DEPS ...] [PRIVATE_DEPS ...]), kagibin_test_program(NAME SOURCES ... DEPS ...)
#   What several tests share, and a program that only tests and documentation run: never installed, only with tests. With one label a program is built when it is asked for by its name.
# kagibin_program(NAME SOURCES main.cc ... DEPS ...)
#   One executable, installed to bin with its manual page: NAME.1 beside it, or what NAME --manual-page prints.
# kagibin_fuzzer(NAME [SOURCES more.cc ...] DECODES kagibin/tlv/ber_tlv.cc ... DEPS ...)
#   Builds NAME.cc with libFuzzer in the fuzz and coverage presets; the corpus lies in corpus/NAME/ beside it. With the other
#   tests it is built with fuzz/replay_main.cc and runs its corpus once.
#   DECODES names the sources whose region coverage scripts/check --coverage prints.
# kagibin_benchmark(NAME [SOURCES more.cc ...] DEPS ...)
#   Builds NAME.cc with Google Benchmark in the release preset.

include(${CMAKE_CURRENT_LIST_DIR}/ThirdParty.cmake)

add_library(kagibin_options INTERFACE)
target_compile_options(kagibin_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor -Werror)
# GCC 12 sees overlapping copies in inlined std::string operator+ where there are none (GCC bug 105651).
target_compile_options(kagibin_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
target_include_directories(kagibin_options INTERFACE ${CMAKE_SOURCE_DIR})
if(KAGIBIN_TEST_HOOKS)
  target_compile_definitions(kagibin_options INTERFACE KAGIBIN_TEST_HOOKS=1)
endif()

function(kagibin_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(kagibin_${name} STATIC ${arg_SOURCES})
  add_library(kagibin::${name} ALIAS kagibin_${name})
  target_link_libraries(kagibin_${name} PUBLIC ${arg_DEPS} PRIVATE kagibin_options ${arg_PRIVATE_DEPS})
  target_include_directories(kagibin_${name} PUBLIC ${CMAKE_SOURCE_DIR})
endfunction()

function(kagibin_test name)
  cmake_parse_arguments(arg "" "TIMEOUT;PROCESSORS" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT BUILD_TESTING OR (KAGIBIN_TEST_LABEL AND NOT KAGIBIN_TEST_LABEL IN_LIST arg_LABELS))
    return()
  endif()
  set(source ${name}.cc)
  get_filename_component(name ${name} NAME)
  add_executable(${name} ${source} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} kagibin_options GTest::gtest_main GTest::gtest)
  target_compile_options(${name} PRIVATE ${KAGIBIN_TEST_FLAGS})
  target_compile_definitions(${name} PRIVATE KAGIBIN_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    KAGIBIN_BINARY_DIR="${CMAKE_BINARY_DIR}")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set(properties TIMEOUT ${arg_TIMEOUT})
  if(arg_PROCESSORS)
    list(APPEND properties PROCESSORS ${arg_PROCESSORS})
  endif()
  if(arg_LABELS)
    list(APPEND properties LABELS "${arg_LABELS}")
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES ${properties})
endfunction()

function(kagibin_test_library name)
  if(BUILD_TESTING)
    kagibin_library(${name} ${ARGN})
    # With one label, only what a test of that label needs is built.
    set_target_properties(kagibin_${name} PROPERTIES EXCLUDE_FROM_ALL "$<BOOL:${KAGIBIN_TEST_LABEL}>")
  endif()
endfunction()

function(kagibin_test_program name)
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} kagibin_options)
  set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL "$<BOOL:${KAGIBIN_TEST_LABEL}>")
endfunction()

function(kagibin_program name)
  cmake_parse_arguments(arg "" "PACKAGE" "SOURCES;DEPS" ${ARGN})
  if(NOT arg_PACKAGE)
    set(arg_PACKAGE tools)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} kagibin_options)
  target_compile_options(${name} PRIVATE ${KAGIBIN_PROGRAM_FLAGS})
  target_compile_definitions(${name} PRIVATE KAGIBIN_VERSION="${PROJECT_VERSION}")
  install(TARGETS ${name} RUNTIME DESTINATION bin COMPONENT ${arg_PACKAGE})
  # The manual page: a file beside the main file, or what the program says of itself.
  set(page ${CMAKE_BINARY_DIR}/man/${name}.1)
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${name}.1)
    configure_file(${name}.1 ${page} @ONLY)
  else()
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/man)
    add_custom_command(TARGET ${name} POST_BUILD COMMAND ${name} --manual-page > ${page} VERBATIM)
  endif()
  install(FILES ${page} DESTINATION share/man/man1 COMPONENT ${arg_PACKAGE})
endfunction()

function(kagibin_fuzzer name)
  cmake_parse_arguments(arg "" "" "SOURCES;DECODES;DEPS" ${ARGN})
  if(NOT KAGIBIN_FUZZ)
    if(BUILD_TESTING AND NOT KAGIBIN_TEST_LABEL)
      add_executable(${name} ${name}.cc ${arg_SOURCES} ${CMAKE_SOURCE_DIR}/fuzz/replay_main.cc)
      target_link_libraries(${name} PRIVATE ${arg_DEPS} kagibin_options)
      add_test(NAME Fuzz.${name} COMMAND ${name} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
      set_tests_properties(Fuzz.${name} PROPERTIES TIMEOUT 60)
    endif()
    return()
  endif()
  add_executable(${name} ${name}.cc ${arg_SOURCES})
  target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name} PRIVATE ${arg_DEPS} kagibin_options)
  set_property(GLOBAL APPEND PROPERTY KAGIBIN_FUZZER_TARGETS ${name})
  set_property(GLOBAL APPEND_STRING PROPERTY KAGIBIN_FUZZERS
    "$<TARGET_FILE:${name}>\t${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}\t${arg_DECODES}\n")
endfunction()

function(kagibin_benchmark name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  if(NOT KAGIBIN_BENCH)
    return()
  endif()
  add_executable(${name} ${name}.cc ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} kagibin_options benchmark::benchmark)
endfunction()

# After the last folder: the target fuzzers and fuzzers.tsv (program, corpus, decoders) for scripts/check, and the tests of the repository itself.
function(kagibin_finish)
  if(KAGIBIN_FUZZ)
    get_property(fuzzers GLOBAL PROPERTY KAGIBIN_FUZZERS)
    file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/fuzzers.tsv CONTENT "${fuzzers}")
    get_property(targets GLOBAL PROPERTY KAGIBIN_FUZZER_TARGETS)
    add_custom_target(fuzzers DEPENDS ${targets})
  endif()
  if(BUILD_TESTING AND KAGIBIN_TEST_LABEL STREQUAL "release")
    add_test(NAME Symbols.OperatorsCannotOpenSealOrSpeakASecureChannel
      COMMAND ${CMAKE_SOURCE_DIR}/scripts/check_symbols --build ${CMAKE_BINARY_DIR})
    add_test(NAME Symbols.CheckNoticesPlantedCode COMMAND ${CMAKE_SOURCE_DIR}/scripts/check_symbols --self-test)
    set_tests_properties(Symbols.OperatorsCannotOpenSealOrSpeakASecureChannel Symbols.CheckNoticesPlantedCode
      PROPERTIES LABELS release TIMEOUT 120 SKIP_RETURN_CODE 77)
    add_test(NAME Package.IsInstalledServesAndIsRemoved
      COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/package/package_test.py ${CMAKE_BINARY_DIR})
    set_tests_properties(Package.IsInstalledServesAndIsRemoved PROPERTIES LABELS release TIMEOUT 600 COST 100 SKIP_RETURN_CODE 77)
  elseif(BUILD_TESTING)
    add_test(NAME Setup.LeavesNoServiceListening COMMAND ${CMAKE_SOURCE_DIR}/scripts/check_listening)
    add_test(NAME Setup.CheckNoticesAListener COMMAND ${CMAKE_SOURCE_DIR}/scripts/check_listening --self-test)
    set_tests_properties(Setup.LeavesNoServiceListening Setup.CheckNoticesAListener
      PROPERTIES TIMEOUT 60 SKIP_RETURN_CODE 77)
  endif()
endfunction()
