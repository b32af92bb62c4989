#pragma once

namespace coppice::worker {

/// FP16 as the compiler has it.
#if defined(__clang__) && __clang_major__ < 15
using binary16 = __fp16;  // _Float16 came to x86 with clang 15
#else
using binary16 = _Float16;
#endif

}  // namespace coppice::worker
