// SPDX-License-Identifier: Apache-2.0
// RowBinary: little-endian numbers, LEB128 lengths, a NULL byte before each Nullable. Strings of an
// answer are views into its bytes, which the columns keep alive.
#include "store/rows.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <deque>
#include <limits>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"

namespace strata::store {
namespace {

constexpr std::uint64_t kMaxItems = 1ull << 31;  // of an array or string: more is a broken answer

enum class Shape : std::uint8_t {
  integer,
  wide,
  real,
  text,
  uuid,
  ipv6,
  time,
  decimal,
  enumeration,
  array,
  map,
  tuple,
  nothing
};

struct Type {
  Shape shape = Shape::integer;
  bool nullable = false;
  bool is_signed = false;
  bool boolean = false;
  int bytes = 0;           // on the wire
  int scale = 0;           // decimal digits; time: the factor below brings to ns
  std::int64_t to_ns = 1;  // time: raw * to_ns
  std::vector<std::pair<std::int64_t, std::string>> names = {};  // Enum
  std::vector<Type> inner = {};
};

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// "A(x, y)" -> {"x", "y"}; commas inside parentheses and quotes do not count.
std::vector<std::string_view> Arguments(std::string_view text) {
  std::vector<std::string_view> out;
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || text.back() != ')') return out;
  text = text.substr(open + 1, text.size() - open - 2);
  int depth = 0;
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\')
      ++i;
    else if (c == '\'')
      quoted = !quoted;
    else if (!quoted && c == '(')
      ++depth;
    else if (!quoted && c == ')')
      --depth;
    else if (!quoted && depth == 0 && c == ',') {
      out.push_back(Trim(text.substr(start, i - start)));
      start = i + 1;
    }
  }
  out.push_back(Trim(text.substr(start)));
  return out;
}

