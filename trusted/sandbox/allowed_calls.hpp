// The system calls of a subject: what both host MPIs, their launchers, the C library, Fortran, Python and common
// tools make. Anything else is refused, whatever a later kernel adds as well.
#pragma once

#include <span>

namespace sluice::sandbox {

/// Numbers of one purpose, as libseccomp counts them. seccomp.cpp limits the arguments of some.
std::span<const std::span<const int>> allowed_calls() noexcept;

}  // namespace sluice::sandbox
