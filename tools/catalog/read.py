# SPDX-License-Identifier: Apache-2.0
"""Reads the catalogs and refuses what is not exactly right, with the file and the id."""
import dataclasses
import re
import sys

import yaml

KINDS = ("gauge", "counter", "histogram", "state", "event")
FOLDS = ("mean", "max", "min", "last", "increase", "p50", "p95", "p99", "count", "seconds_over")
FORMS = ("value", "rate", "label", "bits")
FOLDS_OF = {  # what a fold can be taken of
    "gauge": set(FOLDS) - {"increase"},
    "state": {"max", "min", "last", "mean", "seconds_over"},
    "counter": {"increase"},
    "histogram": {"mean", "increase", "p50", "p95", "p99", "count"},
    "event": {"count"},
}
TABLES = {  # minute table -> the entity type of its rows
    "gpu_minute": "gpu", "host_minute": "node", "engine_minute": "engine", "job_minute": "job",
    "comm_minute": "communicator", "request_minute": "engine",
}
UNIT = re.compile(r"(1|By|s|W|J|Cel|Hz|V|USD|FLOP|\{[a-z_]+\})(/(s|h|J|W|\{[a-z_]+\}))?")
ENDING = {"By": "_bytes", "s": "_s", "W": "_w", "J": "_j", "Cel": "_c", "Hz": "_hz"}  # of a minute column
ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
COLUMN = re.compile(r"[a-z][a-z0-9_]*")
LAYER_KEYS = {"layer", "title", "question", "adapters", "signals"}
ADAPTER_KEYS = {"prefixes", "prefix_aliases", "labels", "vendor", "blanks", "note"}
SIGNAL_KEYS = {"id", "meaning", "unit", "kind", "entity", "otel", "otel_attributes", "minute", "sources", "min", "max", "ratio"}
SOURCE_KEYS = {"name", "scale", "form", "value_label", "where", "add", "bits", "blanks", "note"}
FINITE = sys.float_info.max
# What a value of this unit can be where its signal does not say `min` and `max`; counters are never negative. Wide on
# purpose: what lies outside is a broken sensor, a wrong unit or an overflow, never a rare truth.
BOUNDS = {
    "Cel": (-60, 300),
    "W": (0, 1e5),  # a rack, not a board
    "J": (0, FINITE),
    "Hz": (0, 1e11),
    "By": (0, 2.0 ** 64),
    "By/s": (0, 1e16),
    "s": (0, 1e12),
}
RATIO = (0, 1.01)  # counters read at two moments overshoot a little
MINUTE_KEYS = {"table", "column", "fold", "threshold", "where", "split"}
ENTITY_KEYS = {"keys", "optional", "meaning"}
PRICE_KEYS = {"id", "provider", "region", "sku", "gpu", "usd", "term", "as_of", "seen", "source", "confidence", "note",
              "superseded_by"}


class Wrong(Exception):
    pass


class Loader(yaml.SafeLoader):
    """No key twice, and decimals stay text where asked for."""


def _mapping(loader, node):
    seen = set()
    for key, _ in node.value:
        if key.value in seen:
            raise Wrong(f"{node.start_mark.name}:{key.start_mark.line + 1}: the key {key.value!r} stands twice")
        seen.add(key.value)
    return loader.construct_mapping(node, deep=True)


Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def load(root, path, loader=Loader):
    try:
        with open(root / path) as f:
            text = f.read()
        instance = loader(text)
        instance.name = path
        try:
            return instance.get_single_data()
        finally:
            instance.dispose()
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        raise Wrong(f"{path}:{mark.line + 1 if mark else 0}: {getattr(e, 'problem', e)}") from None
    except OSError as e:
        raise Wrong(f"{path}: {e.strerror}") from None


@dataclasses.dataclass
class Source:
    adapter: str
    name: str
    scale: float = 1.0
    form: str = "value"
    value_label: str = ""
    where: tuple = ()
    add: tuple = ()
    blanks: tuple = ()
    note: str = ""


@dataclasses.dataclass
class Minute:
    table: str
    column: str
    fold: str
    threshold: float = 0.0
    where: tuple = ()
    split: str = ""