int ToInt(std::string_view text, int otherwise) {
  int value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::int64_t PowerOfTen(int n) {
  std::int64_t out = 1;
  for (; n > 0; --n) out *= 10;
  return out;
}

bool ParseNumberType(std::string_view text, Type* type) {
  const bool unsigned_int = text.starts_with("UInt");
  if (unsigned_int || text.starts_with("Int")) {
    const int bits = ToInt(text.substr(unsigned_int ? 4 : 3), 0);
    if (bits != 8 && bits != 16 && bits != 32 && bits != 64 && bits != 128) {
      if (!text.starts_with("Interval")) return false;
      *type = Type{.shape = Shape::integer, .is_signed = true, .bytes = 8};
      return true;
    }
    *type = Type{.shape = bits == 128 ? Shape::wide : Shape::integer,
                 .is_signed = !unsigned_int,
                 .bytes = bits / 8};
    return true;
  }
  if (text == "Float64" || text == "Float32") {
    *type = Type{.shape = Shape::real, .bytes = text == "Float64" ? 8 : 4};
    return true;
  }
  if (text == "Bool") {
    *type = Type{.shape = Shape::integer, .boolean = true, .bytes = 1};
    return true;
  }
  if (text.starts_with("Decimal")) {
    const auto arguments = Arguments(text);
    if (arguments.size() != 2) return false;
    const int digits = ToInt(arguments[0], 0);
    if (digits < 1 || digits > 38) return false;
    *type = Type{.shape = Shape::decimal,
                 .is_signed = true,
                 .bytes = digits <= 9    ? 4
                          : digits <= 18 ? 8
                                         : 16,
                 .scale = ToInt(arguments[1], 0)};
    return true;
  }
  return false;
}

bool ParseTimeType(std::string_view text, Type* type) {
  if (text == "Date" || text == "Date32") {
    *type = Type{.shape = Shape::time,
                 .is_signed = text == "Date32",
                 .bytes = text == "Date" ? 2 : 4,
                 .to_ns = base::kDay};
    return true;
  }
  if (text.starts_with("DateTime64")) {
    const auto arguments = Arguments(text);
    const int scale = arguments.empty() ? 3 : ToInt(arguments[0], 3);
    if (scale < 0 || scale > 9) return false;
    *type =
        Type{.shape = Shape::time, .is_signed = true, .bytes = 8, .to_ns = PowerOfTen(9 - scale)};
    return true;
  }
  if (text.starts_with("DateTime")) {
    *type = Type{.shape = Shape::time, .bytes = 4, .to_ns = base::kSecond};
    return true;
  }
  return false;
}

bool ParseType(std::string_view text, Type* type);

bool ParseInner(const std::vector<std::string_view>& arguments, Type* type) {
  for (std::string_view argument : arguments) {
    Type inner;
    // A named tuple: "name Type".
    if (type->shape == Shape::tuple && !ParseType(argument, &inner)) {
      const std::size_t space = argument.find(' ');
      if (space == std::string_view::npos) return false;
      argument = Trim(argument.substr(space + 1));
    }
    if (!ParseType(argument, &inner)) return false;
    type->inner.push_back(std::move(inner));
  }
  return true;
}

bool ParseEnum(std::string_view text, Type* type) {
  *type = Type{
      .shape = Shape::enumeration, .is_signed = true, .bytes = text.starts_with("Enum8") ? 1 : 2};
  for (const std::string_view argument : Arguments(text)) {
    const std::size_t quote = argument.rfind('\''), equals = argument.rfind('=');
    if (quote == std::string_view::npos || equals == std::string_view::npos || quote < 1)
      return false;
    std::string name;
    for (std::size_t i = 1; i < quote; ++i) {
      if (argument[i] == '\\' && i + 1 < quote) ++i;
      name += argument[i];
    }
    type->names.emplace_back(ToInt(Trim(argument.substr(equals + 1)), 0), std::move(name));
  }
  return true;
}

bool ParseType(std::string_view text, Type* type) {
  if (text.empty()) return false;
  if (ParseNumberType(text, type) || ParseTimeType(text, type)) return true;
  const auto arguments = Arguments(text);
  if (text.starts_with("LowCardinality(") && arguments.size() == 1)
    return ParseType(arguments[0], type);
  if (text.starts_with("SimpleAggregateFunction(") && arguments.size() == 2)
    return ParseType(arguments[1], type);
  if (text.starts_with("Nullable(") && arguments.size() == 1) {
    if (!ParseType(arguments[0], type)) return false;
    type->nullable = true;
    return true;
  }
  if (text == "String")
    *type = Type{.shape = Shape::text};
  else if (text.starts_with("FixedString(") && arguments.size() == 1)
    *type = Type{.shape = Shape::text, .bytes = ToInt(arguments[0], 0)};
  else if (text == "UUID")
    *type = Type{.shape = Shape::uuid, .bytes = 16};
  else if (text == "IPv4")
    *type = Type{.shape = Shape::integer, .bytes = 4};
  else if (text == "IPv6")
    *type = Type{.shape = Shape::ipv6, .bytes = 16};
  else if (text == "Nothing")
    *type = Type{.shape = Shape::nothing, .bytes = 0};
  else if (text.starts_with("Enum8(") || text.starts_with("Enum16("))
    return ParseEnum(text, type);
  else if (text.starts_with("Array(") && arguments.size() == 1)
    *type = Type{.shape = Shape::array};
  else if (text.starts_with("Map(") && arguments.size() == 2)
    *type = Type{.shape = Shape::map};
  else if (text.starts_with("Tuple("))
    *type = Type{.shape = Shape::tuple};
  else
    return false;
  if (type->shape == Shape::array || type->shape == Shape::map || type->shape == Shape::tuple)
    return ParseInner(arguments, type);
  return type->shape != Shape::text || text == "String" || type->bytes > 0;
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  bool Take(std::size_t n, std::string_view* out) {
    if (n > rest_.size()) return false;
    *out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return true;
  }
  bool Varint(std::uint64_t* out) {
    *out = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      *out |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return *out <= kMaxItems;
    }
    return false;
  }
  bool Text(std::string_view* out) {
    std::uint64_t size = 0;
    return Varint(&size) && Take(size, out);
  }

 private:
  std::string_view rest_;
};

std::uint64_t Little(std::string_view bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), std::min<std::size_t>(bytes.size(), 8));
  return value;
}

std::int64_t SignedLittle(std::string_view bytes, bool is_signed) {
  std::uint64_t value = Little(bytes);
  if (is_signed && bytes.size() < 8 && (value >> (bytes.size() * 8 - 1)) != 0)
    value |= ~0ULL << (bytes.size() * 8);
  return static_cast<std::int64_t>(value);
}

