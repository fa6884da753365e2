# SPDX-License-Identifier: Apache-2.0
"""Writes what the catalogs become: C++ tables, the reference page, web types."""
import json
import math

from catalog.read import FINITE

LICENCE = "SPDX-License-Identifier: Apache-2.0"


def text(value):
    return json.dumps(value, ensure_ascii=False)


def number(value):
    return repr(value) if value != int(value) or abs(value) >= 1e17 else str(int(value))


class Tables:
    """Collects constexpr arrays; equal ones are written once."""

    def __init__(self):
        self.lines, self.names, self.counts = [], {}, {}

    def array(self, kind, prefix, items):
        if not items:
            return "{}"
        key = (kind, tuple(items))
        if key not in self.names:
            index = self.counts[prefix] = self.counts.get(prefix, 0) + 1
            name = self.names[key] = f"k{prefix}{index}"
            body = ", ".join(items)
            if len(body) > 70:
                body = "\n    " + ",\n    ".join(items) + ",\n"
            self.lines.append(f"constexpr {kind} {name}[] = {{{body}}};")
        return self.names[key]

    def rules(self, pairs):
        return self.array("model::AttributeRule", "Rules", [f"{{{text(k)}, {text(v)}}}" for k, v in pairs])


def catalog_header(layer):
    return f"""// {LICENCE}
// Made by tools/gen from src/{layer.room}/catalog.yaml: edit that file.
#pragma once

#include "model/catalog.h"

namespace strata::{layer.room} {{

const model::Catalog& catalog();  // {layer.title}

}}  // namespace strata::{layer.room}
"""


def bound(value):
    if abs(value) >= FINITE:
        return f"{'-' if value < 0 else ''}model::{'kUnbounded' if math.isinf(value) else 'kFinite'}"
    return number(value)


def bounds(signal):
    """The last members of a Signal, where they are not the struct's own."""
    if (signal.min, signal.max, signal.ratio) == (-FINITE, FINITE, False):
        return ""
    return f", {bound(signal.min)}, {bound(signal.max)}" + (", true" if signal.ratio else "")


def source_blanks(tables, source, of_adapter):
    if not source.blanks:
        return ""
    return ", " + tables.array("double", "Blanks", [number(b) for b in of_adapter[source.adapter] + source.blanks])


def catalog_source(layer):
    t = Tables()
    signals = []
    adapter_blanks = {a.name: tuple(a.blanks) for a in layer.adapters}
    for s in layer.signals:
        sources = t.array("model::SourceName", "Sources", [
            f"{{{text(x.adapter)}, {text(x.name)}, {number(x.scale)}, Form::{x.form}, {text(x.value_label)}, "
            f"{t.rules(x.where)}, {t.rules(x.add)}{source_blanks(t, x, adapter_blanks)}}}" for x in s.sources])
        minute = t.array("model::MinuteColumn", "Minute", [
            f"{{{text(m.table)}, {text(m.column)}, Fold::{m.fold}, {number(m.threshold)}, {t.rules(m.where)}, {text(m.split)}}}"
            for m in s.minute])
        signals.append(f"{{{text(s.id)}, {text(s.unit)}, Kind::{s.kind}, {text(s.entity)}, {text(s.otel)}, "
                       f"{t.rules(s.otel_attributes)}, {text(s.meaning)}, {sources}, {minute}{bounds(s)}}}")
    adapters = []
    for a in layer.adapters:
        prefixes = t.array("std::string_view", "Prefixes", [text(p) for p in a.prefixes])
        labels = t.array("model::LabelRule", "Labels", [f"{{{text(k)}, {text(v)}}}" for k, v in a.labels])
        blanks = t.array("double", "Blanks", [number(b) for b in a.blanks])
        adapters.append(f"{{{text(a.name)}, {prefixes}, {t.rules(a.prefix_aliases)}, {labels}, {text(a.vendor)}, {blanks}}}")
    all_signals = t.array("model::Signal", "Signals", signals)
    all_adapters = t.array("model::Adapter", "Adapters", adapters)
    body = "\n".join(t.lines)
    using = [f"using model::{name};" for name in ("Fold", "Form", "Kind") if f"{name}::" in body]
    return f"""// {LICENCE}
// Made by tools/gen from src/{layer.room}/catalog.yaml: edit that file. Constant tables, any thread.
#include "{layer.room}/catalog.gen.h"

namespace strata::{layer.room} {{
namespace {{

{chr(10).join(using)}

{body}

constexpr model::Catalog kCatalog = {{{text(layer.room)}, {text(layer.title)},
                                     {text(layer.question)},
                                     {all_signals}, {all_adapters}}};

}}  // namespace

const model::Catalog& catalog() {{ return kCatalog; }}

}}  // namespace strata::{layer.room}
"""


