// Models of an elaborated netlist: found from where an element stands, bins chosen by the size of the device, equal
// ones of several instances written once.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/netlist/elaborated_instance.hpp"

namespace flare::engine {

/// Size of a device, for the choice of a bin; m, as ngspice reads it with the netlist's scale.
struct DeviceSize {
  double w = 0.0;
  double l = 0.0;
  double nf = 1.0;
};

class ElaboratedModels {
 public:
  ElaboratedModels(const ElaborationOptions& options, double scale, FlatDeck& deck)
      : options_(options), scale_(scale), deck_(deck) {}

  /// Makes a .model known to an instance.
  void define(const Statement& statement, Instance& instance);

  /// Whether a name means a model from inside an instance.
  bool knows(const Instance& instance, const std::string& name) const;

  /// The name under which the model called `name` stands in the flat deck; it is written there if it is not yet.
  /// `size`: of the device, where it is known without draws. Throws DeckError at `statement` where there is none or no
  /// bin fits.
  std::string use(const Instance& instance, const std::string& name, const std::optional<DeviceSize>& size,
                  const Statement& statement);

 private:
  /// A card evaluated for one instance.
  struct Card {
    const ModelDefinition* definition = nullptr;
    std::string text;  // behind the name
    std::vector<DrawnValue> drawn;
  };
  struct Found {
    const Instance* instance = nullptr;
    std::vector<const ModelDefinition*> cards;
    bool exact = false;  // named as one card
  };

  Found find(const Instance& instance, const std::string& name) const;
  std::vector<const ModelDefinition*> fitting(const Found& found, const DeviceSize& size) const;
  double limit(const ModelDefinition& definition, const Instance& instance, const char* key) const;
  const Card& card(const ModelDefinition& definition, const Instance& instance);
  std::string write(const std::vector<const Card*>& cards, const std::string& base);
  std::string fresh_name(const std::string& base);

  const ElaborationOptions& options_;
  double scale_;
  FlatDeck& deck_;
  std::map<const Statement*, ModelDefinition> definitions_;
  std::map<std::pair<const Instance*, const ModelDefinition*>, Card> cards_;
  std::map<std::string, std::string> written_;  // name by the text of the cards
  std::set<std::string> names_;
};

}  // namespace flare::engine