std::string PrintI128(__int128 value, int scale) {
  const bool negative = value < 0;
  unsigned __int128 rest =
      negative ? -static_cast<unsigned __int128>(value) : static_cast<unsigned __int128>(value);
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  } while (rest != 0);
  if (scale > 0) {
    while (static_cast<int>(digits.size()) <= scale) digits.insert(digits.begin(), '0');
    digits.insert(digits.size() - static_cast<std::size_t>(scale), ".");
    while (digits.back() == '0') digits.pop_back();
    if (digits.back() == '.') digits.pop_back();
  }
  return (negative ? "-" : "") + digits;
}

std::string PrintUuid(std::string_view bytes) {
  const std::uint64_t high = Little(bytes.substr(0, 8)), low = Little(bytes.substr(8, 8));
  char text[40];
  std::snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%012llx", static_cast<unsigned>(high >> 32),
                static_cast<unsigned>(high >> 16 & 0xffff), static_cast<unsigned>(high & 0xffff),
                static_cast<unsigned>(low >> 48),
                static_cast<unsigned long long>(low & 0xffffffffffffULL));
  return text;
}

}  // namespace

// Values of one column, by shape: ints (integer, time in ns, enumeration), wide, reals, texts
// (views), and for nested ones the ends of each row's items in the children.
struct Rows::Column {
  Type type;
  std::shared_ptr<const std::string> bytes;
  std::vector<bool> nulls;  // only when nullable
  std::vector<std::int64_t> ints;
  std::vector<__int128> wides;
  std::vector<double> reals;
  std::vector<std::string_view> texts;
  std::vector<std::size_t> ends;
  std::vector<Column> children;
  mutable std::deque<std::string> printed;  // what text() made

  void Prepare() {
    for (const Type& inner : type.inner) {
      Column child;
      child.type = inner;
      child.Prepare();
      children.push_back(std::move(child));
    }
  }
  bool Read(Reader* reader);
  bool ReadValue(Reader* reader);
  void PushDefault();
  bool null(std::size_t row) const { return type.nullable && nulls[row]; }
  std::int64_t AsInt(std::size_t row) const;
  __int128 AsWide(std::size_t row) const;
  double AsReal(std::size_t row) const;
  void Print(std::size_t row, bool json, std::string* out) const;
  std::size_t begin(std::size_t row) const { return row == 0 ? 0 : ends[row - 1]; }
};

bool Rows::Column::Read(Reader* reader) {
  if (type.nullable) {
    std::string_view flag;
    if (!reader->Take(1, &flag)) return false;
    nulls.push_back(flag[0] != 0);
    if (flag[0] != 0) {
      PushDefault();
      return true;
    }
  }
  return ReadValue(reader);
}

void Rows::Column::PushDefault() {
  switch (type.shape) {
    case Shape::integer:
    case Shape::time:
    case Shape::enumeration: ints.push_back(0); break;
    case Shape::wide:
    case Shape::decimal: wides.push_back(0); break;
    case Shape::real: reals.push_back(std::numeric_limits<double>::quiet_NaN()); break;
    case Shape::text:
    case Shape::uuid:
    case Shape::ipv6: texts.emplace_back(); break;
    case Shape::array:
    case Shape::map: ends.push_back(ends.empty() ? 0 : ends.back()); break;
    case Shape::tuple:
      for (Column& child : children) child.PushDefault();
      break;
    case Shape::nothing: break;
  }
}

bool Rows::Column::ReadValue(Reader* reader) {
  std::string_view raw;
  const auto fixed = static_cast<std::size_t>(type.bytes);
  switch (type.shape) {
    case Shape::nothing: return true;
    case Shape::integer:
    case Shape::enumeration:
      if (!reader->Take(fixed, &raw)) return false;
      ints.push_back(SignedLittle(raw, type.is_signed));
      return true;
    case Shape::time:
      if (!reader->Take(fixed, &raw)) return false;
      ints.push_back(SignedLittle(raw, type.is_signed) * type.to_ns);
      return true;
    case Shape::wide:
    case Shape::decimal: {
      if (!reader->Take(fixed, &raw)) return false;
      __int128 value = 0;
      if (fixed == 16)
        std::memcpy(&value, raw.data(), 16);
      else
        value = SignedLittle(raw, true);
      wides.push_back(value);
      return true;
    }
    case Shape::real:
      if (!reader->Take(fixed, &raw)) return false;
      if (fixed == 8)
        reals.push_back(std::bit_cast<double>(Little(raw)));
      else
        reals.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(Little(raw))));
      return true;
    case Shape::text:
      if (!(fixed > 0 ? reader->Take(fixed, &raw) : reader->Text(&raw))) return false;
      texts.push_back(raw);
      return true;
    case Shape::uuid:
    case Shape::ipv6:
      if (!reader->Take(fixed, &raw)) return false;
      texts.push_back(raw);
      return true;
    case Shape::array:
    case Shape::map: {
      std::uint64_t n = 0;
      if (!reader->Varint(&n)) return false;
      for (std::uint64_t i = 0; i < n; ++i) {
        for (Column& child : children) {
          if (!child.Read(reader)) return false;
        }
      }
      ends.push_back((ends.empty() ? 0 : ends.back()) + n);
      return true;
    }
    case Shape::tuple:
      for (Column& child : children) {
        if (!child.Read(reader)) return false;
      }
      return true;
  }
  return false;
}

