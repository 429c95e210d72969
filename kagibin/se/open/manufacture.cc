// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/manufacture.h"

#include <utility>

#include "kagibin/gp/get_data.h"
#include "kagibin/se/casd/casd.h"
#include "kagibin/se/domain/data_objects.h"
#include "kagibin/se/open/content.h"
#include "kagibin/se/open/sessions/channel_protocols.h"

namespace kagibin::se {

namespace {

constexpr std::size_t kMaxName = 16;
constexpr std::size_t kCplcSize = 42;
constexpr std::uint16_t kCplc = 0x9F7F;

Result<void> put_names(Nvm& nvm, const ElementProfile& profile) {
  if (profile.iin.size() > kMaxName || profile.cin.size() > kMaxName) {
    return fail(Errc::kInvalidArgument, "IIN and CIN have at most 16 octets");
  }
  if (!profile.cplc.empty() && profile.cplc.size() != kCplcSize) {
    return fail(Errc::kInvalidArgument, "CPLC has 42 octets");
  }
  KB_TRY(
      put_data_object(nvm, profile.isd_aid, gp::data_object::kIssuerIdentification, profile.iin));
  KB_TRY(put_data_object(nvm, profile.isd_aid, gp::data_object::kCardImageNumber, profile.cin));
  return put_data_object(nvm, profile.isd_aid, kCplc, profile.cplc);
}

Result<void> put_issuer(Platform& platform, const ElementProfile& profile) {
  KB_TRY(profile.isd_privileges.check());
  if (!profile.isd_privileges.has(gp::Privileges::kSecurityDomain)) {
    return fail(Errc::kInvalidArgument, "the ISD has the privilege of a security domain");
  }
  return platform.registry.put({.aid = profile.isd_aid,
                                .kind = EntryKind::kIssuerSecurityDomain,
                                .life_cycle = std::to_underlying(gp::CardState::kOpReady),
                                .privileges = profile.isd_privileges,
                                .security_domain = profile.isd_aid,
                                .load_file = security_domain_load_file_aid(),
                                .module = security_domain_module_aid(),
                                .protocols = protocols_of(profile)});
}

struct SetName {
  Aid domain;
  std::uint8_t version = 0;
};

Result<void> put_set(KeyStore& store, const SetName& name, const scp::Scp03KeySet& keys) {
  KB_TRY(store.put_key(name.domain, {name.version, 0x01}, keys.enc.expose()));
  KB_TRY(store.put_key(name.domain, {name.version, 0x02}, keys.mac.expose()));
  return store.put_key(name.domain, {name.version, 0x03}, keys.dek.expose());
}

Result<void> put_set(KeyStore& store, const SetName& name, const scp::Scp02KeySet& keys) {
  std::uint8_t identifier = 0;
  for (const SecretBytes* value : {&keys.enc, &keys.mac, &keys.dek}) {
    const gp::Key key = KB_TRY(gp::Key::des(value->expose()));
    KB_TRY(store.put_key(name.domain, {name.version, ++identifier}, key));
  }
  return {};
}

Result<void> put_keys(Platform& platform, const InitialKeySet& set) {
  const auto domain = platform.registry.find(set.security_domain);
  if (!domain || !domain->is_security_domain()) {
    return fail(Errc::kNotFound, "a key set is for a security domain that the profile lacks");
  }
  const std::uint8_t version = set.key_version_number;
  if (version == 0 || (version > kMaxKeyVersion && version != kFactoryKeyVersion)) {
    return fail(Errc::kInvalidArgument, "a key version is 01 to 7F, or FF");
  }
  KB_TRY(std::visit(
      [&](const auto& keys) { return put_set(platform.keys, {domain->aid, version}, keys); },
      set.keys));
  return mark_personalized(platform, *domain);
}

}  // namespace

Result<void> manufacture(Platform& platform, Instances& instances, const ElementProfile& profile) {
  KB_TRY(platform.facts.store(platform.nvm));
  KB_TRY(put_issuer(platform, profile));
  KB_TRY(put_names(platform.nvm, profile));
  for (const Aid& aid : platform.modules.load_files()) {
    KB_TRY(platform.registry.put_load_file(
        {.aid = aid,
         .security_domain = profile.isd_aid,
         .code_hash = platform.modules.load_file(aid)->code_hash()}));
  }
  if (profile.casd) {
    KB_TRY(make_casd(platform, *profile.casd));
  }
  for (const InitialSecurityDomain& domain : profile.security_domains) {
    const auto& own = domain.own_delivery;
    KB_TRY(install(platform, instances,
                   {.load_file = own ? own->load_file : security_domain_load_file_aid(),
                    .module = own ? own->module : security_domain_module_aid(),
                    .aid = domain.aid,
                    .privileges = domain.privileges,
                    .security_domain = profile.isd_aid,
                    .granter = profile.isd_aid,
                    .life_cycle = gp::kSelectable,
                    .delivery = own ? ByteView(own->parameters) : ByteView{}}));
  }
  for (const InitialKeySet& set : profile.key_sets) {
    KB_TRY(put_keys(platform, set));
  }
  for (const InitialApplication& application : profile.applications) {
    KB_TRY(install(platform, instances,
                   {.load_file = application.load_file,
                    .module = application.module,
                    .aid = application.aid,
                    .security_domain = application.security_domain,
                    .granter = profile.isd_aid,
                    .parameters = application.parameters,
                    .life_cycle = gp::kSelectable}));
  }
  return {};
}

Result<void> check_code(Platform& platform, bool update) {
  NvmTransaction transaction(platform.nvm);
  for (LoadFileEntry entry : platform.registry.load_files()) {
    if (entry.loaded) {
      continue;
    }
    const LoadFile* file = platform.modules.load_file(entry.aid);
    if (file == nullptr) {
      return fail(Errc::kNotFound, "an application on this element is not built into this program");
    }
    if (entry.code_hash == file->code_hash()) {
      continue;
    }
    if (!update) {
      return fail(Errc::kConflict,
                  "an application's code is not what this element was made with: use the program "
                  "that made it, or make the element anew");
    }
    entry.code_hash = file->code_hash();
    KB_TRY(platform.registry.put_load_file(entry));
  }
  return transaction.commit();
}

}  // namespace kagibin::se
