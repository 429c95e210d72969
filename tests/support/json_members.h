// SPDX-License-Identifier: Apache-2.0
// The members of a JSON text by their places (RFC 6901), for tests that take each away or change it
// in turn. Ownership: values. Thread-safety: none needed.
//
//   for (const std::string& place : json_places(good)) {
//     boost::json::value value = good;
//     value.at_pointer(place) = nullptr;
//     EXPECT_EQ(fault(value), name(Errc::kEncoding)) << place;
//   }
#pragma once

#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace kagibin::test {

// "/limits", "/limits/channels", "/keys/0", ...: every member and every entry of a list.
inline std::vector<std::string> json_places(const boost::json::value& value,
                                            const std::string& under = {}) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& place, const boost::json::value& inner) {
    out.push_back(place);
    for (std::string& deeper : json_places(inner, place)) {
      out.push_back(std::move(deeper));
    }
  };
  if (const boost::json::object* object = value.if_object()) {
    for (const auto& member : *object) {
      add(under + "/" + std::string(member.key().data(), member.key().size()), member.value());
    }
  } else if (const boost::json::array* array = value.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      add(under + "/" + std::to_string(i), (*array)[i]);
    }
  }
  return out;
}

// Takes the member away; false when the place is an entry of a list, which stays.
inline bool erase_member(boost::json::value& root, const std::string& place) {
  const std::size_t slash = place.rfind('/');
  boost::json::object* parent = root.at_pointer(place.substr(0, slash)).if_object();
  if (parent == nullptr) {
    return false;
  }
  parent->erase(place.substr(slash + 1));
  return true;
}

}  // namespace kagibin::test