std::int64_t Rows::Column::AsInt(std::size_t row) const {
  if (null(row)) return 0;
  switch (type.shape) {
    case Shape::integer:
    case Shape::time:
    case Shape::enumeration: return ints[row];
    case Shape::wide: return static_cast<std::int64_t>(wides[row]);
    case Shape::decimal:
      return static_cast<std::int64_t>(wides[row] / PowerOfTen(std::min(type.scale, 18)));
    case Shape::real: return std::isnan(reals[row]) ? 0 : static_cast<std::int64_t>(reals[row]);
    default: return 0;
  }
}

__int128 Rows::Column::AsWide(std::size_t row) const {
  if (null(row)) return 0;
  if (type.shape == Shape::wide || type.shape == Shape::decimal) return wides[row];
  if (type.shape == Shape::integer && !type.is_signed) return static_cast<std::uint64_t>(ints[row]);
  return AsInt(row);
}

double Rows::Column::AsReal(std::size_t row) const {
  if (null(row)) return std::numeric_limits<double>::quiet_NaN();
  switch (type.shape) {
    case Shape::real: return reals[row];
    case Shape::integer:
      return type.is_signed ? static_cast<double>(ints[row])
                            : static_cast<double>(static_cast<std::uint64_t>(ints[row]));
    case Shape::time:
    case Shape::enumeration: return static_cast<double>(ints[row]);
    case Shape::wide: return static_cast<double>(wides[row]);
    case Shape::decimal: return static_cast<double>(wides[row]) / std::pow(10.0, type.scale);
    default: return std::numeric_limits<double>::quiet_NaN();
  }
}

void Rows::Column::Print(std::size_t row, bool json, std::string* out) const {
  const auto quoted = [&](std::string_view text) {
    if (json)
      base::AppendJsonString(text, out);
    else
      out->append(text);
  };
  if (type.shape == Shape::nothing || null(row)) {
    if (json) out->append("null");
    return;
  }
  switch (type.shape) {
    case Shape::integer:
      if (type.boolean)
        out->append(ints[row] != 0 ? "true" : "false");
      else
        out->append(type.is_signed ? std::to_string(ints[row])
                                   : std::to_string(static_cast<std::uint64_t>(ints[row])));
      return;
    case Shape::time: return quoted(base::FormatTime(ints[row]));
    case Shape::enumeration:
      for (const auto& [value, name] : type.names) {
        if (value == ints[row]) return quoted(name);
      }
      return quoted(std::to_string(ints[row]));
    case Shape::wide:
    case Shape::decimal: out->append(PrintI128(wides[row], type.scale)); return;
    case Shape::real:
      if (!json && !std::isfinite(reals[row]))
        out->append(std::isnan(reals[row]) ? "nan" : reals[row] > 0 ? "inf" : "-inf");
      else
        base::AppendJsonNumber(reals[row], out);
      return;
    case Shape::text: return quoted(texts[row]);
    case Shape::uuid: return quoted(PrintUuid(texts[row]));
    case Shape::ipv6: {
      std::string text;
      char part[8];
      for (int i = 0; i < 16; i += 2) {
        std::snprintf(part, sizeof part, "%s%02x%02x", i == 0 ? "" : ":",
                      static_cast<unsigned char>(texts[row][static_cast<std::size_t>(i)]),
                      static_cast<unsigned char>(texts[row][static_cast<std::size_t>(i) + 1]));
        text += part;
      }
      return quoted(text);
    }
    case Shape::array:
    case Shape::map: {
      const bool map = type.shape == Shape::map;
      out->push_back(map ? '{' : '[');
      for (std::size_t i = begin(row); i < ends[row]; ++i) {
        if (i > begin(row)) out->push_back(',');
        if (map) {
          std::string key;
          children[0].Print(i, false, &key);
          base::AppendJsonString(key, out);
          out->push_back(':');
        }
        children[map ? 1 : 0].Print(i, true, out);
      }
      out->push_back(map ? '}' : ']');
      return;
    }
    case Shape::tuple:
      out->push_back('[');
      for (std::size_t i = 0; i < children.size(); ++i) {
        if (i > 0) out->push_back(',');
        children[i].Print(row, true, out);
      }
      out->push_back(']');
      return;
    case Shape::nothing: return;
  }
}