def entities_source(entities):
    t = Tables()
    rows = [f"{{{text(name)}, {t.array('std::string_view', 'Keys', [text(k) for k in keys])}, "
            f"{t.array('std::string_view', 'Keys', [text(k) for k in optional])}}}" for name, keys, optional, _ in entities]
    t.array("EntityType", "Types", rows)
    return f"""// {LICENCE}
// Made by tools/gen from src/model/entities.yaml: edit that file. Constant tables, any thread.
#include "model/catalog.h"

namespace strata::model {{
namespace {{

{chr(10).join(t.lines)}

}}  // namespace

std::span<const EntityType> entity_types() {{ return kTypes1; }}

}}  // namespace strata::model
"""


def price_header():
    return f"""// {LICENCE}
// Made by tools/gen from src/l8_cost/price-book.yaml: edit that file. Prices seen in public, not offers; every row says
// where and when. Constant tables, any thread.
#pragma once

#include <span>
#include <string_view>

namespace strata::l8_cost {{

struct PriceRow {{
  std::string_view id;          // "aws-h100": a figure shown names it
  std::string_view provider, region, sku;
  std::string_view gpu;         // the book's key, "H100-SXM5-80GB"; "any" is for no device
  std::string_view usd;         // per GPU-hour, the decimal digits as written
  std::string_view as_of;       // "2026-11-09"; "" = the source gave no date
  std::string_view source;      // where it was read
  std::string_view confidence;  // high | medium | low
  std::string_view scope;       // instance_share: CPU, RAM and disk of the instance are inside
  std::string_view term;        // on_demand | spot | assumption (never a market price)
  std::string_view superseded_by;  // id of a newer row of the same offer, or ""
}};

// A device model as NVML, DCGM or an SMI tool prints it, in lower case -> the book's gpu key. Equal or not at all.
struct GpuAlias {{
  std::string_view pattern, gpu;
}};

std::span<const PriceRow> price_rows();
std::span<const GpuAlias> gpu_aliases();  // sorted by pattern; one pattern may have several keys, best first
std::string_view price_book_compiled();   // date of the book
int price_book_stale_after_days();        // an older row is used with a warning

}}  // namespace strata::l8_cost
"""


def price_source(book):
    rows = []
    for r in book["rows"]:
        term = r.get("term") or "on_demand"
        values = [r["id"], r["provider"], r.get("region") or "", r.get("sku") or "", r["gpu"], r["usd"], r.get("as_of") or "",
                  book["sources"][r["source"]], r["confidence"], "instance_share", term, r.get("superseded_by") or ""]
        rows.append("    {" + ", ".join(text(v) for v in values) + "},")
    aliases = [f"    {{{text(k)}, {text(v)}}}," for k, keys in sorted(book["aliases"].items()) for v in keys]
    return f"""// {LICENCE}
// Made by tools/gen from src/l8_cost/price-book.yaml: edit that file.
#include "l8_cost/price_book.gen.h"

namespace strata::l8_cost {{
namespace {{

constexpr PriceRow kRows[] = {{
{chr(10).join(rows)}
}};

constexpr GpuAlias kAliases[] = {{
{chr(10).join(aliases)}
}};

}}  // namespace

std::span<const PriceRow> price_rows() {{ return kRows; }}
std::span<const GpuAlias> gpu_aliases() {{ return kAliases; }}
std::string_view price_book_compiled() {{ return {text(book["compiled"])}; }}
int price_book_stale_after_days() {{ return {book["stale_after_days"]}; }}

}}  // namespace strata::l8_cost
"""


def cell(value):
    return value.replace("|", "\\|")


def where_text(pairs):
    return "{" + ", ".join(f"{k}={v}" for k, v in pairs) + "}" if pairs else ""