@dataclasses.dataclass
class Signal:
    id: str
    meaning: str
    unit: str
    kind: str
    entity: str
    otel: str
    otel_attributes: tuple
    sources: list
    minute: list
    min: float
    max: float
    ratio: bool


@dataclasses.dataclass
class Adapter:
    name: str
    prefixes: list
    prefix_aliases: tuple
    labels: tuple
    vendor: str
    blanks: list
    note: str


@dataclasses.dataclass
class Layer:
    room: str
    title: str
    question: str
    adapters: list
    signals: list


@dataclasses.dataclass
class House:
    layers: list
    entities: list  # (type, keys, optional, meaning)
    prices: dict


class Reader:
    def __init__(self, path, entities):
        self.path, self.entities, self.what = path, entities, ""

    def fail(self, text):
        raise Wrong(f"{self.path}: {self.what + ': ' if self.what else ''}{text}")

    def keys(self, data, known, of):
        if not isinstance(data, dict):
            self.fail(f"{of} must be a mapping, not {data!r}")
        for key in data:
            if key not in known:
                self.fail(f"unknown key {key!r} in {of} (known: {', '.join(sorted(known))})")

    def text(self, value, of):
        if not isinstance(value, str) or not value:
            self.fail(f"{of} must be text, not {value!r} (quote it)")
        return value

    def number(self, value, of):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.fail(f"{of} must be a number, not {value!r}")
        return float(value)

    def one_of(self, value, known, of):
        if value not in known:
            self.fail(f"unknown {of} {value!r} (known: {', '.join(known)})")
        return value

    def pairs(self, data, of, alternatives=False):
        """{a: b, c: [d, e]} -> (("a", "b"), ("c", "d|e"))."""
        if data is None:
            return ()
        if not isinstance(data, dict):
            self.fail(f"{of} must be a mapping, not {data!r}")
        out = []
        for key, value in data.items():
            if alternatives and isinstance(value, list):
                value = "|".join(self.text(v, f"{of}.{key}") for v in value)
            out.append((self.text(key, of), self.text(value, f"{of}.{key}")))
        return tuple(out)

    def listed(self, data, of):
        if data is None:
            return []
        if not isinstance(data, list):
            self.fail(f"{of} must be a list, not {data!r}")
        return data

    def adapter(self, name, data):
        self.what = f"adapter {name}"
        data = data or {}
        self.keys(data, ADAPTER_KEYS, "an adapter")
        return Adapter(name, [self.text(p, "prefixes") for p in self.listed(data.get("prefixes"), "prefixes")],
                       self.pairs(data.get("prefix_aliases"), "prefix_aliases"), self.pairs(data.get("labels"), "labels"),
                       data.get("vendor", ""), [self.number(b, "blanks") for b in self.listed(data.get("blanks"), "blanks")],
                       data.get("note", ""))

    def source(self, adapter, data):
        self.keys(data, SOURCE_KEYS, "a source")
        s = Source(adapter, self.text(data.get("name"), "name"), self.number(data.get("scale", 1), "scale"),
                   where=self.pairs(data.get("where"), "where", True), add=self.pairs(data.get("add"), "add"),
                   blanks=tuple(self.number(b, "blanks") for b in self.listed(data.get("blanks"), "blanks")),
                   note=data.get("note", ""))
        s.form = data.get("form") or ("label" if "value_label" in data else "bits" if "bits" in data else "value")
        self.one_of(s.form, FORMS, "form")
        if (s.form == "label") != ("value_label" in data):
            self.fail(f"source {s.name}: form label and value_label go together")
        if (s.form == "bits") != ("bits" in data):
            self.fail(f"source {s.name}: form bits and bits go together")
        if s.scale == 0:
            self.fail(f"source {s.name}: scale 0")
        s.value_label = data.get("value_label", "")
        if "bits" in data:
            if s.add:
                self.fail(f"source {s.name}: bits and add exclude each other")
            for reason, bit in data["bits"].items():
                if isinstance(bit, bool) or not isinstance(bit, int) or not 0 <= bit < 64:
                    self.fail(f"source {s.name}: bit {bit!r} of {reason}")
            s.add = tuple((self.text(k, "bits"), str(v)) for k, v in data["bits"].items())
        return s

    def minute(self, data, signal):
        self.keys(data, MINUTE_KEYS, "a minute column")
        m = Minute(self.one_of(data.get("table"), tuple(TABLES), "minute table"), self.text(data.get("column"), "column"),
                   self.one_of(data.get("fold"), FOLDS, "fold"), self.number(data.get("threshold", 0), "threshold"),
                   self.pairs(data.get("where"), "where", True), data.get("split", ""))
        if not COLUMN.fullmatch(m.column):
            self.fail(f"minute column {m.column!r} is not snake_case")
        if m.fold not in FOLDS_OF[signal.kind]:
            self.fail(f"minute column {m.column}: fold {m.fold} of a {signal.kind}")
        if TABLES[m.table] != signal.entity:
            self.fail(f"minute column {m.column}: {m.table} is about {TABLES[m.table]}, the signal about {signal.entity}")
        if ("threshold" in data) != (m.fold == "seconds_over"):
            self.fail(f"minute column {m.column}: threshold and fold seconds_over go together")
        ending = "" if m.fold == "count" else "_s" if m.fold == "seconds_over" else ENDING.get(signal.unit, "")
        if not m.column.endswith(ending) and m.column != ending[1:]:
            self.fail(f"minute column {m.column} of unit {signal.unit} must end in {ending}")
        return m

    def bounds(self, data):
        """(min, max, ratio) of a signal: its own, else its unit's."""
        ratio, unit = data.get("ratio", False), data.get("unit")
        if not isinstance(ratio, bool) or (ratio and unit != "1"):
            self.fail("ratio is true or false, and only of unit 1")
        low, high = RATIO if ratio else BOUNDS.get(unit, (-FINITE, FINITE))
        if data.get("kind") == "counter":
            low = max(low, 0)
        low, high = self.number(data.get("min", low), "min"), self.number(data.get("max", high), "max")
        if not low < high:
            self.fail(f"min {low} is not below max {high}")
        return low, high, ratio

    def signal(self, data, adapters):
        self.what = f"signal {data.get('id') if isinstance(data, dict) else data!r}"
        self.keys(data, SIGNAL_KEYS, "a signal")
        s = Signal(self.text(data.get("id"), "id"), " ".join(self.text(data.get("meaning"), "meaning").split()),
                   self.text(data.get("unit"), "unit"), self.one_of(data.get("kind"), KINDS, "kind"),
                   self.text(data.get("entity"), "entity"), data.get("otel", ""),
                   self.pairs(data.get("otel_attributes"), "otel_attributes", True), [], [], *self.bounds(data))
        if not ID.fullmatch(s.id):
            self.fail("an id is lower-case words with dots")
        if not UNIT.fullmatch(s.unit):
            self.fail(f"unknown unit {s.unit!r} (UCUM as OpenTelemetry spells it)")
        if s.entity not in self.entities:
            self.fail(f"unknown entity type {s.entity!r} (see src/model/entities.yaml)")
        for adapter, rows in (data.get("sources") or {}).items():
            if adapter not in adapters:
                self.fail(f"source of an unknown adapter {adapter!r}")
            seen = set()
            for row in self.listed(rows, f"sources.{adapter}"):
                source = self.source(adapter, row)
                if (source.name, source.where) in seen:
                    self.fail(f"{adapter} lists {source.name} twice with the same where")
                seen.add((source.name, source.where))
                s.sources.append(source)
        if s.kind == "event" and s.sources:
            self.fail("an event has no metric sources")
        for source in s.sources:
            if source.form == "rate" and s.kind != "counter":
                self.fail(f"source {source.name}: form rate feeds a counter, not a {s.kind}")
            if source.form in ("label", "bits") and s.kind not in ("gauge", "state"):
                self.fail(f"source {source.name}: form {source.form} feeds a gauge, not a {s.kind}")
        s.minute = [self.minute(m, s) for m in self.listed(data.get("minute"), "minute")]
        return s

    def layer(self, data, room):
        self.keys(data, LAYER_KEYS, "a catalog")
        if data.get("layer") != room:
            self.fail(f"layer is {data.get('layer')!r}, the room is {room}")
        adapters = [self.adapter(name, a) for name, a in (data.get("adapters") or {}).items()]
        self.what = ""
        names = {a.name for a in adapters}
        signals = [self.signal(s, names) for s in self.listed(data.get("signals"), "signals")]
        self.what = ""
        used = {source.adapter for s in signals for source in s.sources}
        for name in sorted(names - used):
            self.fail(f"adapter {name} feeds no signal")
        return Layer(room, self.text(data.get("title"), "title"), self.text(data.get("question"), "question"), adapters, signals)


