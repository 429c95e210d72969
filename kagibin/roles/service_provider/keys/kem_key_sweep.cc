// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/kem_key_sweep.h"

#include <limits>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/roles/service_provider/enrolment/waiting_enrolments.h"
#include "kagibin/roles/service_provider/order_records.h"

namespace kagibin::roles::service_provider {

namespace {

constexpr std::string_view kKind = "kem_made";
// An order that is not looked at may use the key of one that is.
constexpr std::uint32_t kEveryOrder = std::numeric_limits<std::uint32_t>::max();

// made_at (8) | attempt (4) | length of the order's name (1) | name | URI
Result<KemKeyNote> decode(ByteView octets) {
  ByteReader in(octets);
  const auto made_at = static_cast<std::int64_t>(KB_TRY(in.u64()));
  const delivery::AttemptNumber attempt = KB_TRY(in.u32());
  const std::uint8_t size = KB_TRY(in.u8());
  const ByteView order = KB_TRY(in.bytes(size));
  const ByteView uri = in.take_rest();
  return KemKeyNote{
      .made_at = made_at,
      .order = KB_TRY(delivery::OrderId::from(std::string(order.begin(), order.end()))),
      .attempt = attempt,
      .uri = std::string(uri.begin(), uri.end())};
}

std::string label_of(ByteView part) { return fmt::format("{}/{}", kKind, to_hex(part)); }

// That the URI names this object and no other one, however it is written.
bool names_object(std::string_view uri, std::string_view object) {
  const std::string wanted = fmt::format(";object={}", object);
  const std::size_t at = uri.find(wanted);
  if (at == std::string_view::npos || uri.find("object=") != at + 1 ||
      uri.rfind("object=") != at + 1 || uri.find(";id=") != std::string_view::npos ||
      uri.starts_with("pkcs11:id=")) {
    return false;
  }
  const std::string_view rest = uri.substr(at + wanted.size());
  return rest.empty() || rest.front() == '?' || rest.front() == ';';
}

// What the journal has in the token.
class Named {
 public:
  Named(KeyStore& keys, delivery::JournalStore& journal)
      : keys_(keys), journal_(journal), enrolments_(journal) {}

  // An enrolment that waits for the next order opens with the key of the one before, as does the
  // envelope that was prepared of it. Before the orders are listed: an order that takes one
  // meanwhile has its attempt before the enrolment is gone, and is among them.
  Checked<void> add_enrolments(std::int64_t now) {
    for (WaitingEnrolments::Stored& one : KB_TRY(enrolments_.all())) {
      const Bytes element = receipt_key(one.seid, one.target);
      if (one.enrolment) {
        KB_TRY(note(waiting_label(one.seid, one.target), one.enrolment->sealed_kem_key, element,
                    true));
      }
      waiting_.emplace(element, std::move(one.record));
    }
    for (const auto& [id, prepared] : KB_TRY(enrolments_.all_prepared())) {
      const auto order = KB_TRY(journal_.find_order(id));
      if (order) {
        KB_TRY(note(kem_label(id, 1), prepared.sealed_kem_key,
                    receipt_key(order->seid, order->target), is_open(*order, now)));
      }
    }
    return {};
  }
  Checked<void> add(const delivery::JournalOrder& order, std::int64_t now) {
    for (delivery::AttemptNumber number = 1; number <= order.current_attempt; ++number) {
      const auto attempt = KB_TRY(journal_.find_attempt(order.id, number));
      if (attempt) {
        KB_TRY(note(kem_label(order.id, number), attempt->sealed_kem_key,
                    receipt_key(order.seid, order.target), is_open(order, now)));
      }
    }
    return {};
  }
  // URIs, and whose element each is for.
  std::map<std::string, Bytes> take_unused() {
    for (const std::string& uri : in_use_) {
      in_token_.erase(uri);
    }
    return std::move(in_token_);
  }
  // Whether nothing began to wait for this element, and nothing was taken, since add_enrolments().
  Checked<bool> is_as_it_was(const Bytes& element) const {
    const auto before = waiting_.find(element);
    const auto now = KB_TRY(enrolments_.as_stored(element));
    return before == waiting_.end() ? !now : now == before->second;
  }

 private:
  // After notAfter no receipt is believed, and none needs the key.
  static bool is_open(const delivery::JournalOrder& order, std::int64_t now) {
    return now <= order.not_after;
  }
  Checked<void> note(const std::string& label,
                     ByteView sealed,
                     const Bytes& element,
                     bool is_used) {
    const SecretBytes record = KB_TRY(keys_.unseal(label, sealed));
    if (crypto::is_place_in_token(record.expose())) {
      const std::string uri = KB_TRY(crypto::token_uri_of(record.expose()));
      if (is_used) {
        in_use_.insert(uri);
      }
      in_token_.insert_or_assign(uri, element);
    }
    return {};
  }

