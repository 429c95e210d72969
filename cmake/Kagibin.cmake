# kagibin_library(NAME SOURCES a.cc ... [DEPS kagibin::base ...] [PRIVATE_DEPS OpenSSL::Crypto ...])
#   One static library; its include prefix is the repository root. DEPS are exact: the include tables in
#   scripts/check compare them with what the sources include.
# kagibin_test(NAME [DEPS kagibin::base ...])
#   Builds NAME.cc beside the code with GoogleTest; the test reads vectors from testdata/ through KAGIBIN_SOURCE_DIR.
# kagibin_program(NAME SOURCES main.cc ... DEPS ...)
#   One executable, installed to bin.

find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(fmt 9 REQUIRED)
if(BUILD_TESTING)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()

add_library(kagibin_options INTERFACE)
target_compile_options(kagibin_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor -Werror)
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
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${name}.cc ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} kagibin_options GTest::gtest_main GTest::gtest)
  target_compile_definitions(${name} PRIVATE KAGIBIN_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    KAGIBIN_BINARY_DIR="${CMAKE_BINARY_DIR}")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT ${arg_TIMEOUT})
endfunction()

function(kagibin_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} kagibin_options)
  target_compile_definitions(${name} PRIVATE KAGIBIN_VERSION="${PROJECT_VERSION}")
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()