def _entities(root):
    path = "src/model/entities.yaml"
    data, out = load(root, path), []
    reader = Reader(path, ())
    for name, entity in (data or {}).items():
        reader.what = f"entity {name}"
        reader.keys(entity, ENTITY_KEYS, "an entity")
        keys = [reader.text(k, "keys") for k in reader.listed(entity.get("keys"), "keys")]
        optional = [reader.text(k, "optional") for k in reader.listed(entity.get("optional"), "optional")]
        if not keys or len(set(keys + optional)) != len(keys) + len(optional):
            reader.fail("needs keys, each once")
        out.append((name, keys, optional, reader.text(entity.get("meaning"), "meaning")))
    return out


class PriceLoader(Loader):
    """Prices are money: the digits as written, never a binary fraction; dates as written."""


PriceLoader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: loader.construct_scalar(node))
PriceLoader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))


def _prices(root):
    path = "src/l8_cost/price-book.yaml"
    if not (root / path).exists():
        return None
    book = load(root, path, PriceLoader)
    reader = Reader(path, ())
    reader.keys(book, {"currency", "unit", "compiled", "stale_after_days", "sources", "rows", "aliases"}, "the price book")
    ids, gpus = set(), set()
    for row in reader.listed(book.get("rows"), "rows"):
        reader.what = f"row {row.get('id') if isinstance(row, dict) else row!r}"
        reader.keys(row, PRICE_KEYS, "a price")
        if reader.text(row.get("id"), "id") in ids:
            reader.fail("the id stands twice")
        ids.add(row["id"])
        gpus.add(reader.text(row.get("gpu"), "gpu"))
        reader.text(row.get("provider"), "provider")
        row["usd"] = str(row.get("usd"))
        if not re.fullmatch(r"\d+(\.\d+)?", row["usd"]):
            reader.fail(f"usd {row['usd']!r} is not a decimal")
        if row.get("source") not in book["sources"]:
            reader.fail(f"unknown source {row.get('source')!r}")
        reader.one_of(row.get("confidence"), ("high", "medium", "low"), "confidence")
        if row.get("as_of") and not re.fullmatch(r"\d{4}-\d\d-\d\d", row["as_of"]):
            reader.fail(f"as_of {row['as_of']!r} is not a date")
    for name, keys in book.get("aliases", {}).items():
        reader.what = f"alias {name}"
        if name != name.lower():
            reader.fail("device names are written in lower case")
        for gpu in reader.listed(keys, "an alias"):
            if gpu not in gpus:
                reader.fail(f"no row prices {gpu!r}")
    return book


def house(root):
    entities = _entities(root)
    types = {name for name, *_ in entities}
    layers, ids, columns = [], {}, {}
    for path in sorted(root.glob("src/l[0-9]_*/catalog.yaml")):
        name = str(path.relative_to(root))
        reader = Reader(name, types)
        layer = reader.layer(load(root, name), path.parent.name)
        for signal in layer.signals:
            reader.what = f"signal {signal.id}"
            if signal.id in ids:
                reader.fail(f"the id stands twice (also in {ids[signal.id]})")
            ids[signal.id] = name
            for m in signal.minute:
                other = columns.setdefault((m.table, m.column), (signal.id, m))
                if other[1] is not m and (other[0] != signal.id or (other[1].fold, other[1].threshold) != (m.fold, m.threshold)):
                    reader.fail(f"minute column {m.table}.{m.column} already means {other[1].fold} of {other[0]}")
        layers.append(layer)
    return House(layers, entities, _prices(root))