base::Result<Rows> Rows::Parse(std::string answer) {
  const auto bytes = std::make_shared<const std::string>(std::move(answer));
  const auto broken = [](const char* where) {
    return base::Failed(std::string("the engine's answer is cut short in ") + where);
  };
  Rows rows;
  if (bytes->empty()) return rows;  // a statement without rows
  Reader reader(*bytes);
  std::uint64_t n = 0;
  if (!reader.Varint(&n) || n > 100'000) return broken("its head");
  std::string_view text;
  for (std::uint64_t i = 0; i < n; ++i) {
    if (!reader.Text(&text)) return broken("the names");
    rows.names_.emplace_back(text);
  }
  for (std::uint64_t i = 0; i < n; ++i) {
    if (!reader.Text(&text)) return broken("the types");
    rows.types_.emplace_back(text);
    auto column = std::make_shared<Column>();
    if (!ParseType(text, &column->type))
      return base::Unsupported("no reader for the type " + std::string(text));
    column->bytes = bytes;
    column->Prepare();
    rows.columns_.push_back(std::move(column));
  }
  while (!reader.empty() && n > 0) {
    for (const auto& column : rows.columns_) {
      if (!column->Read(&reader)) return broken("its rows");
    }
    ++rows.rows_;
  }
  return rows;
}

int Rows::column(std::string_view name) const {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i] == name) return static_cast<int>(i);
  }
  return -1;
}

int Rows::Must(std::string_view name) const {
  const int at = column(name);
  CHECK(at >= 0, std::string(name).c_str());
  return at;
}

bool Rows::is_null(std::size_t row, int column) const {
  const Column& c = *columns_[static_cast<std::size_t>(column)];
  return c.type.shape == Shape::nothing || c.null(row);
}
std::int64_t Rows::i64(std::size_t row, int column) const {
  return columns_[static_cast<std::size_t>(column)]->AsInt(row);
}
std::uint64_t Rows::u64(std::size_t row, int column) const {
  return static_cast<std::uint64_t>(i64(row, column));
}
__int128 Rows::i128(std::size_t row, int column) const {
  return columns_[static_cast<std::size_t>(column)]->AsWide(row);
}
double Rows::f64(std::size_t row, int column) const {
  return columns_[static_cast<std::size_t>(column)]->AsReal(row);
}

std::string_view Rows::text(std::size_t row, int column) const {
  const Column& c = *columns_[static_cast<std::size_t>(column)];
  if (c.type.shape == Shape::text) return c.texts[row];
  std::string out;
  c.Print(row, false, &out);
  c.printed.push_back(std::move(out));
  return c.printed.back();
}

model::Attributes Rows::attributes(std::size_t row, int column) const {
  const Column& c = *columns_[static_cast<std::size_t>(column)];
  model::Attributes out;
  if (c.type.shape != Shape::map) return out;
  for (std::size_t i = c.begin(row); i < c.ends[row]; ++i) {
    std::string key, value;
    c.children[0].Print(i, false, &key);
    c.children[1].Print(i, false, &value);
    out.set(key, value);
  }
  return out;
}

std::vector<double> Rows::f64s(std::size_t row, int column) const {
  const Column& c = *columns_[static_cast<std::size_t>(column)];
  std::vector<double> out;
  if (c.type.shape != Shape::array) return out;
  for (std::size_t i = c.begin(row); i < c.ends[row]; ++i) out.push_back(c.children[0].AsReal(i));
  return out;
}

std::vector<std::uint64_t> Rows::u64s(std::size_t row, int column) const {
  const Column& c = *columns_[static_cast<std::size_t>(column)];
  std::vector<std::uint64_t> out;
  if (c.type.shape != Shape::array) return out;
  for (std::size_t i = c.begin(row); i < c.ends[row]; ++i)
    out.push_back(static_cast<std::uint64_t>(c.children[0].AsInt(i)));
  return out;
}

}  // namespace strata::store
