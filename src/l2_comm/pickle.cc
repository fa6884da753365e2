// SPDX-License-Identifier: Apache-2.0
// A stack machine over the data opcodes. Every opcode pushes at most one value, so values, stack
// and memo are bounded by the input and by the limits.
#include "l2_comm/pickle.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <unordered_map>

namespace strata::l2_comm {
namespace {

using base::Status;
using Type = Plain::Type;

// Names and texts of a hostile pickle go into messages: short and printable.
std::string Shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 80)) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

class Machine {
 public:
  Machine(std::string_view in, const PlainLimits& limits) : in_(in), limits_(limits) {}

  base::Result<Plain> Run() {
    for (;;) {
      if (at_ >= in_.size()) return base::Invalid("a pickle without its end (STOP)");
      const auto op = static_cast<unsigned char>(in_[at_++]);
      if (op == '.') {
        if (stack_.empty() || !marks_.empty()) return base::Invalid("a pickle with no result");
        out_.set_root(stack_.back());
        return std::move(out_);
      }
      if (Status status = Step(op); !status.ok())
        return status.With("pickle, byte " + std::to_string(at_ - 1));
      if (out_.size() > limits_.values || memo_.size() > limits_.values)
        return base::Exhausted("a pickle of more than " + std::to_string(limits_.values) +
                               " values");
    }
  }

 private:
  Status Step(unsigned char op);
  Status StepNumber(unsigned char op);
  Status StepText(unsigned char op);
  Status StepContainer(unsigned char op);
  Status StepMemo(unsigned char op);
  Status Refuse(unsigned char op);

  bool Take(std::uint64_t n, std::string_view* out) {
    if (n > in_.size() - at_) return false;
    *out = in_.substr(at_, n);
    at_ += n;
    return true;
  }
  // Little-endian, as all binary arguments are.
  bool Count(int bytes, std::uint64_t* out) {
    std::string_view raw;
    if (!Take(static_cast<std::uint64_t>(bytes), &raw)) return false;
    *out = 0;
    for (int i = bytes; i-- > 0;) *out = *out << 8 | static_cast<unsigned char>(raw[i]);
    return true;
  }
  bool Line(std::string_view* out) {
    const std::size_t end = in_.find('\n', at_);
    if (end == std::string_view::npos) return false;
    *out = in_.substr(at_, end - at_);
    at_ = end + 1;
    return true;
  }
  static Status Cut() { return base::Invalid("it is cut"); }
  static Status Damaged() { return base::Invalid("it is damaged"); }

  void Push(std::uint32_t node) { stack_.push_back(node); }
  Plain::Node& PushNew(Type type) {
    Push(out_.Add(type));
    return out_.node(stack_.back());
  }
  void PushInteger(std::int64_t v) { PushNew(Type::integer).integer = v; }
  void PushBool(bool v) { PushNew(Type::boolean).integer = v ? 1 : 0; }
  void PushText(std::string_view v) { PushNew(Type::text).text = v; }
  Status PushLong(std::string_view little_endian);
  Status PushDecimal(std::string_view digits);

  // Values above the newest mark: [mark, stack end). False without a mark.
  bool PopMark(std::size_t* from) {
    if (marks_.empty()) return false;
    *from = marks_.back();
    marks_.pop_back();
    return *from <= stack_.size();
  }
  // What may be taken off without digging below the newest mark.
  std::size_t Above() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }
  Status Collect(Type type, std::size_t from);
  Status ExtendTop(Type type, std::size_t from);

  std::string_view in_;
  const PlainLimits& limits_;
  std::size_t at_ = 0;
  Plain out_;
  std::vector<std::uint32_t> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, std::uint32_t> memo_;
};

