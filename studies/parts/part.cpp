#include "studies/parts/part.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/netlist/deck_lexer.hpp"
#include "studies/toml/toml_file.hpp"

namespace flare::studies {

namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// "'wx' is no PARAMETER; did you mean 'wa'?" or what there is.
std::string not_among(std::string_view name, std::string_view what, const std::vector<std::string>& names) {
  const std::string close = nearest(name, names);
  return fmt::format("'{}' is no {}; {}", name, what,
                     !close.empty()  ? fmt::format("did you mean '{}'?", close)
                     : names.empty() ? std::string("it has none")
                                     : fmt::format("there are {}", fmt::join(names, ", ")));
}

std::string all_of(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, " ")); }

}  // namespace

bool Call::has_port(std::string_view role) const { return contains(ports, role); }

std::string call_line(const std::string& instance, const Call& call,
                      const std::map<std::string, std::string>& nodes, const Parameters& sizes,
                      const Parameters& more) {
  std::string line = instance;
  for (const std::string& role : call.ports) line += fmt::format(" {}", nodes.at(role));
  line += fmt::format(" {}", call.subcircuit);
  for (const std::string& size : call.takes) line += fmt::format(" {}={}", size, sizes.at(size));
  for (const auto& [name, value] : more) line += fmt::format(" {}={}", name, value);
  return line + '\n';
}

Manifest::Manifest(std::filesystem::path file)
    : file_(std::move(file)), table_(read_toml(file_, "a manifest")), root_(table_, "", file_) {}

Part Manifest::part(const std::string& name, const std::string& variant) {
  read_netlist();
  return {name, root_.text("title", name), file_, netlist_, sizes(variant)};
}

void Manifest::read_netlist() {
  netlist_ = root_.file("netlist");
  try {
    // Included, as it will be: its first line is no title.
    subcircuits_ = engine::subcircuits_of(engine::parse_deck(
        fmt::format("part\n.include \"{}\"\n", std::filesystem::absolute(netlist_).string()), file_));
  } catch (const engine::DeckError& e) {
    root_.fail("netlist", e.what());
  }
}

Parameters Manifest::parameters(Section section) {
  Parameters parameters;
  for (const std::string& name : section.keys()) {
    if (engine::lower(name) != name) section.fail(name, "parameters of SPICE are written in lower case here");
    parameters[name] = section.parameter(name);
  }
  return parameters;
}

Parameters Manifest::sizes(const std::string& variant) {
  Parameters sizes = parameters(root_.section("sizes"));
  Section variants = root_.section("variants");
  for (const std::string& name : variants.keys()) {
    const Section section = variants.section(name);
    for (const auto& [size, value] : parameters(section)) {
      if (!sizes.contains(size)) section.fail(size, "is no size in [sizes]; add it there");
      if (name == variant) sizes[size] = value;
    }
  }
  return sizes;
}

void Manifest::check_sizes(const std::vector<const Call*>& calls) {
  const Section section = root_.section("sizes");
  for (const auto& size : parameters(section)) {
    const auto takes_it = [&](const Call* call) { return contains(call->takes, size.first); };
    if (std::any_of(calls.begin(), calls.end(), takes_it)) continue;
    section.fail(size.first,
                 fmt::format("no subcircuit here has such a parameter ({})", calls.front()->subcircuit));
  }
}

const engine::SubcircuitInterface& Manifest::interface(Section& section, const std::string& name) {
  std::vector<std::string> names;
  for (const engine::SubcircuitInterface& subcircuit : subcircuits_) {
    if (subcircuit.name == name) return subcircuit;
    names.push_back(subcircuit.name);
  }
  section.fail("subcircuit",
               fmt::format("{} of {}", not_among(name, "subcircuit", names), netlist_.string()));
}

Call Manifest::call(Section& section, const std::vector<std::string>& roles,
                    const std::vector<std::string>& needed, const Parameters& sizes) {
  Call call;
  call.subcircuit = engine::lower(section.text("subcircuit"));
  const engine::SubcircuitInterface& interface = this->interface(section, call.subcircuit);
  call.ports = section.texts("ports");
  for (const std::string& role : call.ports) {
    if (!contains(roles, role)) section.fail("ports", not_among(role, "role here", roles));
  }
  if (call.ports.size() != interface.ports.size()) {
    section.fail("ports", fmt::format("names {} roles, but {} has {} ports ({}: {}); name one role a port",
                                      call.ports.size(), call.subcircuit, interface.ports.size(),
                                      interface.place, all_of(interface.ports)));
  }
  for (const std::string& role : needed) {
    if (!call.has_port(role)) section.fail("ports", fmt::format("no port is the {}", role));
  }
  if (section.has("varies")) call.varies = section.texts("varies");
  for (const std::string& element : call.varies) {
    if (!interface.has_element(element)) {
      section.fail("varies", not_among(element, "element of " + call.subcircuit, interface.elements));
    }
  }
  call.multiplicity = section.text("multiplicity", "");
  if (!call.multiplicity.empty() && !interface.has_parameter(call.multiplicity)) {
    section.fail("multiplicity",
                 not_among(call.multiplicity, "parameter of " + call.subcircuit, interface.parameters));
  }
  for (const auto& [size, value] : sizes) {
    if (interface.has_parameter(size)) call.takes.push_back(size);
  }
  return call;
}

void Manifest::check_parameter(Section& section, std::string_view key, const Call& call,
                               const std::string& name) {
  const engine::SubcircuitInterface& interface = this->interface(section, call.subcircuit);
  if (interface.has_parameter(name)) return;
  section.fail(key, not_among(name, "parameter of " + call.subcircuit, interface.parameters));
}

Parameters Manifest::parameters_of(Section section, const Call& call) {
  Parameters parameters = this->parameters(section);
  const engine::SubcircuitInterface& interface = this->interface(section, call.subcircuit);
  for (const auto& [name, value] : parameters) {
    if (!interface.has_parameter(name)) {
      section.fail(name, not_among(name, "parameter of " + call.subcircuit, interface.parameters));
    }
  }
  return parameters;
}

}  // namespace flare::studies
