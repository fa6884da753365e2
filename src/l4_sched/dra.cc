// SPDX-License-Identifier: Apache-2.0
#include "l4_sched/dra.h"

#include <algorithm>
#include <cmath>

#include "l4_sched/device_id.h"
#include "l4_sched/object_json.h"

namespace strata::l4_sched {
namespace {

using std::string_view;

// The value of an attribute in whichever of its forms.
std::string Attribute(JsonView attributes, std::initializer_list<string_view> names) {
  for (const string_view name : names) {
    const JsonView a = attributes[name];
    for (const char* form : {"string", "version"}) {
      if (a[form].is_string()) return a[form].str();
    }
    if (const double n = a["int"].number(); std::isfinite(n))
      return std::to_string(static_cast<std::int64_t>(n));
  }
  return {};
}

double Amount(JsonView v) {
  if (v.is_object()) v = v["value"];
  return v.is_string() ? ParseQuantity(v.text()) : v.number();
}

void ReadCapacity(JsonView from, std::map<std::string, double>* out) {
  from.fields([&](string_view name, JsonView value) {
    if (const double n = Amount(value); std::isfinite(n)) (*out)[std::string(name)] = n;
  });
}

DraDevice ReadDevice(JsonView d) {
  DraDevice out;
  out.name = d["name"].str();
  const JsonView body = d["basic"].is_object() ? d["basic"] : d;
  const JsonView a = body["attributes"];
  out.type = Attribute(a, {"type", "gpu.nvidia.com/type"});
  out.uuid = Attribute(a, {"uuid", "gpu.nvidia.com/uuid", "UUID"});
  out.parent_uuid = Attribute(a, {"parentUUID", "gpu.nvidia.com/parentUUID"});
  out.profile = Attribute(a, {"profile", "gpu.nvidia.com/profile"});
  out.product = Attribute(a, {"productName", "gpu.nvidia.com/productName", "model"});
  out.pci_bdf = Attribute(a, {"resource.kubernetes.io/pciBusID", "pciAddr", "pciBusID"});
  ReadCapacity(body["capacity"], &out.capacity);
  body["consumesCounters"].each(
      [&](JsonView c) { out.counter_sets.insert(c["counterSet"].str()); });
  out.shared = body["allowMultipleAllocations"].truth();
  return out;
}

// "memory" and "gpu.nvidia.com/memory" are one.
double Find(const std::map<std::string, double>& amounts, string_view name) {
  for (const auto& [key, value] : amounts) {
    const std::size_t slash = key.rfind('/');
    if (key == name || (slash != std::string::npos && key.substr(slash + 1) == name)) return value;
  }
  return 0;
}

}  // namespace

const DraDevice* DraPools::find(string_view driver, string_view pool, string_view name) const {
  const auto it = devices.find({std::string(driver), std::string(pool), std::string(name)});
  return it == devices.end() ? nullptr : &it->second;
}

base::Result<DraPools> ParseSlices(string_view json) {
  struct Pool {
    std::int64_t generation = -1;
    std::int64_t wanted = 0, slices = 0;
    std::vector<DraDevice> devices;
  };
  std::map<std::pair<std::string, std::string>, Pool> pools;
  RETURN_IF_ERROR(ForEachObject(json, [&](JsonView object) {
    const JsonView spec = object["spec"];
    if (!spec.is_object() || spec["driver"].text().empty()) return;
    Pool& pool = pools[{spec["driver"].str(), spec["pool"]["name"].str()}];
    const std::int64_t generation = spec["pool"]["generation"].integer();
    if (generation < pool.generation) return;
    if (generation > pool.generation) pool = {generation, 0, 0, {}};
    pool.wanted = spec["pool"]["resourceSliceCount"].integer(1);
    ++pool.slices;
    spec["devices"].each([&](JsonView d) {
      DraDevice device = ReadDevice(d);
      device.driver = spec["driver"].str();
      device.pool = spec["pool"]["name"].str();
      device.node = spec["nodeName"].is_string() ? spec["nodeName"].str() : d["nodeName"].str();
      pool.devices.push_back(std::move(device));
    });
  }));
  DraPools out;
  for (auto& [key, pool] : pools) {
    if (pool.slices < pool.wanted) {
      out.incomplete.push_back(key.first + "/" + key.second);
      continue;
    }
    for (DraDevice& d : pool.devices) out.devices[{d.driver, d.pool, d.name}] = std::move(d);
  }
  return out;
}

base::Result<std::vector<DraClaim>> ParseClaims(string_view json) {
  std::vector<DraClaim> out;
  RETURN_IF_ERROR(ForEachObject(json, [&](JsonView object) {
    const JsonView metadata = object["metadata"], status = object["status"];
    if (metadata["name"].text().empty() || !object["spec"].is_object()) return;
    DraClaim& claim = out.emplace_back();
    claim.ns = metadata["namespace"].str();
    claim.name = metadata["name"].str();
    claim.uid = metadata["uid"].str();
    claim.created_ns = TimeOf(metadata["creationTimestamp"]);
    object["spec"]["devices"]["requests"].each([&](JsonView r) {
      // v1: under `exactly` or a list of alternatives; earlier: on the request itself.
      const JsonView exact = r["exactly"].is_object() ? r["exactly"] : r;
      const double n = exact["count"].number();
      if (!exact["adminAccess"].truth()) claim.asked += std::isfinite(n) ? n : 1;
    });
    const JsonView allocation = status["allocation"];
    claim.allocated_ns = TimeOf(allocation["allocationTimestamp"]);
    allocation["devices"]["results"].each([&](JsonView r) {
      DraResult result{r["request"].str(),
                       r["driver"].str(),
                       r["pool"].str(),
                       r["device"].str(),
                       r["shareID"].str(),
                       r["adminAccess"].truth(),
                       {}};
      ReadCapacity(r["consumedCapacity"], &result.consumed);
      claim.results.push_back(std::move(result));
    });
    status["reservedFor"].each([&](JsonView r) {
      claim.reserved_for.push_back({r["resource"].str(), r["name"].str(), r["uid"].str()});
    });
  }));
  return out;
}

DraShare ShareOf(const DraResult& result, const DraPools& pools, std::size_t consumers) {
  DraShare out;
  const DraDevice* device = pools.find(result.driver, result.pool, result.device);
  if (device == nullptr) {
    out.why =
        "no complete ResourceSlice has " + result.driver + "/" + result.pool + "/" + result.device;
    return out;
  }
  out.gpu = device->parent_uuid.empty() ? device->uuid : device->parent_uuid;
  if (out.gpu.empty()) {
    out.why = "its ResourceSlice tells no UUID for " + result.device;
    return out;
  }
  double share = 1;
  if (!device->parent_uuid.empty()) share = MigProfileShare(device->profile, device->product);
  if (!result.consumed.empty()) {
    double most = 0;  // the dimension that is used most decides
    for (const auto& [name, amount] : result.consumed) {
      const std::size_t slash = name.rfind('/');
      const double whole =
          Find(device->capacity, slash == std::string::npos ? name : name.substr(slash + 1));
      if (whole > 0) most = std::max(most, std::min(1.0, amount / whole));
    }
    share *= most;
  } else if (!result.share_id.empty()) {
    share = 0;  // shared, and nobody says how much
  }
  out.share = share / static_cast<double>(std::max<std::size_t>(1, consumers));
  return out;
}

}  // namespace strata::l4_sched
