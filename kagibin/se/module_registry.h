// SPDX-License-Identifier: Apache-2.0
// The code inside a virtual element: built-in Executable Load Files and what makes an application
// of each of their modules.
//
// The registry is the element's ROM: it is put together by the program (or the test) and is the
// same at every start. Which load files and applications an element has is in its memory. Limits:
// none. Ownership: the element keeps a reference; the registry outlives it. Thread-safety: const
// after setup.
//
//   ModuleRegistry modules;
//   KB_TRY(modules.add({.file = kda_load_file(), .factories = {[](const ApplicationContext&
//   context) {
//     return std::make_unique<Kda>(context);
//   }}}));
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "kagibin/se/application.h"
#include "kagibin/se/load_file.h"

namespace kagibin::se {

using ApplicationFactory = std::function<std::unique_ptr<Application>(const ApplicationContext&)>;

struct BuiltIn {
  LoadFile file;
  std::vector<ApplicationFactory> factories;  // one a module, in the load file's order
  bool makes_domains = false;                 // its modules are part of security domains
};

// The security domain module that every element has, under the AIDs that GlobalPlatform tools use
// for it by default: load file A0000001515350, module A000000151535041.
Aid security_domain_load_file_aid();
Aid security_domain_module_aid();
// Older tools name them A0000000035350 and A000000003535041: the AID that is meant.
Aid meant_load_file(const Aid& aid);
Aid meant_module(const Aid& aid);

class ModuleRegistry {
 public:
  // Has the security domain's load file and nothing else.
  ModuleRegistry();

  // kConflict when the load file is there already; kInvalidArgument unless there is one factory a
  // module.
  Result<void> add(BuiltIn built_in);

  // nullptr when there is none.
  const LoadFile* load_file(const Aid& aid) const;
  const ApplicationFactory* factory(const Aid& load_file, const Aid& module) const;
  // The code of a module of this AID in whatever load file it is built in, for load files that came
  // by LOAD. nullptr when there is none, and for security domains, which only their own load files
  // make.
  const ApplicationFactory* factory_of(const Aid& module) const;
  // Whether a security domain is made from this load file; not of the one that every element has.
  bool makes_domains(const Aid& load_file) const;
  std::vector<Aid> load_files() const;

 private:
  std::map<Aid, BuiltIn> built_in_;
};

}  // namespace kagibin::se
