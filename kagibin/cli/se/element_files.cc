// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/se/element_files.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>
#include <system_error>

#include "kagibin/se/nvm/nvm_log.h"

namespace kagibin::cli {

namespace {

constexpr std::string_view kStoreMagic = "KBHOST1\n";

Result<void> check(const std::filesystem::path& path, std::string_view magic, Detail other) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return fail(Errc::kNotFound, "there is no such file");
  }
  std::array<char, 8> head{};
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return fail(Errc::kIo, "the file cannot be read; check its rights");
  }
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  const std::string_view begin(head.data(),
                               static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  return begin == magic ? Result<void>{} : fail(Errc::kEncoding, other);
}

}  // namespace

Result<void> check_element_file(const std::filesystem::path& path) {
  return check(path, se::nvm_log::kMagic, "this file is not an element's memory");
}

Result<void> check_store_file(const std::filesystem::path& path) {
  return check(path, kStoreMagic, "this file is not a store of elements");
}

std::filesystem::path journal_of(const std::filesystem::path& store) {
  std::filesystem::path out = store;
  out += ".log";
  return out;
}

Result<SecretBytes> read_whole(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return SecretBytes();
  }
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = in ? static_cast<std::streamoff>(in.tellg()) : -1;
  if (size < 0) {
    return fail(Errc::kIo, "the file cannot be read; check its rights");
  }
  in.seekg(0);
  SecretBytes out(static_cast<std::size_t>(size));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): octets of a file
  in.read(reinterpret_cast<char*>(out.expose_mutable().data()), size);
  if (in.gcount() != size) {
    return fail(Errc::kIo, "the file cannot be read to its end");
  }
  return out;
}

}  // namespace kagibin::cli
