// SPDX-License-Identifier: Apache-2.0
#include "diagnose/scope.h"

namespace strata::diagnose {
namespace {

using Names = std::set<std::string, std::less<>>;

void Put(std::string_view name, Names* out) {
  if (!name.empty()) out->emplace(name);
}

// Links of the time asked for.
std::vector<const Link*> LinksAt(const Facts& facts) {
  std::vector<const Link*> out;
  for (const Link& l : facts.links) {
    if (l.from_ns <= facts.at_ns && (l.to_ns == 0 || l.to_ns > facts.at_ns - 5 * base::kMinute))
      out.push_back(&l);
  }
  return out;
}

bool IsCpu(std::string_view gpu) { return gpu.starts_with("cpu:"); }

void TakeLink(const Link& l, Scope* s) {
  if (IsCpu(l.gpu))
    Put(l.gpu.substr(4), &s->nodes);
  else
    Put(l.gpu, &s->gpus);
  Put(l.node, &s->nodes);
}

// All entities of one type that have minutes; used only where there is exactly one.
Names AllOf(const Facts& facts, std::string_view type) {
  Names out;
  for (const Track& t : facts.tracks) {
    if (t.entity_type == type) out.insert(t.entity);
  }
  return out;
}

void TakeOnly(const Facts& facts, std::string_view type, Names* out) {
  if (!out->empty()) return;
  Names all = AllOf(facts, type);
  if (all.size() == 1) *out = std::move(all);
}

void Downward(const Facts& facts, Scope* s) {
  for (const Track& t : facts.tracks) {
    if (t.table == "engine_minute" && s->engines.contains(t.entity))
      Put(t.keys.get("node"), &s->nodes);
    if (t.table == "request_minute" && s->models.contains(t.keys.get("model")) &&
        t.entity_type == "engine")
      s->engines.insert(t.entity);
  }
  for (const Link* l : LinksAt(facts)) {
    bool mine = s->engines.contains(l->engine) || s->jobs.contains(l->job);
    for (const Track& t : facts.tracks) {
      mine =
          mine || (t.table == "engine_minute" && s->engines.contains(t.entity) && !l->pod.empty() &&
                   t.keys.get("pod") == l->pod && t.keys.get("namespace") == l->ns);
    }
    if (mine) TakeLink(*l, s);
  }
  for (const Track& t : facts.tracks) {
    if (t.table == "gpu_minute" && s->gpus.contains(t.entity)) Put(t.keys.get("node"), &s->nodes);
  }
}

}  // namespace

bool Scope::has(std::string_view type, std::string_view entity) const {
  const Names* names = type == "engine"         ? &engines
                       : type == "gpu"          ? &gpus
                       : type == "node"         ? &nodes
                       : type == "job"          ? &jobs
                       : type == "communicator" ? &communicators
                       : type == "model"        ? &models
                                                : nullptr;
  return names != nullptr && names->contains(entity);
}

std::set<std::string> TypesOf(const Facts& facts, std::string_view entity) {
  std::set<std::string> types;
  for (const Track& t : facts.tracks) {
    if (t.entity == entity) types.insert(t.entity_type);
    if (t.keys.get("model") == entity) types.insert("model");
  }
  for (const Link& l : facts.links) {
    if (l.gpu == entity) types.insert("gpu");
    if (l.node == entity) types.insert("node");
    if (l.engine == entity) types.insert("engine");
    if (l.job == entity) types.insert("job");
    if (l.pod == entity || l.ns + "/" + l.pod == entity) types.insert("pod");
  }
  for (const Track& t : facts.tracks) {
    const std::string pod(t.keys.get("pod"));
    if (!pod.empty() &&
        (pod == entity || std::string(t.keys.get("namespace")) + "/" + pod == entity))
      types.insert("pod");
  }
  return types;
}

Scope ScopeOf(const Facts& facts, std::string_view type, std::string_view entity, Ties ties) {
  const bool guess = ties == Ties::guessed;
  Scope s;
  const std::vector<const Link*> links = LinksAt(facts);
  if (type == "engine") s.engines.emplace(entity);
  if (type == "job") s.jobs.emplace(entity);
  if (type == "model") s.models.emplace(entity);
  if (type == "communicator") s.communicators.emplace(entity);
  if (type == "gpu") {
    s.gpus.emplace(entity);
    for (const Link* l : links) {
      if (l->gpu == entity)
        Put(l->engine, &s.engines), Put(l->job, &s.jobs), Put(l->node, &s.nodes);
    }
  }
  if (type == "node") s.nodes.emplace(entity);
  if (type == "pod") {
    for (const Link* l : links) {
      if (l->ns + "/" + l->pod == entity || l->pod == entity)
        TakeLink(*l, &s), Put(l->engine, &s.engines), Put(l->job, &s.jobs);
    }
    for (const Track& t : facts.tracks) {
      const std::string pod(t.keys.get("pod"));
      if (t.table == "engine_minute" && !pod.empty() &&
          (pod == entity || std::string(t.keys.get("namespace")) + "/" + pod == entity)) {
        s.engines.insert(t.entity);
      }
    }
  }
  Names rank_nodes;
  for (const Track& t : facts.tracks) {
    if (t.table == "comm_minute" && s.communicators.contains(t.entity))
      Put(t.keys.get("node"), &rank_nodes);
  }
  const bool upward = type == "node" || type == "communicator";
  if (upward) {
    s.nodes.insert(rank_nodes.begin(), rank_nodes.end());
    for (const Link* l : links) {
      const bool here =
          s.nodes.contains(l->node) || (IsCpu(l->gpu) && s.nodes.contains(l->gpu.substr(4)));
      if (here) TakeLink(*l, &s), Put(l->engine, &s.engines), Put(l->job, &s.jobs);
    }
    for (const Track& t : facts.tracks) {
      if (!s.nodes.contains(t.keys.get("node"))) continue;
      if (t.table == "gpu_minute") s.gpus.insert(t.entity);
      if (t.table == "engine_minute" && type == "node") s.engines.insert(t.entity);
    }
    if (guess && type == "communicator") TakeOnly(facts, "job", &s.jobs);
  }
  Downward(facts, &s);
  if (guess && (!s.engines.empty() || !s.models.empty())) TakeOnly(facts, "node", &s.nodes);
  if (guess && !s.models.empty()) TakeOnly(facts, "engine", &s.engines);
  if (!s.jobs.empty()) {
    // Communicators of the machines that the job holds; a lone job without known holdings has them
    // all.
    const bool lone = guess && s.nodes.empty() && AllOf(facts, "job").size() == 1;
    Names found;
    for (const Track& t : facts.tracks) {
      if (t.table == "comm_minute" && (lone || s.nodes.contains(t.keys.get("node"))))
        found.insert(t.entity);
    }
    if (guess && found.empty()) TakeOnly(facts, "communicator", &found);
    s.communicators.insert(found.begin(), found.end());
    for (const Track& t : facts.tracks) {
      if (t.table == "comm_minute" && s.communicators.contains(t.entity))
        Put(t.keys.get("node"), &s.nodes);
    }
    if (s.gpus.empty()) {
      for (const Track& t : facts.tracks) {
        if (t.table == "gpu_minute" && s.nodes.contains(t.keys.get("node")))
          s.gpus.insert(t.entity);
      }
    }
    if (guess) TakeOnly(facts, "node", &s.nodes);
  } else if (!s.engines.empty() && s.gpus.size() > 1) {
    for (const Track& t : facts.tracks) {
      if (t.table == "comm_minute" && s.nodes.contains(t.keys.get("node")))
        s.communicators.insert(t.entity);
    }
  }
  return s;
}

std::vector<const Track*> TracksOf(const Facts& facts, const Scope& scope, std::string_view table) {
  std::vector<const Track*> out;
  for (const Track& t : facts.tracks) {
    if (t.table == table && scope.has(t.entity_type, t.entity)) out.push_back(&t);
  }
  return out;
}

}  // namespace strata::diagnose
