// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/console/manual_page.h"

#include <string_view>

#include <fmt/format.h>

namespace kagibin::cli {

namespace {

// Text for roff: hyphens that may be typed, no line that looks like a request.
std::string escaped(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const char letter : text) {
    if (line_start && (letter == '.' || letter == '\'')) {
      out += "\\&";
    }
    line_start = letter == '\n';
    if (letter == '\\') {
      out += "\\e";
    } else if (letter == '-') {
      out += "\\-";
    } else {
      out += letter;
    }
  }
  return out;
}

std::string sentence(std::string text) {
  if (!text.empty() && text.back() != '.' && text.back() != ':') {
    text += '.';
  }
  return escaped(text);
}

// The names, the kind of value where one is taken, the default.
std::string option(const CLI::Option& one) {
  std::string out = ".TP\n\\fB" + escaped(one.get_name(one.get_positional(), true)) + "\\fR";
  if (one.get_items_expected_max() > 0) {
    out += fmt::format(" \\fI{}\\fR", escaped(one.get_type_name()));
  }
  out += '\n' + sentence(one.get_description());
  if (one.get_required()) {
    out += " Required.";
  }
  // The home depends on who reads: the page says how it is found.
  const bool is_home = one.check_name("--home");
  if (is_home) {
    out += " Default: a folder of the program's role under \\fB$XDG_DATA_HOME/kagibin\\fR.";
  } else if (!one.get_default_str().empty()) {
    out += fmt::format(" Default: {}.", escaped(one.get_default_str()));
  }
  return out + '\n';
}

std::string options(const CLI::App& app) {
  std::string out;
  for (const CLI::Option* one : app.get_options()) {
    const bool said_above = app.get_parent() != nullptr && one->check_name("--help");
    if (!one->get_group().empty() && !said_above) {
      out += option(*one);
    }
  }
  return out;
}

std::string commands(const CLI::App& app, const std::string& before) {
  std::string out;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string name = before + command->get_name();
    out += fmt::format(".SS {}\n{}\n", escaped(name), sentence(command->get_description()));
    out += options(*command);
    out += commands(*command, name + ' ');
  }
  return out;
}

}  // namespace

std::string manual_page(const CLI::App& app, const std::string& version) {
  const std::string name = app.get_name();
  std::string out = fmt::format(".TH {} 1 \"\" \"{}\" \"Kagibin\"\n", escaped(name), version);
  out += fmt::format(".SH NAME\n{} \\- {}\n", escaped(name), escaped(app.get_description()));
  const std::string said = commands(app, "");
  out += fmt::format(".SH SYNOPSIS\n\\fB{}\\fR [\\fIoptions\\fR]{}\n", escaped(name),
                     said.empty() ? "" : " \\fIcommand\\fR");
  out += ".SH DESCRIPTION\n" + sentence(app.get_description()) +
         "\nPart of Kagibin, which carries a service provider's keys into secure elements over "
         "operators that cannot read them.\n";
  out += ".SH OPTIONS\n" + options(app);
  if (!said.empty()) {
    out += ".SH COMMANDS\nThe options above may stand before or behind the command.\n" + said;
  }
  out += ".SH EXIT STATUS\n" + escaped(app.get_footer()) + '\n';
  out += ".SH SEE ALSO\n\\fBkagibin\\fR(1)\n";
  return out;
}

}  // namespace kagibin::cli