Status Machine::Step(unsigned char op) {
  switch (op) {
    case 0x80:    // PROTO
    case 0x95: {  // FRAME: a hint for readers of streams
      std::uint64_t n = 0;
      if (!Count(op == 0x80 ? 1 : 8, &n)) return Cut();
      if (op == 0x80 && n > 5) return base::Unsupported("protocol " + std::to_string(n));
      return Status::Ok();
    }
    case 'N': PushNew(Type::none); return Status::Ok();
    case 0x88:
    case 0x89: PushBool(op == 0x88); return Status::Ok();
    case '(':
      if (marks_.size() >= limits_.depth) return base::Exhausted("nested too deep");
      marks_.push_back(stack_.size());
      return Status::Ok();
    case '0':  // POP takes a mark where one is on top
      if (Above() > 0) {
        stack_.pop_back();
      } else if (!marks_.empty()) {
        marks_.pop_back();
      } else {
        return Damaged();
      }
      return Status::Ok();
    case '1': {  // POP_MARK
      std::size_t from = 0;
      if (!PopMark(&from)) return Damaged();
      stack_.resize(from);
      return Status::Ok();
    }
    case '2':  // DUP
      if (Above() == 0) return Damaged();
      if (stack_.size() >= limits_.values) return base::Exhausted("too many values");
      Push(stack_.back());
      return Status::Ok();
    case 'F':
    case 'G':
    case 'I':
    case 'J':
    case 'K':
    case 'M':
    case 'L':
    case 0x8a:
    case 0x8b: return StepNumber(op);
    case 'S':
    case 'T':
    case 'U':
    case 'V':
    case 'X':
    case 'B':
    case 'C':
    case 0x8c:
    case 0x8d:
    case 0x8e:
    case 0x96: return StepText(op);
    case 'g':
    case 'h':
    case 'j':
    case 'p':
    case 'q':
    case 'r':
    case 0x94: return StepMemo(op);
    case 'a':
    case 'd':
    case 'e':
    case 'l':
    case 's':
    case 't':
    case 'u':
    case '}':
    case ']':
    case ')':
    case 0x85:
    case 0x86:
    case 0x87:
    case 0x8f:
    case 0x90:
    case 0x91: return StepContainer(op);
    default: return Refuse(op);
  }
}

Status Machine::PushLong(std::string_view raw) {
  if (raw.size() <= 8) {
    std::uint64_t v = !raw.empty() && (raw.back() & 0x80) != 0 ? ~0ULL : 0;
    for (std::size_t i = raw.size(); i-- > 0;) v = v << 8 | static_cast<unsigned char>(raw[i]);
    PushInteger(std::bit_cast<std::int64_t>(v));
    return Status::Ok();
  }
  if (raw.size() > 128) return base::Exhausted("an integer of more than 1024 bits");
  double v = (raw.back() & 0x80) != 0 ? -1 : 0;
  for (std::size_t i = raw.size(); i-- > 0;) v = v * 256 + static_cast<unsigned char>(raw[i]);
  PushNew(Type::real).real = v;
  return Status::Ok();
}

Status Machine::PushDecimal(std::string_view digits) {
  if (digits.ends_with('L')) digits.remove_suffix(1);
  std::int64_t v = 0;
  const char* end = digits.data() + digits.size();
  if (const auto r = std::from_chars(digits.data(), end, v); r.ec == std::errc() && r.ptr == end) {
    PushInteger(v);
    return Status::Ok();
  }
  double d = 0;
  const auto r = std::from_chars(digits.data(), end, d);
  if (r.ec != std::errc() || r.ptr != end) return Damaged();
  PushNew(Type::real).real = d;
  return Status::Ok();
}

