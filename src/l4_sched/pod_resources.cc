// SPDX-License-Identifier: Apache-2.0
// protozero throws on damaged bytes; that ends at the doors of this file. What was read before the
// damage is not kept: half an answer would end holdings that go on.
#include "l4_sched/pod_resources.h"

#include <charconv>
#include <protozero/pbf_reader.hpp>

#include "l4_sched/json_view.h"

namespace strata::l4_sched {
namespace {

using protozero::pbf_reader;
using std::string_view;

constexpr auto kBytes = protozero::pbf_wire_type::length_delimited;

std::string Text(pbf_reader* from) {
  const auto view = from->get_view();
  return std::string(view.data(), view.size());
}

// A field of another wire type than its own is damage.
bool Is(const pbf_reader& from, protozero::pbf_tag_type tag) {
  if (from.tag() != tag) return false;
  if (from.wire_type() != kBytes) throw protozero::unknown_pbf_wire_type_exception{};
  return true;
}

DeviceGrant ReadDevice(pbf_reader from) {
  DeviceGrant out;
  while (from.next()) {
    if (Is(from, 1)) {
      out.resource = Text(&from);
    } else if (Is(from, 2)) {
      out.ids.push_back(Text(&from));
    } else if (Is(from, 3)) {
      pbf_reader topology = from.get_message();
      while (topology.next()) {
        if (!Is(topology, 1)) {
          topology.skip();
          continue;
        }
        pbf_reader node = topology.get_message();
        std::int64_t id = 0;
        while (node.next()) {
          if (node.tag() == 1 && node.wire_type() == protozero::pbf_wire_type::varint)
            id = node.get_int64();
          else
            node.skip();
        }
        out.numa.push_back(id);
      }
    } else {
      from.skip();
    }
  }
  return out;
}

void ReadClaim(pbf_reader from, std::vector<ClaimGrant>* out) {
  std::string claim, ns;
  std::vector<ClaimGrant> grants;
  while (from.next()) {
    if (Is(from, 2)) {
      claim = Text(&from);
    } else if (Is(from, 3)) {
      ns = Text(&from);
    } else if (Is(from, 4)) {
      ClaimGrant& grant = grants.emplace_back();
      pbf_reader resource = from.get_message();
      while (resource.next()) {
        if (Is(resource, 1)) {
          pbf_reader cdi = resource.get_message();
          while (cdi.next()) {
            if (Is(cdi, 1))
              grant.cdi.push_back(Text(&cdi));
            else
              cdi.skip();
          }
        } else if (Is(resource, 2)) {
          grant.driver = Text(&resource);
        } else if (Is(resource, 3)) {
          grant.pool = Text(&resource);
        } else if (Is(resource, 4)) {
          grant.device = Text(&resource);
        } else if (Is(resource, 5)) {
          grant.share_id = Text(&resource);
        } else {
          resource.skip();
        }
      }
    } else {
      from.skip();
    }
  }
  for (ClaimGrant& grant : grants) {
    grant.claim = claim;
    grant.claim_ns = ns;
    out->push_back(std::move(grant));
  }
}

ContainerGrants ReadContainer(pbf_reader from) {
  ContainerGrants out;
  while (from.next()) {
    if (Is(from, 1)) {
      out.name = Text(&from);
    } else if (Is(from, 2)) {
      out.devices.push_back(ReadDevice(from.get_message()));
    } else if (from.tag() == 3) {
      if (from.wire_type() == kBytes) {
        for (const auto cpu : from.get_packed_int64()) (void)cpu, ++out.cpus;
      } else {
        ++out.cpus;
        from.skip();
      }
    } else if (Is(from, 5)) {
      ReadClaim(from.get_message(), &out.claims);
    } else {
      from.skip();
    }
  }
  return out;
}

PodGrants ReadPod(pbf_reader from) {
  PodGrants out;
  while (from.next()) {
    if (Is(from, 1))
      out.name = Text(&from);
    else if (Is(from, 2))
      out.ns = Text(&from);
    else if (Is(from, 3))
      out.containers.push_back(ReadContainer(from.get_message()));
    else
      from.skip();
  }
  return out;
}

// ---- JSON: lowerCamel as protojson, snake_case as the proto has it

JsonView Either(JsonView v, string_view camel, string_view snake) {
  const JsonView a = v[camel];
  return a.some() ? a : v[snake];
}

DeviceGrant ReadDevice(JsonView v) {
  DeviceGrant out;
  out.resource = Either(v, "resourceName", "resource_name").str();
  Either(v, "deviceIds", "device_ids").each([&](JsonView id) { out.ids.push_back(id.str()); });
  v["topology"]["nodes"].each([&](JsonView node) {
    const JsonView id = node["ID"];  // int64: protojson writes text, 0 is left out
    std::int64_t n = id.integer();
    if (id.is_string()) std::from_chars(id.text().data(), id.text().data() + id.text().size(), n);
    out.numa.push_back(n);
  });
  return out;
}

PodGrants ReadPod(JsonView v) {
  PodGrants out;
  out.name = v["name"].str();
  out.ns = v["namespace"].str();
  v["containers"].each([&](JsonView c) {
    ContainerGrants& container = out.containers.emplace_back();
    container.name = c["name"].str();
    c["devices"].each([&](JsonView d) { container.devices.push_back(ReadDevice(d)); });
    container.cpus = Either(c, "cpuIds", "cpu_ids").size();
    Either(c, "dynamicResources", "dynamic_resources").each([&](JsonView d) {
      Either(d, "claimResources", "claim_resources").each([&](JsonView r) {
        ClaimGrant& grant = container.claims.emplace_back();
        grant.claim = Either(d, "claimName", "claim_name").str();
        grant.claim_ns = Either(d, "claimNamespace", "claim_namespace").str();
        grant.driver = Either(r, "driverName", "driver_name").str();
        grant.pool = Either(r, "poolName", "pool_name").str();
        grant.device = Either(r, "deviceName", "device_name").str();
        grant.share_id = Either(r, "shareId", "share_id").str();
        Either(r, "cdiDevices", "cdi_devices").each([&](JsonView cdi) {
          grant.cdi.push_back(cdi["name"].str());
        });
      });
    });
  });
  return out;
}

base::Status Damaged(const char* what) {
  return base::Invalid(std::string("not a PodResources answer: ") + what);
}

template <typename T, typename Read>
base::Result<std::vector<T>> Decode(string_view protobuf, Read read) {
  std::vector<T> out;
  try {
    pbf_reader from(protobuf.data(), protobuf.size());
    while (from.next()) {
      if (Is(from, 1))
        out.push_back(read(from.get_message()));
      else
        from.skip();
    }
  } catch (const protozero::exception& e) {
    return Damaged(e.what());
  }
  return out;
}

}  // namespace

base::Result<std::vector<PodGrants>> DecodePodResources(string_view protobuf) {
  auto pods = Decode<PodGrants>(protobuf, [](pbf_reader m) { return ReadPod(m); });
  if (!pods.ok()) return pods;
  for (const PodGrants& p : *pods) {
    if (p.name.empty()) return Damaged("a pod without a name");
  }
  return pods;
}

base::Result<std::vector<DeviceGrant>> DecodeAllocatable(string_view protobuf) {
  return Decode<DeviceGrant>(protobuf, [](pbf_reader m) { return ReadDevice(m); });
}

base::Result<std::vector<PodGrants>> ParsePodResources(string_view json) {
  JsonDocument document;
  auto root = document.Parse(json);
  if (!root.ok()) return root.status();
  if (!root->is_object()) return Damaged("no JSON object");
  std::vector<PodGrants> out;
  const JsonView pods = Either(*root, "podResources", "pod_resources");
  if (pods.is_object()) out.push_back(ReadPod(pods));  // Get
  pods.each([&](JsonView pod) { out.push_back(ReadPod(pod)); });
  std::erase_if(out, [](const PodGrants& p) { return p.name.empty(); });
  return out;
}

base::Result<std::vector<DeviceGrant>> ParseAllocatable(string_view json) {
  JsonDocument document;
  auto root = document.Parse(json);
  if (!root.ok()) return root.status();
  if (!root->is_object()) return Damaged("no JSON object");
  std::vector<DeviceGrant> out;
  (*root)["devices"].each([&](JsonView d) { out.push_back(ReadDevice(d)); });
  return out;
}

}  // namespace strata::l4_sched
