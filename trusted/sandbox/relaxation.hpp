// A part of the sandbox that is less tight than it can be.
#pragma once

#include <string>

namespace sluice::sandbox {

/// Because this host cannot give more, or because the policy says so. Every one is in the summary and the audit log.
struct Relaxation {
  std::string name;     ///< always the same for the same part; docs/sandbox.md lists them
  std::string subject;  ///< whose sandbox; empty for every one
  std::string what;     ///< in one sentence without a full stop
};

}  // namespace sluice::sandbox