Status Machine::StepNumber(unsigned char op) {
  std::uint64_t n = 0;
  std::string_view raw;
  switch (op) {
    case 'J':
      if (!Count(4, &n)) return Cut();
      PushInteger(static_cast<std::int32_t>(static_cast<std::uint32_t>(n)));
      return Status::Ok();
    case 'K':
    case 'M':
      if (!Count(op == 'K' ? 1 : 2, &n)) return Cut();
      PushInteger(static_cast<std::int64_t>(n));
      return Status::Ok();
    case 0x8a:
    case 0x8b:
      if (!Count(op == 0x8a ? 1 : 4, &n) || !Take(n, &raw)) return Cut();
      return PushLong(raw);
    case 'G': {
      if (!Take(8, &raw)) return Cut();
      std::uint64_t bits = 0;  // big-endian, the one exception
      for (const char c : raw) bits = bits << 8 | static_cast<unsigned char>(c);
      PushNew(Type::real).real = std::bit_cast<double>(bits);
      return Status::Ok();
    }
    default:  // 'I', 'L', 'F': decimal lines
      if (!Line(&raw)) return Cut();
      if (op == 'I' && (raw == "00" || raw == "01")) {
        PushBool(raw == "01");
        return Status::Ok();
      }
      if (op != 'F') return PushDecimal(raw);
      double d = 0;
      const auto r = std::from_chars(raw.data(), raw.data() + raw.size(), d);
      if (r.ec != std::errc() || r.ptr != raw.data() + raw.size()) return Damaged();
      PushNew(Type::real).real = d;
      return Status::Ok();
  }
}

void AppendUtf8(std::uint32_t c, std::string* out) {
  if (c >= 0x110000 || (c >= 0xd800 && c < 0xe000)) c = 0xfffd;
  if (c < 0x80) {
    *out += static_cast<char>(c);
    return;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr unsigned kLead[] = {0, 0xc0, 0xe0, 0xf0};
  *out += static_cast<char>(kLead[more] | c >> (6 * more));
  for (int i = more; i-- > 0;) *out += static_cast<char>(0x80 | (c >> (6 * i) & 0x3f));
}

// Python's escapes in a protocol 0 text; only \uXXXX and \UXXXXXXXX where `raw`.
std::string Unescape(std::string_view text, bool raw) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      if (raw)
        AppendUtf8(static_cast<unsigned char>(text[i]), &out);  // Latin-1
      else
        out += text[i];
      continue;
    }
    const char kind = text[++i];
    const std::size_t digits = kind == 'u' ? 4 : kind == 'U' ? 8 : kind == 'x' && !raw ? 2 : 0;
    if (digits > 0 && i + digits < text.size()) {
      std::uint32_t c = 0;
      const char* from = text.data() + i + 1;
      if (const auto r = std::from_chars(from, from + digits, c, 16); r.ptr == from + digits) {
        AppendUtf8(c, &out);
        i += digits;
        continue;
      }
    }
    if (raw) {
      out += '\\';
      out += kind;
    } else {
      out += kind == 'n' ? '\n' : kind == 't' ? '\t' : kind == 'r' ? '\r' : kind;
    }
  }
  return out;
}

Status Machine::StepText(unsigned char op) {
  std::uint64_t n = 0;
  std::string_view raw;
  if (op == 'S' || op == 'V') {
    if (!Line(&raw)) return Cut();
    if (op == 'S') {
      if (raw.size() < 2 || raw.front() != raw.back() || (raw[0] != '\'' && raw[0] != '"'))
        return Damaged();
      raw = raw.substr(1, raw.size() - 2);
    }
    const bool plain = std::all_of(raw.begin(), raw.end(), [](char c) {
      return c != '\\' && static_cast<signed char>(c) >= 0;
    });
    PushText(plain ? raw : out_.Keep(Unescape(raw, op == 'V')));
    return Status::Ok();
  }
  const int width = op == 'U' || op == 'C' || op == 0x8c     ? 1
                    : op == 0x8d || op == 0x8e || op == 0x96 ? 8
                                                             : 4;
  if (!Count(width, &n) || !Take(n, &raw)) return Cut();
  PushText(raw);
  return Status::Ok();
}

Status Machine::StepMemo(unsigned char op) {
  std::uint64_t id = memo_.size();  // MEMOIZE counts by itself
  if (op == 'g' || op == 'p') {
    std::string_view line;
    if (!Line(&line)) return Cut();
    const auto r = std::from_chars(line.data(), line.data() + line.size(), id);
    if (r.ec != std::errc() || r.ptr != line.data() + line.size()) return Damaged();
  } else if (op != 0x94 && !Count(op == 'h' || op == 'q' ? 1 : 4, &id)) {
    return Cut();
  }
  if (op == 'g' || op == 'h' || op == 'j') {
    const auto it = memo_.find(id);
    if (it == memo_.end()) return Damaged();
    if (stack_.size() >= limits_.values) return base::Exhausted("too many values");
    Push(it->second);
    return Status::Ok();
  }
  if (Above() == 0) return Damaged();
  memo_[id] = stack_.back();
  return Status::Ok();
}

