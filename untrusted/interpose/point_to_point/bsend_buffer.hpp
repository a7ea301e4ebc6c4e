// The buffer that the program has attached for buffered sends.
#pragma once

#include <cstdint>

namespace sluice::interpose {

/// Whether a buffered send of `bytes` bytes fits the attached buffer. To another subject a buffered send takes the
/// transmit ring and leaves the buffer as it is; but a program that would fail with MPI_ERR_BUFFER elsewhere fails here
/// too (MPI 3.1, section 3.6).
bool bsend_buffer_holds(std::uint64_t bytes) noexcept;

}  // namespace sluice::interpose
