// SPDX-License-Identifier: Apache-2.0
// Reads the data part of Python pickles, protocols 0 to 5, and nothing else. Whatever names a
// class, a function or a persistent object (GLOBAL, STACK_GLOBAL, INST, OBJ, REDUCE, BUILD, NEWOBJ,
// EXT, PERSID) is refused with that name: nothing is ever imported or called. Pure, any thread.
// Opcodes: CPython, Lib/pickletools.py.
#pragma once

#include <string_view>

#include "base/status.h"
#include "l2_comm/plain.h"

namespace strata::l2_comm {

// The tree of the first pickle in `bytes`; texts in it point into `bytes`, which must outlive it.
// Tuples and sets come as lists, bytes as text, integers beyond 64 bits as reals. Code::denied: it
// wants to import or call something (the message names it); invalid: damaged or cut; exhausted: a
// limit was reached.
base::Result<Plain> ReadPickle(std::string_view bytes, const PlainLimits& limits = {});

// Protocol 2 and later: its first bytes.
inline bool LooksPickle(std::string_view head) {
  return head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5;
}

}  // namespace strata::l2_comm
