// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen from src/l8_cost/catalog.yaml: edit that file. Constant tables, any thread.
#include "l8_cost/catalog.gen.h"

namespace strata::l8_cost {
namespace {

using model::Kind;

constexpr model::Signal kSignals1[] = {
    {"cost.per_useful_token", "USD/{token}", Kind::gauge, "model", "", {}, "everything the GPUs cost / tokens of calls that were useful", {}, {}},
    {"cost.per_token", "USD/{token}", Kind::gauge, "model", "", {}, "everything the GPUs cost / output tokens", {}, {}},
    {"cost.per_request", "USD/{request}", Kind::gauge, "model", "", {}, "everything the GPUs cost / calls", {}, {}},
    {"cost.gpu_hour", "USD/h", Kind::gauge, "gpu", "", {}, "price of an hour of this device, with the row of the price book it comes from (attribute price_source)", {}, {}},
    {"cost.core_hour", "USD/h", Kind::gauge, "node", "", {}, "price of an hour of a processor core of this machine, where an engine has no GPU", {}, {}},
    {"cost.bill", "USD/h", Kind::gauge, "cluster", "", {}, "what all devices cost per hour", {}, {}},
    {"cost.useful", "USD/h", Kind::gauge, "cluster", "", {}, "cost per hour of work that was useful", {}, {}},
    {"cost.idle", "USD/h", Kind::gauge, "cluster", "", {}, "cost per hour of devices that were held and did nothing", {}, {}},
    {"cost.unallocated", "USD/h", Kind::gauge, "cluster", "", {}, "cost per hour of devices nobody held", {}, {}},
    {"cost.wasted", "USD/h", Kind::gauge, "cluster", "", {}, "cost per hour of calls that failed, were aborted or missed their objective (attribute class)", {}, {}},
    {"energy.per_token", "J/{token}", Kind::gauge, "model", "", {}, "energy of the GPUs / output tokens", {}, {}},
    {"energy.tokens_per_joule", "{token}/J", Kind::gauge, "model", "", {}, "output tokens / energy of the GPUs", {}, {}},
    {"energy.idle", "W", Kind::gauge, "cluster", "", {}, "power drawn by devices that were held and did nothing", {}, {}, 0, 100000},
    {"change.price", "{event}", Kind::event, "cluster", "", {}, "a price changed", {}, {}},
};

constexpr model::Catalog kCatalog = {"l8_cost", "Cost and energy",
                                     "What did a useful token cost, and where did the rest of the money go?",
                                     kSignals1, {}};

}  // namespace

const model::Catalog& catalog() { return kCatalog; }

}  // namespace strata::l8_cost
