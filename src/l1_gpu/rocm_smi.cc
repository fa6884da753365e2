// SPDX-License-Identifier: Apache-2.0
// rocm-smi with --json: an object per card, keys as the tool prints them with their unit in
// brackets (the catalog scales them), values mostly text.
#include <algorithm>
#include <charconv>

#include "l1_gpu/smi.h"

namespace strata::l1_gpu {
namespace {

constexpr std::string_view kAdapter = "rocm_smi";
constexpr std::size_t kMaxCards = 4096, kMaxReadings = 512;

std::string TextOf(const base::Json& value) {
  return value.is_string() ? value.as_string() : value.is_number() ? value.dump() : std::string();
}

// The first of these keys that the card has; the spelling changed between versions.
std::string First(const base::Json& card, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    const std::string text = TextOf(card[key]);
    if (!text.empty() && text != "N/A") return text;
  }
  return {};
}

// "1 (16.0GT/s x16)" -> generation and lanes of the PCIe link
void PcieLevel(const std::string& text, SmiDevice* device) {
  static constexpr std::pair<std::string_view, std::string_view> kRates[] = {
      {"2.5GT/s", "1"},  {"5.0GT/s", "2"},  {"8.0GT/s", "3"},
      {"16.0GT/s", "4"}, {"32.0GT/s", "5"}, {"64.0GT/s", "6"}};
  const std::size_t open = text.find('('), lanes = text.find(" x"), close = text.find(')');
  if (open == std::string::npos || lanes == std::string::npos || close == std::string::npos ||
      lanes < open || close < lanes)
    return;
  const std::string_view rate = std::string_view(text).substr(open + 1, lanes - open - 1);
  for (const auto& [spelled, generation] : kRates) {
    if (rate == spelled) device->readings.emplace_back("pcie clock level/generation", generation);
  }
  device->readings.emplace_back("pcie clock level/lanes",
                                text.substr(lanes + 2, close - lanes - 2));
}

SmiDevice Card(const base::Json& card, std::int64_t index) {
  SmiDevice device;
  device.index = index;
  device.uuid = First(card, {"Unique ID"});
  device.model =
      First(card, {"Card series", "Card Series", "Device Name", "Card model", "Card Model"});
  device.pci = First(card, {"PCI Bus"});
  device.serial = First(card, {"Serial Number"});
  for (const auto& [key, value] : card.object()) {
    if (device.readings.size() >= kMaxReadings) break;
    if (SmiOutput::Named(kAdapter, key)) device.readings.emplace_back(key, TextOf(value));
    if (key == "pcie clock level") PcieLevel(TextOf(value), &device);
  }
  return device;
}

}  // namespace

bool LooksRocmSmi(std::string_view head) {
  head.remove_prefix(std::min(head.find_first_not_of(" \t\r\n"), head.size()));
  if (!head.starts_with("{")) return false;
  head.remove_prefix(1);
  head.remove_prefix(std::min(head.find_first_not_of(" \t\r\n"), head.size()));
  // Cards come first; "system" does where only processes or the driver were asked for.
  return (head.starts_with("\"card") && head.size() > 6 && head[5] >= '0' && head[5] <= '9') ||
         (head.starts_with("\"system\"") &&
          head.find("\"Driver version\"") != std::string_view::npos);
}

base::Result<bool> ReadRocmSmi(const base::InputFile& file, const wire::Context& context,
                               model::Batch* batch, base::Json* report) {
  ASSIGN_OR_RETURN(const base::Json json, base::ParseJson(file.bytes));
  if (!json.is_object()) return false;
  SmiOutput out;
  out.adapter = kAdapter;
  out.format = "json";
  out.driver = TextOf(json["system"]["Driver version"]);
  for (const auto& [name, card] : json.object()) {
    std::int64_t index = 0;
    if (!name.starts_with("card") || !card.is_object()) continue;
    const char* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + 4, end, index);
    if (error != std::errc() || stop != end || out.devices.size() >= kMaxCards) {
      batch->refused.add(base::Reason::malformed, 1, name);
      continue;
    }
    out.devices.push_back(Card(card, index));
  }
  if (out.devices.empty() && out.driver.empty()) return false;
  PutSmi(out, context, batch);
  std::vector<SmiOutput> outputs;
  outputs.push_back(std::move(out));
  *report = SmiReport("rocm_smi", outputs);
  return true;
}

}  // namespace strata::l1_gpu