  KeyStore& keys_;
  delivery::JournalStore& journal_;
  WaitingEnrolments enrolments_;
  std::map<Bytes, Bytes> waiting_;  // records, by element and target
  std::map<std::string, Bytes> in_token_;
  std::set<std::string> in_use_;
};

Checked<bool> is_named(const KemKeyNote& note, delivery::JournalStore& journal, KeyStore& keys) {
  const auto attempt = KB_TRY(journal.find_attempt(note.order, note.attempt));
  if (!attempt) {
    return false;
  }
  const SecretBytes record =
      KB_TRY(keys.unseal(kem_label(note.order, note.attempt), attempt->sealed_kem_key));
  return crypto::is_place_in_token(record.expose()) &&
         KB_TRY(crypto::token_uri_of(record.expose())) == note.uri;
}

// Erasing keys, of several tokens: one that does not answer keeps no other key back.
class Eraser {
 public:
  Eraser(KeyStore& keys, KemKeySweep& out) : keys_(keys), out_(out) {}

  // Whether the token answered, so that the key is gone.
  bool erase(const std::string& uri) {
    const std::string token = uri.substr(0, uri.find(";object="));
    const auto silent = silent_.find(token);
    const auto erased =
        silent == silent_.end() ? keys_.erase_kem_key_named(uri) : std::unexpected(silent->second);
    if (erased) {
      out_.erased += *erased ? 1 : 0;
      return true;
    }
    if (silent == silent_.end() && (keys_.tokens() == nullptr || !keys_.tokens()->reach(uri))) {
      silent_.emplace(token, erased.error());  // looking for it takes seconds
    }
    out_.failed.push_back(erased.error().text);
    return false;
  }

 private:
  KeyStore& keys_;
  KemKeySweep& out_;
  std::map<std::string, Problem> silent_;
};

}  // namespace

std::string kem_object(const delivery::OrderId& order,
                       delivery::AttemptNumber attempt,
                       ByteView part) {
  return fmt::format("kem-{}-{}-{}", to_hex(ascii(order.text())), attempt, to_hex(part));
}

Result<void> KemKeyNotes::add(ByteView part, const KemKeyNote& note) {
  const std::string& order = note.order.text();
  const Bytes sealed =
      KB_TRY(keys_.seal(label_of(part), ByteWriter()
                                            .u64(static_cast<std::uint64_t>(note.made_at))
                                            .u32(note.attempt)
                                            .u8(static_cast<std::uint8_t>(order.size()))
                                            .bytes(ascii(order))
                                            .bytes(ascii(note.uri))
                                            .view()));
  return journal_.put_record(kKind, part, sealed);
}

Result<void> KemKeyNotes::remove(ByteView part) { return journal_.put_record(kKind, part, {}); }

Result<KemKeyNotes::All> KemKeyNotes::all() const {
  All out;
  for (const auto& [part, sealed] : KB_TRY(journal_.records(kKind))) {
    if (sealed.empty()) {
      continue;
    }
    const auto opened = keys_.unseal(label_of(part), sealed);
    const auto note =
        opened ? decode(opened->expose()) : Result<KemKeyNote>(std::unexpected(opened.error()));
    if (note && names_object(note->uri, kem_object(note->order, note->attempt, part))) {
      out.notes.emplace_back(part, *note);
    } else {
      out.refused.push_back(to_hex(part));
    }
  }
  return out;
}

Checked<KemKeySweep> sweep_kem_keys(delivery::JournalStore& journal,
                                    KeyStore& keys,
                                    std::int64_t now,
                                    bool is_dry_run) {
  KemKeySweep out;
  KemKeyNotes notes(journal, keys);
  // Before the attempts: one that is opened meanwhile is seen below.
  const auto made = KB_TRY(notes.all());
  out.refused = made.refused;
  Named named(keys, journal);
  Eraser eraser(keys, out);
  KB_TRY(named.add_enrolments(now));
  for (const delivery::JournalOrder& order : KB_TRY(journal.orders(std::nullopt, kEveryOrder))) {
    KB_TRY(named.add(order, now));
  }
  for (const auto& [uri, element] : named.take_unused()) {
    out.over.push_back(uri);
    if (!is_dry_run && KB_TRY(named.is_as_it_was(element))) {  // else another time
      eraser.erase(uri);
    }
  }
  for (const auto& [part, note] : made.notes) {
    const bool is_done = KB_TRY(is_named(note, journal, keys));
    if (!is_done && now - note.made_at < KemKeyNotes::kYoung) {
      continue;
    }
    if (!is_done) {
      out.orphans.push_back(note.uri);
    }
    if (is_dry_run) {
      continue;
    }
    if (is_done || eraser.erase(note.uri)) {
      KB_TRY(notes.remove(part));
    }
  }
  return out;
}

}  // namespace kagibin::roles::service_provider
