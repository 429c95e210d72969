# SPDX-License-Identifier: Apache-2.0
# Every library that is not ours, found in one place; scripts/setup installs them, and scripts/check_includes.py says which
# folder may link which (house.md, second table). Targets to link:
#   OpenSSL::Crypto OpenSSL::SSL   fmt::fmt   Boost::headers (Asio, Beast, URL)   Boost::json   SQLite::SQLite3   PostgreSQL::PostgreSQL
#   PkgConfig::PCSCLITE   PkgConfig::P11KIT   CLI11::CLI11   spdlog::spdlog   prometheus-cpp::core   ZLIB::ZLIB   Threads::Threads
#   tests: GTest::gtest GTest::gtest_main GTest::gmock, rapidcheck_gtest   bench: benchmark::benchmark

find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(SQLite3 3.35 REQUIRED)
find_package(PostgreSQL 15 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCSCLITE REQUIRED IMPORTED_TARGET GLOBAL libpcsclite)
pkg_check_modules(P11KIT REQUIRED IMPORTED_TARGET GLOBAL p11-kit-1)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(ZLIB REQUIRED)
if(BUILD_TESTING)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
  # A malloc for programs of one thread that allocate all the time; they do without it where it is missing.
  find_library(TCMALLOC_MINIMAL NAMES libtcmalloc_minimal.so.4)
  include(GoogleTest)
endif()
if(KAGIBIN_BENCH)
  find_package(benchmark REQUIRED)
endif()