def source_text(x):
    out = f"`{x.name}{where_text(x.where)}`"
    if x.form == "label":
        out += f" label `{x.value_label}`"
    if x.scale != 1:
        out += f" × {number(x.scale)}"
    if x.form in ("rate", "bits"):
        out += f" ({x.form})"
    return out


def sources_text(signal):
    by = {}
    for x in signal.sources:
        by.setdefault(x.adapter, []).append(source_text(x))
    return "<br>".join(f"{adapter}: {', '.join(names)}" for adapter, names in by.items())


def minute_text(m):
    what = m.fold if m.fold != "seconds_over" else f"seconds over {number(m.threshold)}"
    return f"`{m.table}.{m.column}` {what}{' ' + '`' + where_text(m.where) + '`' if m.where else ''}"


def reference(house):
    out = ["<!-- " + LICENCE + " -->", "# Catalog of signals", "",
           "Made by `tools/gen` from `src/*/catalog.yaml`. Units are UCUM as OpenTelemetry spells them, ratios 0..1.",
           "`×` is the factor from the source's number to the unit; *(rate)*: the source tells a number per second, kept as a",
           "gauge of unit/s and integrated where a minute adds it up; *(bits)*: one 0/1 series per bit, attribute `reason`.",
           "Where an adapter has several names for a signal the first that is there counts; names that add different",
           "attributes stand for parts and are added up. A value outside its signal's bounds (`min`, `max`, else those of its",
           "unit in `tools/catalog/read.py`: any finite number) is refused and counted as `implausible`.", ""]
    for layer in house.layers:
        out += [f"## {layer.room}: {layer.title}", "", layer.question, "",
                "| id | unit | kind | entity | meaning | sources | minute columns |", "|---|---|---|---|---|---|---|"]
        for s in layer.signals:
            otel = f"<br>OTel: `{s.otel}{where_text(s.otel_attributes)}`" if s.otel else ""
            out.append("| " + " | ".join(cell(c) for c in (
                f"`{s.id}`{otel}", s.unit, s.kind, s.entity, s.meaning, sources_text(s),
                "<br>".join(minute_text(m) for m in s.minute))) + " |")
        out.append("")
    out += ["## Entities", "", "An entity's id is the values of its keys joined with `/`; a key in brackets is used where present.", "",
            "| type | keys | meaning |", "|---|---|---|"]
    for name, keys, optional, meaning in house.entities:
        shown = [f"`{k}`" for k in keys] + [f"[`{k}`]" for k in optional]
        out.append(f"| {name} | {' '.join(shown)} | {cell(meaning)} |")
    return "\n".join(out) + "\n"


def web(house):
    lines = [f"// {LICENCE}", "// Made by tools/gen from src/*/catalog.yaml: edit those files.", "",
             'export type Kind = "gauge" | "counter" | "histogram" | "state" | "event";', "",
             "export interface Signal {", "  id: string;", "  unit: string;", "  kind: Kind;", "  entity: string;",
             "  meaning: string;", "}", "", "export interface Layer {", "  layer: string;", "  title: string;",
             "  question: string;", "  signals: readonly Signal[];", "}", "", "export const layers: readonly Layer[] = ["]
    for layer in house.layers:
        lines += ["  {", f"    layer: {text(layer.room)},", f"    title: {text(layer.title)},",
                  f"    question: {text(layer.question)},", "    signals: ["]
        for s in layer.signals:
            lines.append(f"      {{ id: {text(s.id)}, unit: {text(s.unit)}, kind: {text(s.kind)}, entity: {text(s.entity)}, "
                         f"meaning: {text(s.meaning)} }},")
        lines += ["    ],", "  },"]
    return "\n".join(lines + ["];"]) + "\n"


def everything(house):
    files = {"src/model/entities.gen.cc": entities_source(house.entities), "docs/reference/catalog.md": reference(house),
             "web/src/catalog.gen.ts": web(house)}
    for layer in house.layers:
        files[f"src/{layer.room}/catalog.gen.h"] = catalog_header(layer)
        files[f"src/{layer.room}/catalog.gen.cc"] = catalog_source(layer)
    if house.prices is not None:
        files["src/l8_cost/price_book.gen.h"] = price_header()
        files["src/l8_cost/price_book.gen.cc"] = price_source(house.prices)
    return files