// A new container of what stands above `from`.
Status Machine::Collect(Type type, std::size_t from) {
  if (type == Type::dict && (stack_.size() - from) % 2 != 0) return Damaged();
  const std::uint32_t node = out_.Add(type);
  out_.node(node).items.assign(stack_.begin() + static_cast<std::ptrdiff_t>(from), stack_.end());
  stack_.resize(from);
  Push(node);
  return Status::Ok();
}

// What stands above `from` goes into the container below it.
Status Machine::ExtendTop(Type type, std::size_t from) {
  if (from == 0 || from > stack_.size()) return Damaged();
  Plain::Node& into = out_.node(stack_[from - 1]);
  if (into.type != type || (type == Type::dict && (stack_.size() - from) % 2 != 0))
    return Damaged();
  into.items.insert(into.items.end(), stack_.begin() + static_cast<std::ptrdiff_t>(from),
                    stack_.end());
  stack_.resize(from);
  return Status::Ok();
}

Status Machine::StepContainer(unsigned char op) {
  std::size_t from = stack_.size();
  switch (op) {
    case '}':
    case ']':
    case ')':
    case 0x8f: return Collect(op == '}' ? Type::dict : Type::list, from);
    case 0x85:
    case 0x86:
    case 0x87:
      if (Above() < static_cast<std::size_t>(op - 0x84)) return Damaged();
      return Collect(Type::list, from - static_cast<std::size_t>(op - 0x84));
    case 'a': return Above() < 2 ? Damaged() : ExtendTop(Type::list, from - 1);
    case 's': return Above() < 3 ? Damaged() : ExtendTop(Type::dict, from - 2);
    default: break;
  }
  if (!PopMark(&from)) return Damaged();
  switch (op) {
    case 'd': return Collect(Type::dict, from);
    case 'l':
    case 't':
    case 0x91: return Collect(Type::list, from);
    case 'u': return ExtendTop(Type::dict, from);
    default:  // 'e', ADDITEMS
      return ExtendTop(Type::list, from);
  }
}

// Everything that would import, call or look up something.
Status Machine::Refuse(unsigned char op) {
  std::string_view module, name;
  switch (op) {
    case 'c':
    case 'i':
      if (!Line(&module) || !Line(&name)) return Cut();
      return base::Denied("it imports " + Shown(module) + "." + Shown(name) +
                          ": refused, only plain data is read");
    case 0x93:  // STACK_GLOBAL
      if (Above() < 2) return Damaged();
      module = out_.node(stack_[stack_.size() - 2]).text;
      name = out_.node(stack_.back()).text;
      return base::Denied("it imports " + Shown(module) + "." + Shown(name) +
                          ": refused, only plain data is read");
    case 'P':
      if (!Line(&name)) return Cut();
      return base::Denied("it asks for the persistent object " + Shown(name) + ": refused");
    case 'Q': return base::Denied("it asks for a persistent object: refused");
    case 'R':
    case 'b':
    case 'o':
    case 0x81:
    case 0x92:
      return base::Denied("it calls or builds an object: refused, only plain data is read");
    case 0x82:
    case 0x83:
    case 0x84: return base::Denied("it uses the extension registry: refused");
    case 0x97:
    case 0x98: return base::Unsupported("out-of-band buffers");
    default: return base::Invalid("no pickle opcode: " + std::to_string(op));
  }
}

}  // namespace

base::Result<Plain> ReadPickle(std::string_view bytes, const PlainLimits& limits) {
  return Machine(bytes, limits).Run();
}

}  // namespace strata::l2_comm
